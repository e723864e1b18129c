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
from sigkd.distillation.cache import CachedSupervisor, CacheKey, Words, build_cache
from sigkd.distillation.data import Feeder, TrainingImages
from sigkd.distillation.distributed import ALONE, World
from sigkd.distillation.signals import Seen, Signal, Told
from sigkd.models.extract import exact_float32
from sigkd.models.io import LoadedModel
from sigkd.models.registry import FeatureNetwork
from sigkd.progress import SILENT, Progress


class Supervisor(Protocol):
    """Answers with what each teacher says."""

    def __call__(self, images: Tensor, rows: NDArray[np.int64]) -> list[Told]:
        """Return the teachers' words on a batch.

        Args:
            images: what the teachers are to look at, float32 [B, 1, 150, 220].
            rows: places of the images in the dataset, [B].
        """


@torch.no_grad()
def ask(teacher: FeatureNetwork, images: Tensor, rows: NDArray[np.int64], signals: Sequence[Signal]) -> Words:
    """Return a teacher's words on ``images`` float32 [B, 1, 150, 220], as they are kept.

    The network must be in evaluation mode. It computes in float32 whatever the student does: rounded to 8 bits, vectors
    of blank paper and of faint ink become equal, and other trees span them.
    """
    with torch.autocast(images.device.type, enabled=False), exact_float32():
        taps = teacher.forward_taps(images.contiguous(memory_format=torch.channels_last))
        seen = Seen(images, rows, taps)
        return {signal: signal.compute(seen) for signal in signals}


class OnlineSupervisor:
    """Asks the teachers in every step, so that crops and augmentations may differ every time."""

    def __init__(self, teachers: Sequence[FeatureNetwork], signals: Sequence[Signal]) -> None:
        self._teachers, self._signals = teachers, signals

    def __call__(self, images: Tensor, rows: NDArray[np.int64]) -> list[Told]:
        """Return the teachers' words on the images."""
        words = [ask(teacher, images, rows, self._signals) for teacher in self._teachers]
        return [{signal: signal.unpack(arrays) for signal, arrays in each.items()} for each in words]


def make_supervisor(
    teachers: Sequence[LoadedModel],
    data: TrainingImages,
    signals: Sequence[Signal],
    *,
    mode: str,
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
    # Nowhere to keep it: the answers are the same, only slower.
    if mode == "online" or cache is None:
        return OnlineSupervisor(networks, signals)
    # Not resident: the student's own feeder will want that room.
    feed, crop = Feeder(data, device, resident=False), Augmentation()
    kept = []
    for teacher, network in zip(teachers, networks, strict=True):
        # Its network as a default value: a closure would see the last of the loop's networks in all of them.
        def ask_rows(rows: NDArray[np.int64], wanted: Sequence[Signal], network: FeatureNetwork = network) -> Words:
            return ask(network, crop(feed(rows).images, 0), rows, wanted)

        keys = [CacheKey.of(teacher.hash, data, signal) for signal in signals]
        kept.append(build_cache(cache, keys, data.training, ask_rows, world, progress))
        network.to("cpu")  # it is not asked again: leave the room to the student
    return CachedSupervisor(kept, data.training, device)
