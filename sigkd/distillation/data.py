"""The images that a network is trained on, in memory or mapped from a file, and the order in which they are read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sigkd.datasets.prepared import PreparedSignatures, find_prepared
from sigkd.datasets.textset import TextDataset, find_text
from sigkd.errors import DatasetError, UsageError
from sigkd.paths import dataset_path, store_path

Forgeries = Literal["none", "term", "classes"]
"""What becomes of skilled forgeries: left out; marked, for the forgery term (SigNet-F); or a class for each writer,
since a forged signature is somebody else's hand."""


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


class StackedImages:
    """Several arrays [M_i, H, W] read as one by row number, without a copy: each may be mapped from a file."""

    def __init__(self, parts: Sequence[NDArray[np.uint8]]) -> None:
        self._parts = list(parts)
        self._ends = np.cumsum([len(part) for part in parts])
        self.shape = (int(self._ends[-1]), *parts[0].shape[1:])
        self.nbytes = sum(part.nbytes for part in parts)

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the images of ``rows``, in their order."""
        # 'right': row number end is the first of the next array.
        which = np.searchsorted(self._ends, rows, side="right")
        found = np.empty((len(rows), *self.shape[1:]), np.uint8)
        for number, part in enumerate(self._parts):
            here = which == number
            found[here] = part[rows[here] - (self._ends[number] - len(part))]
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.concatenate(self._parts).astype(dtype or np.uint8, copy=False)


@dataclass
class TrainingImages:
    """Images with the classes of their writers, divided into training and validation."""

    images: NDArray[np.uint8] | StackedImages
    """[M, H, W], ink bright on black; may be mapped from files."""
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
        # The number keeps this stream of random numbers apart from the others of the same seed.
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
        metadata={"preprocess_version": dataset.description.preprocess_version},
    )


def from_signatures(
    datasets: Sequence[PreparedSignatures],
    *,
    forgeries: Forgeries = "none",
    validation: float = 0.1,
    seed: int = 0,
) -> TrainingImages:
    """Return signature sets joined for writer identification.

    Args:
        datasets: prepared sets of the same size; writers of different sets are different people.
        forgeries: what becomes of skilled forgeries; simple ones are always left out.
        validation: part of each class's images that is kept for validation (the last ones after a seeded shuffle).
        seed: of the choice of validation images.

    Raises:
        UsageError: sets that were preprocessed differently.
    """
    parts = [_from_store(dataset, forgeries, validation, seed) for dataset in datasets]
    data = joined(parts)
    names = [name for part in parts for name in part.metadata["writers"]]
    data.metadata = {**data.metadata, "writers": names, "forgeries": forgeries}
    return data


def _from_store(dataset: PreparedSignatures, forgeries: Forgeries, validation: float, seed: int) -> TrainingImages:
    kind = np.asarray(dataset.yforg)
    wanted = (kind == 0) | ((kind == 1) & (forgeries != "none"))
    forged = kind[wanted] == 1
    writer = np.asarray(dataset.y)[wanted].astype(np.int64)
    name = dataset.metadata.get("name")
    names = [f"{name}/{each}" for each in dataset.writers]
    if forgeries == "classes":
        imitated, place = np.unique(writer[forged], return_inverse=True)
        # Behind all writers: genuine classes have the same numbers with and without forgeries.
        writer[forged] = len(names) + place
        names += [f"{names[each]} forged" for each in imitated]
    classes = len(names)
    shuffled = np.random.default_rng([seed, 0x5161]).permutation(len(writer))
    # Stable: within a writer the shuffled order stays, so the last ones are a random choice.
    shuffled = shuffled[np.argsort(writer[shuffled], kind="stable")]
    sizes = np.bincount(writer, minlength=classes)
    rank = np.arange(len(writer)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    # Rounded down for validation: a writer with few signatures is trained on all of them.
    held = rank >= np.repeat(sizes - np.floor(sizes * validation).astype(np.int64), sizes)
    # The same store divided otherwise is other data to a run that is resumed, and to kept supervision.
    choice = hashlib.sha256(json.dumps([names, forgeries, validation, seed]).encode()).hexdigest()[:16]
    facts: dict[str, Any] = {
        key: dataset.metadata[key] for key in ("preprocess_version", "canvas") if key in dataset.metadata
    }
    return TrainingImages(
        images=dataset.x[wanted],
        writers=writer,
        training=np.sort(shuffled[~held]),
        validation=np.sort(shuffled[held]),
        classes=classes,
        name=str(name or ""),
        content_hash=f"{dataset.content_hash}-{choice}",
        forged=forged.astype(np.float32) if forgeries == "term" else None,
        metadata={**facts, "writers": names},
    )


def find_training(names: str, home: Path, seed: int = 0) -> TrainingImages:
    """Open what a student is trained on: text sets and signature stores joined by ``+``, by name or path.

    Skilled forgeries of a signature store are classes of their own.

    Args:
        names: as ``text`` or ``text+made-up``; ``NAME[A:B]`` for some writers of a signature store.
        home: the data directory.
        seed: of the choice of a store's validation images.

    Raises:
        DatasetError: one is absent or damaged; the message names the command that makes it.
        UsageError: none is named, or they do not fit together.
    """
    one = Path(names).exists() or dataset_path(names, home).exists()  # a + in the name of what exists is kept
    wanted = [names] if one else [name.strip() for name in names.split("+") if name.strip()]
    if not wanted:
        raise UsageError("`data` names no dataset")
    parts = []
    for name in wanted:
        # A text set of the name comes first: it is what students are trained on.
        is_store = not dataset_path(name, home).is_dir() and store_path(name, home).is_file()
        if name.endswith((".npz", "]")) or is_store:
            parts.append(from_signatures([find_prepared(name, home)], forgeries="classes", seed=seed))
        else:
            parts.append(from_text(find_text(name, home), name))
    return joined(parts)


def joined(parts: Sequence[TrainingImages]) -> TrainingImages:
    """Return sets of different people as one; their classes are counted on.

    Raises:
        UsageError: images of different sizes or preprocessed by different versions.
    """
    if len(parts) == 1:
        return parts[0]
    if len({part.images.shape[1:] for part in parts}) != 1:
        raise UsageError("the datasets have images of different sizes; prepare them alike")
    # A student would learn which set an image is from by how it was prepared.
    versions = sorted({str(part.metadata.get("preprocess_version", "")) for part in parts})
    if len(versions) != 1:
        raise UsageError(f"the datasets were preprocessed by different versions ({', '.join(versions)})")
    forged = [part.forged for part in parts if part.forged is not None]
    rows = np.cumsum([0, *(len(part.images) for part in parts)])
    classes = np.cumsum([0, *(part.classes for part in parts)])
    arrays: list[NDArray[np.uint8]] = [np.asarray(part.images) for part in parts]  # a map stays a map
    return TrainingImages(
        images=StackedImages(arrays),
        writers=np.concatenate([part.writers + first for part, first in zip(parts, classes, strict=False)]),
        training=np.concatenate([part.training + first for part, first in zip(parts, rows, strict=False)]),
        validation=np.concatenate([part.validation + first for part, first in zip(parts, rows, strict=False)]),
        classes=int(classes[-1]),
        name="+".join(part.name for part in parts),
        content_hash="+".join(part.content_hash for part in parts),
        forged=None if len(forged) < len(parts) else np.concatenate(forged),
        metadata={key: value for key, value in parts[0].metadata.items() if key in ("preprocess_version", "canvas")},
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
                f"{count} images an epoch are fewer than one batch of {self.batch_size}; lower `batch_size`"
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
            # One endless stream of passes, of which each epoch is a piece: no image is left out for good.
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
        # Half of what is free: the network and its gradients need the rest.
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
