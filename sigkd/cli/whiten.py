"""``sigkd whiten``: features that verify better, without training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import Common, Seed, disturbances, with_common
from sigkd.cli.output import show


@app.command(cls=SigkdCommand)
@with_common()
def whiten(
    model: Annotated[str, typer.Argument(help="A model's name, a file, or signet:random / resnet18:random.")],
    out: Annotated[Path, typer.Option(help="The file to write (.safetensors).", show_default=False)],
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            help="made-up, a prepared dataset (signatures or text), or image files and folders.",
            show_default="made-up",
        ),
    ] = None,
    count: Annotated[int, typer.Option(help="How many images to draw.", min=2)] = 6000,
    views: Annotated[
        list[str] | None,
        typer.Option(
            help="Look at several placings: canvas heights such as 60.5mm, and last fitted (to the ink).",
            show_default="the model's one canvas",
        ),
    ] = None,
    components: Annotated[int, typer.Option(help="With --views: axes kept in each.", min=1)] = 512,
    disturb: Annotated[list[str] | None, disturbances(about="with --views, keep axes that stay under them")] = None,
    half: Annotated[bool, typer.Option("--half", help="Store float16, half the size.")] = False,
    seed: Seed = 1,
    *,
    common: Common,
) -> None:
    """Turn a network's features to the principal axes of its responses to images of strangers.

    The features become uncorrelated, so that verification, which scales each of them, gives every direction the same
    weight. The file has the size and speed of the original.

    Example: sigkd whiten signet --out signet-whitened.safetensors

    Example: sigkd whiten signet --views fitted --disturb ink=0.5 binary --components 128 --out steady.safetensors
    """
    from sigkd.cli.progress import console_progress
    from sigkd.images.views import View
    from sigkd.models.device import resolve_device
    from sigkd.models.io import load_model
    from sigkd.models.whitening import whiten_file

    done = whiten_file(
        load_model(model, cache=common.cache_dir),
        out,
        source or ["made-up"],
        data=common.data,
        count=count,
        seed=seed,
        half=half,
        views=[View.named(name).name for name in views or ()],
        components=components,
        disturbances=disturb or (),
        device=resolve_device(common.device),
        progress=console_progress(),
    )
    axes = ", ".join(f"{each:.1f}" for each in done.effective_axes)
    text = (
        f"{done.out}: {done.bytes / 1e6:.1f} MB, axes from {done.images} {done.source} images; before, the variance of "
        f"{axes} axes"
    )
    show(done, common.json, text)
