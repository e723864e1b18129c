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
from sigkd.images.preprocess import PREPROCESS_VERSION, normalize
from sigkd.images.reader import read_image
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
    canvas: tuple[int, int] | None = None,
    size: tuple[int, int] = SIZE,
    workers: int = 0,
    max_pixels: int = MAX_PIXELS,
    progress: Progress = SILENT,
) -> PreparedSignatures:
    """Read and normalise every signature of a set; what cannot be used is skipped and listed.

    The result is the same whatever the number of workers.

    Args:
        signatures: what :func:`~sigkd.datasets.layouts.scan_dataset` found.
        name: name of the store; default: the dataset's.
        canvas: height and width in pixels of the scan; default: the layout's.
        size: height and width of the normalised images.
        workers: threads; 0: one per core.
        max_pixels: largest scan that is decoded.
        progress: told of every file.

    Raises:
        DatasetError: if not one image is usable.
    """
    canvas = canvas or signatures.canvas
    records = signatures.records
    images = np.zeros((len(records), *size), np.uint8)
    kept: list[SignatureRecord] = []
    skipped: list[dict[str, str]] = []
    noted: dict[str, list[str]] = {}
    with progress.task("preprocessing", total=len(records), unit="images") as task:
        # decoding and filtering happen outside of the interpreter's lock: threads do
        work = partial(_process, canvas=canvas, size=size, max_pixels=max_pixels)
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
    return _store(signatures, name or signatures.name, images, kept, canvas, skipped, noted)


def preprocess_dataset(
    source: Path,
    dataset: str,
    target: Path,
    *,
    canvas: tuple[int, int] | None = None,
    size: tuple[int, int] = SIZE,
    allow_incomplete: bool = False,
    workers: int = 0,
    max_pixels: int = MAX_PIXELS,
    preview: Path | None = None,
    progress: Progress = SILENT,
) -> PreparedSignatures:
    """Scan a dataset on disk, prepare it and save the store ``target`` (``.npz``), with a contact sheet where asked.

    Arguments as of :func:`~sigkd.datasets.layouts.scan_dataset` and :func:`prepare_signatures`. Nothing is written
    before everything is prepared, so an interrupted run leaves an older store as it was.
    """
    check_store_path(target)
    if preview is not None:
        check_picture(preview)
    signatures = scan_dataset(dataset, source, allow_incomplete)
    prepared = prepare_signatures(signatures, target.stem, canvas, size, workers, max_pixels, progress)
    prepared.save(target)
    if preview is not None:
        write_preview(prepared, preview)
    return prepared


def _process(path: Path, canvas: tuple[int, int], size: tuple[int, int], max_pixels: int) -> _Outcome:
    try:
        normalized = normalize(read_image(path, max_pixels=max_pixels), canvas, size)
    except ImageError as error:
        return _Outcome(None, reason=str(error).removeprefix(f"{path}: "))
    return _Outcome(normalized.image, normalized.warnings)


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _store(
    signatures: SignatureSet,
    name: str,
    images: U8,
    kept: list[SignatureRecord],
    canvas: tuple[int, int],
    skipped: list[dict[str, str]],
    noted: dict[str, list[str]],
) -> PreparedSignatures:
    writers = list(dict.fromkeys(record.writer for record in kept))
    numbers = {writer: number for number, writer in enumerate(writers)}
    counts = Counter(record.kind for record in kept)
    metadata: dict[str, Any] = {
        "name": name,
        "layout": signatures.name,
        "canvas": list(canvas),
        "size": list(images.shape[1:]),
        "preprocess_version": PREPROCESS_VERSION,
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
