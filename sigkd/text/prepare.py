"""From a collection of pages to a text dataset: resumable, the same bytes whatever the number of workers."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sigkd._version import __version__
from sigkd.datasets import textset
from sigkd.datasets.textset import TextCounts, TextDescription, TextPage, TextSkipped
from sigkd.errors import DatasetError, InputError
from sigkd.files import write_json
from sigkd.images.canvas import CANVASES, PREPROCESS_VERSION, SIZE
from sigkd.json_documents import JsonDocument
from sigkd.pools import in_order
from sigkd.progress import SILENT, Progress
from sigkd.text.layouts import Pages, find_pages
from sigkd.text.options import CANVAS_NAMES, TextOptions
from sigkd.text.page import INDEX_DTYPE, process_page
from sigkd.text.preview import write_preview
from sigkd.text.splits import VALIDATION, split_rows, thin_rows
from sigkd.text.store import PartialStore

FINAL_DTYPE = np.dtype([("label", "<i4"), ("split", "u1"), *[(n, INDEX_DTYPE[n]) for n in INDEX_DTYPE.names or ()]])
_CHUNK = 1024


class TextPreparation(JsonDocument, format="sigkd-text-preparation", version=1):
    """What ``sigkd prepare-text`` prints: a finished text dataset and what happened on the way."""

    path: Path
    dataset: TextDescription
    resumed_pages: int
    """Pages that an earlier, unfinished run had done."""
    previews: list[Path]
    """The contact sheets written."""
    seconds: float


def prepare_text(
    source: Path,
    target: Path,
    layout: str,
    options: TextOptions | None = None,
    *,
    writers: Path | None = None,
    workers: int = 1,
    overwrite: bool = False,
    preview: Path | None = None,
    signatures: npt.NDArray[np.uint8] | None = None,
    progress: Progress = SILENT,
) -> TextPreparation:
    """Turn pages of handwriting into the text dataset ``target``.

    Args:
        source: the collection (see :func:`sigkd.text.layouts.find_pages`).
        target: directory of the dataset; an unfinished run of the same options and pages beside it is continued.
        layout: name of the collection's layout.
        options: everything that decides the crops.
        writers: the writer table, for layouts that have one.
        workers: processes; 0: one per core. The bytes do not depend on it.
        overwrite: replace an existing dataset, and an unfinished run of other options.
        preview: where to write contact sheets of every stage (:func:`sigkd.text.preview.write_preview`).
        signatures: uint8 [n, 170, 242] to show beside the crops on the contact sheet.
        progress: where progress and warnings go.

    Raises:
        DatasetError: if no page can be used.
        InputError: if ``target`` exists, or an unfinished run of other options does, and ``overwrite`` is false.
    """
    start = time.perf_counter()
    options = options or TextOptions()
    source, target = Path(source), Path(target)
    if target.exists() and not overwrite:
        raise InputError(f"{target}: exists already; choose another name or give `overwrite=True`")
    pages = find_pages(layout, source, writers)
    for name, reason in pages.skipped:
        progress.warn(f"{name}: left out, {reason}")
    run = _describe_run(source, layout, options, pages)
    store = _open_store(target, run, overwrite=overwrite)
    resumed = len(store.finished)
    try:
        if resumed:
            progress.info(f"{resumed} of {len(pages.pages)} pages were finished before; going on from there")
        _run_pages(store, pages, options, workers, progress)
        description = _finish(store, target, run, pages, options, progress)
    except KeyboardInterrupt:
        progress.info(
            f"stopped after {len(store.finished)} of {len(pages.pages)} pages; the same command goes on from there"
        )
        raise
    finally:
        store.close()
    store.remove()
    sheets = []
    if preview is not None:
        sheets = write_preview(preview, textset.TextDataset.open(target, check=False), pages, options, signatures)
    return TextPreparation(
        path=target,
        dataset=description,
        resumed_pages=resumed,
        previews=sheets,
        seconds=round(time.perf_counter() - start, 3),
    )


def _describe_run(source: Path, layout: str, options: TextOptions, pages: Pages) -> dict[str, Any]:
    """Return everything that decides the bytes of the dataset."""
    return {
        "sigkd_version": __version__,
        "preprocess_version": PREPROCESS_VERSION,
        "source": str(source),
        "layout": layout,
        "options": options.to_json(),
        "pages": [{"name": p.name, "writer": p.writer, "bytes": p.path.stat().st_size} for p in pages.pages],
        "left_out": [list(entry) for entry in pages.skipped],
    }


def _open_store(target: Path, run: dict[str, Any], *, overwrite: bool) -> PartialStore:
    try:
        return PartialStore(target, run)
    except InputError:
        if not overwrite:
            raise
        shutil.rmtree(textset.partial_path(target))
        return PartialStore(target, run)


def _run_pages(store: PartialStore, pages: Pages, options: TextOptions, workers: int, progress: Progress) -> None:
    """Process the pages that are not finished yet."""
    done = len(store.finished)
    remaining = pages.pages[done:]
    with progress.task("pages", total=len(pages.pages), unit="pages") as task:
        task.advance(done)
        work = partial(process_page, options=options)
        # finding lines is mostly Python, which threads would do one after the other
        results = in_order(work, remaining, workers=workers, processes=True)
        with contextlib.closing(results):
            for number, (page, result) in enumerate(zip(remaining, results, strict=True), start=done):
                result.index["page"] = number
                store.append(
                    {
                        "page": page.name,
                        "lines": result.lines,
                        "stripes": result.stripes,
                        "angle": round(result.angle, 2),
                        "skipped": result.skipped,
                        "problem": result.problem,
                    },
                    result,
                )
                if result.problem:
                    progress.warn(f"{page.name}: gives nothing, {result.problem}")
                task.describe(f"{store.crops} crops")
                task.advance()


def _finish(
    store: PartialStore, target: Path, run: dict[str, Any], pages: Pages, options: TextOptions, progress: Progress
) -> TextDescription:
    """Choose, split and describe the crops, and put the dataset in its place."""
    rows = store.index()
    if not len(rows):
        first = next((f"{e['page']}: {e['problem']}" for e in store.finished if e["problem"]), "no crops")
        raise DatasetError(f"{run['source']}: no page gave a crop (first: {first})")
    names = sorted({page.writer for page in pages.pages})
    number = {name: index for index, name in enumerate(names)}
    label = np.array([number[page.writer] for page in pages.pages], np.int64)[rows["page"]]
    amounts = np.bincount(label, minlength=len(names))
    few = [name for name, amount in zip(names, amounts, strict=True) if amount < options.min_crops]
    for name in few:
        verb = "kept" if options.keep_small and amounts[number[name]] else "left out"
        progress.warn(f"writer {name}: only {amounts[number[name]]} crops, {verb}")
    keep = amounts[label] >= (1 if options.keep_small else options.min_crops)
    if not keep.any():
        raise DatasetError(
            f"{run['source']}: no writer has {options.min_crops} crops; lower `min_crops` or give `keep_small=True`"
        )
    if options.max_images and keep.sum() > options.max_images:
        keep[np.flatnonzero(keep)] = thin_rows(label[keep], options.max_images, options.seed)
    kept_label, rows = label[keep], rows[keep]
    kept, new_label = np.unique(kept_label, return_inverse=True)
    index = np.zeros(len(rows), FINAL_DTYPE)
    for column in INDEX_DTYPE.names or ():
        index[column] = rows[column]
    index["label"] = new_label
    index["split"] = split_rows(new_label, rows["page"], rows["line"], options.validation, options.seed)
    writers = [names[position] for position in kept]
    building = store.directory / "dataset"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    _place_images(store.close_images(), building / textset.IMAGES, keep)
    with (building / textset.INDEX).open("wb") as stream:
        np.lib.format.write_array(stream, index, version=(1, 0), allow_pickle=False)
    content = textset.content_hash(building, writers)
    description = _describe(run, store.finished, index, writers, few, content)
    write_json(building / textset.DESCRIPTION, description.to_json())
    if target.exists():
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    building.rename(target)
    return description


def _place_images(images: Path, target: Path, keep: npt.NDArray[np.bool_]) -> None:
    """Put the kept crops of ``images`` into ``target``: a link if all are kept, else a streamed copy."""
    if keep.all():
        try:
            os.link(images, target)
        except OSError:  # a file system without hard links
            shutil.copyfile(images, target)
        return
    every = np.load(images, mmap_mode="r", allow_pickle=False)
    chosen = np.flatnonzero(keep)
    from sigkd.text.store import npy_header

    with target.open("wb") as stream:
        stream.write(npy_header(len(chosen)))
        for start in range(0, len(chosen), _CHUNK):
            stream.write(np.ascontiguousarray(every[chosen[start : start + _CHUNK]]).data)


def _describe(
    run: dict[str, Any],
    finished: list[dict[str, Any]],
    index: npt.NDArray[np.void],
    writers: list[str],
    few: list[str],
    content_hash: str,
) -> TextDescription:
    skipped: Counter[str] = Counter()
    for entry in finished:
        skipped.update(entry["skipped"])
    counts = TextCounts(
        pages=sum(not entry["problem"] for entry in finished),
        lines=sum(entry["lines"] for entry in finished),
        stripes=sum(entry["stripes"] for entry in finished),
        crops=len(index),
        writers=len(writers),
        train=int((index["split"] != VALIDATION).sum()),
        validation=int((index["split"] == VALIDATION).sum()),
        pages_found=len(finished),
        crops_cut=sum(entry["crops"] for entry in finished),
    )
    ready = run["layout"] == "ready"
    problems = [(entry["page"], entry["problem"]) for entry in finished if entry["problem"]]
    return TextDescription(
        sigkd_version=run["sigkd_version"],
        preprocess_version=run["preprocess_version"],
        source=run["source"],
        layout=run["layout"],
        options=run["options"],
        size=SIZE,
        # what ready images were placed on is not known
        canvas_names=["unknown"] if ready else list(CANVAS_NAMES),
        canvas_sizes=[None] if ready else [CANVASES[name] for name in CANVAS_NAMES],
        counts=counts,
        skipped=TextSkipped(run["left_out"], problems, few, dict(sorted(skipped.items()))),
        writers=writers,
        crops_per_writer=np.bincount(index["label"], minlength=len(writers)).tolist(),
        pages=[
            TextPage(page["name"], page["writer"], *(entry[key] for key in ("lines", "stripes", "crops", "angle")))
            for page, entry in zip(run["pages"], finished, strict=True)
        ],
        content_hash=content_hash,
    )
