"""The two recipes that run the training loop: a student taught on text, and a teacher trained on signatures."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from sigkd._version import __version__
from sigkd.distillation.augment import Augmentation
from sigkd.distillation.augmentations import parse_augmentations
from sigkd.distillation.config import TrainingConfig, config_toml
from sigkd.distillation.data import TrainingImages
from sigkd.distillation.distributed import World, barrier, join_world, leave_world
from sigkd.distillation.objective import Objective, parse_losses
from sigkd.distillation.observer import NOBODY, Observer
from sigkd.distillation.record import TeacherFacts, TrainingRun
from sigkd.distillation.rundir import RunDirectory
from sigkd.distillation.student import build_student, resolve_precision
from sigkd.distillation.supervision import Supervisor, make_supervisor
from sigkd.distillation.training import Probe, Trainer
from sigkd.errors import UsageError
from sigkd.files import write_text
from sigkd.models.io import LoadedModel
from sigkd.models.networks import NETWORKS
from sigkd.progress import SILENT, Progress

LoadTeacher = Callable[[str], LoadedModel]


def teacher_names(text: str) -> list[str]:
    """Return the teachers of ``signet+signet-f``: names or files; a ``+`` in the path of an existing file is kept."""
    if Path(text).is_file():
        return [text]
    names = [name.strip() for name in text.split("+") if name.strip()]
    if not names:
        raise UsageError("`teacher` names no teacher")
    return names


def run_name(config: TrainingConfig) -> str:
    """Return the default name of a run: student, losses and teachers, safe as a directory's name."""
    losses = "+".join(parse_losses(config.loss, not config.no_cl))
    parts = [config.student, losses]
    if Objective(config).signals:
        parts.append("from-" + "+".join(Path(name).stem for name in teacher_names(config.teacher)))
    return re.sub(r"[^\w.+-]", "-", "-".join(parts))


def distill(
    config: TrainingConfig,
    data: TrainingImages,
    run: Path,
    load_teacher: LoadTeacher,
    *,
    device: torch.device,
    resume: bool = False,
    observer: Observer = NOBODY,
    progress: Progress = SILENT,
    probe: Probe | None = None,
    cache: Path | None = None,
) -> TrainingRun:
    """Teach a student (paper, Section 3) and return what is written down of the run.

    Args:
        config: the run; the defaults are the paper's.
        data: text images with their writers.
        run: the run's directory.
        load_teacher: gives the model of a name of ``config.teacher``; only called if a loss needs a teacher.
        device: where to train.
        resume: go on from the last checkpoint.
        observer: is told about the progress.
        probe: evaluates the student every ``config.probe_every`` epochs.
        progress: is told about the computation of cached supervision.
        cache: home of cached supervision; without one it is online.
    """
    RunDirectory(run).check(resume)
    objective, augmentation = Objective(config), _augmentation(config)
    NETWORKS.check(config.student)  # an unknown one is refused before the teachers' long work
    mode = supervision_mode(config, augmentation)
    teachers = [load_teacher(name) for name in teacher_names(config.teacher)] if objective.signals else []
    precision = resolve_precision(config.precision, device)
    facts: dict[str, Any] = {"teachers": [TeacherFacts(teacher.name, teacher.hash) for teacher in teachers]}
    data = data.limited(config.max_images or None, config.seed)
    world = join_world(device)
    try:
        supervisor: Supervisor | None = None
        if teachers:
            facts["supervision"] = mode
            supervisor = make_supervisor(
                teachers,
                data,
                objective.signals,
                mode=mode,
                device=device,
                cache=cache,
                world=world,
                progress=progress,
            )
        trainer = _trainer(config, data, run, objective, device, precision, augmentation, world, facts, observer)
        trainer.supervisor, trainer.probe = supervisor, probe
        return _start(trainer, resume)
    finally:
        leave_world()


def train_teacher(
    config: TrainingConfig,
    data: TrainingImages,
    run: Path,
    *,
    device: torch.device,
    resume: bool = False,
    observer: Observer = NOBODY,
    probe: Probe | None = None,
) -> TrainingRun:
    """Train a network on writer identification from signatures (Hafemann et al. 2017).

    With forgeries in ``data`` and ``forgery`` among the losses it is SigNet-F.
    """
    if foreign := set(parse_losses(config.loss, not config.no_cl)) - {"cl", "forgery"}:
        raise UsageError(f"a teacher learns from signatures alone, by cl and forgery, not by {', '.join(foreign)}")

    def nobody(name: str) -> LoadedModel:
        raise AssertionError(f"no loss of a teacher asks for {name}")

    return distill(config, data, run, nobody, device=device, resume=resume, observer=observer, probe=probe)


def supervision_mode(config: TrainingConfig, augmentation: Augmentation) -> str:
    """Return ``cached`` or ``online``.

    Raises:
        UsageError: cached supervision of images that come out otherwise every time.
    """
    if config.supervision == "cached" and not augmentation.fixed_for_teacher:
        raise UsageError(
            "random crops and augmentation need `supervision='online'`: the teacher has to see what the student sees "
            "(changes of the ink alone do not with `teacher_sees='clean'`)"
        )
    if config.supervision == "auto":
        return "cached" if augmentation.fixed_for_teacher else "online"
    return config.supervision


def _augmentation(config: TrainingConfig) -> Augmentation:
    return Augmentation(
        random_crop=config.crop == "random",
        strengths=parse_augmentations(config.augment),
        seed=config.seed,
        share=config.augment_share,
        clean_teacher=config.teacher_sees == "clean",
    )


def _trainer(
    config: TrainingConfig,
    data: TrainingImages,
    run: Path,
    objective: Objective,
    device: torch.device,
    precision: torch.dtype,
    augmentation: Augmentation,
    world: World,
    facts: dict[str, Any],
    observer: Observer,
) -> Trainer:
    if "forgery" in objective.names and data.forged is None:
        raise UsageError(f"the loss 'forgery' needs signatures with marked forgeries; '{data.name}' has none")
    module, fresh = build_student(config, data.classes, forgery_head="forgery" in objective.names)
    if config.init:
        observer.notice(f"started from {config.init}; fresh: {', '.join(fresh) or 'nothing'}")
    versions = {"sigkd": __version__, "torch": str(torch.__version__), "python": platform.python_version()}
    return Trainer(
        config=config,
        data=data,
        module=module,
        objective=objective,
        run_directory=RunDirectory(run),
        device=device,
        precision=precision,
        augmentation=augmentation,
        world=world,
        facts={**facts, "versions": versions, "machine": platform.machine()},
        observer=observer,
    )


def _start(trainer: Trainer, resume: bool) -> TrainingRun:
    directory = trainer.run_directory
    directory.check(resume)
    barrier()
    if trainer.world.writes:
        write_text(directory.config, config_toml(trainer.config))
    return trainer.run(resume)
