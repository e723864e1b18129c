"""Barlow Twins between student and teacher: element i of one correlates with element i of the other alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from sigkd.distillation.losses import LOSSES
from sigkd.distillation.losses._redundancy import RedundancyReduction


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
class BarlowTwins(RedundancyReduction):
    """``bt``: :func:`barlow_twins_loss` of the responses."""

    weights: ClassVar[Mapping[str, float]] = {"bt": 0.0001}
    term = staticmethod(barlow_twins_loss)
