"""``sigkd distill`` in a process of its own, for at most some time."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from sigkd.errors import ExitCode, ModelError

GRACE = 120.0
"""Seconds that a training gets to finish its step and write a checkpoint."""


def distill_process(
    data: Path, cache: Path | None = None, device: str = "auto"
) -> Callable[[Sequence[str], float | None], bool]:
    """Return a function that trains: its arguments are those of ``sigkd distill`` and the seconds left.

    It returns False if the time ended the training, which then has a checkpoint to go on from.
    """

    def train(arguments: Sequence[str], seconds: float | None) -> bool:
        command = [sys.executable, "-m", "sigkd", "distill", *arguments, "--data-dir", str(data), "--device", device]
        command += ["--cache-dir", str(cache)] if cache is not None else []
        # The child's stdout would mix with the table; its own session keeps a Ctrl-C here from reaching it twice.
        process = subprocess.Popen(command, stdout=sys.stderr, start_new_session=True)  # noqa: S603 - our own program
        try:
            code = process.wait(seconds)
        except (subprocess.TimeoutExpired, KeyboardInterrupt) as stop:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if isinstance(stop, KeyboardInterrupt):
                raise
            return False
        if code == ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        if code != ExitCode.DONE:
            raise ModelError(f"'sigkd distill {' '.join(arguments)}' ended with exit code {code}; its message is above")
        return True

    return train
