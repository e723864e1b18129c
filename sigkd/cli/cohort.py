"""``sigkd cohort``: the negatives that stand for anybody else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sigkd.cli.app import group
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import Common, Model, Seed, with_common
from sigkd.cli.output import show

cohort_app = group("cohort", "Build the cohort: features that stand for anybody else at enrolment.")


@cohort_app.command("build", cls=SigkdCommand)
@with_common()
def build(
    source: Annotated[
        list[str],
        typer.Option("--from", help="made-up, a prepared dataset (signatures or text), or image files and folders."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Where to write (.npz).", show_default="the cache, where verify finds it")
    ] = None,
    model: Model = None,
    count: Annotated[int, typer.Option(help="How many images to draw.", min=2)] = 600,
    description: Annotated[str | None, typer.Option(help="What the images are, for reports.")] = None,
    seed: Seed = 0,
    *,
    common: Common,
) -> None:
    """Extract the features of a cohort and bind them to the model.

    Example: sigkd cohort build --from made-up
    """
    from sigkd.classifiers.cohort import CohortBuild, build_cohort, cached_path, save_cohort
    from sigkd.cli.progress import console_progress
    from sigkd.models.binding import Binding
    from sigkd.models.device import resolve_device
    from sigkd.models.io import load_model

    loaded = load_model(model, cache=common.cache_dir)
    cohort = build_cohort(
        source,
        loaded,
        data=common.data,
        count=count,
        seed=seed,
        description=description,
        device=resolve_device(common.device),
        progress=console_progress(),
    )
    target = out or cached_path(loaded.hash, common.cache_dir)
    save_cohort(cohort, target)
    done = CohortBuild(
        out=target,
        count=len(cohort),
        hash=cohort.hash,
        description=cohort.description,
        binding=Binding.of(loaded),
    )
    text = f"{target}: {done.description}, model {loaded.name} {loaded.hash[:12]}, cohort {done.hash[:12]}"
    show(done, common.json, text)
