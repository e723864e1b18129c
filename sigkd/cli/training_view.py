"""The live view of a training run in a terminal, and its lines in logs and pipes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sigkd.cli.output import Table, note_line, stderr
from sigkd.cli.streams import visible

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from sigkd.distillation.observer import Observer, Status


@contextmanager
def open_view() -> Iterator[Observer]:
    """Open the view that suits stderr."""
    if not sys.stderr.isatty():
        yield PlainView()
        return
    from rich.live import Live

    with Live(console=stderr, refresh_per_second=4, transient=True) as live:
        yield LiveView(live)


class PlainView:
    """A line every ten seconds and one an epoch: for logs and pipes."""

    def __init__(self, interval: float = 10.0) -> None:
        self.interval = interval
        self._last = 0.0

    def step_done(self, status: Status) -> None:
        """Write a line if the last one is old enough."""
        now = time.monotonic()
        if now - self._last < self.interval:
            return
        self._last = now
        terms = " ".join(f"{name} {value:.4g}" for name, value in status.terms.items())
        accuracy = "" if status.accuracy is None else f" accuracy {100 * status.accuracy:.1f}%"
        note_line(
            f"epoch {status.epoch}/{status.epochs} step {status.step}/{status.steps} {status.rate:.0f} images/s "
            f"{clock(status.seconds_left)} left: {terms}{accuracy}"
        )

    def epoch_done(self, row: Mapping[str, float]) -> None:
        """Write the epoch's numbers."""
        note_line("epoch done: " + " ".join(f"{name} {value:.5g}" for name, value in row.items()))

    def notice(self, message: str) -> None:
        """Write the line."""
        note_line(message)


def clock(seconds: float) -> str:
    """Return ``1:02:03`` or ``02:03``."""
    whole = int(min(seconds, 359999))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


class LiveView:
    """A table that stays in place: epoch, rate, time left, every loss term now and in the epoch before, accuracy."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def step_done(self, status: Status) -> None:
        """Redraw."""
        self._live.update(draw(status))

    def epoch_done(self, row: Mapping[str, float]) -> None:
        """Leave the epoch's numbers above the table."""
        self._live.console.print(" ".join(f"{name} {value:.5g}" for name, value in row.items()))

    def notice(self, message: str) -> None:
        """Print the line above the table."""
        self._live.console.print(visible(message), markup=False)


def draw(status: Status) -> RenderableType:
    """Return the table of a moment."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar

    head = (
        f"epoch {status.epoch}/{status.epochs}  step {status.step}/{status.steps}  {status.rate:.0f} images/s  "
        f"{clock(status.seconds_left)} left  lr {status.lr:.2g}"
    )
    table = Table("", "this epoch", "last epoch")
    before = status.previous
    for name, value in status.terms.items():
        table.add_row(name, f"{value:.5g}", _number(before.get(name)))
    if status.accuracy is not None:
        table.add_row("accuracy", f"{100 * status.accuracy:.1f} %", _percent(before.get("accuracy")))
    for name in before:
        if name == "val_accuracy" or name.startswith("probe_"):
            table.add_row(name, "", _percent(before[name]))
        elif name == "val_loss":
            table.add_row(name, "", _number(before[name]))
    done = (status.epoch - 1) * status.steps + status.step
    return Group(head, ProgressBar(total=status.epochs * status.steps, completed=done, width=60), table)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"
