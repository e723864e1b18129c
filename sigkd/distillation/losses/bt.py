"""Barlow Twins between student and teacher: element i of one correlates with element i of the other alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from sigkd.distillation.correlation import cross_correlation
from sigkd.distillation.losses import LOSSES, Loss, StudentOutput, Targets
from sigkd.distillation.signals import Signal
from sigkd.distillation.signals.response import Response


def barlow_twins_loss(correlation: Tensor, redundancy: float) -> Tensor:
    """Return sum_i (1 - C_ii)^2 + redundancy * sum_{i, j != i} C_ij^2 (paper, Eq. 7).

    Sums, not means (Zbontar et al. 2021).

    Args:
        correlation: C, float32 [K, K], rows = student elements.
        redundancy: lambda.

    >>> import torch
    >>> float(barlow_twins_loss(torch.zeros(3, 3), 1e-4))
    3.0
    """
    diagonal = correlation.diagonal()
    others = correlation.square().sum() - diagonal.square().sum()
    return (1.0 - diagonal).square().sum() + redundancy * others


@LOSSES.register("bt")
class BarlowTwins(Loss):
    """``bt``: :func:`barlow_twins_loss` of the responses over the global batch.

    Args:
        redundancy: the paper's lambda; its 0.0001 is a fiftieth of Zbontar et al.'s 0.005.
    """

    weights: ClassVar[Mapping[str, float]] = {"bt": 0.0001}
    signals: tuple[Signal, ...] = (Response(),)

    def __init__(self, redundancy: float = 1e-4) -> None:
        self.redundancy = redundancy

    def __call__(self, student: StudentOutput, targets: Targets, response: Tensor) -> dict[str, Tensor]:
        """Return ``bt``."""
        return {"bt": barlow_twins_loss(cross_correlation(student.response, response), self.redundancy)}
