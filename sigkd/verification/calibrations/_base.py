"""What a method of calibration is, and how one that was kept in a file is read back without trusting it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from sigkd.errors import CalibrationError
from sigkd.measures import EXTREME, Monotone, elub

Scores = NDArray[np.float64]
LN10 = math.log(10.0)
_FARTHEST = 1e12  # no score lies so far out


class Curve(Protocol):
    """Natural log LRs of scores, same shape; they never fall as the scores grow."""

    def __call__(self, scores: Scores, /) -> Scores: ...


@dataclass(frozen=True)
class CalibrationMethod(ABC):
    """A curve from scores to natural log LRs that was fitted to development scores, and the bounds of what it may say.

    A new method is a file here: a subclass under ``@METHODS.register("name")``, the module's name, with the three
    abstract methods. The bounds are empirical (:func:`sigkd.measures.elub`) unless it has a :meth:`fit` of its own.
    """

    curve: Curve
    bounds: tuple[float, float]
    """Lower <= 0 and upper >= 0 bound of ln LR."""

    @classmethod
    def fit(cls, genuine: Scores, forged: Scores) -> Self:
        """Fit to the scores of genuine signatures [n] and of forgeries [m].

        Raises:
            CalibrationError: see :func:`check_scores`.
        """
        check_scores(genuine, forged)
        curve = cls.fit_curve(genuine, forged)
        # On the very scores that fitted the curve; ELUB counts one misleading score a side more than there were.
        return cls(curve, elub(curve(genuine), curve(forged)))

    @staticmethod
    @abstractmethod
    def fit_curve(genuine: Scores, forged: Scores) -> Curve:
        """Return the curve, not bounded yet."""

    @property
    def log10_bounds(self) -> tuple[float, float]:
        """The bounds as log10 LRs."""
        return self.bounds[0] / LN10, self.bounds[1] / LN10

    def log10_lr(self, scores: Scores) -> Scores:
        """Return the bounded log10 LRs of scores, same shape."""
        # Kept curves are natural logarithms; what people read is log10.
        return np.clip(self.curve(scores), *self.bounds) / LN10

    def lowest_score(self, log10_lr: float, *, above: bool = False) -> float | None:
        """Return the lowest score whose LR reaches a level; None where none does, minus infinity where all do.

        Args:
            log10_lr: the level.
            above: the LR must lie above it.
        """

        def reached(score: float) -> bool:
            found = float(self.log10_lr(np.array([score]))[0])
            return found > log10_lr if above else found >= log10_lr

        # Scores have no natural range: a margin of an SVM, a cosine, a distance. So the bracket grows by doubling.
        low, high = -1.0, 1.0
        while not reached(high):
            if high > _FARTHEST:
                return None
            high *= 2
        while reached(low):
            if low < -_FARTHEST:
                return -math.inf
            low *= 2
        # any curve that never falls, so by halves, down to neighbouring numbers
        while (middle := (low + high) / 2) not in (low, high):
            low, high = (low, middle) if reached(middle) else (middle, high)
        return high

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return the curve as JSON values."""

    @classmethod
    @abstractmethod
    def from_json(cls, facts: dict[str, Any], bounds: tuple[float, float]) -> Self:
        """Return what :meth:`to_json` kept.

        Raises:
            ValueError: a curve that no fit gives; KeyError, TypeError: another document.
        """


@dataclass(frozen=True)
class TableMethod(CalibrationMethod):
    """A method whose curve is a table, interpolated."""

    curve: Monotone

    def to_json(self) -> dict[str, Any]:
        """Return the nodes: ``scores`` and their natural ``llr``."""
        return {"scores": self.curve.scores.tolist(), "llr": self.curve.llr.tolist()}

    @classmethod
    def from_json(cls, facts: dict[str, Any], bounds: tuple[float, float]) -> Self:
        """Return what :meth:`to_json` kept, see :meth:`CalibrationMethod.from_json`."""
        scores, llr = numbers(facts["scores"]), numbers(facts["llr"])
        if len(scores) != len(llr) or (np.diff(scores) < 0).any() or (np.diff(llr) < 0).any():
            raise ValueError("scores and llr must be equally many and never fall")
        return cls(Monotone(scores, llr), bounds)


def check_scores(genuine: Scores, forged: Scores) -> None:
    """Refuse scores that nothing can be learnt from.

    Raises:
        CalibrationError: fewer than two of a class, or genuine signatures that do not score higher than forgeries.
    """
    if len(genuine) < 2 or len(forged) < 2:
        raise CalibrationError("a calibration needs at least two genuine and two impostor scores")
    # Equivalent to a logistic slope above 0: its cost falls at slope 0 in the direction of the difference of the means.
    if genuine.mean() <= forged.mean():
        raise CalibrationError("genuine signatures do not score higher than the others: nothing to calibrate")


def number(value: Any) -> float:
    """Return a finite number of a JSON document.

    Raises:
        ValueError: something else, also a number in quotes.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"a finite number is expected, not {value!r:.40}")
    return float(value)


def numbers(values: Any) -> Scores:
    """Return a list of finite numbers, at least one, as float64.

    Raises:
        ValueError: something else.
    """
    found = np.array(values)
    if found.ndim != 1 or not len(found) or found.dtype.kind not in "if" or not np.isfinite(found).all():
        raise ValueError(f"a list of finite numbers is expected, not {values!r:.40}")
    return found.astype(np.float64)


def read_bounds(values: Any) -> tuple[float, float]:
    """Return the bounds of ln LR.

    Raises:
        ValueError: not two numbers around 0, or wider than any number of scores can carry.
    """
    pair = numbers(values).tolist()
    if len(pair) != 2 or not -EXTREME <= pair[0] <= 0 <= pair[1] <= EXTREME:
        raise ValueError(f"bounds of ln LR are two, around 0 and within +-{EXTREME:g}, not {pair!r:.40}")
    return pair[0], pair[1]
