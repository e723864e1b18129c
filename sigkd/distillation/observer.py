"""What a training run reports while it works; the command line draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Status:
    """Where a run stands after a step."""

    epoch: int
    """Of the step, from 1."""
    epochs: int
    step: int
    """In the epoch, from 1."""
    steps: int
    """In an epoch."""
    rate: float
    """Images a second, over all processes, lately."""
    seconds_left: float
    """Until the end of the last epoch at this rate."""
    lr: float
    total: float
    """Weighted sum of the terms in this step."""
    terms: Mapping[str, float] = field(default_factory=dict)
    """Unweighted terms, mean over the epoch so far."""
    accuracy: float | None = None
    """Part of the training images of the epoch so far that were classified rightly."""
    previous: Mapping[str, float] = field(default_factory=dict)
    """Row of the last complete epoch in metrics.csv; empty in the first."""


class Observer(Protocol):
    """Watches a run."""

    def step_done(self, status: Status) -> None:
        """Take note of a step (not necessarily of every one)."""

    def epoch_done(self, row: Mapping[str, float]) -> None:
        """Take note of an epoch: its row in metrics.csv."""

    def notice(self, message: str) -> None:
        """Take note of a line about the run."""


class SilentObserver:
    """Watches nothing."""

    def step_done(self, status: Status) -> None:
        """Ignore it."""

    def epoch_done(self, row: Mapping[str, float]) -> None:
        """Ignore it."""

    def notice(self, message: str) -> None:
        """Ignore it."""


NOBODY: Observer = SilentObserver()
