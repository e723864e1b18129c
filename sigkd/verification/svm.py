"""A support vector machine solved in NumPy, step by step as LIBSVM does, so that verifying needs no scikit-learn.

Importing scikit-learn costs more than half of what importing torch costs, and a writer's problem is tiny (a handful of
references against a few hundred negatives): the solver below needs some hundred steps of a few vector operations. It
follows
LIBSVM (Chang and Lin 2011, with the second-order working set of Fan, Chen and Lin 2005; no shrinking), with the same
tie-breaking, stopping rule and single-precision kernel, and so ends in the same multipliers as ``sklearn.svm.SVC``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_TAU = 1e-12
"""LIBSVM's substitute for a curvature that is not positive."""


def squared_distances(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the squared Euclidean distances [n, m] of the rows of ``a`` [n, D] and ``b`` [m, D], never below 0."""
    a64, b64 = np.asarray(a, np.float64), np.asarray(b, np.float64)
    squares = np.einsum("ij,ij->i", a64, a64)[:, None] + np.einsum("ij,ij->i", b64, b64)[None, :]
    distances: NDArray[np.float64] = np.maximum(squares - 2.0 * (a64 @ b64.T), 0.0)
    return distances


def rbf_kernel(a: NDArray[np.floating], b: NDArray[np.floating], gamma: float) -> NDArray[np.float64]:
    """Return exp(-gamma ||a_i - b_j||^2), float64 [n, m]."""
    kernel: NDArray[np.float64] = np.exp(-gamma * squared_distances(a, b))
    return kernel


def solve_svm(
    kernel: NDArray[np.floating],
    labels: NDArray[np.integer],
    costs: NDArray[np.floating],
    *,
    tolerance: float = 1e-3,
    max_steps: int = 100_000,
) -> tuple[NDArray[np.float64], float]:
    """Solve the dual of the soft-margin SVM.

    min 1/2 a'Qa - sum a, with y'a = 0, 0 <= a_i <= C_i, and Q_ij = y_i y_j K_ij.

    Args:
        kernel: [n, n], symmetric; taken in single precision as LIBSVM's cache holds it.
        labels: [n] of +1 and -1, both present.
        costs: [n], the upper bound C_i of each multiplier (C times the class weight); 0 leaves a row out.
        tolerance: the violation of the optimality conditions at which to stop (scikit-learn's ``tol``).
        max_steps: a safety limit; it is not reached on problems of a few thousand rows.

    Returns:
        Coefficients y_i a_i, float64 [n], and the intercept b: the score of x is sum_i y_i a_i K(x_i, x) + b.
    """
    # LIBSVM sorts the rows by class, the lower label first, and calls that class +1: followed here for equal
    # tie-breaking.
    order = np.argsort(labels > 0, kind="stable")
    y = np.where(labels[order] > 0, -1.0, 1.0)
    bound = np.asarray(costs, np.float64)[order]
    single = np.asarray(kernel, np.float32)
    diagonal = single.diagonal()[order].astype(np.float64)

    def row(place: int) -> NDArray[np.float64]:
        ordered: NDArray[np.float64] = single[order[place]][order].astype(np.float64)
        return ordered

    alpha = np.zeros(len(y))
    violation = y.copy()  # -y_i times the gradient, which is -1 everywhere at alpha = 0
    upper = np.where((y > 0) & (bound > 0), 0.0, -np.inf)  # 0 where alpha may move in the direction of y, else -inf
    lower = np.where((y < 0) & (bound > 0), 0.0, -np.inf)
    last = len(y) - 1
    for _ in range(max_steps):
        i = last - int(np.argmax((violation + upper)[::-1]))
        gaps = violation[i] - violation - lower
        gaps[lower < 0] = -np.inf
        if gaps.max() < tolerance:
            break
        row_i = row(i)
        curvature = diagonal[i] + diagonal - 2.0 * row_i
        gains = np.where(gaps > 0, gaps * gaps / np.where(curvature > 0, curvature, _TAU), -1.0)
        j = last - int(np.argmax(gains[::-1]))
        step_i, step_j = _move(i, j, alpha, bound, y, violation, max(curvature[j], _TAU))
        violation -= row_i * (y[i] * step_i) + row(j) * (y[j] * step_j)
        for k in (i, j):
            room_up = alpha[k] < bound[k] if y[k] > 0 else alpha[k] > 0
            room_down = alpha[k] > 0 if y[k] > 0 else alpha[k] < bound[k]
            upper[k] = 0.0 if room_up else -np.inf
            lower[k] = 0.0 if room_down else -np.inf
    free = (alpha > 0) & (alpha < bound)
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
        delta = (-gradient_i - gradient_j) / curvature
        difference = before_i - before_j
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
