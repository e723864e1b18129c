"""``sigkd extract``: feature vectors of signatures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import Common, Model, with_common
from sigkd.cli.output import note_line, show
from sigkd.images.canvas import CANVASES
from sigkd.models.formats import feature_suffixes


@app.command(cls=SigkdCommand)
@with_common()
def extract(
    source: Annotated[
        list[str], typer.Argument(help="A prepared dataset (its name or .npz file), or image files and folders.")
    ],
    out: Annotated[
        list[Path], typer.Option(help=f"Where to write, in one form or several: {', '.join(feature_suffixes())}.")
    ],
    model: Model = None,
    canvas: Annotated[
        str | None,
        typer.Option(help=f"For raw images: HEIGHTxWIDTH, or {', '.join(CANVASES)}.", show_default="the model's own"),
    ] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out images that cannot be used.")] = False,
    batch_size: Annotated[int, typer.Option(help="Images a step; halved when the GPU's memory runs out.", min=1)] = 64,
    precision: Annotated[str, typer.Option(help="float32, bfloat16 or float16.")] = "float32",
    *,
    common: Common,
) -> None:
    """Compute the feature vectors of signatures.

    Example: sigkd extract cedar --out cedar.npz
    """
    from sigkd.cli.progress import console_progress
    from sigkd.models.device import resolve_device
    from sigkd.models.extract import extract_source
    from sigkd.models.features import check_suffix

    for path in out:
        check_suffix(path)
    progress = console_progress()
    chosen = resolve_device(common.device)
    note_line(f"device: {chosen}")
    features = extract_source(
        source,
        model,
        data=common.data,
        cache=common.cache_dir,
        canvas=canvas,
        skip_bad=skip_bad,
        device=chosen,
        batch_size=batch_size,
        precision=precision,
        progress=progress,
    )
    done, *also = [features.save(path) for path in out]
    done = replace(done, also=[one.out for one in also])
    size = f"{done.count} x {done.length} features"
    show(done, common.json, f"{', '.join(map(str, out))}: {size}, model {done.model_name} {done.model_hash[:12]}")
