"""From scores to likelihood ratios, and how good they are: logistic regression, PAV, ELUB bounds, Cllr.

Natural logarithms inside; reports give log10. "Genuine" scores come from proposition H1 (the writer of the references
wrote
the questioned signature), "impostor" scores from H2 (somebody else did).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigkd.errors import CalibrationError

LN10 = float(np.log(10.0))
_EXTREME = 20.0
"""Log LR at which PAV's infinite ends are cut before bounding."""


@dataclass(frozen=True)
class Logistic:
    """ln LR(s) = slope * s + intercept."""

    slope: float
    intercept: float

    def __call__(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the natural log LRs of scores, same shape."""
        return self.slope * np.asarray(scores, np.float64) + self.intercept


@dataclass(frozen=True)
class Monotone:
    """A non-decreasing ln LR by linear interpolation between nodes, constant beyond them."""

    scores: NDArray[np.float64]
    llr: NDArray[np.float64]

    def __call__(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the natural log LRs of scores, same shape."""
        return np.interp(np.asarray(scores, np.float64), self.scores, self.llr)


def _check(genuine: NDArray[np.floating], impostor: NDArray[np.floating]) -> None:
    if len(genuine) < 2 or len(impostor) < 2:
        raise CalibrationError("a calibration needs at least two genuine and two impostor scores")


def fit_logistic(
    genuine: NDArray[np.floating], impostor: NDArray[np.floating], *, ridge: float = 1e-3, steps: int = 100
) -> Logistic:
    """Fit the affine log LR by prior-weighted logistic regression.

    Brummer and du Preez 2006, "Application-independent evaluation of speaker detection", section 7.2. Minimises
    the mean of both classes' mean logarithmic costs, so that the numbers of scores do not matter, by Newton's
    method. ``ridge`` times the squared slope (of standardised scores) keeps it finite where the classes do not overlap.

    Args:
        genuine: scores [n] under H1.
        impostor: scores [m] under H2.
        ridge: the penalty.
        steps: a safety limit.

    Raises:
        CalibrationError: fewer than two scores of a class, or scores that fall with authenticity.
    """
    _check(genuine, impostor)
    scores = np.concatenate([genuine, impostor]).astype(np.float64)
    target = np.repeat([1.0, 0.0], [len(genuine), len(impostor)])
    weight = np.where(target > 0, 0.5 / len(genuine), 0.5 / len(impostor))
    centre, spread = float(weight @ scores), 0.0
    spread = float(np.sqrt(weight @ (scores - centre) ** 2)) or 1.0
    design = np.stack([(scores - centre) / spread, np.ones(len(scores))], axis=1)
    penalty = np.array([ridge, 0.0])
    beta = np.zeros(2)
    for _ in range(steps):
        probability = 0.5 * (1.0 + np.tanh(0.5 * (design @ beta)))
        gradient = design.T @ (weight * (probability - target)) + penalty * beta
        curvature = weight * probability * (1.0 - probability)
        hessian = (design * curvature[:, None]).T @ design + np.diag(penalty + 1e-12)
        step = np.linalg.solve(hessian, gradient)
        beta -= step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-300))
        if np.abs(step).max() < 1e-10:
            break
    slope = float(beta[0] / spread)
    if slope <= 0:
        raise CalibrationError("genuine signatures do not score higher than the others: nothing to calibrate")
    return Logistic(slope, float(beta[1] - beta[0] * centre / spread))


def pool_adjacent_violators(values: NDArray[np.floating], weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the non-decreasing sequence nearest to ``values`` [n] in weighted least squares (Ayer et al. 1955)."""
    means: list[float] = []
    sizes: list[float] = []
    counts: list[int] = []
    for value, weight in zip(np.asarray(values, np.float64), np.asarray(weights, np.float64), strict=True):
        mean, size, count = float(value), float(weight), 1
        while means and means[-1] >= mean:
            size_before = sizes.pop()
            mean = (means.pop() * size_before + mean * size) / (size_before + size)
            size += size_before
            count += counts.pop()
        means.append(mean)
        sizes.append(size)
        counts.append(count)
    return np.repeat(means, counts)


def fit_pav(genuine: NDArray[np.floating], impostor: NDArray[np.floating]) -> Monotone:
    """Fit the non-parametric monotone log LR (PAV; Brummer and du Preez 2006), one misleading score added at each end.

    Raises:
        CalibrationError: fewer than two scores of a class.
    """
    _check(genuine, impostor)
    scores = np.concatenate([genuine, impostor]).astype(np.float64)
    target = np.repeat([1.0, 0.0], [len(genuine), len(impostor)])
    levels, place = np.unique(scores, return_inverse=True)
    number = np.bincount(place).astype(np.float64)
    positives = np.bincount(place, weights=target)
    # one genuine score below all and one impostor above all, so that no region is free of contradiction
    number = np.concatenate([[1.0], number, [1.0]])
    positives = np.concatenate([[1.0], positives, [0.0]])
    posterior = pool_adjacent_violators(positives / number, number)[1:-1]
    prior = np.log((len(genuine) + 1) / (len(impostor) + 1))
    with np.errstate(divide="ignore"):
        llr = np.clip(np.log(posterior) - np.log1p(-posterior) - prior, -_EXTREME, _EXTREME)
    edge = np.concatenate([[True], llr[1:] != llr[:-1]])
    keep = edge | np.concatenate([edge[1:], [True]])
    return Monotone(levels[keep], llr[keep])


def elub(
    genuine_llr: NDArray[np.floating], impostor_llr: NDArray[np.floating], *, step: float = 0.01
) -> tuple[float, float]:
    """Return the empirical lower and upper bounds (ELUB) of the natural log LR.

    Vergeer, van Es, de Jongh, Alberink and Stoel 2016, "Numerical likelihood ratios outputted by LR systems are often
    based on     extrapolation: when to stop extrapolating?", Science & Justice 56, 482-491.

    Deciding for H1 where LR > t costs, up to a factor, L(t) = P(LR <= t | H1) + t P(LR > t | H2). With one misleading
    LR added
    to each side, the bounds enclose 1 and reach as far as L(t) stays below min(1, t), the cost of deciding without
    evidence.

    Args:
        genuine_llr: ln LRs [n] under H1.
        impostor_llr: ln LRs [m] under H2.
        step: of the search, in ln LR.

    Returns:
        Lower bound <= 0 and upper bound >= 0.
    """
    genuine, impostor = np.sort(genuine_llr), np.sort(impostor_llr)
    reach = float(np.log(max(len(genuine), len(impostor)) + 1.0)) + step
    thresholds = np.arange(step, reach, step)

    def useful(t: NDArray[np.float64]) -> NDArray[np.bool_]:
        misses = (np.searchsorted(genuine, t, side="right") + 1.0) / (len(genuine) + 1.0)
        alarms = (len(impostor) - np.searchsorted(impostor, t, side="right") + 1.0) / (len(impostor) + 1.0)
        return np.asarray(misses + np.exp(t) * alarms < np.minimum(1.0, np.exp(t)), np.bool_)

    def limit(t: NDArray[np.float64]) -> float:
        fails = np.flatnonzero(~useful(t))
        last = len(t) if not len(fails) else int(fails[0])
        return float(t[last - 1]) if last else 0.0

    return limit(-thresholds), limit(thresholds)


def cllr(genuine_llr: NDArray[np.floating], impostor_llr: NDArray[np.floating]) -> float:
    """Return the log-likelihood-ratio cost in bits: 0 perfect, 1 no information (Brummer and du Preez 2006, Eq. 55)."""
    genuine = np.logaddexp(0.0, -np.asarray(genuine_llr, np.float64)).mean()
    impostor = np.logaddexp(0.0, np.asarray(impostor_llr, np.float64)).mean()
    return float((genuine + impostor) / (2.0 * np.log(2.0)))


def min_cllr(genuine: NDArray[np.floating], impostor: NDArray[np.floating]) -> float:
    """Return the Cllr left after the best monotone recalibration of these very scores: what discrimination costs."""
    _check(genuine, impostor)
    scores = np.concatenate([genuine, impostor]).astype(np.float64)
    target = np.repeat([1.0, 0.0], [len(genuine), len(impostor)])
    _, place = np.unique(scores, return_inverse=True)
    number = np.bincount(place).astype(np.float64)
    posterior = pool_adjacent_violators(np.bincount(place, weights=target) / number, number)[place]
    with np.errstate(divide="ignore"):
        llr = np.log(posterior) - np.log1p(-posterior) - np.log(len(genuine) / len(impostor))
    return cllr(llr[: len(genuine)], llr[len(genuine) :])


def equal_error_rate(genuine: NDArray[np.floating], impostor: NDArray[np.floating]) -> float:
    """Return the mean of both error rates at the threshold where they differ least, as a fraction."""
    thresholds = np.unique(np.concatenate([genuine, impostor]))
    frr = np.searchsorted(np.sort(genuine), thresholds, side="left") / len(genuine)
    far = 1.0 - np.searchsorted(np.sort(impostor), thresholds, side="left") / len(impostor)
    best = int(np.argmin(np.abs(frr - far)))
    return float((frr[best] + far[best]) / 2.0)
