"""``sigkd evaluate``: error rates of networks on signature datasets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from sigkd.classifiers import CLASSIFIERS
from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import (
    CohortOption,
    Common,
    Far,
    Frr,
    Models,
    PolicyFile,
    Seed,
    Workers,
    Writers,
    disturbances,
    with_common,
)
from sigkd.cli.output import Table, show
from sigkd.verification.calibrations import METHODS

if TYPE_CHECKING:
    from sigkd.evaluation.disturbed_results import DisturbedResults
    from sigkd.evaluation.results import Results

T = TypeVar("T")

_OTHERS = "others"
_DISTURBING = {"layout", "dpi", "disturb_side", "calibration"}
"""Options for --disturb alone."""
_NOT_DISTURBING = {
    *("splits", "protocol", "negatives", "forgeries", "simple_forgeries", "max_negatives", "splits_file", "bootstrap"),
    *("answers", "plots", "report", "scheduler", "batch_size"),
}
"""Options without a meaning for --disturb."""


@app.command(cls=SigkdCommand)
@with_common()
def evaluate(
    context: typer.Context,
    dataset: Annotated[
        list[str],
        typer.Option(
            help="Prepared datasets (names or .npz files) or features files; several at once. With --disturb: a folder "
            "of scans."
        ),
    ],
    model: Models = None,
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
        int | None,
        typer.Option(help="Genuine tests a writer, at most.", min=1, show_default="Table 3, else 10; with --disturb 3"),
    ] = None,
    test_skilled: Annotated[
        int | None,
        typer.Option(
            help="Skilled forgeries a writer, at most.", min=1, show_default="Table 3, else 10; with --disturb 3"
        ),
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
    policy: PolicyFile = None,
    far: Far = None,
    frr: Frr = None,
    method: Annotated[
        str | None, typer.Option(help=f"Calibration of the answers: {', '.join(METHODS)}.", show_default="logistic")
    ] = None,
    disturb: Annotated[
        list[str] | None,
        disturbances(
            about="report what verify answers to scans with and without them, and nothing else; NAME+NAME: one after "
            "the other; also standard, or all"
        ),
    ] = None,
    disturb_side: Annotated[str, typer.Option(help="With --disturb: query, references or both.")] = "query",
    layout: Annotated[
        str, typer.Option(help="With --disturb: layout of the scans, as preprocess --dataset takes it.")
    ] = "folder",
    dpi: Annotated[
        float | None,
        typer.Option(help="With --disturb: resolution of files that do not tell theirs.", show_default=False),
    ] = None,
    calibration: Annotated[
        str | None,
        typer.Option(
            help="With --disturb: a file of 'sigkd calibrate', none, or others: fitted on the other four fifths of "
            "these writers.",
            show_default="as verify",
        ),
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
    """Evaluate networks on signature datasets by the field's protocol; or what verify answers to disturbed scans.

    Example: sigkd evaluate --dataset mcyt75 --nref 3 5 10
    """
    from sigkd.cli.progress import console_progress
    from sigkd.cli.verification import choices_of
    from sigkd.errors import UsageError
    from sigkd.evaluation.answers import Stated
    from sigkd.evaluation.evaluate import Settings
    from sigkd.evaluation.experiment import Plan, evaluate_all
    from sigkd.evaluation.output import check_format, write_outputs
    from sigkd.pools import cores
    from sigkd.verification.policy import chosen_policy

    check_format(table_format)
    wanted = common.json or table_format == "json"
    progress = console_progress()
    _check_given(context, disturbing=bool(disturb))
    if disturb:
        from sigkd.evaluation.disturbed import TEST_GENUINE, TEST_SKILLED, evaluate_disturbed
        from sigkd.evaluation.disturbed_results import write_disturbed
        from sigkd.verification.verifier import Verifier

        chosen = {"cohort": cohort, "method": method, "policy": policy, "far": far, "frr": frr}
        chosen |= {"classifier": classifier, "calibration": None if calibration == _OTHERS else calibration}
        choices = choices_of(chosen, common, model=_single(model or [None], "model"), progress=progress)
        answered = evaluate_disturbed(
            Verifier(choices),
            Path(_single(dataset, "dataset")),
            layout,
            disturb,
            side=disturb_side,
            cross_fit=calibration == _OTHERS,
            dpi=dpi,
            writers=writers,
            references=_single(nref or [5], "nref"),
            genuine=test_genuine or TEST_GENUINE,
            skilled=test_skilled or TEST_SKILLED,
            skip_short=skip_short_writers,
            seed=seed,
            workers=workers,
            progress=progress,
        )
        if out is not None:
            write_disturbed(answered, out, progress)
        show(answered, wanted, lambda found: _shown_disturbed(found, table_format))
        return
    if plots and out is None:
        raise UsageError("--plots needs --out DIR, the folder to draw into")
    if not answers and (far, frr, method, policy) != (None, None, None, None):
        raise UsageError("--policy, --far, --frr and --method need --answers")
    rule = chosen_policy(policy)
    chosen_method = method or rule.method or "logistic"
    against = "random" if forgeries == "random" else None
    stated = Stated(far, frr, chosen_method, against, rule) if answers else None
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
    show(document, wanted, lambda found: _shown(found, table_format))


def _check_given(context: typer.Context, *, disturbing: bool) -> None:
    """Refuse options of the other kind of evaluation."""
    from sigkd.errors import UsageError

    for name in sorted(_NOT_DISTURBING if disturbing else _DISTURBING):
        source = context.get_parameter_source(name)
        if source is not None and source.name != "DEFAULT":
            raise UsageError(f"`{name}` {'has no meaning with' if disturbing else 'needs'} --disturb")


def _single(values: Sequence[T], name: str) -> T:
    from sigkd.errors import UsageError

    if len(values) != 1:
        raise UsageError(f"--disturb takes one value of `{name}`, not {len(values)}")
    return values[0]


def _shown_disturbed(document: DisturbedResults, table_format: str) -> str | list[Table]:
    from sigkd.cli.tables import grid_tables
    from sigkd.evaluation.disturbed_results import disturbed_grid, render_disturbed

    if table_format == "table":
        return grid_tables([disturbed_grid(document)])
    return render_disturbed(document, table_format).rstrip("\n")


def _shown(document: Results, table_format: str) -> str | list[Table]:
    from sigkd.cli.tables import grid_tables
    from sigkd.evaluation.tables import render, result_grids

    if table_format == "table":
        return grid_tables(result_grids(document))
    return render(document, table_format).rstrip("\n")
