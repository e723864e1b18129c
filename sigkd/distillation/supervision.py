"""What the teachers say about the images: computed in every step (online), or kept from an earlier time (cached)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sigkd.distillation.augment import Augmentation
from sigkd.distillation.cache import CachedSupervisor, CacheKey, build_cache
from sigkd.distillation.data import Feeder, TrainingImages
from sigkd.distillation.distributed import ALONE, World
from sigkd.distillation.geometry import teacher_geometry, unpack_mask
from sigkd.distillation.losses.base import Needs, Supervision
from sigkd.models.io import LoadedModel
from sigkd.models.registry import FeatureNetwork
from sigkd.progress import SILENT, Progress


class Supervisor(Protocol):
    """Answers with one :class:`Supervision` a teacher."""

    def __call__(self, images: Tensor, rows: NDArray[np.int64]) -> list[Supervision]:
        """Return the teachers' words on a batch.

        Args:
            images: what the student sees, float32 [B, 1, 150, 220].
            rows: places of the images in the dataset, [B].
        """


@torch.no_grad()
def ask_packed(
    teacher: FeatureNetwork, images: Tensor, needs: Needs, radius: int, precision: torch.dtype
) -> tuple[list[Tensor], list[Tensor], Tensor | None]:
    """Return a teacher's packed masks, contrasts and response on ``images`` float32 [B, 1, 150, 220].

    The network must be in evaluation mode. It computes in ``precision``; masks and contrasts are float32 computations.
    """
    lower = precision != torch.float32
    with torch.autocast(images.device.type, precision if lower else None, enabled=lower):
        taps = teacher.forward_taps(images.contiguous(memory_format=torch.channels_last))
    geometry = [teacher_geometry(each, radius) for each in taps.maps] if Needs.GEOMETRY in needs else []
    response = taps.response.float() if Needs.RESPONSE in needs else None
    return [mask for mask, _ in geometry], [contrast for _, contrast in geometry], response


def ask(teacher: FeatureNetwork, images: Tensor, needs: Needs, radius: int, precision: torch.dtype) -> Supervision:
    """Return a teacher's words on ``images``; see :func:`ask_packed`."""
    packed, contrasts, response = ask_packed(teacher, images, needs, radius, precision)
    masks = [unpack_mask(mask, contrast.shape[1]) for mask, contrast in zip(packed, contrasts, strict=True)]
    return Supervision(tuple(masks), tuple(contrasts), response)


class OnlineSupervisor:
    """Asks the teachers in every step, so that crops and augmentations may differ every time."""

    def __init__(self, teachers: Sequence[FeatureNetwork], needs: Needs, radius: int, precision: torch.dtype) -> None:
        self._teachers = teachers
        self._needs, self._radius, self._precision = needs, radius, precision

    def __call__(self, images: Tensor, rows: NDArray[np.int64]) -> list[Supervision]:
        """Return the teachers' words on the images as the student sees them."""
        return [ask(teacher, images, self._needs, self._radius, self._precision) for teacher in self._teachers]


def make_supervisor(
    teachers: Sequence[LoadedModel],
    data: TrainingImages,
    needs: Needs,
    *,
    mode: str,
    radius: int,
    precision: torch.dtype,
    device: torch.device,
    cache: Path | None,
    world: World = ALONE,
    progress: Progress = SILENT,
) -> Supervisor:
    """Return what answers in training: ``mode`` is ``online`` or ``cached`` (in the directory ``cache``).

    ``data`` is what will be trained on: cached supervision is computed for its training images.
    """
    networks = []
    for teacher in teachers:
        network = teacher.network.eval().requires_grad_(False).to(device)
        networks.append(network.to(memory_format=torch.channels_last))
    if mode == "online" or cache is None:
        return OnlineSupervisor(networks, needs, radius, precision)
    feed, crop = Feeder(data, device, resident=False), Augmentation()

    def ask_rows(
        network: FeatureNetwork, rows: NDArray[np.int64], wanted: Needs
    ) -> tuple[list[Tensor], list[Tensor], Tensor | None]:
        return ask_packed(network, crop(feed(rows).images, 0), wanted, radius, precision)

    directories = []
    for teacher, network in zip(teachers, networks, strict=True):
        key = CacheKey.of(teacher.hash, data, radius, precision)
        directories.append(build_cache(cache, key, network, data.training, needs, ask_rows, world, progress))
        network.to("cpu")  # it is not asked again: leave the room to the student
    return CachedSupervisor(directories, data.training, needs, device)
