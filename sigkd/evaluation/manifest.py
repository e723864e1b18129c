"""Splits as a file: which signatures were references and tests, for another run or another program to use again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sigkd.errors import InputError
from sigkd.evaluation.protocol import GENUINE, SIMPLE, SKILLED, Split, WriterSplit
from sigkd.json_documents import JsonDocument, encode

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS = {"references": GENUINE, "genuine": GENUINE, "skilled": SKILLED, "simple": SIMPLE}
"""What a writer has in a split, and the label of such rows."""


@dataclass(frozen=True)
class WriterRows:
    """One writer's part of a split: rows in the dataset, from 0."""

    writer: int
    references: list[int] = field(default_factory=list)
    genuine: list[int] = field(default_factory=list)
    skilled: list[int] = field(default_factory=list)
    simple: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, own: WriterSplit) -> WriterRows:
        """Return the rows of a writer."""
        return cls(own.writer, *(getattr(own, name).tolist() for name in ROWS))

    def split(self, rows: NDArray[np.int64] | None = None) -> WriterSplit:
        """Return the writer; ``rows``: the number in the data at hand of each row.

        Raises:
            IndexError: there is no such row; ValueError: none has such a number.
        """
        try:
            parts = [np.asarray(getattr(self, name), dtype=np.int64) for name in ROWS]
        except OverflowError:
            raise ValueError("a row's number is beyond every dataset") from None
        if any(part.min(initial=0) < 0 for part in parts):  # NumPy would count from the end
            raise ValueError("a row's number is negative")
        return WriterSplit(self.writer, *(part if rows is None else rows[part] for part in parts))


@dataclass(frozen=True)
class SplitRows:
    """One split."""

    nref: int
    split: int
    writers: list[WriterRows]
    bystanders: list[WriterRows] = field(default_factory=list)
    """Writers who are random forgeries only."""

    @classmethod
    def of(cls, split: Split) -> SplitRows:
        """Return the rows of a split."""
        return cls(
            split.nref, split.number, *([WriterRows.of(o) for o in p] for p in (split.writers, split.bystanders))
        )


class SplitsFile(JsonDocument, format="sigkd-splits", version=1):
    """The file of ``sigkd evaluate --splits-file``: which signatures were references and tests."""

    rows: int = 0
    """Of the dataset."""
    trials_hash: str = ""
    """SHA-256 of the labels: the same signatures in the same order."""
    filenames: list[str] = field(default_factory=list)
    """By the rows; empty: not known."""
    splits: list[SplitRows]

    def text(self, *, ascii_only: bool = False) -> str:
        """Return the text of the file: one line a split, in ASCII, which holds names of any bytes."""
        head = self.to_json()
        # One split a line: two manifests can be compared by a person.
        lines = ",\n".join(json.dumps(split, separators=(",", ":")) for split in head.pop("splits"))
        return json.dumps(head)[:-1] + f', "splits": [\n{lines}\n]}}\n'


def trials_hash(y: NDArray[Any], yforg: NDArray[Any]) -> str:
    """Return the SHA-256 of the labels: where it is the same, the same signatures are in the same order."""
    # Labels, not images: features of several models of the same signatures share their splits.
    digest = hashlib.sha256(np.ascontiguousarray(y, dtype="<i8").tobytes())
    digest.update(np.ascontiguousarray(yforg, dtype="<i8").tobytes())
    return digest.hexdigest()


def split_hash(splits: Sequence[Split]) -> str:
    """Return the SHA-256 of splits, whatever program chose them."""
    documents = [encode(SplitRows.of(split)) for split in splits]
    for document in documents:
        if not document["bystanders"]:  # of the same splits the same hash as before there were any
            del document["bystanders"]
    text = json.dumps(documents, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def save_splits(
    path: Path, splits: Sequence[Split], y: NDArray[Any], yforg: NDArray[Any], filenames: Sequence[str] = ()
) -> None:
    """Write a manifest: row numbers from 0, and the files' names where they are known (one line a split)."""
    SplitsFile(
        rows=len(y),
        trials_hash=trials_hash(y, yforg),
        filenames=list(filenames),
        splits=[SplitRows.of(split) for split in splits],
    ).save(path)


def load_splits(
    path: Path, nrefs: Sequence[int], count: int, y: NDArray[Any], yforg: NDArray[Any], filenames: Sequence[str] = ()
) -> list[Split]:
    """Read the splits for the asked numbers of references from a manifest.

    The rows must be those of the data at hand; where they are not, but both know file names, rows are found by name.

    Raises:
        InputError: if the file is no manifest, belongs to other data, lacks an asked split, or lets a reference be a
            test.
    """
    document = SplitsFile.read(path)
    rows = _row_map(path, document, y, yforg, filenames)
    found: dict[tuple[int, int], Split] = {}
    try:
        for own in document.splits:
            writers, bystanders = (tuple(w.split(rows) for w in part) for part in (own.writers, own.bystanders))
            found[own.nref, own.split] = Split(own.nref, own.split, writers, bystanders)
    except (IndexError, ValueError) as error:
        raise InputError(f"{path}: the manifest is damaged ({error})") from error
    missing = [(n, s) for n in nrefs for s in range(count) if (n, s) not in found]
    if missing:
        n, s = missing[0]
        raise InputError(f"{path}: has no split {s} with {n} references ({len(missing)} of the asked ones are absent)")
    chosen = [found[n, s] for n in nrefs for s in range(count)]
    for split in chosen:
        _check(path, split, np.asarray(y), np.asarray(yforg))
    return chosen


def _row_map(
    path: Path, document: SplitsFile, y: NDArray[Any], yforg: NDArray[Any], filenames: Sequence[str]
) -> NDArray[np.int64]:
    if document.trials_hash == trials_hash(y, yforg):
        return np.arange(len(y))
    # Another program may order the same files otherwise.
    theirs, ours = document.filenames, {name: row for row, name in enumerate(filenames)}
    absent = [name for name in theirs if name not in ours]
    if not theirs or absent or len(ours) != len(filenames):
        example = f" (for example '{absent[0]}' is not in the data)" if absent else ""
        raise InputError(f"{path}: the splits belong to other data{example}")
    return np.array([ours[name] for name in theirs], dtype=np.int64)


def _check(path: Path, split: Split, y: NDArray[Any], yforg: NDArray[Any]) -> None:
    for own in split.writers:
        where = f"{path}: split {split.number} with {split.nref} references, writer {own.writer}"
        if len(own.references) != split.nref or not len(own.genuine):
            raise InputError(f"{where}: {len(own.references)} references and {len(own.genuine)} genuine tests")
        if np.intersect1d(own.references, own.genuine).size:
            raise InputError(f"{where}: a reference is also a test signature")
    for own in (*split.writers, *split.bystanders):
        where = f"{path}: split {split.number} with {split.nref} references, writer {own.writer}"
        for name, kind in ROWS.items():
            rows = getattr(own, name)
            if (y[rows] != own.writer).any() or (yforg[rows] != kind).any():
                raise InputError(f"{where}: a '{name}' row is of another writer or kind")
