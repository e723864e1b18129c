"""The answers, the two thresholds behind three of them, and where the thresholds came from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from sigkd.errors import ExitCode, UsageError
from sigkd.measures import threshold_at_far, threshold_at_frr


class Decision(StrEnum):
    """The answer. A suspected copy is never accepted and says nothing of the writer: nobody signs twice alike.

    ``refused``: the policy does not let such a scan be compared, so there is no answer.
    """

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    INCONCLUSIVE = "inconclusive"
    COPY = "suspected copy"
    REFUSED = "refused"

    @property
    def exit_code(self) -> ExitCode:
        """The process's exit code for this answer."""
        return {
            Decision.ACCEPTED: ExitCode.DONE,
            Decision.REJECTED: ExitCode.REJECTED,
            Decision.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
            # Not 1: 'rejected' would say that somebody else signed, and a copy says nothing of that.
            Decision.COPY: ExitCode.INCONCLUSIVE,
            Decision.REFUSED: ExitCode.INPUT,
        }[self]


@dataclass(frozen=True)
class Thresholds:
    """Accepted from ``accept`` upwards, rejected below ``reject``, inconclusive between them."""

    accept: float | None
    """Null: no score is accepted."""
    reject: float | None
    """Null: no score is rejected."""
    origin: str
    """In words: the calibration and the policy's rule, or why there is none."""
    far: float | None = None
    """False acceptance rate on the development set at ``accept`` (of the calibration's alternative), a fraction."""
    frr: float | None = None
    """False rejection rate on the development set at ``reject``, a fraction."""
    calibrated: bool = False
    rule: str = ""
    """The policy's rule in words; empty without a calibration."""

    def decide(self, score: float) -> Decision:
        """Return the answer for a score."""
        if self.accept is not None and score >= self.accept:
            return Decision.ACCEPTED
        rejected = self.reject is not None and score < self.reject
        return Decision.REJECTED if rejected else Decision.INCONCLUSIVE

    def __str__(self) -> str:
        accept = "never accepted" if self.accept is None else f"accepted from {self.accept:.3f}"
        return f"{accept}, " + ("never rejected" if self.reject is None else f"rejected below {self.reject:.3f}")


def check_rate(name: str, rate: float, scores: NDArray[np.float64]) -> None:
    """Refuse a rate that so few scores cannot show.

    Raises:
        UsageError: outside of (0, 1), or less than one of the scores.
    """
    if not 0 < rate < 1:
        raise UsageError(f"`{name}` is a rate between 0 and 1, not {rate:g}")
    # 1e-9: 0.01 * 100 is not quite 1 in binary.
    if rate * len(scores) < 1 - 1e-9:
        raise UsageError(f"`{name}` {rate:g} cannot be stated from {len(scores)} scores; the least is 1/{len(scores)}")


def accept_at(impostor: NDArray[np.float64], far: float) -> float:
    """Return the lowest score that no more than ``far`` of the impostors reach.

    Raises:
        UsageError: as :func:`check_rate`.
    """
    check_rate("far", far, impostor)
    # -inf would accept scores lower than any that were ever seen.
    return max(threshold_at_far(impostor, far), float(impostor.min()))


def reject_at(genuine: NDArray[np.float64], frr: float) -> float:
    """Return the highest score below which no more than ``frr`` of the genuine signatures fall.

    Raises:
        UsageError: as :func:`check_rate`.
    """
    check_rate("frr", frr, genuine)
    return min(threshold_at_frr(genuine, frr), float(genuine.max()))


def uncalibrated(
    agreement: NDArray[np.floating], border: float, meaning: str, reason: str, *, triage: bool = False
) -> Thresholds:
    """Return a threshold without a calibration: how well the references agree, else the classifier's border.

    Args:
        agreement: each reference's score against the others (empty for fewer than three references).
        border: the score from which the classifier itself accepts.
        meaning: that border in words.
        reason: why there is no calibration.
        triage: nothing is rejected.
    """
    if len(agreement):
        # References of one person: the one that fits worst is still the writer's.
        border = float(agreement.min())
        meaning = "the lowest score of a reference against the other references"
    return Thresholds(border, None if triage else border, f"not calibrated ({reason}): {meaning}")
