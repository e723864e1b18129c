"""Supervision that was computed once and is read back in every epoch: masks as bits, contrasts, responses.

``DATA_DIR/supervision/<key>/`` holds ``geometry/`` and ``response/``, each whole or absent, as plain ``.npy`` files
that are mapped into memory. The key is made of everything that the words depend on: the teacher's hash, the hash of the
data, the images chosen, the radius and the precision. About 36 KB an image.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sigkd.distillation.data import TrainingImages
from sigkd.distillation.distributed import ALONE, World, barrier
from sigkd.distillation.geometry import unpack_mask
from sigkd.distillation.losses.base import Needs, Supervision
from sigkd.errors import InputError
from sigkd.files import write_json
from sigkd.models.registry import FEATURE_SIZE, MAP_SIZES, FeatureNetwork
from sigkd.progress import SILENT, Progress

CACHE_VERSION = 1
_PARTS = {Needs.GEOMETRY: "geometry", Needs.RESPONSE: "response"}
_BATCH = 64

Ask = Callable[[FeatureNetwork, NDArray[np.int64], Needs], tuple[list[Tensor], list[Tensor], Tensor | None]]
"""(teacher, rows of the dataset, needs) -> packed masks, contrasts, response."""


@dataclass(frozen=True)
class CacheKey:
    """What a teacher's words depend on."""

    teacher: str
    """Hash of the teacher's weights."""
    data: str
    """Hash of the dataset's content."""
    rows: str
    """Hash of the rows of the dataset that are kept."""
    radius: int
    precision: str

    @classmethod
    def of(cls, teacher: str, data: TrainingImages, radius: int, precision: torch.dtype) -> CacheKey:
        """Return the key for the training images of ``data``."""
        rows = hashlib.sha256(np.ascontiguousarray(data.training).tobytes()).hexdigest()
        return cls(teacher, data.content_hash, rows, radius, str(precision).removeprefix("torch."))

    def name(self) -> str:
        """Return the directory's name."""
        text = json.dumps([CACHE_VERSION, self.__dict__], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]


def part_files(part: Needs, count: int) -> dict[str, tuple[tuple[int, ...], type[np.generic]]]:
    """Return the arrays of a part for ``count`` images: name -> shape and type."""
    if part is Needs.RESPONSE:
        return {"response": ((count, FEATURE_SIZE), np.float32)}
    files: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {}
    for number, (height, width) in enumerate(MAP_SIZES, start=1):
        nodes = height * width
        files[f"mask{number}"] = ((count, nodes, (nodes + 7) // 8), np.uint8)
        files[f"contrast{number}"] = ((count, nodes), np.float32)
    return files


def build_cache(
    home: Path,
    key: CacheKey,
    teacher: FeatureNetwork,
    rows: NDArray[np.int64],
    needs: Needs,
    ask: Ask,
    world: World = ALONE,
    progress: Progress = SILENT,
) -> Path:
    """Write what is missing of ``needs`` and return the directory; several processes share the work.

    Raises:
        InputError: not enough room on the disk.
    """
    directory = home / key.name()
    missing = [part for part in _PARTS if part in needs and not (directory / _PARTS[part]).is_dir()]
    barrier()  # all processes have looked before one of them writes
    if not missing:
        return directory
    partial = {part: directory / f"{_PARTS[part]}.partial" for part in missing}
    if world.writes:
        _make_room(directory, missing, len(rows))
        write_json(directory / "key.json", {"version": CACHE_VERSION, **key.__dict__, "images": len(rows)})
        for part, path in partial.items():
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True)
            for name, (shape, kind) in part_files(part, len(rows)).items():
                np.lib.format.open_memmap(path / f"{name}.npy", mode="w+", dtype=kind, shape=shape).flush()
    barrier()
    arrays = {
        name: np.load(path / f"{name}.npy", mmap_mode="r+", allow_pickle=False)
        for part, path in partial.items()
        for name in part_files(part, len(rows))
    }
    wanted = Needs.NOTHING
    for part in missing:
        wanted |= part
    starts = range(world.rank * _BATCH, len(rows), world.size * _BATCH)
    with progress.task("asking the teacher", total=len(starts) * _BATCH, unit="images") as task:
        for start in starts:
            place = slice(start, start + _BATCH)
            masks, contrasts, response = ask(teacher, rows[place], wanted)
            for number, (mask, contrast) in enumerate(zip(masks, contrasts, strict=True), start=1):
                arrays[f"mask{number}"][place] = mask.cpu().numpy()
                arrays[f"contrast{number}"][place] = contrast.cpu().numpy()
            if response is not None:
                arrays["response"][place] = response.float().cpu().numpy()
            task.advance(_BATCH)
    for array in arrays.values():
        array.flush()
    barrier()
    if world.writes:
        for part, path in partial.items():
            path.rename(directory / _PARTS[part])
    barrier()
    return directory


def _make_room(directory: Path, parts: Sequence[Needs], count: int) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    files = [file for part in parts for file in part_files(part, count).values()]
    wanted = sum(int(np.prod(shape)) * np.dtype(kind).itemsize for shape, kind in files)
    free = shutil.disk_usage(directory).free
    if wanted > free:
        raise InputError(
            f"{directory}: cached supervision needs {wanted / 1e9:.1f} GB and {free / 1e9:.1f} GB are free; "
            "make room or use --supervision online"
        )


class CachedSupervisor:
    """Reads the teachers' words back. On a GPU with room for them all they are kept there."""

    def __init__(
        self, directories: Sequence[Path], rows: NDArray[np.int64], needs: Needs, device: torch.device
    ) -> None:
        self._rows, self._needs, self._device = rows, needs, device
        names = [(_PARTS[part], name) for part in _PARTS if part in needs for name in part_files(part, 0)]
        self._teachers: list[dict[str, NDArray[np.generic]]] = [
            {name: _open(directory / part / f"{name}.npy", len(rows)) for part, name in names}
            for directory in directories
        ]
        self._resident: list[dict[str, Tensor]] | None = None
        size = sum(array.nbytes for teacher in self._teachers for array in teacher.values())
        if device.type == "cuda" and size < 0.5 * torch.cuda.mem_get_info(device)[0]:
            self._resident = [
                {name: torch.from_numpy(np.ascontiguousarray(array)).to(device) for name, array in teacher.items()}
                for teacher in self._teachers
            ]

    def __call__(self, images: Tensor, rows: NDArray[np.int64]) -> list[Supervision]:
        """Return the teachers' words on ``rows`` of the dataset."""
        places = np.searchsorted(self._rows, rows)
        if places.max(initial=0) >= len(self._rows) or not np.array_equal(self._rows[places], rows):
            raise ValueError("an image was asked for that the cache does not hold")
        return [self._read(number, places) for number in range(len(self._teachers))]

    def _read(self, number: int, places: NDArray[np.int64]) -> Supervision:
        def get(name: str) -> Tensor:
            if self._resident is not None:
                return self._resident[number][name][torch.from_numpy(places).to(self._device)]
            return torch.from_numpy(np.ascontiguousarray(self._teachers[number][name][places])).to(self._device)

        masks: list[Tensor] = []
        contrasts: list[Tensor] = []
        if Needs.GEOMETRY in self._needs:
            for count in range(1, len(MAP_SIZES) + 1):
                contrast = get(f"contrast{count}")
                masks.append(unpack_mask(get(f"mask{count}"), contrast.shape[1]))
                contrasts.append(contrast)
        response = get("response") if Needs.RESPONSE in self._needs else None
        return Supervision(tuple(masks), tuple(contrasts), response)


def _open(path: Path, count: int) -> NDArray[np.generic]:
    try:
        array: NDArray[np.generic] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: damaged supervision ({error}); remove {path.parent} to have it made anew") from None
    if len(array) != count:
        raise InputError(f"{path}: supervision of {len(array)} images, not {count}; remove {path.parent}")
    return array
