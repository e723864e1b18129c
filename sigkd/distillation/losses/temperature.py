"""Response distillation by the cross-entropy of temperature-softened features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from sigkd.distillation.losses.base import LOSSES, Loss, Needs, StudentOutput, Supervision, Targets


def temperature_cross_entropy(student: Tensor, teacher: Tensor, temperature: float = 10.0) -> Tensor:
    """Return -sum_i q_i log p_i, averaged over the batch, with p, q = softmax(feature / temperature) (paper, Eq. 4-5).

    Args:
        student: raw features [B, K]; p.
        teacher: raw features [B, K]; q, the target.
        temperature: the paper's 10 softens the 2048-way distribution.

    >>> import torch
    >>> round(float(temperature_cross_entropy(torch.zeros(1, 4), torch.ones(1, 4))), 4)  # ln 4
    1.3863
    """
    target = (teacher.float() / temperature).softmax(dim=1)
    return -(target * (student.float() / temperature).log_softmax(dim=1)).sum(dim=1).mean()


@LOSSES.register("tce")
class TemperatureCrossEntropy(Loss):
    """``tce``: :func:`temperature_cross_entropy` of the responses, weight 0.001."""

    weights: ClassVar[Mapping[str, float]] = {"tce": 0.001}
    needs: ClassVar[Needs] = Needs.RESPONSE

    def __init__(self, temperature: float = 10.0) -> None:
        self.temperature = temperature

    def __call__(self, student: StudentOutput, targets: Targets, supervision: Supervision | None) -> dict[str, Tensor]:
        """Return ``tce``."""
        if supervision is None or supervision.response is None:
            raise ValueError("the temperature cross-entropy needs a teacher's response")
        return {"tce": temperature_cross_entropy(student.response, supervision.response, self.temperature)}
