"""The soft-margin support vector machine on a Gram matrix, with two back ends.

``numpy`` follows LIBSVM step by step, so that verifying needs no scikit-learn: importing that costs more than half of
what importing torch costs, and a writer's problem is tiny (a handful of references against a few hundred negatives),
some hundred steps of a few vector operations. ``libsvm`` is scikit-learn's ``SVC``, the field's: faster from about a
thousand rows on, and free of Python's lock. Its shrinking, which ``numpy`` lacks, may take another path to the same
tolerance: scores then differ in the fourth decimal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigkd.classifiers.kernel import feature_scale, rbf_kernel, scale_features
from sigkd.errors import UsageError

BACKENDS = ("numpy", "libsvm")
_TAU = 1e-12
"""LIBSVM's substitute for a curvature that is not positive."""
_MAX_STEPS = 100_000
"""A safety limit; it is not reached on problems of a few thousand rows."""
_CACHE = 100
"""MB that libsvm may keep of the Gram matrix in float32, for each thread."""


def solve(
    gram: NDArray[np.floating],
    labels: NDArray[np.integer],
    costs: NDArray[np.floating],
    *,
    tolerance: float = 1e-3,
    backend: str = "numpy",
) -> tuple[NDArray[np.float64], float]:
    """Solve the dual of the soft-margin SVM.

    min 1/2 a'Qa - sum a, with y'a = 0, 0 <= a_i <= C_i, and Q_ij = y_i y_j K_ij.

    Args:
        gram: the kernel K [n, n], symmetric.
        labels: [n] of +1 and -1, both present.
        costs: [n], the upper bound C_i of each multiplier (C times the class weight); 0 leaves a row out.
        tolerance: the violation of the optimality conditions at which to stop (scikit-learn's ``tol``).
        backend: ``numpy`` or ``libsvm``.

    Returns:
        Coefficients y_i a_i, float64 [n], and the intercept b: the score of x is sum_i y_i a_i K(x_i, x) + b.
    """
    if backend not in BACKENDS:
        raise UsageError(f"unknown back end '{backend}': use {' or '.join(BACKENDS)}")
    return (_solve_numpy if backend == "numpy" else _solve_libsvm)(gram, labels, costs, tolerance)


def class_costs(labels: NDArray[np.integer], cost: float, used: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """Return C_i [n] with the positive class weighted by negatives / positives; rows that are not ``used`` cost 0."""
    # The weight is that of the used rows: leaving a row out must not shift the balance of the classes.
    members = np.ones(len(labels), dtype=bool) if used is None else used
    positives, negatives = (np.count_nonzero(members & (labels == label)) for label in (1, -1))
    return np.where(members, np.where(labels > 0, cost * (negatives / positives), cost), 0.0)


def _solve_libsvm(
    gram: NDArray[np.floating], labels: NDArray[np.integer], costs: NDArray[np.floating], tolerance: float
) -> tuple[NDArray[np.float64], float]:
    support, dual, intercept = _svc(gram, labels, costs, tolerance)
    if _numbered_without_unused():
        support = np.flatnonzero(costs > 0)[support]
    # Back to all rows: callers know their rows by these numbers.
    coefficients = np.zeros(len(labels))
    coefficients[support] = dual
    return coefficients, intercept


def _svc(
    gram: NDArray[np.floating], labels: NDArray[np.integer], costs: NDArray[np.floating], tolerance: float
) -> tuple[NDArray[np.integer], NDArray[np.float64], float]:
    from sklearn import config_context
    from sklearn.svm import SVC

    machine = SVC(kernel="precomputed", C=1.0, tol=tolerance, cache_size=_CACHE)
    with config_context(assume_finite=True):
        machine.fit(gram, labels, sample_weight=costs)  # a weight multiplies C
    return machine.support_, machine.dual_coef_[0], float(machine.intercept_[0])


@cache
def _numbered_without_unused() -> bool:
    """Say whether this scikit-learn numbers the support rows among those of non-zero weight (undocumented)."""
    support, _, _ = _svc(np.eye(3), np.array([-1, 1, -1]), np.array([0.0, 1.0, 1.0]), 1e-3)
    return 0 in support


def _solve_numpy(
    gram: NDArray[np.floating], labels: NDArray[np.integer], costs: NDArray[np.floating], tolerance: float
) -> tuple[NDArray[np.float64], float]:
    """Follow LIBSVM (Chang and Lin 2011, second-order working set of Fan, Chen and Lin 2005; no shrinking).

    With the same tie-breaking, stopping rule and single-precision kernel it ends in the same multipliers.
    """
    # LIBSVM sorts the rows by class, the lower label first, and calls that class +1: followed for equal tie-breaking.
    order = np.argsort(labels > 0, kind="stable")
    y = np.where(labels[order] > 0, -1.0, 1.0)
    bound = np.asarray(costs, np.float64)[order]
    # LIBSVM keeps kernel values in float, and its steps depend on the rounding.
    single = np.asarray(gram, np.float32)
    diagonal = single.diagonal()[order].astype(np.float64)

    def row(place: int) -> NDArray[np.float64]:
        ordered: NDArray[np.float64] = single[order[place]][order].astype(np.float64)
        return ordered

    alpha = np.zeros(len(y))
    violation = y.copy()  # -y_i times the gradient, which is -1 everywhere at alpha = 0
    upper = np.where((y > 0) & (bound > 0), 0.0, -np.inf)  # 0 where alpha may move in the direction of y, else -inf
    lower = np.where((y < 0) & (bound > 0), 0.0, -np.inf)
    last = len(y) - 1
    for _ in range(_MAX_STEPS):
        # the last of equal candidates, here and for j: LIBSVM compares with >= and <=
        i = last - int(np.argmax((violation + upper)[::-1]))
        gaps = violation[i] - violation - lower
        # minus minus infinity made these infinite: they may not move down and take no part
        gaps[lower < 0] = -np.inf
        if gaps.max() < tolerance:
            break
        row_i = row(i)
        curvature = diagonal[i] + diagonal - 2.0 * row_i
        gains = np.where(gaps > 0, gaps * gaps / np.where(curvature > 0, curvature, _TAU), -1.0)
        j = last - int(np.argmax(gains[::-1]))
        step_i, step_j = _move(i, j, alpha, bound, y, violation, max(curvature[j], _TAU))
        # two multipliers changed, so the gradient follows from two rows: it is never computed anew
        violation -= row_i * (y[i] * step_i) + row(j) * (y[j] * step_j)
        for k in (i, j):
            room_up = alpha[k] < bound[k] if y[k] > 0 else alpha[k] > 0
            room_down = alpha[k] > 0 if y[k] > 0 else alpha[k] < bound[k]
            upper[k] = 0.0 if room_up else -np.inf
            lower[k] = 0.0 if room_down else -np.inf
    free = (alpha > 0) & (alpha < bound)
    # at multipliers inside their box the conditions hold with equality; without any, they leave a range of intercepts
    if free.any():
        rho = -float(violation[free].mean())
    else:
        rho = -float((violation[upper == 0].max() + violation[lower == 0].min()) / 2)
    coefficients = np.empty(len(y))
    coefficients[order] = -y * alpha
    return coefficients, rho


def _move(
    i: int,
    j: int,
    alpha: NDArray[np.float64],
    bound: NDArray[np.float64],
    y: NDArray[np.float64],
    violation: NDArray[np.float64],
    curvature: float,
) -> tuple[float, float]:
    """Minimise over the pair (i, j) inside its box; change ``alpha`` and return both changes."""
    before_i, before_j = alpha[i], alpha[j]
    gradient_i, gradient_j = -y[i] * violation[i], -y[j] * violation[j]
    if y[i] != y[j]:
        # y'a = 0 keeps the difference of the two; where the step leaves the box it ends at the side that it crosses
        delta = (-gradient_i - gradient_j) / curvature
        difference = before_i - before_j
        # Chang and Lin (2011), section 4.2: the four corners of the box, in LIBSVM's order.
        new_i, new_j = before_i + delta, before_j + delta
        if difference > 0:
            if new_j < 0:
                new_i, new_j = difference, 0.0
        elif new_i < 0:
            new_i, new_j = 0.0, -difference
        if difference > bound[i] - bound[j]:
            if new_i > bound[i]:
                new_i, new_j = bound[i], bound[i] - difference
        elif new_j > bound[j]:
            new_i, new_j = bound[j] + difference, bound[j]
    else:
        # y'a = 0 keeps the sum of the two
        delta = (gradient_i - gradient_j) / curvature
        total = before_i + before_j
        new_i, new_j = before_i - delta, before_j + delta
        if total > bound[i]:
            if new_i > bound[i]:
                new_i, new_j = bound[i], total - bound[i]
        elif new_j < 0:
            new_i, new_j = total, 0.0
        if total > bound[j]:
            if new_j > bound[j]:
                new_i, new_j = total - bound[j], bound[j]
        elif new_i < 0:
            new_i, new_j = 0.0, total
    alpha[i], alpha[j] = new_i, new_j
    return new_i - before_i, new_j - before_j


@dataclass(frozen=True)
class SupportVectorMachine:
    """A fitted machine as plain arrays: score(x) = sum_j coefficients_j k(vectors_j, x / scale) + intercept."""

    scale: NDArray[np.float64]
    """Divides the features: [D]."""
    vectors: NDArray[np.float32]
    """Training rows already divided by ``scale``: [S, D]."""
    coefficients: NDArray[np.float64]
    """Dual coefficients, positive for the positive class: [S]."""
    intercept: float
    gamma: float

    def scores(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Return the decision values of ``features`` [n, D] as float64 [n]."""
        rows = scale_features(np.atleast_2d(features), self.scale)
        return rbf_kernel(rows, self.vectors, self.gamma) @ self.coefficients + self.intercept


class TrainingRows:
    """Rows of two classes, divided by their standard deviation without centring, and their Gram matrix."""

    def __init__(self, positives: NDArray[Any], negatives: NDArray[Any], gamma: float) -> None:
        rows = np.concatenate([np.asarray(positives, np.float32), np.asarray(negatives, np.float32)])
        self.labels = np.where(np.arange(len(rows)) < len(positives), 1, -1)
        self.gamma = gamma
        self.scale = feature_scale(rows)
        self.scaled = scale_features(rows, self.scale)
        self.gram = rbf_kernel(self.scaled, self.scaled, gamma)

    def fit(
        self, cost: float, used: NDArray[np.bool_] | None = None, backend: str = "numpy"
    ) -> tuple[SupportVectorMachine, NDArray[np.int32]]:
        """Return the machine that learns from the ``used`` rows, and which of them carry it."""
        coefficients, intercept = solve(self.gram, self.labels, class_costs(self.labels, cost, used), backend=backend)
        # Only support vectors are kept: the score of any other row's kernel is multiplied by 0.
        rows = np.flatnonzero(coefficients).astype(np.int32)
        return SupportVectorMachine(self.scale, self.scaled[rows], coefficients[rows], intercept, self.gamma), rows
