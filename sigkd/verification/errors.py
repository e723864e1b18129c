"""What can go wrong with a cohort, a calibration or a gallery, each the user's to mend (exit code 4)."""

from __future__ import annotations

from sigkd.errors import InputError


class CohortError(InputError):
    """No negatives for a model, or negatives made with another model."""


class CalibrationError(InputError):
    """A calibration is damaged, or was made for another model, preprocessing or classifier."""


class GalleryError(InputError):
    """A gallery cannot be opened, read or written, or does not hold what was asked for."""
