"""The choices behind an answer, declared once: for Python, and for the commands that have them as options."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sigkd.classifiers import CLASSIFIERS
from sigkd.configuration import RATE, Range, check, option
from sigkd.images.formats import LEAST_DPI, MOST_DPI
from sigkd.progress import SILENT, Progress
from sigkd.verification.calibrations import METHODS

if TYPE_CHECKING:
    from sigkd.classifiers.negatives import Negatives
    from sigkd.models.io import LoadedModel
    from sigkd.verification.calibration import CalibrationSet
    from sigkd.verification.policy import Policy as PolicyKind
    from sigkd.verification.policy import PolicyInForce

    Model: TypeAlias = str | Path | LoadedModel
    Cohort: TypeAlias = str | Path | Negatives
    Calibration: TypeAlias = str | Path | CalibrationSet
    Policy: TypeAlias = PolicyKind | str | Path
else:  # commands read the fields' types, and must not load torch for it
    Model = Cohort = Calibration = Policy = Any

SCANS = Range(LEAST_DPI, MOST_DPI)
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
    policy: Policy | None = option(None, "A file of 'sigkd policy init'; else $SIGKD_POLICY, else the default policy.")
    """The rule by which scores become answers: a file or a policy; None is ``$SIGKD_POLICY``, else the default one. One
    that is bound to a gallery holds for it."""
    far: float | None = option(None, "Instead of the policy's rule: false acceptance rate to accept at (1%).", RATE)
    """Stated false acceptance rate of the accept threshold, a fraction; None: what the policy says."""
    frr: float | None = option(None, "Instead of the policy's rule: false rejection rate to reject at (1%).", RATE)
    """Stated false rejection rate of the reject threshold, a fraction; None: what the policy says."""
    against: Literal["skilled", "random"] | None = option(None, "The alternative: {choices} forgeries.")
    """The alternative proposition; None: the policy's, else skilled where the calibration knows such forgeries."""
    method: str | None = option(None, "Of calibration: {choices}; else the policy's.", names=METHODS)
    """How scores become likelihood ratios; None: the policy's, else what the calibration recommends."""
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

    def in_force(self, bound: str | None = None, place: str = "") -> PolicyInForce:
        """Return the policy by which these choices answer, with what they ask for instead of what it says.

        Args:
            bound: the text of the policy that is bound to the gallery.
            place: the gallery, for messages.

        Raises:
            UsageError: another policy than the gallery's, or a change that it does not allow; InputError: a bad file.
        """
        from sigkd.verification.policy import CHANGEABLE, chosen_policy

        given = {name: getattr(self, name) for name in CHANGEABLE}
        given["classifier"] = None if self.classifier == "auto" else self.classifier
        return chosen_policy(self.policy, bound, place).with_changes(given)
