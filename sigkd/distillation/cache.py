"""Supervision that was computed once and is read back in every epoch.

``DATA_DIR/supervision/SIGNAL-KEY/`` holds one signal's words on the training images of one set, whole or absent, as
plain ``.npy`` files that are mapped into memory. The key is made of everything that the words depend on: the teacher's
hash, the hash of the data, the images chosen, and the signal's own fields.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sigkd.distillation.data import TrainingImages
from sigkd.distillation.distributed import ALONE, World, barrier
from sigkd.distillation.signals import Signal, Told
from sigkd.errors import InputError
from sigkd.files import checksum, write_json
from sigkd.progress import SILENT, Progress

CACHE_VERSION = 2
"""2: the teacher computes in float32 always."""
_BATCH = 64

Words = Mapping[Signal, Mapping[str, Tensor]]
"""What a teacher says about a batch, as it is kept: each signal's arrays [B, ...] by the names of their files."""
Ask = Callable[[NDArray[np.int64], Sequence[Signal]], Words]
"""(rows of the dataset, signals) -> a teacher's words."""


@dataclass(frozen=True)
class CacheKey:
    """What a teacher's words depend on."""

    teacher: str
    """Hash of the teacher's weights."""
    data: str
    """Hash of the dataset's content."""
    rows: str
    """Hash of the rows of the dataset that are kept."""
    signal: Signal

    @classmethod
    def of(cls, teacher: str, data: TrainingImages, signal: Signal) -> CacheKey:
        """Return the key for the training images of ``data``."""
        # A run on part of the set keeps its own: rows are places in what is kept.
        rows = hashlib.sha256(np.ascontiguousarray(data.training).tobytes()).hexdigest()
        return cls(teacher, data.content_hash, rows, signal)

    def facts(self) -> dict[str, Any]:
        """Return the key as JSON types."""
        signal = {"name": self.signal.name, **dataclasses.asdict(self.signal)}  # type: ignore[call-overload]
        return {
            "version": CACHE_VERSION,
            "teacher": self.teacher,
            "data": self.data,
            "rows": self.rows,
            "signal": signal,
        }

    def name(self) -> str:
        """Return the directory's name."""
        digest = hashlib.sha256(json.dumps(self.facts(), sort_keys=True).encode()).hexdigest()
        return f"{self.signal.name}-{digest[:24]}"


def build_cache(
    home: Path,
    keys: Sequence[CacheKey],
    rows: NDArray[np.int64],
    ask: Ask,
    world: World = ALONE,
    progress: Progress = SILENT,
) -> dict[Signal, Path]:
    """Write what is missing and return the directory of each signal; several processes share the work.

    Args:
        home: where the directories are.
        keys: of one teacher and set, one for each signal.
        rows: the rows of the dataset that are kept.
        ask: asks the teacher.
        world: the processes.
        progress: is told about the work.

    Raises:
        InputError: not enough room on the disk.
    """
    directories = {key.signal: home / key.name() for key in keys}
    missing = {key.signal: key for key in keys if not directories[key.signal].is_dir()}
    barrier()  # all processes have looked before one of them writes
    if not missing:
        return directories
    wanted = list(missing)
    partial = {signal: home / f"{directories[signal].name}.partial" for signal in wanted}
    sample = ask(rows[:1], wanted)  # tells names, shapes and types
    if world.writes:
        # Before hours of work, not when the disk is full.
        _make_room(home, sample, len(rows))
        for signal, path in partial.items():
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir()
            facts = {**missing[signal].facts(), "images": len(rows), "files": list(sample[signal])}
            write_json(path / "key.json", facts)
            for name, value in sample[signal].items():
                kind, shape = value.cpu().numpy().dtype, (len(rows), *value.shape[1:])
                # Made by one, filled by all: each process writes other rows of the same file.
                np.lib.format.open_memmap(path / f"{name}.npy", mode="w+", dtype=kind, shape=shape).flush()
    barrier()
    files = {
        (signal, name): np.load(partial[signal] / f"{name}.npy", mmap_mode="r+", allow_pickle=False)
        for signal in wanted
        for name in sample[signal]
    }
    # In turns, so that no process is left with a longer rest.
    starts = range(world.rank * _BATCH, len(rows), world.size * _BATCH)
    with progress.task("asking the teacher", total=len(starts) * _BATCH, unit="images") as task:
        for start in starts:
            place = slice(start, start + _BATCH)
            words = ask(rows[place], wanted)
            for (signal, name), file in files.items():
                file[place] = words[signal][name].cpu().numpy()
            task.advance(_BATCH)
    for file in files.values():
        file.flush()
    barrier()
    if world.writes:
        for signal, path in partial.items():
            facts = json.loads((path / "key.json").read_text(encoding="utf-8"))
            sums = {name: checksum(path / f"{name}.npy") for name in facts["files"]}
            write_json(path / "key.json", facts | {"sums": sums})
            # Only now under the real name: an interrupted run leaves nothing that looks finished.
            path.rename(directories[signal])
    barrier()
    return directories


def _make_room(home: Path, sample: Words, count: int) -> None:
    home.mkdir(parents=True, exist_ok=True)
    wanted = count * sum(array.nbytes for arrays in sample.values() for array in arrays.values())
    free = shutil.disk_usage(home).free
    if wanted > free:
        raise InputError(
            f"{home}: cached supervision needs {wanted / 1e9:.1f} GB and {free / 1e9:.1f} GB are free; "
            "make room or use `supervision='online'`"
        )


class CachedSupervisor:
    """Reads the teachers' words back. On a GPU with room for them all they are kept there.

    Args:
        teachers: the directory of each signal, for each teacher.
        rows: the rows of the dataset that are kept, in rising order.
        device: where the words are wanted.
    """

    def __init__(
        self, teachers: Sequence[Mapping[Signal, Path]], rows: NDArray[np.int64], device: torch.device
    ) -> None:
        self._rows, self._device = rows, device
        self._teachers: list[dict[Signal, dict[str, NDArray[Any] | Tensor]]] = [
            {signal: dict(_open(directory, len(rows))) for signal, directory in signals.items()} for signals in teachers
        ]
        kept = [arrays for signals in self._teachers for arrays in signals.values()]
        size = sum(array.nbytes for arrays in kept for array in arrays.values())
        # Half of what is free, as for the images themselves.
        if device.type == "cuda" and size < 0.5 * torch.cuda.mem_get_info(device)[0]:
            for arrays in kept:
                arrays.update({name: torch.from_numpy(np.array(array)).to(device) for name, array in arrays.items()})

    def __call__(self, images: Tensor, rows: NDArray[np.int64]) -> list[Told]:
        """Return the teachers' words on ``rows`` of the dataset."""
        # Rows are sorted, so a place is found without a table as long as the dataset.
        places = np.searchsorted(self._rows, rows)
        if places.max(initial=0) >= len(self._rows) or not np.array_equal(self._rows[places], rows):
            raise ValueError("an image was asked for that the cache does not hold")
        index = torch.from_numpy(places).to(self._device)

        def take(array: NDArray[Any] | Tensor) -> Tensor:
            if isinstance(array, Tensor):
                return array[index]
            return torch.from_numpy(np.ascontiguousarray(array[places])).to(self._device)

        return [
            {
                signal: signal.unpack({name: take(array) for name, array in arrays.items()})
                for signal, arrays in signals.items()
            }
            for signals in self._teachers
        ]


def _open(directory: Path, count: int) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    path = directory / "key.json"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        sums = facts.get("sums")  # of an older sigkd there are none
        for name in facts["files"]:
            path = directory / f"{name}.npy"
            arrays[name] = np.load(path, mmap_mode="r", allow_pickle=False)
            if len(arrays[name]) != count:
                raise ValueError(f"of {len(arrays[name])} images, not {count}")
            if sums is not None and sums[name] != checksum(path):
                raise ValueError("it is not what was written")
    except Exception as error:  # parsers of NumPy and JSON have no common class
        raise InputError(f"{path}: damaged supervision ({error}); remove {directory} to have it made anew") from None
    return arrays
