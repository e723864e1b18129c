"""Errors that a user can cause and mend: each carries the process's exit code and reads as one line.

Whatever is raised from here reaches the user as ``error: <message>``; any other exception is a bug and shows a
traceback only with ``--debug``. Messages name parameters as Python knows them, in backquotes (```far```,
```mode='add'```); the command line writes its options in their place (:mod:`sigkd.cli.output`).
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command, defined here alone (documented in ``docs/reference/exit-codes.md``)."""

    DONE = 0
    """Finished; for ``verify``: accepted."""
    REJECTED = 1
    """``verify``: rejected."""
    USAGE = 2
    """The command line is wrong."""
    INCONCLUSIVE = 3
    """``verify``: between the two thresholds, for a human to decide."""
    INPUT = 4
    """An input is bad or missing."""
    WEIGHTS = 5
    """Model weights or the network connection that should bring them."""
    UNSIGNED = 6
    """``verify``, ``locate``: no signature where one is expected."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C."""


class SigkdError(Exception):
    """Base of every error that is the user's to mend. Its message is one line: what is wrong where, what to do."""

    exit_code: ExitCode = ExitCode.INPUT


class UsageError(SigkdError):
    """An option or a combination of options is wrong (exit code 2)."""

    exit_code = ExitCode.USAGE


class InputError(SigkdError):
    """An input file or dataset is bad or missing (exit code 4)."""


class ImageError(InputError):
    """An image cannot be used: undecodable, blank, too large. The message names the file."""


class DatasetError(InputError):
    """A dataset is missing, incomplete, or not in the expected layout."""


class ModelError(SigkdError):
    """Model weights are absent, damaged, unsafe or of another architecture (exit code 5)."""

    exit_code = ExitCode.WEIGHTS


class NetworkError(ModelError):
    """A download failed (exit code 5)."""


class CohortError(InputError):
    """No negatives for a model, or negatives made with another model."""


class CalibrationError(InputError):
    """A calibration is damaged, or was made for another model, preprocessing or classifier."""


class GalleryError(InputError):
    """A gallery cannot be opened, read or written, or does not hold what was asked for."""


class NotEnrolledError(GalleryError):
    """Nobody of this name is enrolled."""


class AlreadyEnrolledError(GalleryError):
    """Somebody of this name is enrolled already."""


class PassphraseError(GalleryError):
    """The passphrase of an encrypted gallery is missing or wrong, or one was given for a gallery that has none."""


class LockedError(GalleryError):
    """Another process did not end its write in time; trying again may help."""


class ConflictError(GalleryError):
    """Somebody else decided about the same answer meanwhile; it has to be read again."""
