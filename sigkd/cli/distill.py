"""``sigkd distill``: teach a student network on handwritten text."""

from __future__ import annotations

from typing import Annotated

import typer

from sigkd.cli import training_options as shared
from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import CacheDir, DataDir, Device, Json


@app.command(cls=SigkdCommand)
def distill(
    teacher: Annotated[
        str | None,
        typer.Option(help="Name, model file or signet:random; several joined by +.", show_default="signet"),
    ] = None,
    student: Annotated[str | None, typer.Option(help="Architecture to train.", show_default="resnet18")] = None,
    loss: Annotated[
        str | None, typer.Option(help="cl, geom, tce, bt, bc, joined by +.", show_default="geom+bc")
    ] = None,
    no_cl: Annotated[bool | None, typer.Option("--no-cl", help="Leave classification out.", show_default=False)] = None,
    weight: Annotated[
        list[str] | None, typer.Option(help="Weights of terms, as geom1=10 geom2=100.", show_default="the paper's")
    ] = None,
    radius: Annotated[int | None, typer.Option(help="Hops of a neighbourhood.", show_default="5")] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="Prepared text set, by name or path; several joined by +, made-up signatures among them.",
            show_default="text",
        ),
    ] = None,
    supervision: Annotated[str | None, typer.Option(help="auto, cached or online.", show_default="auto")] = None,
    epochs: shared.Epochs = None,
    batch_size: shared.BatchSize = None,
    lr: shared.Lr = None,
    schedule: shared.Schedule = None,
    weight_decay: shared.WeightDecay = None,
    label_smoothing: shared.LabelSmoothing = None,
    crop: shared.Crop = None,
    augment: shared.Augment = None,
    images_per_epoch: shared.ImagesPerEpoch = None,
    max_images: shared.MaxImages = None,
    validation_images: shared.ValidationImages = None,
    init: shared.Init = None,
    probe: shared.ProbeSet = None,
    probe_every: shared.ProbeEvery = None,
    precision: shared.Precision = None,
    compile_step: shared.Compile = None,
    checkpoint_seconds: shared.CheckpointSeconds = None,
    seed: shared.TrainingSeed = None,
    config: shared.Config = None,
    name: shared.Name = None,
    resume: shared.Resume = False,
    device: Device = "auto",
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    json: Json = False,
) -> None:
    """Teach a student network on handwritten text, supervised by an expert network.

    The defaults are the paper's recipe. The run is kept in DATA_DIR/runs/NAME: metrics.csv, curves.png, last.ckpt and
    the student as final.safetensors. Several GPUs: torchrun --nproc-per-node N -m sigkd distill ...
    """
    from sigkd.cli.progress import console_progress
    from sigkd.distillation import recipes
    from sigkd.distillation.config import TrainingConfig
    from sigkd.distillation.data import find_training
    from sigkd.models.io import load_model
    from sigkd.paths import cache_dir as cache_home
    from sigkd.paths import data_dir as data_home

    options = {
        "teacher": teacher,
        "student": student,
        "loss": loss,
        "no_cl": no_cl,
        "weight": shared.parse_weights(weight),
        "radius": radius,
        "data": data,
        "supervision": supervision,
        "epochs": epochs,
        "batch_size": batch_size,
        "lr": lr,
        "schedule": schedule,
        "weight_decay": weight_decay,
        "label_smoothing": label_smoothing,
        "crop": crop,
        "augment": augment or None,
        "images_per_epoch": images_per_epoch,
        "max_images": max_images,
        "validation_images": validation_images,
        "init": init,
        "probe": probe,
        "probe_every": probe_every,
        "precision": precision,
        "compile": compile_step,
        "checkpoint_seconds": checkpoint_seconds,
        "seed": seed,
    }
    home = data_home(data_dir)
    merged, run = shared.settle(TrainingConfig(), config, options, name, resume, home)
    cache = cache_home(cache_dir)
    images = find_training(merged.data, home, merged.seed)
    with shared.run_view(run) as observer:
        facts = recipes.distill(
            merged,
            images,
            run,
            lambda spec: load_model(spec, cache=cache),
            device=shared.training_device(device),
            resume=resume,
            observer=observer,
            progress=console_progress(),
            probe=shared.make_probe(merged, home),
            cache=home / "supervision",
        )
    shared.render_result(facts, run, json)
