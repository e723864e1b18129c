"""``sigkd prepare-text``: pages of handwriting become signature-like training images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.declared import merge, with_options
from sigkd.cli.options import DataDir, Json, Workers
from sigkd.cli.output import Table, note_line, print_json, print_table
from sigkd.errors import UsageError
from sigkd.text.layouts import LAYOUTS
from sigkd.text.options import TextOptions

if TYPE_CHECKING:
    from sigkd.text.prepare import Prepared


@app.command("prepare-text", cls=SigkdCommand)
@with_options(TextOptions(), "prepare-text")
def prepare_text(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Directory of the pages (csv layout: or the table).")],
    layout: Annotated[str, typer.Option(help=f"{', '.join(LAYOUTS)} (folder: WRITER/*; lines: ready lines).")],
    writers: Annotated[
        Path | None, typer.Option(help="Writer table of the iam layout.", show_default="forms.txt beside the pages")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the dataset in the data directory.")] = "text",
    out: Annotated[Path | None, typer.Option(help="Directory of the dataset, in place of --name.")] = None,
    workers: Workers = 0,
    preview: Annotated[Path | None, typer.Option(help="Write contact sheets of every stage beside this PNG.")] = None,
    beside: Annotated[
        str | None, typer.Option(help="Prepared signatures (name or file) to show beside the crops of --preview.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a dataset of that name.")] = False,
    data_dir: DataDir = None,
    json_output: Json = False,
    **options: Any,
) -> None:
    """Turn pages of handwriting into signature-like training images.

    Pages -> lines -> solid stripes of text -> crops -> the preprocessing of signatures. An interrupted run goes on
    where it stopped when the same command is given again.
    """
    import time

    from sigkd.cli.progress import console_progress
    from sigkd.images.formats import check_picture
    from sigkd.paths import data_dir as home
    from sigkd.paths import dataset_path, plain_name

    if preview is not None:
        check_picture(preview)
    if beside is not None and preview is None:
        raise UsageError("--beside needs --preview")
    from sigkd.text.prepare import prepare_text as run

    chosen = merge(TextOptions(), None, options)
    signatures = None
    if beside is not None:
        from sigkd.datasets.prepared import find_prepared

        signatures = find_prepared(beside, home(data_dir)).x
    target = out if out is not None else dataset_path(plain_name(name), home(data_dir))
    start = time.perf_counter()
    prepared = run(
        source,
        target,
        layout,
        chosen,
        writers=writers,
        workers=workers,
        overwrite=overwrite,
        preview=preview,
        signatures=signatures,
        progress=console_progress(),
    )
    seconds = time.perf_counter() - start
    if json_output:
        print_json(_document(prepared, seconds))
    else:
        _render(prepared, seconds)


def _document(prepared: Prepared, seconds: float) -> dict[str, Any]:
    """Return the summary for ``--json``: counts at every stage, then how they came about."""
    metadata = prepared.metadata
    per_writer = sorted(metadata["crops_per_writer"])
    return {
        **metadata["counts"],
        "path": str(prepared.path),
        "content_hash": metadata["content_hash"],
        "seconds": round(seconds, 2),
        "resumed_pages": prepared.resumed_pages,
        "crops_per_writer": {
            "least": per_writer[0],
            "median": per_writer[len(per_writer) // 2],
            "most": per_writer[-1],
            "of_writer": dict(zip(metadata["writers"], metadata["crops_per_writer"], strict=True)),
        },
        "skipped": metadata["skipped"],
        "options": metadata["options"],
        "source": metadata["source"],
        "layout": metadata["layout"],
        "previews": [str(sheet) for sheet in prepared.sheets],
    }


def _render(prepared: Prepared, seconds: float) -> None:
    """Print the counts at every stage, what was skipped, and the histogram of crops per writer."""
    metadata = prepared.metadata
    counts, skipped = metadata["counts"], metadata["skipped"]
    table = Table("stage", "count", "remarks", title="Text dataset", title_justify="left")
    table.columns[1].justify = "right"
    remarks = {
        "pages": f"of {counts['pages_found']} found"
        + (f", {len(skipped['files'])} files left out" if skipped["files"] else ""),
        "lines": f"{counts['lines'] / max(1, counts['pages']):.1f} a page",
        "stripes": "",
        "crops": f"{counts['crops_cut']} cut" if counts["crops_cut"] != counts["crops"] else "",
        "writers": f"{len(skipped['writers'])} with too little text" if skipped["writers"] else "",
        "train": "",
        "validation": f"{counts['validation'] / counts['crops']:.0%}",
    }
    for stage, remark in remarks.items():
        table.add_row(stage, str(counts[stage]), remark)
    for reason, amount in skipped["parts"].items():
        table.add_row("skipped", str(amount), reason)
    for name, problem in skipped["pages"][:10]:
        table.add_row("skipped", "1", f"page {name}: {problem}")
    print_table(table)
    print_table(_histogram(metadata["crops_per_writer"]))
    for sheet in prepared.sheets:
        note_line(f"look at {sheet}")
    rate = counts["crops_cut"] / max(seconds, 1e-9)
    note_line(f"{prepared.path}: {seconds:.1f} s, {rate:.0f} crops/s, content {metadata['content_hash'][:12]}")


def _histogram(amounts: list[int]) -> Any:
    """Return a table of how many writers have how many crops, in at most eight classes."""
    table = Table("crops per writer", "writers", "", title_justify="left")
    table.columns[1].justify = "right"
    low, high = min(amounts), max(amounts)
    step = max(1, -(-(high - low + 1) // 8))
    classes = [(start, min(start + step - 1, high)) for start in range(low, high + 1, step)]
    sizes = [sum(first <= amount <= last for amount in amounts) for first, last in classes]
    for (first, last), size in zip(classes, sizes, strict=True):
        name = str(first) if first == last else f"{first} to {last}"
        table.add_row(name, str(size), "#" * round(30 * size / max(sizes)))
    return table
