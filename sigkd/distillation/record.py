"""What is written down of a training run: ``run.json``, and what the commands print."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sigkd.distillation.config import TrainingConfig
from sigkd.json_documents import JsonDocument


@dataclass(frozen=True)
class TeacherFacts:
    """A network that taught."""

    name: str
    hash: str
    """SHA-256 of its weights."""


@dataclass(frozen=True)
class DataFacts:
    """What a network was trained on."""

    name: str
    content_hash: str
    classes: int
    """Writers, and imitated writers where their forgeries are classes of their own."""
    training_images: int
    validation_images: int
    details: dict[str, Any] = field(default_factory=dict)
    """What else is known of it: the version of the preprocessing, the canvas, the writers."""


class TrainingRun(JsonDocument, format="sigkd-training-run", version=1):
    """What ``sigkd distill`` and ``sigkd train-teacher`` print, and the file ``run.json`` of a run."""

    run: Path
    """The run's directory."""
    status: Literal["running", "complete"]
    config: TrainingConfig
    """The options of the command."""
    weights: dict[str, float]
    """Of each term of the losses."""
    data: DataFacts
    teachers: list[TeacherFacts] = field(default_factory=list)
    supervision: str | None = None
    """``cached`` or ``online``; null: nobody teaches."""
    device: str
    precision: str
    processes: int
    machine: str
    """Its kind of processor."""
    versions: dict[str, str]
    """Of sigkd, torch and Python."""
    steps_per_epoch: int
    seconds: float
    """Of training alone."""
    images_per_second: float | None
    last: dict[str, float] | None
    """The last epoch's row of ``metrics.csv``; null: none is finished."""
    averaged: dict[str, float] | None = None
    """Validation of the averaged weights, where they were averaged."""
    final_hash: str | None = None
    """SHA-256 of the weights in ``final.safetensors``; null: not there yet."""
