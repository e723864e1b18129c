"""``sigkd stats``: are the differences between evaluated models more than chance?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import Json
from sigkd.cli.output import note_line, show


@app.command(cls=SigkdCommand)
def stats(
    results: Annotated[list[Path], typer.Argument(help="Results files of 'sigkd evaluate --out'.")],
    metric: Annotated[str, typer.Option(help="What is compared: eer_user, eer_global, auc, cllr, ...")] = "eer_user",
    by: Annotated[str, typer.Option(help="Blocks of the rank tests: split or writer.")] = "split",
    dataset: Annotated[str | None, typer.Option(help="Only this dataset.", show_default="all that they share")] = None,
    nref: Annotated[
        int | None, typer.Option(help="Only this number of references.", show_default="all that they share")
    ] = None,
    alpha: Annotated[float, typer.Option(help="Level of significance.", min=0.0, max=1.0)] = 0.05,
    bootstrap: Annotated[int, typer.Option(help="Replicates of the paired bootstrap; 0: none.", min=0)] = 2000,
    zero_method: Annotated[
        str,
        typer.Option(
            help="Pairs without a difference in Wilcoxon's test: zsplit, wilcox (left out, as MATLAB does) or pratt."
        ),
    ] = "zsplit",
    plot: Annotated[Path | None, typer.Option(help="Draw the critical-difference diagram: .svg, .png or .pdf.")] = None,
    table_format: Annotated[str, typer.Option("--format", help="table, markdown, latex or json.")] = "table",
    json: Json = False,
) -> None:
    """Compare models on the same splits: Friedman, Wilcoxon with Holm, Nemenyi, paired bootstrap over writers.

    Example: sigkd stats a/results.json b/results.json c/results.json --by writer
    """
    from sigkd.cli.progress import console_progress
    from sigkd.cli.tables import grid_tables
    from sigkd.errors import UsageError
    from sigkd.evaluation.comparison import compare_files, comparison_grids
    from sigkd.evaluation.plots.ranks import draw_comparisons
    from sigkd.evaluation.tables import latex, markdown

    forms = {"markdown": markdown, "latex": latex}
    if table_format not in ("table", "json", *forms):
        raise UsageError(f"unknown format '{table_format}': table, markdown, latex or json")
    document = compare_files(
        results,
        metric,
        by=by,
        dataset=dataset,
        nref=nref,
        alpha=alpha,
        replicates=bootstrap,
        zero_method=zero_method,
        progress=console_progress(),
    )
    for path in draw_comparisons(document, plot) if plot is not None else []:
        note_line(f"{path}: drawn")
    grids = comparison_grids(document)
    draw = forms.get(table_format)
    text = grid_tables(grids) if draw is None else "\n".join(draw(grid) for grid in grids).rstrip("\n")
    show(document, json or table_format == "json", lambda _: text)
