"""What ``distill`` and ``train-teacher`` share: options, merging them with a file, the view of a run."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sigkd.cli.output import note_line, print_json, print_table
from sigkd.errors import UsageError

if TYPE_CHECKING:
    import torch

    from sigkd.distillation.config import TrainingConfig
    from sigkd.distillation.observer import Observer
    from sigkd.distillation.training import Probe
    from sigkd.models.registry import FeatureNetwork

Epochs = Annotated[int | None, typer.Option(help="Passes over the images.", show_default=False)]
BatchSize = Annotated[int | None, typer.Option(help="Images in a step, over all processes.", show_default=False)]
Lr = Annotated[float | None, typer.Option(help="Learning rate (peak).", show_default=False)]
Schedule = Annotated[str | None, typer.Option(help="step, cosine, one-cycle or constant.", show_default="step")]
Precision = Annotated[str | None, typer.Option(help="auto, float32, bfloat16 or float16.", show_default="auto")]
Crop = Annotated[str | None, typer.Option(help="center or random.", show_default=False)]
Augment = Annotated[
    list[str] | None,
    typer.Option(help="Random changes, as 'ink blur=1 rotate=5', or 'all'.", show_default="none"),
]
ImagesPerEpoch = Annotated[int | None, typer.Option(help="Images in an epoch; 0: all.", show_default="0")]
MaxImages = Annotated[
    int | None, typer.Option(help="Train on so many images, randomly chosen; 0: all.", show_default="0")
]
ValidationImages = Annotated[int | None, typer.Option(help="Validate on at most so many images.", show_default="2000")]
WeightDecay = Annotated[float | None, typer.Option(help="L2 penalty.", show_default=False)]
LabelSmoothing = Annotated[float | None, typer.Option(help="Label smoothing.", show_default="0")]
Init = Annotated[str | None, typer.Option(help="Model file to start from.", show_default=False)]
Name = Annotated[
    str | None, typer.Option(help="Name of the run, in DATA_DIR/runs.", show_default="made from the options")
]
Config = Annotated[
    Path | None, typer.Option(help="TOML file with options; those given here come first.", show_default=False)
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint of the run.")]
ProbeSet = Annotated[
    str | None, typer.Option(help="Signature set to evaluate on every few epochs.", show_default=False)
]
ProbeEvery = Annotated[int | None, typer.Option(help="Epochs between two probes.", show_default="5")]
Compile = Annotated[bool | None, typer.Option("--compile", help="Compile the student's step.", show_default=False)]
CheckpointSeconds = Annotated[
    int | None, typer.Option(help="Seconds between checkpoints inside an epoch.", show_default="300")
]
TrainingSeed = Annotated[int | None, typer.Option("--seed", help="Seed of every random choice.", show_default="0")]


def merge_options(base: TrainingConfig, config_file: Path | None, options: Mapping[str, Any]) -> TrainingConfig:
    """Return ``base``, changed by the file, changed by the options that were given (not None)."""
    from sigkd.distillation.config import read_config, update_config

    config = base if config_file is None else read_config(config_file, base)
    return update_config(
        config, {key: value for key, value in options.items() if value is not None}, "the command line"
    )


def parse_weights(texts: list[str] | None) -> dict[str, float] | None:
    """Return ``{"geom1": 10.0}`` from ``["geom1=10"]``; None stays None."""
    if not texts:
        return None
    weights: dict[str, float] = {}
    for text in texts:
        term, equals, value = text.partition("=")
        try:
            weights[term] = float(value) if equals else float("nan")
        except ValueError:
            weights[term] = float("nan")
        if not math.isfinite(weights[term]):
            raise UsageError(f"--weight {text}: write TERM=NUMBER, for example geom1=10")
    return weights


def settle(
    base: TrainingConfig,
    config_file: Path | None,
    options: Mapping[str, Any],
    name: str | None,
    resume: bool,
    home: Path,
) -> tuple[TrainingConfig, Path]:
    """Return what to run and where. A resumed run goes on with its own configuration."""
    from sigkd.distillation.config import read_config
    from sigkd.distillation.recipes import run_name
    from sigkd.paths import run_path

    given = merge_options(base, config_file, options)
    run = run_path(name or run_name(given), home)
    own = run / "config.toml"
    if resume and own.is_file():
        given = merge_options(read_config(own), config_file, options)
    return given, run


def training_device(name: str) -> torch.device:
    """Return the device of this process: under ``torchrun`` each takes the GPU of its local rank."""
    from sigkd.models.device import resolve_device

    device = resolve_device(name)
    if str(device) == "cuda":
        device = resolve_device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}")
    if int(os.environ.get("RANK", "0")) == 0:
        note_line(f"device: {device}")
    return device


def make_probe(config: TrainingConfig, home: Path) -> Probe | None:
    """Return the evaluation of the student on a prepared signature set (5 splits), None without one."""
    if not config.probe:
        return None
    from sigkd.evaluation.evaluate import Settings, evaluate_features
    from sigkd.evaluation.experiment import open_set
    from sigkd.evaluation.protocol import default_counts, default_protocol
    from sigkd.models.extract import extract_features
    from sigkd.models.io import LoadedModel

    opened = open_set(config.probe, home)
    batch = opened.batch
    if batch is None:
        raise UsageError(f"--probe {config.probe}: these are features; a probe needs the images of a prepared set")
    references = default_counts(opened.kind)[0]
    protocol = default_protocol(opened.kind)

    def probe(network: FeatureNetwork) -> dict[str, float]:
        where = next(network.parameters()).device
        features = extract_features(LoadedModel(network, "probe", ""), batch.images, device=where)
        document = evaluate_features(
            features,
            batch.y,
            batch.yforg,
            references,
            splits=5,
            protocol=protocol,
            settings=Settings(bootstrap=0, keep_scores=False),
            skip_short=True,
        )
        result = document["results"][0]
        return {name: float(result[name]["mean"]) for name in ("eer_user", "eer_global")}

    return probe


def render_result(facts: Mapping[str, Any], run: Path, json: bool) -> None:
    """Print what came out of a run."""
    if int(os.environ.get("RANK", "0")) > 0:
        return
    if json:
        print_json({"run": str(run), **facts})
        return
    from rich.table import Table

    table = Table("run", str(run))
    for key, value in facts["last"].items():
        table.add_row(key, f"{value:.6g}")
    table.add_row("images/s", f"{facts['images_per_second']:.1f}")
    table.add_row("model", str(run / "final.safetensors"))
    print_table(table)


@contextmanager
def run_view(run: Path) -> Iterator[Observer]:
    """Open the view that suits stderr; silent in all but the first of several processes."""
    from sigkd.distillation.observer import NOBODY

    if int(os.environ.get("RANK", "0")) > 0:
        yield NOBODY
    else:
        from sigkd.cli.training_view import open_view

        note_line(f"run: {run}")
        try:
            with open_view() as view:
                yield view
        except KeyboardInterrupt as stop:
            if stop.args:
                note_line(str(stop))
            raise
