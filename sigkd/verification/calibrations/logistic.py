"""Logistic regression: an affine log LR, steady where scores are few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from sigkd.measures import Logistic, fit_logistic
from sigkd.verification.calibrations import METHODS
from sigkd.verification.calibrations._base import CalibrationMethod, Scores, number


@METHODS.register("logistic")
@dataclass(frozen=True)
class LogisticCalibration(CalibrationMethod):
    """ln LR = slope * score + intercept (:func:`sigkd.measures.fit_logistic`)."""

    curve: Logistic

    @staticmethod
    def fit_curve(genuine: Scores, forged: Scores) -> Logistic:
        """Return the line."""
        return fit_logistic(genuine, forged)

    def to_json(self) -> dict[str, Any]:
        """Return ``slope`` and ``intercept``."""
        return self.curve._asdict()

    @classmethod
    def from_json(cls, facts: dict[str, Any], bounds: tuple[float, float]) -> Self:
        """Return what :meth:`to_json` kept, see :meth:`CalibrationMethod.from_json`."""
        line = Logistic(number(facts["slope"]), number(facts["intercept"]))
        if line.slope <= 0:
            raise ValueError(f"the slope must be positive, not {line.slope:g}")
        return cls(line, bounds)
