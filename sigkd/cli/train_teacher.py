"""``sigkd train-teacher``: train SigNet on writer identification from signature images."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sigkd.cli import training_options as shared
from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.declared import with_options
from sigkd.cli.options import Common, with_common
from sigkd.distillation.config import SIGNET_F_LAMBDA, teacher_config
from sigkd.errors import UsageError


@app.command("train-teacher", cls=SigkdCommand)
@with_options(teacher_config(), "train-teacher", {"student": "--arch"})
@with_common(cache=False)
def train_teacher(
    dataset: Annotated[
        list[str],
        typer.Option(help="Prepared signature sets, joined; NAME[A:B] for the writers A to B-1.", show_default=False),
    ],
    forgeries: Annotated[
        bool, typer.Option("--forgeries", help="Learn from skilled forgeries too (SigNet-F).")
    ] = False,
    lamb: Annotated[
        float, typer.Option(help="Weight of the forgery term; 1 - this for the writers.", min=0, max=1)
    ] = SIGNET_F_LAMBDA,
    validation: Annotated[
        float, typer.Option(help="Part of each writer's images to validate on.", min=0, max=0.9)
    ] = 0.1,
    config: shared.Config = None,
    name: shared.Name = None,
    resume: shared.Resume = False,
    *,
    common: Common,
    **options: Any,
) -> None:
    """Train an expert network on writer identification from signatures.

    The defaults are those of Hafemann et al. 2017: Nesterov 0.9, learning rate 0.001 divided by 10 every 20 epochs,
    weight decay 0.0001, 60 epochs, batches of 32, random crops. With --forgeries it is SigNet-F. The run is kept in
    DATA_DIR/runs/NAME.
    """
    from sigkd.datasets.prepared import find_prepared
    from sigkd.distillation import recipes
    from sigkd.distillation.data import from_signatures

    home = common.data
    base = teacher_config(lamb if forgeries else None)
    merged, run = shared.settle(base, config, {**options, "data": "+".join(dataset)}, name, resume, home)
    images = from_signatures(
        [find_prepared(each, home) for each in dataset],
        forgeries="term" if forgeries else "none",
        validation=validation,
        seed=merged.seed,
    )
    if forgeries and images.forged is not None and not images.forged.any():
        raise UsageError(f"--forgeries: none of {', '.join(dataset)} has skilled forgeries")
    with shared.run_view(run) as observer:
        record = recipes.train_teacher(
            merged,
            images,
            run,
            device=shared.training_device(common.device),
            resume=resume,
            observer=observer,
            probe=shared.make_probe(merged, home),
        )
    shared.show_run(record, common.json)
