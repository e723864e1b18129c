"""``sigkd preprocess``: scans of signatures become a prepared store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import DataDir, Json, disturbances
from sigkd.cli.output import Table, note_line, show, warning_line
from sigkd.datasets.layouts import PUBLISHED
from sigkd.errors import UsageError
from sigkd.images.canvas import CANVASES, SIZE, parse_canvas, parse_size
from sigkd.images.formats import MAX_PIXELS

if TYPE_CHECKING:
    from sigkd.datasets.prepare import Preprocessing
    from sigkd.evaluation.disturb_files import DisturbedFiles

_SHOWN = 10
_TITLE_WIDTH = 48


@app.command(cls=SigkdCommand)
def preprocess(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Directory of the scans (csv layout: or the table).")],
    dataset: Annotated[
        str,
        typer.Option(
            help=f"Layout: {', '.join(PUBLISHED)}, folder (WRITER/genuine/*, WRITER/forged/*), csv (path, writer, "
            "label), or a .toml file with one of your own."
        ),
    ] = "folder",
    name: Annotated[
        str | None, typer.Option(help="Name of the store in the data directory.", show_default="the dataset's name")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File of the store (.npz), in place of --name.")] = None,
    canvas: Annotated[
        str | None,
        typer.Option(
            help=f"HEIGHTxWIDTH in pixels of the scan, or {', '.join(CANVASES)}.", show_default="the layout's, 952x1360"
        ),
    ] = None,
    views: Annotated[
        list[str] | None,
        typer.Option(
            help="Read the ink at one scale and place it in these views, in place of a canvas: heights as 80.6mm, "
            "and last fitted.",
            show_default=False,
        ),
    ] = None,
    dpi: Annotated[
        float | None, typer.Option(help="With --views: the scans' resolution.", show_default="what the files say")
    ] = None,
    disturb: Annotated[
        str | None,
        disturbances(about="with --views, done to every scan before it is read"),
    ] = None,
    size: Annotated[str, typer.Option(help="HEIGHTxWIDTH of the normalised images.")] = "{}x{}".format(*SIZE),
    preview: Annotated[Path | None, typer.Option(help="Write a contact sheet to look at (.png).")] = None,
    allow_incomplete: Annotated[
        bool, typer.Option("--allow-incomplete", help="Go on although signatures are missing.")
    ] = False,
    max_pixels: Annotated[int, typer.Option(help="Largest scan that is decoded, in pixels.", min=1)] = MAX_PIXELS,
    workers: Annotated[int, typer.Option(help="Images in work at once; 0: one per core.", min=0)] = 0,
    data_dir: DataDir = None,
    json_output: Json = False,
) -> None:
    """Read scans of signatures, normalise them and store them for extract, evaluate and train-teacher.

    A store of that name is replaced. The result does not depend on --workers.
    """
    from sigkd.cli.progress import console_progress
    from sigkd.datasets.prepare import preprocess_dataset
    from sigkd.paths import data_dir as home
    from sigkd.paths import plain_name, store_path

    if out is not None and name is not None:
        raise UsageError("--name and --out exclude each other")
    if views and canvas is not None:
        raise UsageError("--views and --canvas exclude each other")
    if dpi is not None and not views:
        raise UsageError("--dpi needs --views: on a canvas pixels stay as they are")
    if disturb is not None and not views:
        raise UsageError("--disturb needs --views: its levels are lengths on paper")
    target = out or store_path(plain_name(Path(dataset).stem if name is None else name), home(data_dir))
    try:
        done = preprocess_dataset(
            source,
            dataset,
            target,
            canvas=None if canvas is None else parse_canvas(canvas, "--canvas"),
            views=_views(views),
            dpi=dpi,
            size=parse_size(size, "--size"),
            allow_incomplete=allow_incomplete,
            workers=workers,
            max_pixels=max_pixels,
            preview=preview,
            progress=console_progress(),
            disturb=None if disturb is None else _disturbed(disturb),
        )
    except KeyboardInterrupt:
        note_line(f"nothing was written to {target}; the same command starts again")
        raise
    show(done, json_output, _summary)
    if json_output:
        return
    notes = [f"skipped {skip.file}: {skip.reason}" for skip in done.store.skipped]
    notes += [f"{file}: {warning}" for warning, files in done.store.warnings.items() for file in files]
    for note in notes[:_SHOWN]:
        warning_line(note)
    if len(notes) > _SHOWN:
        warning_line(f"and {len(notes) - _SHOWN} more such files (--json lists them all)")
    note_line(f"store: {target}")
    if preview:
        note_line(f"preview: {preview}")


def _disturbed(text: str) -> DisturbedFiles:
    from sigkd.evaluation.disturb_files import DisturbedFiles
    from sigkd.synthesis.disturbances import parse_chain

    return DisturbedFiles(parse_chain(text))


def _views(names: list[str] | None) -> tuple[str, ...]:
    from sigkd.images.views import View

    return tuple(View.named(name).name for name in names or ())


def _summary(done: Preprocessing) -> Table:
    from collections import Counter

    facts, counts = done.store, done.store.counts
    total = counts.genuine + counts.skilled + counts.simple
    table = Table(
        title=f"{facts.name}: {total} signatures in {done.seconds:.1f} s", show_header=False, min_width=_TITLE_WIDTH
    )
    table.add_column(justify="left")
    table.add_column(justify="right")
    table.add_column(justify="left")
    table.add_row("writers", str(counts.writers))
    table.add_row("genuine", str(counts.genuine))
    table.add_row("skilled", str(counts.skilled))
    if counts.simple:
        table.add_row("simple", str(counts.simple))
    reasons = Counter(skip.reason for skip in facts.skipped)
    table.add_row("skipped", str(counts.skipped), "" if reasons else "none")
    for reason, number in reasons.most_common():
        table.add_row("", str(number), reason)
    for warning, files in facts.warnings.items():
        table.add_row("warning", str(len(files)), warning)
    if facts.missing:
        table.add_row("missing", str(len(facts.missing)), "; ".join(facts.missing[:_SHOWN]))
    if facts.left_out:
        table.add_row("left out", str(facts.left_out), "of writers that are not of the set")
    return table
