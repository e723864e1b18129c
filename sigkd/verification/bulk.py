"""Enrolling thousands of writers at once from a prepared dataset, a folder, or a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sigkd.errors import ImageError, InputError, UsageError
from sigkd.gallery.records import clean_name
from sigkd.images.ink_measures import measure_normalized
from sigkd.images.remarks import Remark
from sigkd.images.resolution import given_resolution
from sigkd.json_documents import JsonDocument
from sigkd.paths import path_text
from sigkd.progress import SILENT, Progress
from sigkd.verification.documents import Look, signatures_of
from sigkd.verification.remarks import distinct
from sigkd.verification.samples import Sample

if TYPE_CHECKING:
    from sigkd.verification.verifier import Verifier

BATCH = 32
"""Writers whose features are computed together and who are enrolled in one transaction."""


@dataclass
class BulkResult:
    """What became of the writers of a source."""

    enrolled: list[str] = field(default_factory=list)
    references: int = 0
    skipped: dict[str, str] = field(default_factory=dict)
    """Why, by writer or file."""
    remarks: list[Remark] = field(default_factory=list)
    """On references."""


class Enrolment(JsonDocument, format="sigkd-enrolment", version=1):
    """What ``sigkd enroll`` prints."""

    gallery: Path
    enrolled: list[str]
    references: int
    """Of those who were enrolled."""
    skipped: dict[str, str]
    """Why, by writer or file."""
    remarks: list[Remark]
    """On references; of many writers those that were left out as copies alone."""
    writers: int
    """In the gallery."""


@dataclass(frozen=True)
class _Candidate:
    name: str
    files: tuple[tuple[Path, float | None], ...] = ()
    """With the resolutions that the table states."""
    images: NDArray[np.uint8] | None = None
    """Of a prepared dataset: uint8 [r, 170, 242], [r, V, 170, 242] in V views."""


def _candidates(
    source: str,
    data: Path,
    verifier: Verifier,
    references: int | None,
    passed: dict[str, str],
    *,
    allow_incomplete: bool = False,
    documents: bool = False,
) -> list[_Candidate]:
    """List the writers of a source with their first genuine signatures, and put into ``passed`` why files are not."""
    path = Path(source)
    if path.is_dir() or path.suffix.lower() in (".csv", ".tsv"):
        from sigkd.datasets.layouts import scan_dataset

        layout = "folder" if path.is_dir() else "csv"
        found: dict[str, list[tuple[Path, float | None]]] = {}
        signatures = scan_dataset(layout, path, allow_incomplete, documents=documents)
        passed |= dict.fromkeys(signatures.missing, "missing")
        for reason, names in signatures.passed.items():
            passed |= dict.fromkeys(names, f"passed over, {reason}")
        for record in signatures.records:
            if record.kind == "genuine":
                # In the layout's order: the same references on every machine.
                found.setdefault(record.writer, []).append((record.path, record.dpi))
        if not verifier.model.placing.views and any(dpi for files in found.values() for _, dpi in files):
            raise UsageError(
                f"{source}: states resolutions, and the model {verifier.model.name} looks at the pixels as they are: "
                "leave the column dpi out, or use a model of views"
            )
        return [_Candidate(name, tuple(files[:references])) for name, files in found.items()]
    from sigkd.datasets.prepared import find_prepared

    # Neither folder nor table: the name of a set that was prepared, on exactly the model's canvas or views.
    prepared = find_prepared(source, data)
    if tuple(prepared.metadata.get("views") or ()) != verifier.model.placing.views:
        raise InputError(f"'{source}' is placed in other views than the model's; prepare it again with `views`")
    canvas = tuple(prepared.metadata.get("canvas") or ())
    if canvas and canvas != tuple(verifier.model.canvas):
        raise InputError(f"'{source}' is prepared on another canvas than the model's; prepare it again with `canvas`")
    chosen = []
    for number, name in enumerate(prepared.writers):
        rows = np.flatnonzero((prepared.y == number) & (prepared.yforg == 0))[:references]
        if len(rows):
            images = prepared.x[rows]
            chosen.append(_Candidate(str(name), images=images))
    return chosen


def enroll_from(
    verifier: Verifier,
    source: str,
    *,
    data: Path,
    references: int | None = None,
    keep_images: bool = False,
    mode: str = "new",
    allow_incomplete: bool = False,
    look: Look | None = None,
    progress: Progress = SILENT,
) -> BulkResult:
    """Enrol every writer of a source; each batch is on the disk before the next one starts.

    Running it again after an interruption goes on: with ``mode="new"`` writers who are enrolled already are skipped.

    Args:
        verifier: with a gallery.
        source: the name or file of a prepared dataset, a folder (``WRITER/*`` or ``WRITER/genuine/*``), or a ``.csv``
            table (path, writer, and where they are known label and dpi).
        data: home of the prepared datasets.
        references: at most so many a writer; None for all.
        keep_images: store the image files (not from a prepared dataset: it holds none).
        mode: as in :meth:`sigkd.gallery.Gallery.enroll_many`.
        allow_incomplete: go on although files of the table are missing.
        look: given where the files are documents or specimen cards: each signature on them is a reference.
        progress: where the work is reported.

    Raises:
        UsageError: ``keep_images`` with a prepared dataset; InputError: no such source.
    """
    result = BulkResult()
    candidates = _candidates(
        source,
        data,
        verifier,
        references,
        result.skipped,
        allow_incomplete=allow_incomplete,
        documents=look is not None,
    )
    for file, reason in result.skipped.items():
        progress.warn(f"{file}: {reason}")
    if keep_images and any(candidate.images is not None for candidate in candidates):
        raise UsageError("a prepared dataset holds no image files: `keep_images` needs a folder or a table")
    enrolled = verifier.open_gallery(create=True)
    with progress.task("enrolling", total=len(candidates), unit="writers") as task:
        for start in range(0, len(candidates), BATCH):
            batch: list[tuple[str, list[Sample]]] = []
            for candidate in candidates[start : start + BATCH]:
                try:
                    clean_name(candidate.name)
                except UsageError as error:  # one name does not end the work
                    progress.warn(f"{error}; left out")
                    result.skipped[candidate.name] = str(error)
                    continue
                if mode == "new" and candidate.name in enrolled.gallery:
                    result.skipped[candidate.name] = "enrolled already"
                    continue
                keep = candidate.images is None and (keep_images or verifier.keeps_images(candidate.name, mode))
                read = list(_samples(verifier, candidate, keep, look, references, result, progress))
                known = enrolled.gallery.references(candidate.name) if candidate.name in enrolled.gallery else []
                samples, copies = distinct(read, known if mode == "add" else [])
                for copy in copies:
                    progress.warn(f"{candidate.name}: {copy}")
                    result.remarks.append(Remark(copy.code, f"{candidate.name}: {copy}"))
                if copies and not samples:
                    result.skipped[candidate.name] = "all are copies of references"
                if samples:
                    batch.append((candidate.name, samples))
                elif not copies:
                    result.skipped[candidate.name] = "no image can be used"
            if batch:
                features = verifier.features([sample.image for _, samples in batch for sample in samples])
                result.remarks += enrolled.enroll_many(batch, features, mode=mode)
                result.enrolled += [name for name, _ in batch]
                result.references += len(features)
            task.advance(min(BATCH, len(candidates) - start))
    return result


def _samples(
    verifier: Verifier,
    candidate: _Candidate,
    keep: bool,
    look: Look | None,
    most: int | None,
    result: BulkResult,
    progress: Progress,
) -> Iterator[Sample]:
    for number, image in enumerate(candidate.images if candidate.images is not None else ()):
        # No file is there any more: no hash, no scan facts, so copies among them cannot be told.
        ink = measure_normalized(image[0] if image.ndim == 3 else image, verifier.model.canvas)
        yield Sample(f"{candidate.name} {number + 1}", "", image, ink)
    presumed = verifier.gallery.resolution
    for file, stated in candidate.files:
        try:
            dpi = None if stated is None else given_resolution(stated, "table")
            if look is None:
                samples = [verifier.sample(file, keep=keep, dpi=dpi, presumed=presumed)]
            else:
                samples = signatures_of(verifier, [file], look, keep=keep, dpi=stated)[:most]
            place = path_text(file)  # many writers have a file of the same name
            result.remarks += [replace(one, image=place) for sample in samples for one in sample.remarks]
            yield from samples
        except ImageError as error:
            progress.warn(f"{error}; left out")
            result.skipped[path_text(file)] = str(error).removeprefix(f"{file}: ")
