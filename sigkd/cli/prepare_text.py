"""``sigkd prepare-text``: pages of handwriting become signature-like training images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import DataDir, Json, Seed, Workers


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
    validation: Annotated[float, typer.Option(help="Share of the validation part.")] = 0.3,
    min_crops: Annotated[int, typer.Option(help="Leave out writers with fewer crops.", min=1)] = 1,
    keep_small: Annotated[bool, typer.Option("--keep-small", help="Report such writers, but keep them.")] = False,
    max_images: Annotated[
        int | None, typer.Option(help="Keep at most so many crops, evenly over writers.", min=1)
    ] = None,
    seed: Seed = 0,
    workers: Workers = 0,
    preview: Annotated[Path | None, typer.Option(help="Write contact sheets of every stage beside this PNG.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a dataset of that name.")] = False,
    data_dir: DataDir = None,
    json_output: Json = False,
) -> None:
    """Turn pages of handwriting into signature-like training images.

    Pages -> lines -> solid stripes of text -> crops -> the preprocessing of signatures. An interrupted run goes on where it
    stopped when the same command is given again.
    """
    import time

    from sigkd.cli.output import print_json
    from sigkd.cli.progress import console_progress
    from sigkd.paths import data_dir as home
    from sigkd.paths import dataset_path
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
        validation=validation,
        min_crops=min_crops,
        keep_small=keep_small,
        max_images=max_images,
        seed=seed,
    )
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
        progress=console_progress(),
    )
    seconds = time.perf_counter() - start
    document = {"path": str(prepared.path), **prepared.metadata["counts"], "seconds": round(seconds, 2)}
    document["content_hash"] = prepared.metadata["content_hash"]
    print_json(document)
