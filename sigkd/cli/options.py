"""Options that several commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sigkd.configuration import LARGEST_SEED

DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Home of prepared datasets and runs.", envvar="SIGKD_DATA", show_default="the user data directory"
    ),
]
CacheDir = Annotated[
    Path | None,
    typer.Option(help="Home of downloaded weights.", envvar="SIGKD_CACHE", show_default="the user cache directory"),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda[:N] or mps.")]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="Registered name, file, or signet:random / resnet18:random.",
        show_default="the default student",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
Workers = Annotated[int, typer.Option(help="Worker processes; 0: one per core.", min=0)]
Writers = Annotated[
    str | None,
    typer.Option(
        help="A:B, from the A-th (counted from 0) to before the B-th, as in Python; or names with commas.",
        show_default="all",
    ),
]
CohortOption = Annotated[
    str | None,
    typer.Option(
        "--cohort", help="default, a cohort or features file, or a dataset.", show_default="the model's default cohort"
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of every random choice.", min=0, max=LARGEST_SEED)]
