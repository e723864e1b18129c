"""What ``distill`` and ``train-teacher`` share: options, merging them with a file, the view of a run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sigkd.cli.declared import merge
from sigkd.cli.output import Table, note_line, show
from sigkd.configuration import read_toml
from sigkd.errors import UsageError

if TYPE_CHECKING:
    import torch

    from sigkd.distillation.config import TrainingConfig
    from sigkd.distillation.observer import Observer
    from sigkd.distillation.record import TrainingRun
    from sigkd.distillation.training import Probe
    from sigkd.models.registry import FeatureNetwork

Name = Annotated[
    str | None, typer.Option(help="Name of the run, in DATA_DIR/runs.", show_default="made from the options")
]
Config = Annotated[
    Path | None, typer.Option(help="TOML file with options; those given here come first.", show_default=False)
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint of the run.")]


def settle(
    base: TrainingConfig,
    config_file: Path | None,
    options: Mapping[str, Any],
    name: str | None,
    resume: bool,
    home: Path,
) -> tuple[TrainingConfig, Path]:
    """Return what to run and where. A resumed run goes on with its own configuration."""
    from sigkd.distillation.recipes import run_name
    from sigkd.paths import plain_name, run_path

    given = merge(base, config_file, options)
    run = run_path(run_name(given) if name is None else plain_name(name), home)
    own = run / "config.toml"
    if resume and own.is_file():
        given = merge(read_toml(own, base), config_file, options)
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
        metrics = document.results[0].metrics
        return {name: metrics[name].mean for name in ("eer_user", "eer_global")}

    return probe


def show_run(record: TrainingRun, json: bool) -> None:
    """Print what came out of a run; nothing in all but the first of several processes."""
    if int(os.environ.get("RANK", "0")) == 0:
        show(record, json, _run_table)


def _run_table(record: TrainingRun) -> Table:
    table = Table("run", str(record.run))
    for key, value in (record.last or {}).items():
        table.add_row(key, f"{value:.6g}")
    table.add_row("images/s", f"{record.images_per_second or 0:.1f}")
    table.add_row("model", str(record.run / "final.safetensors"))
    return table


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
