"""Three answers from two thresholds, a fourth for copies, and where the thresholds came from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from sigkd.errors import ExitCode, UsageError
from sigkd.measures import threshold_at_far, threshold_at_frr


class Decision(StrEnum):
    """The answer. A suspected copy is never accepted and says nothing of the writer: nobody signs twice alike."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    INCONCLUSIVE = "inconclusive"
    COPY = "suspected copy"

    @property
    def exit_code(self) -> ExitCode:
        """The process's exit code for this answer."""
        return {
            Decision.ACCEPTED: ExitCode.DONE,
            Decision.REJECTED: ExitCode.REJECTED,
            Decision.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
            Decision.COPY: ExitCode.INCONCLUSIVE,
        }[self]


@dataclass(frozen=True)
class Thresholds:
    """Accepted from ``accept`` upwards, rejected below ``reject``, inconclusive between them."""

    accept: float
    reject: float
    origin: str
    """In words: the calibration and the stated rates, or why there is none."""
    far: float | None = None
    """False acceptance rate on the development set at ``accept`` (of the calibration's alternative), a fraction."""
    frr: float | None = None
    """False rejection rate on the development set at ``reject``, a fraction."""
    calibrated: bool = False

    def decide(self, score: float) -> Decision:
        """Return the answer for a score."""
        if score >= self.accept:
            return Decision.ACCEPTED
        return Decision.REJECTED if score < self.reject else Decision.INCONCLUSIVE


def thresholds_at(
    genuine: NDArray[np.float64], impostor: NDArray[np.float64], far: float, frr: float
) -> tuple[float, float, float, float]:
    """Return the accept and reject thresholds that keep to stated rates on these scores, and the rates found at them.

    ``accept`` is the lowest score at which no more than ``far`` of the impostors reach it, ``reject`` the highest below
    which no more than ``frr`` of the genuine signatures fall. Where they cross (both rates can be kept at once), both
    move to the middle and nothing is inconclusive.

    Raises:
        UsageError: a rate outside of (0, 1), or one too small to be seen in so few scores.
    """
    for name, rate, scores in (("far", far, impostor), ("frr", frr, genuine)):
        if not 0 < rate < 1:
            raise UsageError(f"`{name}` is a rate between 0 and 1, not {rate:g}")
        if rate * len(scores) < 1 - 1e-9:
            raise UsageError(
                f"`{name}` {rate:g} cannot be stated from {len(scores)} scores; the least is 1/{len(scores)}"
            )
    accept = max(threshold_at_far(impostor, far), float(impostor.min()))
    reject = min(threshold_at_frr(genuine, frr), float(genuine.max()))
    if reject > accept:
        accept = reject = (accept + reject) / 2.0
    return accept, reject, float((impostor >= accept).mean()), float((genuine < reject).mean())


def uncalibrated(agreement: NDArray[np.floating], border: float, meaning: str, reason: str) -> Thresholds:
    """Return a threshold without a calibration: how well the references agree, else the classifier's border.

    Args:
        agreement: each reference's score against the others (empty for fewer than three references).
        border: the score from which the classifier itself accepts.
        meaning: that border in words.
        reason: why there is no calibration.
    """
    if len(agreement):
        border = float(agreement.min())
        meaning = "the lowest score of a reference against the other references"
    return Thresholds(border, border, f"not calibrated ({reason}): {meaning}")
