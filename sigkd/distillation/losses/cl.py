"""Classification of the writer: the task that the student learns besides its teacher."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from sigkd.distillation.losses import LOSSES, Loss, StudentOutput, Targets


@LOSSES.register("cl")
class ClassificationLoss(Loss):
    """Cross-entropy of the writer, averaged over the batch (paper, ``classL`` in Eq. 9).

    Logits [B, C] and classes [B]. With ``forged`` images in the batch only the genuine ones count (Hafemann et al.
    2017, Eq. 4: a skilled forgery has no writer to be recognised).

    >>> import torch
    >>> student = StudentOutput((), torch.zeros(1, 4), torch.zeros(1, 2))
    >>> value = ClassificationLoss(0.0)(student, Targets(torch.tensor([1])))["cl"]
    >>> round(float(value), 4)  # ln 2
    0.6931
    """

    weights: ClassVar[Mapping[str, float]] = {"cl": 1.0}

    def __init__(self, label_smoothing: float) -> None:
        self.label_smoothing = label_smoothing

    def __call__(self, student: StudentOutput, targets: Targets) -> dict[str, Tensor]:
        """Return ``cl``."""
        if student.logits is None:
            raise ValueError("the student has no classification layer")
        logits, writers = student.logits.float(), targets.writers
        if targets.forged is None:
            return {"cl": functional.cross_entropy(logits, writers, label_smoothing=self.label_smoothing)}
        each = functional.cross_entropy(logits, writers, label_smoothing=self.label_smoothing, reduction="none")
        genuine = 1.0 - targets.forged
        return {"cl": (each * genuine).sum() / genuine.sum().clamp_min(1.0)}
