"""Barlow Colleagues: each student element finds the teacher element that it resembles most; permutations are free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from sigkd.distillation.losses import LOSSES
from sigkd.distillation.losses._redundancy import RedundancyReduction


def barlow_colleagues_loss(correlation: Tensor, redundancy: float) -> Tensor:
    """Return sum_i (1 - max_j C_ij)^2 + redundancy * sum_{i, j != argmax_j C_ij} C_ij^2 (paper, Eq. 8).

    Sums, not means. The choice of the maximum carries no gradient, its value does.

    Args:
        correlation: C, float32 [K, K], rows = student elements, columns = teacher elements.
        redundancy: lambda.

    >>> import torch
    >>> float(barlow_colleagues_loss(torch.eye(3)[[2, 0, 1]], 1e-4))  # a permutation costs nothing
    0.0
    """
    chosen = correlation.detach().argmax(dim=1, keepdim=True)
    best = correlation.gather(1, chosen).squeeze(1)
    others = correlation.square().sum() - best.square().sum()
    return (1.0 - best).square().sum() + redundancy * others


@LOSSES.register("bc")
class BarlowColleagues(RedundancyReduction):
    """``bc``: :func:`barlow_colleagues_loss` of the responses."""

    weights: ClassVar[Mapping[str, float]] = {"bc": 0.0001}
    term = staticmethod(barlow_colleagues_loss)
