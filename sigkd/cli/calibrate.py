"""``sigkd calibrate``: from scores to likelihood ratios and stated error rates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import CacheDir, DataDir, Device, Json, Model, Seed
from sigkd.cli.output import Table, note_line, print_json, print_table
from sigkd.verification.calibrations import METHODS

if TYPE_CHECKING:
    from sigkd.verification.held_out import Rates


@app.command(cls=SigkdCommand)
def calibrate(
    dataset: Annotated[
        str, typer.Option(help="A prepared dataset (name or .npz), or a features file: the development set.")
    ],
    out: Annotated[Path | None, typer.Option(help="Where to write (.json). Without it: only the table.")] = None,
    nref: Annotated[list[int] | None, typer.Option(help="Numbers of references.", show_default="1 3 5")] = None,
    writers: Annotated[
        str | None, typer.Option(help="A:B (positions, as in Python) or names with commas.", show_default="all")
    ] = None,
    classifier: Annotated[list[str] | None, typer.Option(help="wd, wi.", show_default="both")] = None,
    negatives: Annotated[list[str] | None, typer.Option(help="cohort, writers.", show_default="both")] = None,
    cohort: Annotated[str, typer.Option(help="default, a cohort or features file, or a dataset.")] = "default",
    method: Annotated[str, typer.Option(help=f"Recommended and measured: {', '.join(METHODS)}.")] = "logistic",
    against: Annotated[str | None, typer.Option(help="The alternative that is measured: skilled or random.")] = None,
    far: Annotated[
        float | None, typer.Option(help="Stated false acceptance rate of the table.", show_default="0.05")
    ] = None,
    frr: Annotated[
        float | None, typer.Option(help="Stated false rejection rate of the table.", show_default="0.05")
    ] = None,
    splits: Annotated[int, typer.Option(help="Draws of references.", min=1)] = 5,
    model: Model = None,
    seed: Seed = 0,
    device: Device = "auto",
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    json: Json = False,
) -> None:
    """Fit likelihood ratios and thresholds on a labelled set, and measure them on held-out writers.

    Example: sigkd calibrate --dataset cedar --nref 1 3 5 --out cedar-calibration.json
    """
    from sigkd import paths
    from sigkd.cli.progress import console_progress
    from sigkd.verification.calibrate import calibrate as fit
    from sigkd.verification.calibrate import development_set
    from sigkd.verification.choices import Choices
    from sigkd.verification.verifier import Verifier

    progress = console_progress()
    choices = Choices(model, cohort=cohort, device=device, data=data_dir, cache=cache_dir, progress=progress)
    verifier = Verifier(choices)
    development = development_set(dataset, verifier, data=paths.data_dir(data_dir), writers=writers, progress=progress)
    calibrations, rates = fit(
        verifier,
        development,
        nref or [1, 3, 5],
        classifiers=classifier or ("wd", "wi"),
        negatives=negatives or ("cohort", "writers"),
        method=method,
        against=against,
        far=far,
        frr=frr,
        splits=splits,
        seed=seed,
        progress=progress,
    )
    if out is not None:
        calibrations.save(out)
        note_line(f"{out}: {len(calibrations.calibrations)} calibrations, {calibrations.hash[:12]}")
    if json:
        print_json(
            {
                "out": None if out is None else str(out),
                "data": calibrations.data,
                "held_out": [r.as_dict() for r in rates],
            }
        )
    else:
        _show(rates)


def _show(rates: list[Rates]) -> None:

    first = rates[0]
    title = f"On {first.writers} held-out writers (cross-validated), percent; against {first.alternative} forgeries"
    table = Table(title=title)
    columns = (
        "classifier",
        "negatives",
        "refs",
        "FRR",
        "FAR skilled",
        "FAR random",
        "inconclusive",
        "EER skilled",
        "EER random",
    )
    for name in (*columns, "Cllr", "min Cllr"):
        table.add_column(name, justify="left" if name in ("classifier", "negatives") else "right")
    for one in rates:
        shares = (one.frr, one.far_skilled, one.far_random, one.inconclusive, one.eer_skilled, one.eer_random)
        cells = ["-" if share is None else f"{100 * share:.2f}" for share in shares]
        table.add_row(
            one.classifier, one.negatives, str(one.references), *cells, f"{one.cllr:.3f}", f"{one.min_cllr:.3f}"
        )
    print_table(table)
