"""``sigkd export``: a model for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import CacheDir, Json
from sigkd.cli.output import note_line, show


@app.command(cls=SigkdCommand)
def export(
    model: Annotated[str, typer.Argument(help="A model's name, a file, or signet:random / resnet18:random.")],
    format: Annotated[str, typer.Option("--format", help="onnx or safetensors.")] = "onnx",
    out: Annotated[Path | None, typer.Option(help="The file to write.", show_default="MODEL.FORMAT")] = None,
    half: Annotated[bool, typer.Option("--half", help="safetensors: store float16, half the size.")] = False,
    head: Annotated[bool, typer.Option("--head", help="safetensors: keep the classification layer.")] = False,
    cache_dir: CacheDir = None,
    json: Json = False,
) -> None:
    """Write a model as ONNX (any batch size) or safetensors, and check that the features stay the same.

    Example: sigkd export sigkd-resnet18 --format onnx
    """
    from sigkd.models.export import export_model
    from sigkd.models.io import load_model

    loaded = load_model(model, cache=cache_dir)
    target = out or Path(f"{loaded.name.replace(':', '-')}.{format}")
    note_line(f"exporting {loaded.name} to {target}")
    done = export_model(loaded, target, format=format, half=half, head=head)
    size = f"{done.bytes / 1e6:.1f} MB"
    show(done, json, f"{done.out}: {size}, features differ by at most {done.parity:.1e} of the largest")
