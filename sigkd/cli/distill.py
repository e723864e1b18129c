"""``sigkd distill``: teach a student network on handwritten text."""

from __future__ import annotations

from typing import Any

from sigkd.cli import training_options as shared
from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.declared import with_options
from sigkd.cli.options import Common, with_common
from sigkd.distillation.config import TrainingConfig


@app.command(cls=SigkdCommand)
@with_options(TrainingConfig(), "distill")
@with_common()
def distill(
    config: shared.Config = None,
    name: shared.Name = None,
    resume: shared.Resume = False,
    *,
    common: Common,
    **options: Any,
) -> None:
    """Teach a student network on handwritten text, supervised by an expert network.

    The defaults are the paper's recipe. The run is kept in DATA_DIR/runs/NAME: metrics.csv, curves.png, last.ckpt and
    the student as final.safetensors. Several GPUs: torchrun --nproc-per-node N -m sigkd distill ...
    """
    from sigkd.cli.progress import console_progress
    from sigkd.distillation import recipes
    from sigkd.distillation.data import find_training
    from sigkd.models.io import load_model
    from sigkd.paths import cache_dir as cache_home

    home = common.data
    merged, run = shared.settle(TrainingConfig(), config, options, name, resume, home)
    cache = cache_home(common.cache_dir)
    images = find_training(merged.data, home, merged.seed)
    with shared.run_view(run) as observer:
        record = recipes.distill(
            merged,
            images,
            run,
            lambda spec: load_model(spec, cache=cache),
            device=shared.training_device(common.device),
            resume=resume,
            observer=observer,
            progress=console_progress(),
            probe=shared.make_probe(merged, home),
            cache=home / "supervision",
        )
    shared.show_run(record, common.json)
