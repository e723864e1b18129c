"""What Barlow Twins and Barlow Colleagues have in common."""

from __future__ import annotations

from torch import Tensor

from sigkd.distillation.correlation import cross_correlation
from sigkd.distillation.losses import Loss, StudentOutput, Targets
from sigkd.distillation.signals import Signal
from sigkd.distillation.signals.response import Response


class RedundancyReduction(Loss):
    """Base of ``bt`` and ``bc``: one term, of the cross-correlation of the responses over the global batch.

    Args:
        redundancy: the paper's lambda; its 0.0001 is a fiftieth of Zbontar et al.'s 0.005.
    """

    signals: tuple[Signal, ...] = (Response(),)

    @staticmethod
    def term(correlation: Tensor, redundancy: float) -> Tensor:
        """Return the loss of a cross-correlation, [K, K]."""
        raise NotImplementedError

    def __init__(self, redundancy: float = 1e-4) -> None:
        self.redundancy = redundancy

    def __call__(self, student: StudentOutput, targets: Targets, response: Tensor) -> dict[str, Tensor]:
        """Return the term under its name."""
        (name,) = self.weights
        return {name: self.term(cross_correlation(student.response, response), self.redundancy)}
