"""The geometry of a teacher's feature maps: who is near whom on the spanning tree, and how near."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from torch import Tensor
from torch.nn import functional

from sigkd.distillation.config import Ties
from sigkd.distillation.geometry import teacher_geometry, unpack_mask
from sigkd.distillation.signals import Seen, Signal


class MapGeometry(NamedTuple):
    """The geometry of one feature map of B images."""

    mask: Tensor
    """Neighbourhoods, bool [B, N, N]."""
    contrast: Tensor
    """NAC under them, float32 [B, N]."""


@dataclass(frozen=True)
class Geometry(Signal):
    """Neighbourhood masks and contrasts of the feature maps; masks are kept as bits, 28 KB an image together."""

    name: ClassVar[str] = "geometry"
    radius: int
    """Hops on the tree that make a neighbourhood."""
    ties: Ties
    """Which of equally long edges come first."""
    ink_only: bool
    """Whether places without ink are left out of tree and sums: those that have none in their part of the image."""
    seed: int = 0
    """Of random ties; else 0, so that runs of different seeds share the words."""

    def compute(self, seen: Seen) -> dict[str, Tensor]:
        """Return the packed masks and the contrasts, numbered from 1."""
        arrays = {}
        for number, feature_map in enumerate(seen.taps.maps, start=1):
            sides = feature_map.shape[2:]
            nodes = (functional.adaptive_max_pool2d(seen.images, sides) > 0).flatten(1) if self.ink_only else None
            mask, contrast = teacher_geometry(feature_map, self.radius, self.ties, seen.rows, self.seed, nodes)
            arrays[f"mask{number}"], arrays[f"contrast{number}"] = mask, contrast
        return arrays

    def unpack(self, arrays: Mapping[str, Tensor]) -> tuple[MapGeometry, ...]:
        """Return the geometry of each feature map."""
        contrasts = [arrays[f"contrast{number}"] for number in range(1, len(arrays) // 2 + 1)]
        return tuple(
            MapGeometry(unpack_mask(arrays[f"mask{number}"], contrast.shape[1]), contrast)
            for number, contrast in enumerate(contrasts, start=1)
        )
