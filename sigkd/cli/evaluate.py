"""``sigkd evaluate``: error rates of networks on signature datasets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sigkd.classifiers import CLASSIFIERS
from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import CohortOption, Common, Far, Frr, Seed, Workers, Writers, with_common
from sigkd.cli.output import Table, show
from sigkd.verification.calibrations import METHODS

if TYPE_CHECKING:
    from sigkd.evaluation.results import Results


@app.command(cls=SigkdCommand)
@with_common()
def evaluate(
    dataset: Annotated[
        list[str], typer.Option(help="Prepared datasets (names or .npz files) or features files; several at once.")
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="Registered names, files, or signet:random / resnet18:random; several at once.",
            show_default="the default student",
        ),
    ] = None,
    nref: Annotated[
        list[int] | None,
        typer.Option(
            help="Numbers of references a writer.", show_default="the dataset's in the paper's Table 3, else 5"
        ),
    ] = None,
    splits: Annotated[int, typer.Option(help="Random divisions into references and tests.", min=1)] = 10,
    seed: Seed = 1234,
    protocol: Annotated[str, typer.Option(help="paper, writer-independent or dev-threshold.")] = "paper",
    classifier: Annotated[
        str | None,
        typer.Option(
            help=f"{', '.join(CLASSIFIERS)}, or auto: as verify chooses.",
            show_default="the protocol's: wd, or dichotomy",
        ),
    ] = None,
    negatives: Annotated[
        str | None,
        typer.Option(help="What it learns against: writers (others of the set) or cohort.", show_default="writers"),
    ] = None,
    cohort: CohortOption = None,
    forgeries: Annotated[
        str, typer.Option(help="Behind the error rates: skilled, random or both (adds rates against random ones).")
    ] = "skilled",
    simple_forgeries: Annotated[
        bool, typer.Option("--simple-forgeries", help="Report the acceptance of simple forgeries too.")
    ] = False,
    writers: Writers = None,
    skip_short_writers: Annotated[
        bool,
        typer.Option(
            "--skip-short-writers",
            help="Leave out writers with too few signatures; those without forgeries are random forgeries only.",
        ),
    ] = False,
    test_genuine: Annotated[
        int | None, typer.Option(help="Genuine tests a writer, at most.", min=1, show_default="Table 3, else 10")
    ] = None,
    test_skilled: Annotated[
        int | None, typer.Option(help="Skilled forgeries a writer, at most.", min=1, show_default="Table 3, else 10")
    ] = None,
    max_negatives: Annotated[
        int | None, typer.Option(help="Other writers' references a classifier learns from.", min=1, show_default="4000")
    ] = None,
    splits_file: Annotated[
        Path | None, typer.Option(help="Manifest of the splits: used if it exists, else written.")
    ] = None,
    bootstrap: Annotated[int, typer.Option(help="Replicates behind the 95 % intervals; 0: none.", min=0)] = 1000,
    answers: Annotated[
        bool, typer.Option("--answers", help="Report, too, what verify would answer, calibrated on other writers.")
    ] = False,
    far: Far = None,
    frr: Frr = None,
    method: Annotated[
        str | None, typer.Option(help=f"Calibration of the answers: {', '.join(METHODS)}.", show_default="logistic")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for results.json, the tables as files, and the plots.")
    ] = None,
    table_format: Annotated[str, typer.Option("--format", help="table, markdown, latex, csv or json.")] = "table",
    plots: Annotated[bool, typer.Option("--plots", help="Draw all figures into the folder of --out.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write one self-contained HTML file with everything.")] = None,
    *,
    common: Common,
    scheduler: Annotated[
        str | None, typer.Option(help="tcp://host:port of a Dask scheduler that shall do the work.")
    ] = None,
    workers: Workers = 0,
    batch_size: Annotated[int, typer.Option(help="Images a step.", min=1)] = 64,
) -> None:
    """Evaluate networks on signature datasets by the field's protocol.

    Example: sigkd evaluate --dataset mcyt75 --nref 3 5 10
    """
    from sigkd.cli.progress import console_progress
    from sigkd.errors import UsageError
    from sigkd.evaluation.answers import Stated
    from sigkd.evaluation.evaluate import Settings
    from sigkd.evaluation.experiment import Plan, evaluate_all
    from sigkd.evaluation.output import check_format, write_outputs
    from sigkd.pools import cores

    check_format(table_format)
    if plots and out is None:
        raise UsageError("--plots needs --out DIR, the folder to draw into")
    if not answers and (far, frr, method) != (None, None, None):
        raise UsageError("--far, --frr and --method need --answers")
    stated = Stated(far, frr, method or "logistic", "random" if forgeries == "random" else None) if answers else None
    plan = Plan(
        nrefs=tuple(dict.fromkeys(nref)) if nref else None,
        splits=splits,
        seed=seed,
        protocol=protocol,
        changes={
            "forgeries": forgeries,
            "simple_forgeries": simple_forgeries,
            "genuine_test": test_genuine,
            "skilled_test": test_skilled,
            "max_negatives": max_negatives,
            "classifier": classifier,
            "negatives": negatives,
        },
        writers=writers,
        skip_short=skip_short_writers,
        splits_file=splits_file,
        cohort=cohort,
    )
    progress = console_progress()
    document = evaluate_all(
        dataset,
        model or [None],
        plan,
        Settings(bootstrap=bootstrap, workers=workers or cores(), scheduler=scheduler, answers=stated),
        data=common.data,
        cache=common.cache_dir,
        device=common.device,
        batch_size=batch_size,
        progress=progress,
    )
    write_outputs(document, out=out, plots=plots, report=report, data=common.data, progress=progress)
    wanted = common.json or table_format == "json"
    show(document, wanted, lambda found: _shown(found, table_format))


def _shown(document: Results, table_format: str) -> str | list[Table]:
    from sigkd.cli.tables import grid_tables
    from sigkd.evaluation.tables import render, result_grids

    if table_format == "table":
        return grid_tables(result_grids(document))
    return render(document, table_format).rstrip("\n")
