"""``sigkd prepare-text``: pages of handwriting become signature-like training images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.declared import merge, with_options
from sigkd.cli.options import DataDir, Json, Workers
from sigkd.cli.output import Table, note_line, print_table, show
from sigkd.errors import UsageError
from sigkd.text.layouts import LAYOUTS
from sigkd.text.options import TextOptions

if TYPE_CHECKING:
    from sigkd.text.prepare import TextPreparation


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
    show(prepared, json_output, _summary)
    if not json_output:
        print_table(_histogram(prepared.dataset.crops_per_writer))
        for sheet in prepared.previews:
            note_line(f"look at {sheet}")
        counts, seconds = prepared.dataset.counts, prepared.seconds
        rate = counts.crops_cut / max(seconds, 1e-9)
        content = prepared.dataset.content_hash[:12]
        note_line(f"{prepared.path}: {seconds:.1f} s, {rate:.0f} crops/s, content {content}")


def _summary(prepared: TextPreparation) -> Table:
    """Return the counts at every stage, and what was skipped."""
    counts, skipped = prepared.dataset.counts, prepared.dataset.skipped
    table = Table("stage", "count", "remarks", title="Text dataset", title_justify="left")
    table.columns[1].justify = "right"
    left_out = f", {len(skipped.files)} files left out" if skipped.files else ""
    table.add_row("pages", str(counts.pages), f"of {counts.pages_found} found{left_out}")
    table.add_row("lines", str(counts.lines), f"{counts.lines / max(1, counts.pages):.1f} a page")
    table.add_row("stripes", str(counts.stripes))
    table.add_row("crops", str(counts.crops), f"{counts.crops_cut} cut" if counts.crops_cut != counts.crops else "")
    few = f"{len(skipped.writers)} with too little text" if skipped.writers else ""
    table.add_row("writers", str(counts.writers), few)
    table.add_row("train", str(counts.train))
    table.add_row("validation", str(counts.validation), f"{counts.validation / counts.crops:.0%}")
    for reason, amount in skipped.parts.items():
        table.add_row("skipped", str(amount), reason)
    for name, problem in skipped.pages[:10]:
        table.add_row("skipped", "1", f"page {name}: {problem}")
    return table


def _histogram(amounts: list[int]) -> Table:
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
