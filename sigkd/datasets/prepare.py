"""From scans on disk to a signature store: reading and normalising, in parallel, in a fixed order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sigkd.datasets.layouts import KINDS, SignatureRecord, SignatureSet, scan_dataset
from sigkd.datasets.prepared import PreparedSignatures, check_store_path
from sigkd.datasets.preview import write_preview
from sigkd.errors import DatasetError, ImageError
from sigkd.images.canvas import SIZE
from sigkd.images.formats import MAX_PIXELS, check_picture
from sigkd.images.placing import Placing
from sigkd.pools import in_order
from sigkd.progress import SILENT, Progress

U8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class _Outcome:
    """What became of one file."""

    image: U8 | None
    warnings: tuple[str, ...] = ()
    reason: str = ""
    """Why there is no image."""


def prepare_signatures(
    signatures: SignatureSet,
    name: str | None = None,
    placing: Placing | None = None,
    workers: int = 0,
    progress: Progress = SILENT,
) -> PreparedSignatures:
    """Read and normalise every signature of a set; what cannot be used is skipped and listed.

    The result is the same whatever the number of workers.

    Args:
        signatures: what :func:`~sigkd.datasets.layouts.scan_dataset` found.
        name: name of the store; default: the dataset's.
        placing: where signatures go; default: the layout's canvas.
        workers: threads; 0: one per core.
        progress: told of every file.

    Raises:
        DatasetError: if not one image is usable.
    """
    placing = placing or Placing(signatures.canvas)
    records = signatures.records
    images = np.zeros((len(records), *placing.shape), np.uint8)
    kept: list[SignatureRecord] = []
    skipped: list[dict[str, str]] = []
    noted: dict[str, list[str]] = {}
    with progress.task("preprocessing", total=len(records), unit="images") as task:
        # decoding and filtering happen outside of the interpreter's lock: threads do
        work = partial(_process, placing=placing)
        outcomes = in_order(work, [record.path for record in records], workers=workers)
        for record, outcome in zip(records, outcomes, strict=True):
            file = _name(record.path, signatures.root)
            if outcome.image is None:
                skipped.append({"file": file, "writer": record.writer, "kind": record.kind, "reason": outcome.reason})
            else:
                images[len(kept)] = outcome.image
                kept.append(record)
                for warning in outcome.warnings:
                    noted.setdefault(warning, []).append(file)
            task.advance()
    if not kept:
        reason = skipped[0]["reason"] if skipped else "there are none"
        raise DatasetError(f"{signatures.root}: none of {len(records)} images is usable; the first: {reason}")
    return _store(signatures, name or signatures.name, images, kept, placing, skipped, noted)


def preprocess_dataset(
    source: Path,
    dataset: str,
    target: Path,
    *,
    canvas: tuple[int, int] | None = None,
    views: tuple[str, ...] = (),
    dpi: float | None = None,
    size: tuple[int, int] = SIZE,
    allow_incomplete: bool = False,
    workers: int = 0,
    max_pixels: int = MAX_PIXELS,
    preview: Path | None = None,
    progress: Progress = SILENT,
) -> PreparedSignatures:
    """Scan a dataset on disk, prepare it and save the store ``target`` (``.npz``), with a contact sheet where asked.

    Arguments as of :func:`~sigkd.datasets.layouts.scan_dataset`, :func:`prepare_signatures` and
    :class:`~sigkd.images.placing.Placing`. Nothing is written
    before everything is prepared, so an interrupted run leaves an older store as it was.
    """
    check_store_path(target)
    if preview is not None:
        check_picture(preview)
    signatures = scan_dataset(dataset, source, allow_incomplete)
    placing = Placing(canvas or signatures.canvas, views, dpi, size, max_pixels)
    prepared = prepare_signatures(signatures, target.stem, placing, workers, progress)
    prepared.save(target)
    if preview is not None:
        write_preview(prepared, preview)
    return prepared


def _process(path: Path, placing: Placing) -> _Outcome:
    try:
        placed = placing(path)
    except ImageError as error:
        return _Outcome(None, reason=str(error).removeprefix(f"{path}: "))
    return _Outcome(placed.image, placed.warnings)


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _store(
    signatures: SignatureSet,
    name: str,
    images: U8,
    kept: list[SignatureRecord],
    placing: Placing,
    skipped: list[dict[str, str]],
    noted: dict[str, list[str]],
) -> PreparedSignatures:
    writers = list(dict.fromkeys(record.writer for record in kept))
    numbers = {writer: number for number, writer in enumerate(writers)}
    counts = Counter(record.kind for record in kept)
    metadata: dict[str, Any] = {
        "name": name,
        "layout": signatures.name,
        **({"views": list(placing.views), "dpi": placing.dpi} if placing.views else {"canvas": list(placing.canvas)}),
        "size": list(images.shape[-2:]),
        "preprocess_version": placing.version,
        "protocol": {
            "references": signatures.defaults.references,
            "test_genuine": signatures.defaults.test_genuine,
            "test_skilled": signatures.defaults.test_skilled,
        },
        "counts": {"writers": len(writers), **{kind: counts[kind] for kind in KINDS}, "skipped": len(skipped)},
        "skipped": skipped,
        "warnings": {warning: noted[warning] for warning in sorted(noted)},
        "missing": signatures.missing,
        "left_out": signatures.left_out,
    }
    return PreparedSignatures(
        images[: len(kept)],
        np.array([numbers[record.writer] for record in kept], np.int64),
        np.array([KINDS.index(record.kind) for record in kept], np.int8),
        [_name(record.path, signatures.root) for record in kept],
        writers,
        metadata,
    )
