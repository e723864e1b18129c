"""What every classifier computes from feature vectors: their scale, their distances, and the RBF kernel of these."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def feature_scale(features: NDArray[Any]) -> NDArray[np.float64]:
    """Return each column's standard deviation (population form), 1 where a column is constant: float64 [D].

    The same numbers as scikit-learn's ``StandardScaler(with_mean=False)``, which also treats as constant what varies
    only by rounding.
    """
    values = np.asarray(features, dtype=np.float64)
    mean = values.mean(axis=0)
    variance = values.var(axis=0)
    epsilon = np.finfo(np.float64).eps
    count = len(values)
    # scikit-learn's own bound on what rounding alone can do to the variance of a constant column.
    constant = variance <= count * epsilon * variance + (count * mean * epsilon) ** 2
    return np.where(constant, 1.0, np.sqrt(variance))


def scale_features(features: NDArray[Any], scale: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return ``features / scale`` as float32 [n, D].

    Both sides are rounded to float32 before the division, as scikit-learn's scaler does with float32 features: libsvm
    stops within a tolerance, so that a difference in the last bit can end at scores that differ in the fourth decimal.
    """
    return np.divide(np.asarray(features, dtype=np.float32), scale.astype(np.float32), dtype=np.float32)


def squared_distances(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    """Return the squared Euclidean distances [n, m] of the rows of ``a`` [n, D] and ``b`` [m, D], never below 0.

    The dot products run in float64: in float32 the difference of squares loses close neighbours.
    """
    left = np.asarray(a, dtype=np.float64)
    right = left if b is a else np.asarray(b, dtype=np.float64)
    squares_left, squares_right = np.einsum("ij,ij->i", left, left), np.einsum("ij,ij->i", right, right)
    distances: NDArray[np.float64] = left @ right.T
    # In place: with thousands of rows each further matrix of this size counts.
    distances *= -2.0
    distances += squares_left[:, None] + squares_right[None, :]  # the sum first: it keeps the matrix symmetric
    # Rounding can leave a tiny negative number, and sqrt() would make NaN of it.
    np.maximum(distances, 0.0, out=distances)
    if b is a:
        np.fill_diagonal(distances, 0.0)
    return distances


def rbf_kernel(a: NDArray[Any], b: NDArray[Any], gamma: float) -> NDArray[np.float64]:
    """Return ``exp(-gamma * |a_i - b_j|^2)`` for rows of ``a`` [n, D] and ``b`` [m, D] as float64 [n, m]."""
    kernel = squared_distances(a, b)
    kernel *= -gamma
    return np.exp(kernel, out=kernel)
