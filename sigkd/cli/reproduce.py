"""``sigkd reproduce``: the paper's tables run again."""

from __future__ import annotations

from typing import Annotated

import typer

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import Common, Seed, Workers, with_common
from sigkd.cli.output import show


@app.command(cls=SigkdCommand)
@with_common()
def reproduce(
    table: Annotated[str, typer.Argument(help="table4, table5 or table7.")],
    text: Annotated[str, typer.Option(help="Prepared text set to distil on.")] = "text",
    datasets: Annotated[
        list[str] | None, typer.Option(help="Prepared signature sets.", show_default="the paper's that are prepared")
    ] = None,
    teacher: Annotated[str, typer.Option(help="The teacher: a name or a model file.")] = "signet",
    rows: Annotated[
        list[str] | None, typer.Option(help="Only these losses (and teacher, random).", show_default="the whole table")
    ] = None,
    epochs: Annotated[int, typer.Option(help="Epochs of each training; the paper's are 60.", min=1)] = 60,
    budget: Annotated[
        str | None, typer.Option(help="Stop after this time (2h, 90m); run again to go on.", show_default="none")
    ] = None,
    max_images: Annotated[
        int | None, typer.Option(help="Text images to learn from, at most.", min=1, show_default="all")
    ] = None,
    splits: Annotated[int, typer.Option(help="Random divisions into references and tests.", min=1)] = 10,
    seeds: Annotated[
        int,
        typer.Option(help="Trainings of each student, with other seeds; from 3 on they are compared.", min=1),
    ] = 1,
    seed: Seed = 1234,
    workers: Workers = 0,
    *,
    common: Common,
) -> None:
    """Train and evaluate every model of one of the paper's tables, and set the numbers beside the printed ones.

    What is already done is skipped; the results are in DATA_DIR/reproduce/TABLE.

    Example: sigkd reproduce table5 --text cvl --datasets cedar mcyt75 --epochs 20 --budget 8h
    """
    from sigkd.cli.distilling import distill_process
    from sigkd.cli.progress import console_progress
    from sigkd.cli.tables import grid_tables
    from sigkd.evaluation.evaluate import Settings
    from sigkd.evaluation.reproduce import Request, parse_budget, tables
    from sigkd.evaluation.reproduce import reproduce as run
    from sigkd.pools import cores

    home = common.data
    request = Request(
        table,
        tuple(datasets or ()),
        text,
        teacher,
        epochs,
        splits,
        seed,
        parse_budget(budget),
        ("--max-images", str(max_images)) if max_images else (),
        seeds,
        tuple(rows or ()),
    )
    document = run(
        request,
        distill_process(home, common.cache_dir, common.device),
        data=home,
        cache=common.cache_dir,
        device=common.device,
        settings=Settings(workers=workers or cores()),
        progress=console_progress(),
    )
    show(document, common.json, lambda found: grid_tables(tables(found, request)))
