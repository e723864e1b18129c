"""The signature store that ``sigkd preprocess`` makes: one ``.npz``, as the field's reference implementation has it.

Keys: ``x`` uint8 [N, 1, H, W] ([N, V, H, W] where signatures were placed in V views), ``y`` int64 [N], ``yforg`` int8
[N], ``user_mapping`` (writers' names by ``y``), ``filenames``, ``metadata`` (a JSON text), and, of views, ``measures``
float64 [N, M]; see ``docs/reference/data-formats.md``. Nothing in it is pickled.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sigkd.datasets.layouts.base import KINDS
from sigkd.errors import DatasetError, InputError, UsageError
from sigkd.files import NumpyArchive, atomic_path, numpy_archive, parsing
from sigkd.images.scan_measures import ScanMeasures
from sigkd.paths import dataset_path, store_path

FORMAT = "sigkd-signatures"
FORMAT_VERSION = 1


@dataclass
class PreparedSignatures:
    """Normalised signatures with their writers, in memory."""

    x: npt.NDArray[np.uint8]
    """[N, H, W], or [N, V, H, W] in V views; ink bright on black."""
    y: npt.NDArray[np.int64]
    """[N] number of the writer; for a forgery the writer whose signature is imitated."""
    yforg: npt.NDArray[np.int8]
    """[N] 0 genuine, 1 skilled forgery, 2 simple forgery."""
    filenames: list[str]
    """[N] paths inside the dataset, with ``/``."""
    writers: list[str]
    """Names of the writers; ``y`` counts in this list."""
    metadata: dict[str, Any] = field(default_factory=dict, repr=False)
    """``name``, ``layout``, ``canvas``, ``size``, ``preprocess_version``, ``content_hash``, ``counts`` and more."""
    measures: list[ScanMeasures] | None = field(default=None, repr=False)
    """[N] of scans that were placed in views; None: there are none, or they are of another version of sigkd."""

    def __post_init__(self) -> None:
        number = len(self.x)
        if self.x.ndim not in (3, 4) or self.x.dtype != np.uint8:
            raise DatasetError(
                f"a signature store needs uint8 images [N, H, W] or [N, V, H, W], not {self.x.dtype} {self.x.shape}"
            )
        if not (len(self.y) == len(self.yforg) == len(self.filenames) == number):
            raise DatasetError("a signature store's x, y, yforg and filenames differ in length")
        if self.measures is not None and len(self.measures) != number:
            raise DatasetError("a signature store's x and measures differ in length")
        if number and (self.y.min() < 0 or self.y.max() >= len(self.writers)):
            raise DatasetError("a signature store's y names writers that it does not have")

    def __len__(self) -> int:
        return len(self.x)

    @property
    def content_hash(self) -> str:
        """SHA-256 over images, labels, file names and writers."""
        if "content_hash" not in self.metadata:
            self.metadata["content_hash"] = self._hash()
        return str(self.metadata["content_hash"])

    def _hash(self) -> str:
        digest = hashlib.sha256(repr(self.x.shape).encode())
        # Of fixed types, so that the hash is the same on every machine; metadata is no part of it.
        for array in (self.x, self.y.astype("<i8"), self.yforg.astype("i1")):
            digest.update(np.ascontiguousarray(array).data)
        digest.update(json.dumps([self.filenames, self.writers]).encode())
        return digest.hexdigest()

    def of_writers(self, first: int | None = None, end: int | None = None) -> PreparedSignatures:
        """Return the signatures of the writers ``first`` to ``end - 1`` (in the order of :attr:`writers`, from 0).

        Raises:
            DatasetError: if the range is empty or goes past the last writer.
        """
        name, total = self.metadata.get("name"), len(self.writers)
        start, stop = first or 0, total if end is None else end
        if not 0 <= start < stop <= total:
            raise DatasetError(f"'{name}' has {total} writers (0 to {total - 1}): there are none in [{start}:{stop}]")
        return self._only(range(start, stop), f"{start}:{stop}")

    def of_subset(self, subset: str) -> PreparedSignatures:
        """Return the signatures of the writers of a subset that the set's layout names.

        Raises:
            DatasetError: it names no such subset, or writers that are absent.
        """
        from sigkd.datasets.layouts import DATASETS
        from sigkd.registry import nearest

        layout, name = str(self.metadata.get("layout")), self.metadata.get("name")
        known = DATASETS.get(layout).subsets if layout in DATASETS else {}
        if subset not in known:
            named = f"subsets of this dataset: {', '.join(known)}" if known else "its layout names no subsets"
            raise DatasetError(f"'{name}' has no subset '{subset}'.{nearest(subset, list(known))} Write A:B; {named}")
        places = {writer: place for place, writer in enumerate(self.writers)}
        absent = [writer for writer in known[subset] if writer not in places]
        if absent:
            raise DatasetError(f"'{name}' lacks writer '{absent[0]}' of its subset '{subset}'")
        return self._only([places[writer] for writer in known[subset]], subset)

    def _only(self, chosen: Sequence[int], part: str) -> PreparedSignatures:
        """Return the signatures of the writers ``chosen``, who are counted anew; ``part`` goes into the name."""
        # A table from old numbers to new ones, -1 for who is not chosen.
        counted = np.full(len(self.writers), -1)
        counted[list(chosen)] = np.arange(len(chosen))
        rows = np.flatnonzero(counted[self.y] >= 0)
        metadata = {key: value for key, value in self.metadata.items() if key not in ("content_hash", "counts")}
        return PreparedSignatures(
            self.x[rows],
            counted[self.y[rows]],
            self.yforg[rows],
            [self.filenames[row] for row in rows],
            [self.writers[place] for place in chosen],
            {**metadata, "name": f"{metadata.get('name')}[{part}]"},
            None if self.measures is None else [self.measures[row] for row in rows],
        )

    def save(self, path: Path | str) -> None:
        """Write the store as ``.npz``: whole, or not at all."""
        path = Path(path)
        check_store_path(path)
        document = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            **self.metadata,
            "content_hash": self.content_hash,
        }
        more: dict[str, Any] = {}
        if self.measures is not None:
            document["measures"] = _MEASURES
            more["measures"] = np.array([astuple(one) for one in self.measures], np.float64)
        with atomic_path(path) as temporary:
            np.savez_compressed(
                temporary,
                # The axis of channels is what the reference implementation reads.
                x=self.x[:, None] if self.x.ndim == 3 else self.x,
                y=self.y.astype(np.int64),
                yforg=self.yforg.astype(np.int8),
                user_mapping=np.array(self.writers, dtype=np.str_),
                filenames=np.array(self.filenames, dtype=np.str_),
                metadata=np.array(json.dumps(document, allow_nan=False, ensure_ascii=False)),
                **more,
            )

    @classmethod
    def load(cls, path: Path | str) -> PreparedSignatures:
        """Read a store of sigkd or of the reference implementation (whose pickled parts are left unread).

        Raises:
            DatasetError: if the file is missing, damaged or something else.
        """
        path = Path(path)
        if path.is_file() and not zipfile.is_zipfile(path):
            raise DatasetError(f"{path}: not a signature store (.npz with x, y, yforg)")
        with parsing(path, "signature store", DatasetError), numpy_archive(path) as archive:
            return _from_archive(archive, path.stem)


def check_store_path(path: Path) -> None:
    """Refuse a name that would not be found again.

    Raises:
        UsageError: if the path does not end in ``.npz``.
    """
    if path.suffix.lower() != ".npz":
        raise UsageError(f"{path}: a signature store's name ends in .npz")


def _from_archive(archive: NumpyArchive, name: str) -> PreparedSignatures:
    if absent := [key for key in ("x", "y", "yforg") if key not in archive.files]:
        raise DatasetError(f"not a signature store (.npz): it has no {', '.join(absent)}")
    x = archive["x"]
    if x.ndim == 4 and x.shape[1] == 1:
        x = x[:, 0]
    numbers = whole_numbers(archive["y"], "writers' numbers")
    labels = whole_numbers(archive["yforg"], "labels (yforg)")
    if not np.isin(labels, range(len(KINDS))).all():
        raise DatasetError("a label (yforg) is none of 0, 1, 2")
    if "metadata" not in archive.files:
        if _texts(archive, "user_mapping") is not None:  # theirs is pickled
            raise DatasetError("its 'metadata' is missing: the file is damaged")
        # the reference implementation's y holds the writers' own numbers, its mapping is pickled
        own, y = np.unique(numbers, return_inverse=True)
        writers = [str(writer) for writer in own]
        filenames = _texts(archive, "filenames") or [str(number) for number in range(len(x))]
        return PreparedSignatures(
            np.ascontiguousarray(x), y, labels.astype(np.int8), filenames, writers, {"name": name}
        )
    metadata: Any = json.loads(str(archive["metadata"]))
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise DatasetError("not a signature store of sigkd")
    if metadata.get("format_version") != FORMAT_VERSION:
        version = metadata.get("format_version")
        raise DatasetError(f"signature store of version {version}, this sigkd reads {FORMAT_VERSION}")
    found = [_texts(archive, "filenames"), _texts(archive, "user_mapping")]
    if found[0] is None or found[1] is None:
        raise DatasetError("the names of its files or writers are missing: the file is damaged")
    stated, measured = metadata.pop("content_hash", None), metadata.pop("measures", None)
    store = PreparedSignatures(
        np.ascontiguousarray(x),
        numbers,
        labels.astype(np.int8),
        found[0],
        found[1],
        {"name": name, **metadata},
        _measures(archive["measures"]) if measured == _MEASURES else None,
    )
    # Computed from what was read, never taken over: calibrations and results are bound to it.
    if store.content_hash != stated:
        raise DatasetError("its content is not what was saved (the hash differs); prepare it anew")
    return store


_MEASURES = [each.name for each in fields(ScanMeasures)]
_WHOLE = [each.type == "int" for each in fields(ScanMeasures)]


def _measures(table: npt.NDArray[np.float64]) -> list[ScanMeasures]:
    """Return the measures of a table [N, M]."""
    return [
        ScanMeasures(*(int(value) if whole else value for value, whole in zip(row, _WHOLE, strict=True)))
        for row in table.tolist()
    ]


def whole_numbers(values: npt.ArrayLike, what: str) -> npt.NDArray[np.int64]:
    """Return whole numbers as int64 [N]; none is rounded or wrapped.

    Raises:
        InputError: other values; ``what`` says of what.
    """
    given = np.asarray(values).reshape(-1)
    if given.dtype.kind in "biuf":
        with np.errstate(invalid="ignore"):
            whole = given.astype(np.int64)
        if np.array_equal(whole, given):
            return whole
    elif not given.size:
        return given.astype(np.int64)
    raise InputError(f"the {what} are not whole numbers")


def _texts(archive: NumpyArchive, key: str) -> list[str] | None:
    """Return an array of texts, None if it is absent or pickled."""
    try:
        array = archive[key]
    except (KeyError, ValueError):
        return None
    return [str(text) for text in array] if array.ndim == 1 and array.dtype.kind in "US" else None


def find_prepared(name_or_path: str | Path, data: Path) -> PreparedSignatures:
    """Load a store by its name in the data directory, or by its path.

    Either may end in ``[A:B]``: the writers A to B - 1, counted from 0 in the store's order (one end may be left out);
    or in ``[SUBSET]``: the writers of a subset that the dataset's layout names.

    Raises:
        DatasetError: if there is none; the message names the command that makes it, and where to get the data.
    """
    part = re.fullmatch(r"(.+)\[(\d*):(\d*)\]", str(name_or_path))
    if part:
        whole = find_prepared(part[1], data)
        return whole.of_writers(int(part[2] or 0), int(part[3]) if part[3] else None)
    subset = re.fullmatch(r"(.+)\[([a-z]+)\]", str(name_or_path))
    if subset and not Path(name_or_path).exists():
        return find_prepared(subset[1], data).of_subset(subset[2])
    path = Path(name_or_path)
    if path.is_file():
        return PreparedSignatures.load(path)
    name = str(name_or_path)
    if path.suffix.lower() == ".npz" or path.is_absolute():
        raise DatasetError(f"{path}: no such signature store; make one with: sigkd preprocess SRC --out {path}")
    stored, store = dataset_path(name, data), store_path(name, data)
    if store.is_file():
        return PreparedSignatures.load(store)
    if stored.is_dir():
        raise DatasetError(f"'{name}' is a text dataset ({stored}); signatures are needed here")
    raise DatasetError(_absent(name, store))


def _absent(name: str, store: Path) -> str:
    """Say how to get the store ``name``."""
    from sigkd.datasets.layouts import DATASETS, PUBLISHED

    if name in PUBLISHED:
        return (
            f"dataset '{name}' is not prepared ({store} does not exist). Make it with: "
            f"sigkd preprocess SRC --dataset {name}. The data: {DATASETS.get(name).source}"
        )
    from sigkd.registry import nearest

    others = sorted(path.stem for path in store.parent.glob("*.npz"))
    prepared = f" Prepared: {', '.join(others)}." if others else ""
    return (
        f"there is no signature store '{name}' ({store} does not exist).{nearest(name, others)}{prepared} "
        f"Make it with: sigkd preprocess SRC --dataset folder --name {name}"
    )
