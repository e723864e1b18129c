"""The choices behind an answer, declared once: for Python, and for the commands that have them as options."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sigkd.classifiers import CLASSIFIERS
from sigkd.configuration import Range, check, option
from sigkd.images.formats import LEAST_DPI, MOST_DPI
from sigkd.progress import SILENT, Progress
from sigkd.verification.calibrations import METHODS

if TYPE_CHECKING:
    from sigkd.classifiers.negatives import Negatives
    from sigkd.models.io import LoadedModel
    from sigkd.verification.calibration import CalibrationSet

    Model: TypeAlias = str | Path | LoadedModel
    Cohort: TypeAlias = str | Path | Negatives
    Calibration: TypeAlias = str | Path | CalibrationSet
else:  # commands read the fields' types, and must not load torch for it
    Model = Cohort = Calibration = Any

SCANS = Range(LEAST_DPI, MOST_DPI)
RATE = Range(0, 1, open_low=True, open_high=True)
COMPARING = ("classifier", "cohort", "dpi", "page")
"""Choices that enrolment needs too: those before the ones that turn scores into answers."""


@dataclass(frozen=True)
class Choices:
    """What an answer depends on beside the images.

    Example:
        >>> Choices(far=0.01, classifier="wd").far
        0.01
    """

    model: Model | None = None
    """A registered name, a file, ``ARCHITECTURE:random``, or a loaded model; None is the default student."""
    classifier: str = option("auto", f"auto, or {', '.join(CLASSIFIERS)}.")
    """``auto``: ``wd``, but ``wi`` for one or two references without a calibration for so few."""
    cohort: Cohort | None = option(None, "default, a cohort or features file, or a dataset: the negatives.")
    """A file, a dataset's name, or a loaded cohort; None (or ``default``) is the default cohort of the model."""
    calibration: Calibration | None = option(
        None, "A file of 'sigkd calibrate', or none; else the default one where it fits."
    )
    """A file or a loaded set; ``none`` for none; None is the default one where it fits."""
    far: float | None = option(None, "False acceptance rate to accept at, e.g. 0.01.", RATE)
    """Stated false acceptance rate of the accept threshold, a fraction."""
    frr: float | None = option(None, "False rejection rate to reject at.", RATE)
    """Stated false rejection rate of the reject threshold, a fraction."""
    against: Literal["skilled", "random"] | None = option(None, "The alternative: {choices} forgeries.")
    """The alternative proposition; None: skilled where the calibration knows such forgeries."""
    method: str | None = option(None, "Of calibration: {choices}; else what the file recommends.", names=METHODS)
    """How scores become likelihood ratios; None: what the calibration recommends."""
    dpi: float | None = option(None, "Resolution of all scans given here, instead of what their files say.", SCANS)
    """Of models of views; None: what each file says, else (of enrolled writers) what the gallery presumes."""
    page: int = option(1, "Page of multi-page TIFF files.", Range(1))
    device: str = "auto"
    """Where features are computed: ``auto``, ``cpu``, ``cuda[:N]`` or ``mps``."""
    data: Path | None = None
    """Home of prepared datasets."""
    cache: Path | None = None
    """Home of downloaded weights and built cohorts."""
    progress: Progress = SILENT
    """Where loading is reported."""

    def __post_init__(self) -> None:
        """Check the choices.

        Raises:
            UsageError: an unknown name, or a rate that is none.
        """
        check(self)
        if self.classifier != "auto":  # the commands' help makes the defaults, and must stay light
            from sigkd.classifiers.base import check_classifier

            check_classifier(self.classifier)
        if self.method is not None:
            METHODS.check(self.method)
