"""The forgery term of SigNet-F: a second head that tells skilled forgeries from genuine signatures of anyone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from sigkd.distillation.config import SIGNET_F_LAMBDA
from sigkd.distillation.losses import LOSSES, Loss, StudentOutput, Targets


@LOSSES.register("forgery")
class ForgeryLoss(Loss):
    """``forgery``: binary cross-entropy of the forgery head, averaged over the batch.

    Hafemann et al. 2017, Eq. 4: (1 - lambda) * classification of the genuine + lambda * forgery, lambda = 0.95; the two
    weights are set together by ``train-teacher --lamb``.
    """

    weights: ClassVar[Mapping[str, float]] = {"forgery": SIGNET_F_LAMBDA}

    def __call__(self, student: StudentOutput, targets: Targets) -> dict[str, Tensor]:
        """Return ``forgery``."""
        if student.forgery is None or targets.forged is None:
            raise ValueError("the forgery loss needs a forgery head and labelled forgeries")
        return {"forgery": functional.binary_cross_entropy_with_logits(student.forgery.float(), targets.forged)}
