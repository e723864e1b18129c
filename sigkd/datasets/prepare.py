"""From scans on disk to a signature store: reading and normalising, in parallel, in a fixed order."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from sigkd.datasets.layouts import KINDS, SignatureRecord, SignatureSet, scan_dataset
from sigkd.datasets.layouts.base import Defaults
from sigkd.datasets.prepared import PreparedSignatures, check_store_path
from sigkd.datasets.preview import write_preview
from sigkd.errors import DatasetError, ImageError
from sigkd.images.canvas import SIZE
from sigkd.images.formats import MAX_PIXELS, check_picture
from sigkd.images.placing import Placing
from sigkd.images.scan_measures import ScanMeasures
from sigkd.json_documents import JsonDocument, encode
from sigkd.pools import in_order
from sigkd.progress import SILENT, Progress

U8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class SkippedFile:
    """A file that is not in the store."""

    file: str
    writer: str
    kind: str
    """``genuine``, ``skilled`` or ``simple``."""
    reason: str


@dataclass(frozen=True)
class StoreCounts:
    """How much a store has."""

    writers: int
    genuine: int
    skilled: int
    simple: int
    skipped: int


@dataclass(frozen=True)
class StoreFacts:
    """The metadata of a signature store: how it was made, and what came out."""

    name: str
    layout: str
    scans: str
    """What the scans are known by, :attr:`sigkd.datasets.layouts.SignatureSet.fingerprint`."""
    canvas: tuple[int, int] | None
    """Height and width in pixels of the canvas; null: signatures were placed in views."""
    views: list[str] | None
    dpi: float | None
    """Resolution that was presumed of all scans; null: the files'."""
    disturbance: str | None
    """What was done to the scans before they were read."""
    size: tuple[int, int]
    """Height and width in pixels of the images."""
    preprocess_version: str
    protocol: Defaults
    """The dataset's usual evaluation."""
    counts: StoreCounts
    skipped: list[SkippedFile]
    warnings: dict[str, list[str]]
    """What deserves a look, and the files that it concerns."""
    missing: list[str]
    """What a complete set would have besides."""
    left_out: int
    """Images of writers that are not of the set."""


class Preprocessing(JsonDocument, format="sigkd-preprocessing", version=1):
    """What ``sigkd preprocess`` prints: a signature store."""

    path: Path
    preview: Path | None
    store: StoreFacts
    content_hash: str
    """SHA-256 over images, labels, file names and writers."""
    seconds: float


class Disturb(Protocol):
    """What is done to a scan before it is read."""

    @property
    def name(self) -> str:
        """What it is called in the store's metadata."""

    def __call__(self, path: Path, dpi: float | None, max_pixels: int) -> tuple[U8, float]:
        """Return the disturbed picture of a file and its resolution; ``dpi`` is the file's, where it is presumed."""


@dataclass(frozen=True)
class _Outcome:
    """What became of one file."""

    image: U8 | None
    warnings: tuple[str, ...] = ()
    measures: ScanMeasures | None = None
    reason: str = ""
    """Why there is no image."""


def prepare_signatures(
    signatures: SignatureSet,
    name: str | None = None,
    placing: Placing | None = None,
    workers: int = 0,
    progress: Progress = SILENT,
    disturb: Disturb | None = None,
) -> tuple[PreparedSignatures, StoreFacts]:
    """Read and normalise every signature of a set; what cannot be used is skipped and listed in the facts.

    The result is the same whatever the number of workers.

    Args:
        signatures: what :func:`~sigkd.datasets.layouts.scan_dataset` found.
        name: name of the store; default: the dataset's.
        placing: where signatures go; default: the layout's canvas.
        workers: threads; 0: one per core.
        progress: told of every file.
        disturb: what is done to every scan before it is read.

    Raises:
        DatasetError: if not one image is usable.
    """
    placing = placing or Placing(signatures.canvas)
    records = signatures.records
    # As long as if all could be used: what is skipped leaves the end empty, and is cut off.
    images = np.zeros((len(records), *placing.shape), np.uint8)
    kept: list[SignatureRecord] = []
    measures: list[ScanMeasures] = []
    skipped: list[SkippedFile] = []
    noted: dict[str, list[str]] = {}
    with progress.task("preprocessing", total=len(records), unit="images") as task:
        # decoding and filtering happen outside of the interpreter's lock: threads do
        work = partial(_process, placing=placing, disturb=disturb)
        outcomes = in_order(work, records, workers=workers)
        for record, outcome in zip(records, outcomes, strict=True):
            file = signatures.file_of(record)
            if outcome.image is None:
                skipped.append(SkippedFile(file, record.writer, record.kind, outcome.reason))
            else:
                images[len(kept)] = outcome.image
                kept.append(record)
                measures += [outcome.measures] if outcome.measures is not None else []
                for warning in outcome.warnings:
                    noted.setdefault(warning, []).append(file)
            task.advance()
    if not kept:
        reason = skipped[0].reason if skipped else "there are none"
        raise DatasetError(f"{signatures.root}: none of {len(records)} images is usable; the first: {reason}")
    return _store(signatures, name or signatures.name, images, kept, measures, placing, skipped, noted, disturb)


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
    disturb: Disturb | None = None,
) -> Preprocessing:
    """Scan a dataset on disk, prepare it and save the store ``target`` (``.npz``), with a contact sheet where asked.

    Arguments as of :func:`~sigkd.datasets.layouts.scan_dataset`, :func:`prepare_signatures` and
    :class:`~sigkd.images.placing.Placing`. Nothing is written before everything is prepared, so an interrupted run
    leaves an older store as it was.
    """
    start = time.perf_counter()
    # Names are looked at before an hour of work, not after it.
    check_store_path(target)
    if preview is not None:
        check_picture(preview)
    signatures = scan_dataset(dataset, source, allow_incomplete)
    placing = Placing(canvas or signatures.canvas, views, dpi, size, max_pixels)
    prepared, facts = prepare_signatures(signatures, target.stem, placing, workers, progress, disturb)
    prepared.save(target)
    if preview is not None:
        write_preview(prepared, preview)
    return Preprocessing(
        path=target,
        preview=preview,
        store=facts,
        content_hash=prepared.content_hash,
        seconds=round(time.perf_counter() - start, 3),
    )


def _process(record: SignatureRecord, placing: Placing, disturb: Disturb | None) -> _Outcome:
    source, dpi = record.path, record.dpi or placing.dpi
    try:
        if disturb is not None:
            image, dpi = disturb(source, dpi, placing.max_pixels)
            placed = replace(placing, dpi=dpi)(image)
        else:
            placed = replace(placing, dpi=dpi)(source)
    except ImageError as error:
        return _Outcome(None, reason=str(error).removeprefix(f"{record.path}: "))
    return _Outcome(placed.image, placed.warnings, placed.measures)


def _store(
    signatures: SignatureSet,
    name: str,
    images: U8,
    kept: list[SignatureRecord],
    measures: list[ScanMeasures],
    placing: Placing,
    skipped: list[SkippedFile],
    noted: dict[str, list[str]],
    disturb: Disturb | None,
) -> tuple[PreparedSignatures, StoreFacts]:
    # Numbered by those who are left: a writer of whom nothing could be used has no number.
    writers = list(dict.fromkeys(record.writer for record in kept))
    numbers = {writer: number for number, writer in enumerate(writers)}
    counts = Counter(record.kind for record in kept)
    facts = StoreFacts(
        name=name,
        layout=signatures.name,
        scans=signatures.fingerprint,
        canvas=None if placing.views else placing.canvas,
        views=list(placing.views) or None,
        dpi=placing.dpi if placing.views else None,
        disturbance=None if disturb is None else disturb.name,
        size=(images.shape[-2], images.shape[-1]),
        preprocess_version=placing.version,
        protocol=signatures.defaults,
        counts=StoreCounts(writers=len(writers), **{kind: counts[kind] for kind in KINDS}, skipped=len(skipped)),
        skipped=skipped,
        warnings={warning: noted[warning] for warning in sorted(noted)} | signatures.passed,
        missing=signatures.missing,
        left_out=signatures.left_out,
    )
    store = PreparedSignatures(
        images[: len(kept)],
        np.array([numbers[record.writer] for record in kept], np.int64),
        np.array([KINDS.index(record.kind) for record in kept], np.int8),
        [signatures.file_of(record) for record in kept],
        writers,
        {key: value for key, value in encode(facts).items() if value is not None},
        measures or None,
    )
    return store, facts
