"""What the core reports while it works; the command line draws it (``sigkd/cli/progress.py``)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, runtime_checkable


class Task(Protocol):
    """One piece of work in progress."""

    def advance(self, amount: int = 1) -> None:
        """Report ``amount`` more units as done."""

    def describe(self, text: str) -> None:
        """Show a short text beside the bar (current file, loss, accuracy)."""


@runtime_checkable
class Progress(Protocol):
    """Where the core's progress and warnings go."""

    def task(self, description: str, total: int | None = None, unit: str = "") -> AbstractContextManager[Task]:
        """Open a task of ``total`` units (None: unknown) as a context manager."""

    def warn(self, message: str) -> None:
        """Report a one-line warning."""

    def info(self, message: str) -> None:
        """Report a one-line notice."""


class _SilentTask:
    def advance(self, amount: int = 1) -> None:
        pass

    def describe(self, text: str) -> None:
        pass


class SilentProgress:
    """Reports nothing: the default of every core function."""

    @contextmanager
    def task(self, description: str, total: int | None = None, unit: str = "") -> Iterator[Task]:
        """Open a task that nobody watches."""
        yield _SilentTask()

    def warn(self, message: str) -> None:
        """Ignore the warning."""

    def info(self, message: str) -> None:
        """Ignore the notice."""


SILENT: Progress = SilentProgress()
