"""``sigkd calibrate``: from scores to likelihood ratios and stated error rates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sigkd.classifiers import CLASSIFIERS
from sigkd.classifiers.base import CALIBRATED
from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import CohortOption, Common, Far, Frr, Model, PolicyFile, Seed, Workers, Writers, with_common
from sigkd.cli.output import note_line, show, warning_line
from sigkd.verification.calibrations import METHODS


@app.command(cls=SigkdCommand)
@with_common()
def calibrate(
    dataset: Annotated[
        list[str],
        typer.Option(
            help="Prepared datasets (names or .npz; NAME[A:B]: some writers) or a features file: the development set.",
            show_default=False,
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="Where to write (.json). Without it: only the table.")] = None,
    nref: Annotated[list[int] | None, typer.Option(help="Numbers of references.", show_default="1 3 5")] = None,
    writers: Writers = None,
    classifier: Annotated[
        list[str] | None, typer.Option(help=", ".join(CLASSIFIERS), show_default=" ".join(CALIBRATED))
    ] = None,
    negatives: Annotated[list[str] | None, typer.Option(help="cohort, writers.", show_default="both")] = None,
    cohort: CohortOption = None,
    disturbed: Annotated[
        list[str] | None,
        typer.Option(
            help="The same files prepared with --disturb: scans like these are answered too.", show_default=False
        ),
    ] = None,
    method: Annotated[str, typer.Option(help=f"Recommended and measured: {', '.join(METHODS)}.")] = "logistic",
    against: Annotated[str | None, typer.Option(help="The alternative that is measured: skilled or random.")] = None,
    policy: PolicyFile = None,
    far: Far = None,
    frr: Frr = None,
    splits: Annotated[int, typer.Option(help="Draws of references.", min=1)] = 5,
    model: Model = None,
    seed: Seed = 0,
    *,
    common: Common,
    workers: Workers = 0,
) -> None:
    """Fit likelihood ratios and thresholds on a labelled set, and measure them on held-out writers.

    Example: sigkd calibrate --dataset cedar --nref 1 3 5 --out cedar-calibration.json
    """
    from sigkd.classifiers.cohort import resolve_cohort
    from sigkd.cli.progress import console_progress
    from sigkd.cli.tables import grid_tables
    from sigkd.evaluation.answers import Stated
    from sigkd.evaluation.calibrate import CalibrationReport, development_sets
    from sigkd.evaluation.calibrate import calibrate as fit
    from sigkd.evaluation.evaluate import Settings
    from sigkd.evaluation.tables import answers_grid
    from sigkd.models.binding import Binding
    from sigkd.models.device import resolve_device
    from sigkd.models.io import load_model
    from sigkd.models.views import columns_without_scale
    from sigkd.pools import cores
    from sigkd.verification.policy import chosen_policy

    progress, data = console_progress(), common.data
    stated = Stated(far, frr, method, against, chosen_policy(policy))
    loaded, chosen = load_model(model, cache=common.cache_dir), resolve_device(common.device)
    others = resolve_cohort(cohort, loaded, data=data, cache=common.cache_dir, device=chosen, progress=progress)
    development = development_sets(
        dataset, loaded, data=data, writers=writers, disturbed=disturbed or (), device=chosen, progress=progress
    )
    calibrations, answers = fit(
        development,
        Binding.of(loaded),
        others,
        nref or [1, 3, 5],
        classifiers=classifier or CALIBRATED,
        negatives=negatives or ("cohort", "writers"),
        stated=stated,
        splits=splits,
        seed=seed,
        settings=Settings(bootstrap=0, workers=workers or cores()),
        unscaled=columns_without_scale(loaded.projections) if loaded.projections else None,
        progress=progress,
    )
    if out is not None:
        calibrations.save(out)
        note_line(f"{out}: {len(calibrations.calibrations)} calibrations, {calibrations.hash[:12]}")
    if calibrations.ranges is None and loaded.placing.views:
        warning_line(
            f"'{' '.join(dataset)}' has no measures of its scans: the calibration answers whatever they are; prepare "
            "images with sigkd preprocess --views"
        )
    document = CalibrationReport(out=out, data=calibrations.data, held_out=answers)
    show(document, common.json, lambda found: grid_tables([answers_grid([([], one) for one in found.held_out], [])]))
