"""The program's surroundings: streams that may be closed or break off, signals, and texts from anywhere."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TextIO, cast

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ENDING = {name: getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}

received: list[int] = []
"""Signals that asked this run to end. A library may turn the interruption into an error of its own."""


def visible(text: str) -> str:
    """Return a text in which what a terminal would obey, or cannot show, is written out as Python does.

    Names of files and people come from anywhere.
    """
    return _UNSEEN.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode(), text)


class _Lasting:
    """A text stream whose reader may go away: what is left to say is dropped, and the command goes on to its end.

    Else ``sigkd verify ... | head`` would end with another exit code than the answer's.
    """

    def __init__(self, stream: TextIO, forgiven: type[OSError]) -> None:
        self._stream, self._forgiven = stream, forgiven

    def write(self, text: str) -> int:
        """Write, or drop."""
        with self._unbroken():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or drop."""
        with self._unbroken():
            self._stream.flush()

    @contextmanager
    def _unbroken(self) -> Iterator[None]:
        try:
            yield
        except self._forgiven:
            # what is buffered would be tried again at the end of the process
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
        except OSError as error:
            raise OSError(error.errno, error.strerror, "standard output") from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def lasting_streams() -> Iterator[None]:
    """Have a stdout and a stderr, whatever the caller closed, encoded or reads of them."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:  # else the next file to be opened would get the number, and what is printed
            os.open(os.devnull, os.O_RDWR)
    before = sys.stdout, sys.stderr
    streams = [stream or open(os.devnull, "w", encoding="utf-8") for stream in before]  # noqa: PTH123, SIM115
    for stream in streams:
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.stdout = cast(TextIO, _Lasting(streams[0], BrokenPipeError))
    sys.stderr = cast(TextIO, _Lasting(streams[1], OSError))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


@contextmanager
def signals_heard() -> Iterator[None]:
    """End by SIGTERM and SIGHUP as by Ctrl-C: files that are being written are removed, and it is said."""
    received.clear()
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in _ENDING.values():
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                before[number] = signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    received.append(number)
    raise KeyboardInterrupt


def ending() -> tuple[str, int]:
    """Return what to say after an interruption, and the exit code: 128 and the signal's number."""
    number = received[-1] if received else signal.SIGINT
    return "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}", 128 + number
