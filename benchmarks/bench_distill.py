"""Time of a training step with the teacher against one without: what distillation costs, as ratios.

    python benchmarks/bench_distill.py [--device cpu] [--precision auto] [--batch 64] [--steps 4] [--recipe]

Steps of all kinds alternate in rounds, and the medians of the ratios within a round are printed, so that other work on
the machine meets all alike. ``--recipe`` runs the paper's whole recipe (60 epochs of 60,000 made-up images, cached
supervision) instead, which is meant for a GPU.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

STUDENT, LOSS = "resnet18", "geom+bc"
CLASSES = 310


def drawings(count: int, seed: int = 0) -> np.ndarray:
    """Return made-up strokes on blank paper, uint8 [count, 170, 242]."""
    random = np.random.default_rng(seed)
    images = np.zeros((count, 170, 242), np.uint8)
    columns = np.arange(30, 212)
    for image in images:
        for _ in range(2):
            wave = 85 + random.uniform(10, 35) * np.sin(columns / random.uniform(4, 20) + random.uniform(0, 6))
            for offset in (-1, 0, 1):
                image[np.clip(wave + offset, 0, 169).astype(int), columns] = random.integers(60, 255)
    return images


def data(count: int):
    from sigkd.distillation.data import TrainingImages

    few = drawings(min(count, 4096))
    images = few[np.arange(count) % len(few)]
    rows = np.arange(count)
    return TrainingImages(images, rows % CLASSES, rows, rows[:0], CLASSES, "drawings", f"drawings-{count}")


def trainer(loss: str, supervision: str, options: argparse.Namespace, home: Path, augment: tuple[str, ...] = ()):
    from sigkd.distillation import recipes
    from sigkd.distillation.config import TrainingConfig
    from sigkd.distillation.distributed import ALONE
    from sigkd.distillation.objective import Objective
    from sigkd.distillation.student import resolve_precision
    from sigkd.distillation.supervision import make_supervisor
    from sigkd.models.io import load_model

    device = torch.device(options.device)
    config = TrainingConfig(
        student=STUDENT,
        teacher="signet:random",
        loss=loss,
        batch_size=options.batch,
        precision=options.precision,
        crop="random" if augment else "center",
        augment=list(augment),
    )
    objective, augmentation = Objective(config), recipes._augmentation(config)
    precision = resolve_precision(config.precision, device)
    images = data(options.batch * 2)
    made = recipes._trainer(
        config, images, home / "run", objective, device, precision, augmentation, ALONE, {}, recipes.NOBODY
    )
    if objective.signals:
        made.supervisor = make_supervisor(
            [load_model("signet:random")],
            images,
            objective.signals,
            mode=supervision,
            device=device,
            cache=home / "cache",
        )
    made.step = 1  # in the first step of an epoch the gradients of single terms are looked at
    return made


def step_times(options: argparse.Namespace) -> None:
    clock = time.perf_counter if options.clock == "wall" else time.process_time
    kinds = {
        "cl (no teacher)": ("cl", "online", ()),
        "geom+bc, cached": (LOSS, "cached", ()),
        "geom+bc, online": (LOSS, "online", ()),
        "geom+bc, online, --augment all": (LOSS, "online", ("all",)),
        "cl, --augment all": ("cl", "online", ("all",)),
    }
    with tempfile.TemporaryDirectory() as home:
        runs = {name: trainer(loss, how, options, Path(home), extra) for name, (loss, how, extra) in kinds.items()}
        times: dict[str, list[float]] = {name: [] for name in kinds}
        for round_number in range(options.steps + 1):
            for name, run in runs.items():
                repeats = 1 if options.device == "cpu" else 20
                if options.device != "cpu":
                    torch.cuda.synchronize()
                start = clock()
                for _ in range(repeats):
                    run._train_step(run.order.epoch(0)[0])
                if options.device != "cpu":
                    torch.cuda.synchronize()
                if round_number:  # the first warms up
                    times[name].append((clock() - start) / repeats)
        precision = runs["cl (no teacher)"].precision
    base = times["cl (no teacher)"]
    threads = torch.get_num_threads()
    print(f"{STUDENT}, batch {options.batch}, {options.device}, {precision}, {threads} thread(s), {options.clock} time")
    for name, values in times.items():
        ratio = statistics.median(value / reference for value, reference in zip(values, base, strict=True))
        rate = options.batch / statistics.median(values)
        print(f"{name:34s} {rate:9.1f} images/s   {ratio:5.2f} x the step without a teacher")


def recipe(options: argparse.Namespace) -> None:
    from sigkd.distillation import recipes
    from sigkd.distillation.config import TrainingConfig
    from sigkd.models.io import load_model

    config = TrainingConfig(student=STUDENT, teacher="signet:random", loss=LOSS, precision=options.precision)
    config = dataclasses.replace(config, epochs=options.epochs, validation_images=0, checkpoint_seconds=3600)
    with tempfile.TemporaryDirectory() as home:
        start = time.perf_counter()
        images = data(options.images)
        made = time.perf_counter()
        record = recipes.distill(
            config,
            images,
            Path(home) / "run",
            load_model,
            device=torch.device(options.device),
            cache=Path(home) / "cache",
        )
        end = time.perf_counter()
    print(f"{config.epochs} epochs of {options.images} images on {options.device}, {record.precision}")
    print(f"images made in {made - start:.0f} s (not counted); everything else {end - made:.0f} s")
    print(f"training alone {record.seconds:.0f} s, {record.images_per_second:.0f} images/s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--threads", type=int, default=0, help="0: torch's own choice")
    parser.add_argument("--clock", default="wall", choices=("wall", "cpu"), help="cpu: for busy machines")
    parser.add_argument("--recipe", action="store_true", help="run the paper's whole recipe")
    parser.add_argument("--epochs", type=int, default=60, help="of --recipe")
    parser.add_argument("--images", type=int, default=60_000, help="of --recipe")
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    recipe(given) if given.recipe else step_times(given)
