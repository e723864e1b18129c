"""An affine log-likelihood ratio by logistic regression."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]

RIDGE = 1e-3
"""Half of this times the squared slope of standardised scores is added to the cost of *all* trials together: nothing
beside a few dozen trials, and still enough to keep the slope finite where the classes do not overlap."""
STEPS = 100


class Logistic(NamedTuple):
    """ln LR(s) = slope * s + intercept."""

    slope: float
    intercept: float

    def __call__(self, scores: NDArray[np.floating]) -> Scores:
        """Return the natural log LRs of scores, same shape."""
        return self.slope * np.asarray(scores, np.float64) + self.intercept


def fit_logistic(genuine: Scores, forged: Scores, *, ridge: float = RIDGE) -> Logistic:
    """Return the line that turns scores into ln LRs, by logistic regression with equal weight of the two classes.

    Brümmer and du Preez, "Application-independent evaluation of speaker detection", Computer Speech & Language 20
    (2006), section 7.2; Morrison, "Tutorial on logistic-regression calibration and fusion", Australian Journal of
    Forensic Sciences 45 (2013). With n scores in all and x = s / std(s), the line f(x) = a x + b minimises

        mean over genuine of ln(1 + exp(-f)) / 2 + mean over forged of ln(1 + exp(f)) / 2 + ridge / (2 n) a^2

    (Newton's method). The slope is negative where genuine signatures score lower, on the average, than forgeries.
    """
    scores = np.concatenate([genuine, forged]).astype(np.float64)
    target = np.repeat([1.0, 0.0], [len(genuine), len(forged)])
    weight = np.repeat([0.5 / len(genuine), 0.5 / len(forged)], [len(genuine), len(forged)])
    centre, spread = float(scores.mean()), float(scores.std()) or 1.0
    # In units of the spread: the ridge means the same for an SVM's margins and for cosines.
    design = np.stack([(scores - centre) / spread, np.ones(len(scores))], axis=1)
    penalty = np.array([ridge / len(scores), 0.0])
    beta = np.zeros(2)
    for _ in range(STEPS):
        # The logistic function without exp(), which overflows far from the minimum.
        probability = 0.5 * (1.0 + np.tanh(0.5 * (design @ beta)))
        gradient = design.T @ (weight * (probability - target)) + penalty * beta
        curvature = weight * probability * (1.0 - probability)
        # 1e-12: the intercept has no ridge, and between separated classes its curvature vanishes.
        hessian = (design * curvature[:, None]).T @ design + np.diag(penalty + 1e-12)
        step = np.linalg.solve(hessian, gradient)
        beta -= step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-300))  # far from the minimum it would overshoot
        if np.abs(step).max() < 1e-10:
            break
    slope = float(beta[0] / spread)
    return Logistic(slope, float(beta[1] - slope * centre))
