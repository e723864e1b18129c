"""The core's progress drawn with Rich: a live bar in a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.status import Status
from rich.text import Text

from sigkd.cli.output import note_line, stderr, warning_line
from sigkd.cli.streams import visible
from sigkd.progress import Progress, Task


class _PlainTask:
    """Writes one line every ``interval`` seconds and one at the end."""

    def __init__(self, description: str, total: int | None, unit: str, interval: float = 10.0) -> None:
        self.description, self.total, self.unit, self.interval = description, total, unit, interval
        self.done, self.text = 0, ""
        self.start = self.last = time.monotonic()

    def advance(self, amount: int = 1) -> None:
        self.done += amount
        if time.monotonic() - self.last >= self.interval:
            self.report()

    def describe(self, text: str) -> None:
        self.text = text

    def report(self) -> None:
        self.last = time.monotonic()
        seconds = max(self.last - self.start, 1e-9)
        of = f"/{self.total}" if self.total is not None else ""
        rate = self.done / seconds
        unfinished = self.total is not None and rate and self.done < self.total
        left = f", {((self.total or 0) - self.done) / rate:.0f} s left" if unfinished else ""
        unit = f" {self.unit}" if self.unit else ""
        text = f" {self.text}" if self.text else ""
        note_line(f"{self.description}: {self.done}{of}{unit}, {rate:.1f}/s{left}{text}")


class PlainProgress:
    """Progress for logs and pipes."""

    @contextmanager
    def task(self, description: str, total: int | None = None, unit: str = "") -> Iterator[Task]:
        """Open a task that reports in lines."""
        task = _PlainTask(description, total, unit)
        yield task
        task.report()

    def warn(self, message: str) -> None:
        """Write the warning."""
        warning_line(message)

    def info(self, message: str) -> None:
        """Write the notice."""
        note_line(message)


class RichProgress:
    """Progress for a terminal."""

    @contextmanager
    def task(self, description: str, total: int | None = None, unit: str = "") -> Iterator[Task]:
        """Open a task drawn as a bar with rate and time left."""
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[text]}", markup=False),
        )
        for spinner in _spinners:  # a terminal has one moving picture at a time
            spinner.stop()
        with Bar(*columns, console=stderr) as bar:
            identity = bar.add_task(visible(description), total=total, text="", rate="")

            class _BarTask:
                def advance(self, amount: int = 1) -> None:
                    bar.advance(identity, amount)
                    speed = bar.tasks[0].speed
                    bar.update(identity, rate=f"{speed:.1f} {unit}/s" if speed else "")

                def describe(self, text: str) -> None:
                    bar.update(identity, text=visible(text))

            yield _BarTask()

    def warn(self, message: str) -> None:
        """Print the warning above the bar."""
        stderr.print(Text.assemble(("warning:", "yellow"), " ", visible(message)))

    def info(self, message: str) -> None:
        """Print the notice above the bar."""
        stderr.print(Text(visible(message)))


_spinners: list[Status] = []


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Show a spinner while a block runs, until a bar is drawn in it; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield
        return
    with stderr.status(f"{text} ...") as spinner:
        _spinners.append(spinner)
        try:
            yield
        finally:
            _spinners.remove(spinner)


def console_progress() -> Progress:
    """Return the progress that suits stderr."""
    return RichProgress() if sys.stderr.isatty() else PlainProgress()
