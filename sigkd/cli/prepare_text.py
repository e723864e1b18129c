"""``sigkd prepare-text``: pages of handwriting become signature-like training images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import DataDir, Json, Seed, Workers
from sigkd.errors import UsageError

if TYPE_CHECKING:
    from sigkd.text.prepare import Prepared


@app.command("prepare-text", cls=SigkdCommand)
def prepare_text(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Directory of the pages (csv layout: or the table).")],
    layout: Annotated[str, typer.Option(help="cvl, iam, folder (WRITER/*), csv, or lines (WRITER/* of ready lines).")],
    writers: Annotated[
        Path | None, typer.Option(help="Writer table of the iam layout.", show_default="forms.txt beside the pages")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the dataset in the data directory.")] = "text",
    out: Annotated[Path | None, typer.Option(help="Directory of the dataset, in place of --name.")] = None,
    lines: Annotated[str, typer.Option(help="Line finder: seams, or paper (rows with ink).")] = "seams",
    canvases: Annotated[str, typer.Option(help="Canvases, parted by commas.")] = "gpds,mcyt,cedar,utsig",
    aspect: Annotated[
        str, typer.Option(help="Width / height of crops: random, gpds, mcyt, cedar, utsig or a number.")
    ] = "random",
    per_position: Annotated[int, typer.Option(help="Crops a stripe position, each on another canvas.", min=1)] = 1,
    per_canvas: Annotated[
        int | None, typer.Option(help="Stripe positions sampled for each canvas, in place of --per-position.", min=1)
    ] = None,
    scale: Annotated[str, typer.Option(help="Divide canvases by a factor of this range, LOW:HIGH: larger text.")] = "1",
    blur: Annotated[str, typer.Option(help="Blur pages by a sigma of this range, LOW:HIGH, in pixels.")] = "0",
    match: Annotated[
        str | None, typer.Option(help="signatures: size, shape, stroke width and ink level as signatures have them.")
    ] = None,
    pen: Annotated[
        str, typer.Option(help="With --match: size, strokes and ink are alike on a page, or differ by crop.")
    ] = "page",
    views: Annotated[
        str, typer.Option(help="With --match: canvas heights (952 is the paper's) or fitted, parted by commas.")
    ] = "952",
    validation: Annotated[float, typer.Option(help="Share of the validation part.")] = 0.3,
    min_crops: Annotated[int, typer.Option(help="Leave out writers with fewer crops.", min=1)] = 1,
    keep_small: Annotated[bool, typer.Option("--keep-small", help="Report such writers, but keep them.")] = False,
    max_images: Annotated[
        int | None, typer.Option(help="Keep at most so many crops, evenly over writers.", min=1)
    ] = None,
    seed: Seed = 0,
    workers: Workers = 0,
    preview: Annotated[Path | None, typer.Option(help="Write contact sheets of every stage beside this PNG.")] = None,
    beside: Annotated[
        str | None, typer.Option(help="Prepared signatures (name or file) to show beside the crops of --preview.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a dataset of that name.")] = False,
    data_dir: DataDir = None,
    json_output: Json = False,
) -> None:
    """Turn pages of handwriting into signature-like training images.

    Pages -> lines -> solid stripes of text -> crops -> the preprocessing of signatures. An interrupted run goes on
    where it stopped when the same command is given again.
    """
    import time

    from sigkd.cli.output import print_json
    from sigkd.cli.progress import console_progress
    from sigkd.images.formats import check_picture
    from sigkd.paths import data_dir as home
    from sigkd.paths import dataset_path

    if preview is not None:
        check_picture(preview)
    if beside is not None and preview is None:
        raise UsageError("--beside needs --preview")
    from sigkd.text.options import TextOptions, parse_range
    from sigkd.text.prepare import prepare_text as run

    options = TextOptions(
        lines=lines,
        canvases=tuple(part.strip() for part in canvases.split(",") if part.strip()),
        aspect=aspect,
        per_position=per_position,
        per_canvas=per_canvas,
        scale=parse_range(scale, "--scale"),
        blur=parse_range(blur, "--blur"),
        match=match,
        pen=pen,
        views=tuple(part.strip() for part in views.split(",") if part.strip()),
        validation=validation,
        min_crops=min_crops,
        keep_small=keep_small,
        max_images=max_images,
        seed=seed,
    )
    signatures = None
    if beside is not None:
        from sigkd.datasets.prepared import find_prepared

        signatures = find_prepared(beside, home(data_dir)).x
    target = out if out is not None else dataset_path(name, home(data_dir))
    start = time.perf_counter()
    prepared = run(
        source,
        target,
        layout,
        options,
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
    from rich.table import Table

    from sigkd.cli.output import note_line, print_table

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
    from rich.table import Table

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
