"""Response distillation by the cross-entropy of temperature-softened features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from sigkd.distillation.losses import LOSSES, Loss, StudentOutput, Targets
from sigkd.distillation.signals import Signal
from sigkd.distillation.signals.response import Response
from sigkd.errors import UsageError


def temperature_cross_entropy(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return -sum_i q_i log p_i, averaged over the batch, with p, q = softmax(feature / temperature) (paper, Eq. 4-5).

    Args:
        student: raw features [B, K]; p.
        teacher: raw features [B, K]; q, the target.
        temperature: the paper's 10 softens the 2048-way distribution.

    >>> import torch
    >>> round(float(temperature_cross_entropy(torch.zeros(1, 4), torch.ones(1, 4), 10.0)), 4)  # ln 4
    1.3863
    """
    target = (teacher.float() / temperature).softmax(dim=1)
    return -(target * (student.float() / temperature).log_softmax(dim=1)).sum(dim=1).mean()


@LOSSES.register("tce")
class TemperatureCrossEntropy(Loss):
    """``tce``: :func:`temperature_cross_entropy` of the responses.

    Its gradient falls with the square of the temperature: at 10 and the paper's weight it is some 1e-7 of the
    classification's, so that the term does nothing.

    Args:
        temperature: divides the features of both.
        squared: multiply the term by the squared temperature (100), as lines of the release do that are commented out,
            and Hinton et al. 2015, so that its gradient is of one size whatever the temperature.
    """

    weights: ClassVar[Mapping[str, float]] = {"tce": 0.001}
    signals: tuple[Signal, ...] = (Response(),)

    def __init__(self, temperature: float = 10.0, squared: bool = False) -> None:
        if not temperature > 0:
            raise UsageError(f"the setting 'tce.temperature' must be greater than 0, not {temperature}")
        self.temperature = temperature
        self.factor = temperature**2 if squared else 1.0

    def __call__(self, student: StudentOutput, targets: Targets, response: Tensor) -> dict[str, Tensor]:
        """Return ``tce``."""
        return {"tce": self.factor * temperature_cross_entropy(student.response, response, self.temperature)}
