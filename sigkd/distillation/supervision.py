"""What the teachers say about the images: computed in every step (online) or read from a cache of earlier words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sigkd.distillation.geometry import neighborhood_affinity_contrast, packed_mask, unpack_mask
from sigkd.distillation.losses.base import Needs, Supervision
from sigkd.models.registry import FeatureNetwork


class Supervisor(Protocol):
    """Answers with one :class:`Supervision` a teacher."""

    def __call__(self, images: Tensor, index: NDArray[np.int64]) -> list[Supervision]:
        """Return the teachers' words on a batch.

        Args:
            images: what the student sees, float32 [B, 1, 150, 220].
            index: rows of the dataset, [B].
        """


@torch.no_grad()
def ask(teacher: FeatureNetwork, images: Tensor, needs: Needs, radius: int, precision: torch.dtype) -> Supervision:
    """Return a teacher's words on ``images`` float32 [B, 1, 150, 220]; the network must be in evaluation mode.

    Convolutions run in ``precision``; masks, contrasts and the returned response are float32 computations.
    """
    if not needs:
        return Supervision()
    lower = precision != torch.float32
    with torch.autocast(images.device.type, precision if lower else None, enabled=lower):
        taps = teacher.forward_taps(images)
    masks: list[Tensor] = []
    contrasts: list[Tensor] = []
    if Needs.GEOMETRY in needs:
        for feature_map in taps.maps:
            nodes = feature_map.shape[2] * feature_map.shape[3]
            mask = unpack_mask(packed_mask(feature_map, radius), nodes)
            masks.append(mask)
            contrasts.append(neighborhood_affinity_contrast(feature_map, mask))
    response = taps.response.float() if Needs.RESPONSE in needs else None
    return Supervision(tuple(masks), tuple(contrasts), response)


class OnlineSupervisor:
    """Asks the teachers in every step, so that crops and augmentations may differ every time."""

    def __init__(self, teachers: Sequence[FeatureNetwork], needs: Needs, radius: int, precision: torch.dtype) -> None:
        self._teachers = [teacher.eval().requires_grad_(False) for teacher in teachers]
        self._needs, self._radius, self._precision = needs, radius, precision

    def __call__(self, images: Tensor, index: NDArray[np.int64]) -> list[Supervision]:
        """Return the teachers' words on the images as the student sees them."""
        return [ask(teacher, images, self._needs, self._radius, self._precision) for teacher in self._teachers]
