"""The writer-dependent classifier: one RBF support vector machine a writer, against other writers' references.

The recipe of Hafemann, Sabourin and Oliveira, "Learning features for offline handwritten signature verification
using deep convolutional neural networks", Pattern Recognition 70 (2017): features divided by their standard deviation
without centring, ``SVC(kernel="rbf", C=1, gamma=2**-11)``, and the positive class weighted by negatives / positives.

In an evaluation every writer's training set holds the same rows, only their labels differ. So one Gram matrix serves
all writers of a split (:func:`fit_all_writers`) instead of one kernel evaluation a writer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

COST = 1.0
"""C of the paper's Section 4.2.2."""
GAMMA = 2.0**-11
"""Gamma of the RBF kernel ``exp(-gamma * |a - b|^2)`` in the paper's Section 4.2.2."""


@dataclass(frozen=True)
class SupportVectorModel:
    """One writer's classifier as plain arrays.

    ``score(x) = sum_j coefficients_j k(support_vectors_j, x / scale) + intercept``.
    """

    scale: NDArray[np.float64]
    """Divides the features: [D]."""
    support_vectors: NDArray[np.float32]
    """References already divided by ``scale``: [S, D]."""
    coefficients: NDArray[np.float64]
    """Dual coefficients, positive for the writer's own references: [S]."""
    intercept: float
    gamma: float = GAMMA

    def scores(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Return the decision values of ``features`` [M, D] as float64 [M]: higher is more genuine."""
        rows = scale_features(np.atleast_2d(features), self.scale)
        return rbf_kernel(rows, self.support_vectors, self.gamma) @ self.coefficients + self.intercept


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
    constant = variance <= count * epsilon * variance + (count * mean * epsilon) ** 2
    return np.where(constant, 1.0, np.sqrt(variance))


def scale_features(features: NDArray[Any], scale: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return ``features / scale`` as float32 [M, D].

    Both sides are rounded to float32 before the division, as scikit-learn's scaler does with float32 features: libsvm
    stops within a tolerance, so that a difference in the last bit can end at scores that differ in the fourth decimal.
    """
    return np.divide(np.asarray(features, dtype=np.float32), scale.astype(np.float32), dtype=np.float32)


def rbf_kernel(a: NDArray[Any], b: NDArray[Any], gamma: float) -> NDArray[np.float64]:
    """Return ``exp(-gamma * |a_i - b_j|^2)`` for rows of ``a`` [n, D] and ``b`` [m, D] as float64 [n, m].

    The dot products run in float64: in float32 the difference of squares loses close neighbours.
    """
    left = np.asarray(a, dtype=np.float64)
    right = left if b is a else np.asarray(b, dtype=np.float64)
    squares_left, squares_right = np.einsum("ij,ij->i", left, left), np.einsum("ij,ij->i", right, right)
    kernel: NDArray[np.float64] = left @ right.T
    kernel *= -2.0
    kernel += squares_left[:, None] + squares_right[None, :]  # the sum first: it keeps the matrix symmetric
    np.maximum(kernel, 0.0, out=kernel)
    kernel *= -gamma
    if b is a:
        np.fill_diagonal(kernel, 0.0)
    return np.exp(kernel, out=kernel)


def _solve(
    gram: NDArray[np.float64], positive: NDArray[np.bool_], used: NDArray[np.bool_] | None, cost: float
) -> tuple[NDArray[np.intp], NDArray[np.float64], float]:
    """Solve one writer's dual on a Gram matrix; return the support rows, their coefficients and the intercept."""
    from sklearn import config_context
    from sklearn.svm import SVC

    members = np.ones(len(positive), dtype=bool) if used is None else used
    positives = int(np.count_nonzero(positive & members))
    negatives = int(np.count_nonzero(members)) - positives
    # 100 MB a thread: libsvm's cache holds the Gram matrix once more, in float32.
    machine = SVC(kernel="precomputed", C=cost, class_weight={1: negatives / positives, -1: 1.0}, cache_size=100)
    labels = np.where(positive, 1, -1)
    weight = None if used is None else members.astype(np.float64)
    with config_context(assume_finite=True):
        machine.fit(gram, labels, sample_weight=weight)
    support, dual = machine.support_, machine.dual_coef_[0].copy()
    if not np.array_equal(positive[support], dual > 0):
        # scikit-learn numbers the support rows among those of non-zero weight; the signs tell which numbering this is.
        support = np.flatnonzero(members)[support]
    return support, dual, float(machine.intercept_[0])


def fit_writer(
    positives: NDArray[Any], negatives: NDArray[Any], C: float = COST, gamma: float = GAMMA
) -> SupportVectorModel:
    """Fit one writer's classifier.

    Args:
        positives: features of the writer's references, [n, D].
        negatives: features of other writers' genuine signatures (random forgeries), [m, D].
        C: cost of the soft margin; the positive class has the weight m / n on top of it.
        gamma: of the RBF kernel.

    Returns:
        The classifier, equal to scikit-learn's ``StandardScaler(with_mean=False)`` followed by ``SVC``.

    Raises:
        ValueError: if one of the two classes is empty or the widths differ.
    """
    if not len(positives) or not len(negatives):
        raise ValueError("a writer's classifier needs at least one reference and one signature of another writer")
    rows = np.concatenate([np.asarray(positives, np.float32), np.asarray(negatives, np.float32)])
    scale = feature_scale(rows)
    scaled = scale_features(rows, scale)
    positive = np.arange(len(rows)) < len(positives)
    support, coefficients, intercept = _solve(rbf_kernel(scaled, scaled, gamma), positive, None, C)
    return SupportVectorModel(scale, scaled[support], coefficients, intercept, gamma)


@dataclass(frozen=True)
class WriterModels:
    """The classifiers of all writers of one split, which share their training rows and so their kernel evaluations."""

    scale: NDArray[np.float64]
    references: NDArray[np.float32]
    """All training rows, scaled: [n, D]."""
    coefficients: NDArray[np.float64]
    """Dual coefficients, one row a writer, 0 where a row is no support vector: [W, n]."""
    intercepts: NDArray[np.float64]
    gamma: float

    def scores(self, features: NDArray[Any], chunk: int = 2048) -> NDArray[np.float64]:
        """Return every writer's score for every row of ``features`` [M, D]: float64 [W, M]."""
        scores = np.empty((len(self.intercepts), len(features)))
        for start in range(0, len(features), chunk):
            rows = scale_features(features[start : start + chunk], self.scale)
            kernel = rbf_kernel(self.references, rows, self.gamma)
            scores[:, start : start + chunk] = self.coefficients @ kernel + self.intercepts[:, None]
        return scores

    def model(self, writer: int) -> SupportVectorModel:
        """Return the classifier of the writer with index ``writer`` alone."""
        support = np.flatnonzero(self.coefficients[writer])
        return SupportVectorModel(
            self.scale,
            self.references[support],
            self.coefficients[writer, support],
            float(self.intercepts[writer]),
            self.gamma,
        )


def fit_all_writers(
    references: Sequence[NDArray[Any]], C: float = COST, gamma: float = GAMMA, threads: int = 1
) -> WriterModels:
    """Fit every writer of a split against all the others on one shared Gram matrix.

    Args:
        references: for each writer the features of the references, [n_w, D].
        C: cost of the soft margin.
        gamma: of the RBF kernel.
        threads: writers solved at the same time (libsvm works without Python's lock).

    Returns:
        The classifiers; their scores equal those of :func:`fit_writer` for each writer.

    Raises:
        ValueError: if there are fewer than two writers.
    """
    from joblib import Parallel, delayed

    if len(references) < 2:
        raise ValueError("writer-dependent classifiers need at least two writers: the others are the negatives")
    rows = np.concatenate([np.asarray(block, np.float32) for block in references])
    owner = np.repeat(np.arange(len(references)), [len(block) for block in references])
    scale = feature_scale(rows)
    scaled = scale_features(rows, scale)
    gram = rbf_kernel(scaled, scaled, gamma)
    solved = Parallel(n_jobs=threads, backend="threading")(
        delayed(_solve)(gram, owner == writer, None, C) for writer in range(len(references))
    )
    coefficients = np.zeros((len(references), len(rows)))
    for writer, (support, dual, _) in enumerate(solved):
        coefficients[writer, support] = dual
    return WriterModels(scale, scaled, coefficients, np.array([intercept for _, _, intercept in solved]), gamma)


class PooledNegatives:
    """Fits many writers against a fixed pool of negatives in bounded memory: the pool's Gram matrix is computed once.

    Each fit overwrites the last rows and columns of a work matrix with the writer's own references, and leaves out the
    pool's rows that are the writer's own. The features are scaled by the pool's standard deviation, the same for
    all writers.
    """

    def __init__(self, pool: NDArray[Any], owners: NDArray[Any], C: float = COST, gamma: float = GAMMA) -> None:
        """Prepare the pool's kernel.

        Args:
            pool: features of the negatives, [m, D].
            owners: whose they are, [m].
            C: cost of the soft margin.
            gamma: of the RBF kernel.
        """
        self.owners = np.asarray(owners)
        self.cost, self.gamma = C, gamma
        self.scale = feature_scale(pool)
        self.pool = scale_features(pool, self.scale)
        self._gram = rbf_kernel(self.pool, self.pool, gamma)
        self._work: NDArray[np.float64] | None = None

    def clone(self) -> PooledNegatives:
        """Return a fitter for another thread: the same pool, a work matrix of its own."""
        other = object.__new__(PooledNegatives)
        other.__dict__.update(self.__dict__, _work=None)
        return other

    def fit(self, writer: Any, positives: NDArray[Any]) -> SupportVectorModel:
        """Fit the writer named ``writer`` (as in ``owners``) with the references ``positives`` [n, D]."""
        own = scale_features(positives, self.scale)
        size, count = len(self.pool), len(own)
        if self._work is None or len(self._work) != size + count:
            self._work = np.empty((size + count, size + count))
            self._work[:size, :size] = self._gram
        cross = rbf_kernel(own, self.pool, self.gamma)
        self._work[size:, :size] = cross
        self._work[:size, size:] = cross.T
        self._work[size:, size:] = rbf_kernel(own, own, self.gamma)
        positive = np.arange(size + count) >= size
        used = np.concatenate([self.owners != writer, np.ones(count, dtype=bool)])
        support, coefficients, intercept = _solve(self._work, positive, used, self.cost)
        vectors = np.concatenate([self.pool, own])[support] if len(support) else own[:0]
        return SupportVectorModel(self.scale, vectors, coefficients, intercept, self.gamma)
