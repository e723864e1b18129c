"""Geometric distillation: the student's feature maps take on the neighbourhood structure of the teacher's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from sigkd.distillation.config import Ties
from sigkd.distillation.geometry import neighborhood_affinity_contrast
from sigkd.distillation.losses import LOSSES, Loss, StudentOutput, Targets
from sigkd.distillation.signals import Signal
from sigkd.distillation.signals.geometry import Geometry, MapGeometry


def geometric_loss(teacher: Tensor, student: Tensor) -> Tensor:
    """Return 1/2 * || NAC_t - NAC_s ||^2, summed over the N nodes, averaged over the batch (paper, Eq. 3).

    The factor 1/2 is the released code's (MATLAB's ``mse`` divides by 2B), and the published weights 10 and 100 belong
    to it. A mean over the nodes would be 442 or 96 times smaller: the method would then silently be absent.

    Args:
        teacher: NAC of the teacher's map under its own mask, float32 [B, N].
        student: NAC of the student's map under the teacher's mask, float32 [B, N].

    >>> import torch
    >>> float(geometric_loss(torch.zeros(2, 3), torch.ones(2, 3)))  # 1/2 * 3
    1.5
    """
    return 0.5 * (teacher - student).square().sum(dim=1).mean()


@LOSSES.register("geom")
class GeometricLoss(Loss):
    """``geom1`` and ``geom2``: :func:`geometric_loss` at the two feature maps (17x26 and 8x12).

    Args:
        radius: hops on the teacher's tree that make a neighbourhood.
        ties: which of equally long edges come first.
        ink_only: leave places without ink out of tree and sums.
        seed: of random ties.
    """

    weights: ClassVar[Mapping[str, float]] = {"geom1": 10.0, "geom2": 100.0}

    def __init__(self, radius: int, ties: Ties, ink_only: bool, seed: int) -> None:
        self.ink_only = ink_only
        self.signals: tuple[Signal, ...] = (Geometry(radius, ties, ink_only, seed if ties == "random" else 0),)

    def __call__(
        self, student: StudentOutput, targets: Targets, geometry: tuple[MapGeometry, ...]
    ) -> dict[str, Tensor]:
        """Return ``geom1`` and ``geom2``."""
        terms: dict[str, Tensor] = {}
        for number, (feature_map, (mask, contrast)) in enumerate(zip(student.maps, geometry, strict=True), start=1):
            nodes = mask.any(dim=2) if self.ink_only else None  # a place in the tree has neighbours
            own = neighborhood_affinity_contrast(feature_map, mask, nodes)
            terms[f"geom{number}"] = geometric_loss(contrast, own)
        return terms
