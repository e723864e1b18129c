"""Splits as a file: which signatures were references and tests, for another run or another program to use again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sigkd.errors import InputError
from sigkd.evaluation.protocol import GENUINE, SIMPLE, SKILLED, Split, WriterSplit
from sigkd.files import write_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT, VERSION = "sigkd-splits", 1
ROWS = {"references": GENUINE, "genuine": GENUINE, "skilled": SKILLED, "simple": SIMPLE}
"""What a writer has in a split, and the label of such rows."""


def trials_hash(y: NDArray[Any], yforg: NDArray[Any]) -> str:
    """Return the SHA-256 of the labels: where it is the same, the same signatures are in the same order."""
    digest = hashlib.sha256(np.ascontiguousarray(y, dtype="<i8").tobytes())
    digest.update(np.ascontiguousarray(yforg, dtype="<i8").tobytes())
    return digest.hexdigest()


def rows_of(writers: Sequence[WriterSplit]) -> list[dict[str, Any]]:
    """Return the writers' rows as JSON values."""
    return [{"writer": own.writer, **{name: getattr(own, name).tolist() for name in ROWS}} for own in writers]


def writers_of(known: Sequence[dict[str, Any]], rows: NDArray[np.int64] | None = None) -> tuple[WriterSplit, ...]:
    """Return the writers of :func:`rows_of`; ``rows``: the number in this data of each row in that.

    Raises:
        KeyError, TypeError, ValueError, IndexError: the document is damaged.
    """

    def own(document: dict[str, Any]) -> WriterSplit:
        parts = (np.asarray(document.get(name, []), dtype=np.int64) for name in ROWS)
        return WriterSplit(int(document["writer"]), *(part if rows is None else rows[part] for part in parts))

    return tuple(own(document) for document in known)


def split_document(split: Split) -> dict[str, Any]:
    """Return one split as JSON values; ``bystanders`` only where there are any."""
    document = {"nref": split.nref, "split": split.number, "writers": rows_of(split.writers)}
    return {**document, "bystanders": rows_of(split.bystanders)} if split.bystanders else document


def split_hash(splits: Sequence[Split]) -> str:
    """Return the SHA-256 of splits, whatever program chose them."""
    text = json.dumps([split_document(split) for split in splits], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def save_splits(
    path: Path, splits: Sequence[Split], y: NDArray[Any], yforg: NDArray[Any], filenames: Sequence[str] = ()
) -> None:
    """Write a manifest: row numbers from 0, and the files' names where they are known (one line a split)."""
    head = {
        "format": FORMAT,
        "version": VERSION,
        "rows": len(y),
        "trials_hash": trials_hash(y, yforg),
        "filenames": list(filenames),
    }
    lines = ",\n".join(json.dumps(split_document(split), separators=(",", ":")) for split in splits)
    write_text(path, json.dumps(head, ensure_ascii=False)[:-1] + f', "splits": [\n{lines}\n]}}\n')


def load_splits(
    path: Path, nrefs: Sequence[int], count: int, y: NDArray[Any], yforg: NDArray[Any], filenames: Sequence[str] = ()
) -> list[Split]:
    """Read the splits for the asked numbers of references from a manifest.

    The rows must be those of the data at hand; where they are not, but both know file names, rows are found by name.

    Raises:
        InputError: if the file is no manifest, belongs to other data, lacks an asked split, or lets a reference be a
            test.
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not a readable manifest of splits ({error})") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT or document.get("version") != VERSION:
        raise InputError(f"{path}: not a manifest of splits of version {VERSION} (format '{FORMAT}')")
    rows = _row_map(path, document, y, yforg, filenames)
    found: dict[tuple[int, int], Split] = {}
    try:
        for entry in document["splits"]:
            writers, bystanders = (writers_of(entry.get(key, []), rows) for key in ("writers", "bystanders"))
            found[entry["nref"], entry["split"]] = Split(entry["nref"], entry["split"], writers, bystanders)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"{path}: the manifest is damaged ({type(error).__name__}: {error})") from error
    missing = [(n, s) for n in nrefs for s in range(count) if (n, s) not in found]
    if missing:
        n, s = missing[0]
        raise InputError(f"{path}: has no split {s} with {n} references ({len(missing)} of the asked ones are absent)")
    chosen = [found[n, s] for n in nrefs for s in range(count)]
    for split in chosen:
        _check(path, split, np.asarray(y), np.asarray(yforg))
    return chosen


def _row_map(
    path: Path, document: dict[str, Any], y: NDArray[Any], yforg: NDArray[Any], filenames: Sequence[str]
) -> NDArray[np.int64]:
    if document.get("trials_hash") == trials_hash(y, yforg):
        return np.arange(len(y))
    theirs, ours = document.get("filenames") or [], {name: row for row, name in enumerate(filenames)}
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
