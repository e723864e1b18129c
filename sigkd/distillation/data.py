"""The images that a network is trained on, in memory or mapped from a file, and the order in which they are read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sigkd.errors import DatasetError, UsageError

if TYPE_CHECKING:
    from sigkd.datasets.prepared import PreparedSignatures
    from sigkd.datasets.textset import TextDataset


class Batch(NamedTuple):
    """One process's part of a batch, on its device."""

    images: Tensor
    """uint8 [B, H, W]."""
    writers: Tensor
    """int64 [B]."""
    forged: Tensor | None
    """float32 [B]."""
    rows: NDArray[np.int64]
    """Places in the dataset."""


@dataclass
class TrainingImages:
    """Images with the classes of their writers, divided into training and validation."""

    images: NDArray[np.uint8]
    """[M, H, W], ink bright on black; may be mapped from a file."""
    writers: NDArray[np.int64]
    """[M], 0..classes-1."""
    training: NDArray[np.int64]
    """Rows to train on."""
    validation: NDArray[np.int64]
    """Rows to validate on; may be empty."""
    classes: int
    name: str
    content_hash: str
    forged: NDArray[np.float32] | None = None
    """[M]: 1 for a forgery; None where there are none."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """Facts for the model file: preprocess version, canvas, where the images come from."""

    def __post_init__(self) -> None:
        if not len(self.training):
            raise DatasetError(f"the dataset '{self.name}' has no training images")
        if self.writers.min(initial=0) < 0 or self.writers.max(initial=0) >= self.classes:
            raise DatasetError(f"the dataset '{self.name}' has writers outside 0..{self.classes - 1}")

    def limited(self, count: int | None, seed: int) -> TrainingImages:
        """Return the same data with at most ``count`` training images, a random choice by ``seed`` alone."""
        if count is None or count >= len(self.training):
            return self
        chosen = np.sort(np.random.default_rng([seed, 0x11417]).permutation(self.training)[:count])
        return TrainingImages(**{**self.__dict__, "training": chosen})


def from_text(dataset: TextDataset, name: str) -> TrainingImages:
    """Return a prepared text set as training images; its writers are the classes."""
    split = np.asarray(dataset.split)
    return TrainingImages(
        images=dataset.images,
        writers=np.asarray(dataset.labels, dtype=np.int64),
        training=np.flatnonzero(split == 0),
        validation=np.flatnonzero(split == 1),
        classes=len(dataset.writers),
        name=name,
        content_hash=dataset.content_hash,
        metadata={key: dataset.metadata[key] for key in ("preprocess_version", "canvas") if key in dataset.metadata},
    )


def from_signatures(
    datasets: Sequence[PreparedSignatures],
    *,
    forgeries: bool = False,
    validation: float = 0.1,
    seed: int = 0,
) -> TrainingImages:
    """Return signature sets joined for writer identification.

    Args:
        datasets: prepared sets of the same size; writers of different sets are different people.
        forgeries: keep skilled forgeries (for the forgery term); otherwise only genuine signatures are trained on.
        validation: part of each writer's images that is kept for validation (the last ones after a seeded shuffle).
        seed: of the choice of validation images.
    """
    images: list[NDArray[np.uint8]] = []
    writers: list[NDArray[np.int64]] = []
    forged: list[NDArray[np.float32]] = []
    names: list[str] = []
    classes = 0
    for dataset in datasets:
        label = np.asarray(dataset.y)
        count = len(dataset.writers)
        names += [f"{dataset.metadata.get('name')}/{writer}" for writer in dataset.writers]
        wanted = (np.asarray(dataset.yforg) == 0) | (forgeries & (np.asarray(dataset.yforg) == 1))
        images.append(dataset.x[wanted])
        writers.append(label[wanted].astype(np.int64) + classes)
        forged.append((np.asarray(dataset.yforg)[wanted] != 0).astype(np.float32))
        classes += count
    if len({part.shape[1:] for part in images}) != 1:
        raise UsageError("the datasets have images of different sizes; preprocess them alike")
    versions = sorted({str(dataset.metadata.get("preprocess_version", "")) for dataset in datasets})
    if len(versions) != 1:
        raise UsageError(
            f"the datasets were preprocessed by different versions ({', '.join(versions)}); preprocess them alike"
        )
    writer = np.concatenate(writers)
    shuffled = np.random.default_rng([seed, 0x5161]).permutation(len(writer))
    shuffled = shuffled[np.argsort(writer[shuffled], kind="stable")]
    sizes = np.bincount(writer, minlength=classes)
    rank = np.arange(len(writer)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    held = rank >= np.repeat(sizes - np.floor(sizes * validation).astype(np.int64), sizes)
    first = datasets[0]
    facts: dict[str, Any] = {
        key: first.metadata[key] for key in ("preprocess_version", "canvas") if key in first.metadata
    }
    choice = hashlib.sha256(json.dumps([names, forgeries, validation, seed]).encode()).hexdigest()[:16]
    return TrainingImages(
        images=np.concatenate(images),
        writers=writer,
        training=np.sort(shuffled[~held]),
        validation=np.sort(shuffled[held]),
        classes=classes,
        name="+".join(str(dataset.metadata.get("name", "")) for dataset in datasets),
        content_hash="+".join([*(dataset.content_hash for dataset in datasets), choice]),
        forged=np.concatenate(forged) if forgeries else None,
        metadata={**facts, "writers": names, "forgeries": forgeries},
    )


@dataclass(frozen=True)
class Order:
    """Which images make up which batch: shuffled anew in every pass, a function of (seed, position) alone.

    Without ``images_per_epoch`` an epoch is one pass and drops its last, incomplete batch (as the paper's code does).
    With it an epoch takes that many images (whole batches) from one stream of shuffled passes, so that short epochs
    still see everything.
    """

    rows: NDArray[np.int64]
    batch_size: int
    seed: int
    images_per_epoch: int | None = None

    def __post_init__(self) -> None:
        if self.steps < 1:
            count = min(len(self.rows), self.images_per_epoch or len(self.rows))
            raise UsageError(
                f"{count} images an epoch are fewer than one batch of {self.batch_size}; lower --batch-size"
            )

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return (len(self.rows) if self.images_per_epoch is None else self.images_per_epoch) // self.batch_size

    def _pass(self, number: int) -> NDArray[np.int64]:
        return np.random.default_rng([self.seed, 0x0B0E, number]).permutation(self.rows)

    def epoch(self, epoch: int) -> NDArray[np.int64]:
        """Return the rows of all batches of an epoch (from 0), int64 [steps, batch_size]."""
        count = self.steps * self.batch_size
        if self.images_per_epoch is None:
            taken = self._pass(epoch)[:count]
        else:
            start, length = epoch * count, len(self.rows)
            passes = range(start // length, (start + count - 1) // length + 1)
            stream = np.concatenate([self._pass(number) for number in passes])
            taken = stream[start % length : start % length + count]
        return taken.reshape(self.steps, self.batch_size)


class Feeder:
    """Brings rows of the data to the device. On a GPU with room for them all images are kept there."""

    def __init__(self, data: TrainingImages, device: torch.device, resident: bool = True) -> None:
        self._data, self._device = data, device
        self._writers = torch.from_numpy(np.ascontiguousarray(data.writers)).to(device)
        self._forged = None if data.forged is None else torch.from_numpy(data.forged).to(device)
        self._resident: Tensor | None = None
        if resident and device.type == "cuda" and data.images.nbytes < 0.5 * torch.cuda.mem_get_info(device)[0]:
            self._resident = torch.from_numpy(np.ascontiguousarray(data.images)).to(device)

    def __call__(self, rows: NDArray[np.int64]) -> Batch:
        """Return the batch of ``rows``."""
        index = torch.from_numpy(rows)
        if self._resident is None:
            images = torch.from_numpy(np.ascontiguousarray(self._data.images[rows]))
            images = images.to(self._device, non_blocking=True)
        else:
            images = self._resident[index.to(self._device)]
        here = index.to(self._device)
        forged = None if self._forged is None else self._forged[here]
        return Batch(images, self._writers[here], forged, rows)
