"""Writer-dependent machines for many writers at once: the kernel of the rows that they share is evaluated once.

In an evaluation by the field's protocol every writer's training set holds the same rows, only their labels differ. So
one Gram matrix serves all writers of a split (:func:`fit_all_writers`) instead of one kernel evaluation a writer; a
pool of bounded size serves any number of writers (:class:`PooledNegatives`). Decisions 0070 and 0077.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigkd.classifiers.base import COST
from sigkd.classifiers.kernel import feature_scale, rbf_kernel, scale_features
from sigkd.classifiers.svm import SupportVectorMachine, class_costs, solve


@dataclass(frozen=True)
class WriterMachines:
    """The machines of all writers of one split, which share their training rows and so their kernel evaluations."""

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
        # the kernel between all rows and all references may be larger than memory
        for start in range(0, len(features), chunk):
            rows = scale_features(features[start : start + chunk], self.scale)
            kernel = rbf_kernel(self.references, rows, self.gamma)
            scores[:, start : start + chunk] = self.coefficients @ kernel + self.intercepts[:, None]
        return scores

    def machine(self, writer: int) -> SupportVectorMachine:
        """Return the machine of the writer with index ``writer`` alone."""
        support = np.flatnonzero(self.coefficients[writer])
        coefficients, intercept = self.coefficients[writer, support], float(self.intercepts[writer])
        return SupportVectorMachine(self.scale, self.references[support], coefficients, intercept, self.gamma)


def fit_all_writers(
    references: Sequence[NDArray[Any]], cost: float = COST, gamma: float | None = None, threads: int = 1
) -> WriterMachines:
    """Fit every writer of a split against all the others on one shared Gram matrix.

    Args:
        references: for each writer the features of the references, [n_w, D].
        cost: C of the soft margin.
        gamma: of the RBF kernel; None: 1 / D.
        threads: writers solved at the same time (libsvm works without Python's lock).

    Returns:
        The machines; their scores equal those of scikit-learn's pipeline for each writer.

    Raises:
        ValueError: if there are fewer than two writers.
    """
    from joblib import Parallel, delayed

    if len(references) < 2:
        raise ValueError("writer-dependent classifiers need at least two writers: the others are the negatives")
    rows = np.concatenate([np.asarray(block, np.float32) for block in references])
    owner = np.repeat(np.arange(len(references)), [len(block) for block in references])
    gamma = 1.0 / rows.shape[1] if gamma is None else gamma
    scale = feature_scale(rows)
    scaled = scale_features(rows, scale)
    gram = rbf_kernel(scaled, scaled, gamma)

    def fit(writer: int) -> tuple[NDArray[np.float64], float]:
        labels = np.where(owner == writer, 1, -1)
        return solve(gram, labels, class_costs(labels, cost), backend="libsvm")

    solved = Parallel(n_jobs=threads, backend="threading")(delayed(fit)(writer) for writer in range(len(references)))
    coefficients, intercepts = zip(*solved, strict=True)
    return WriterMachines(scale, scaled, np.stack(coefficients), np.array(intercepts), gamma)


class PooledNegatives:
    """Fits many writers against a fixed pool of negatives in bounded memory: the pool's Gram matrix is computed once.

    Each fit overwrites the last rows and columns of a work matrix (one a thread) with the writer's own references, and
    leaves out the pool's rows that are the writer's own. The features are scaled by the pool's standard deviation, the
    same for all writers.
    """

    def __init__(
        self, pool: NDArray[Any], owners: NDArray[Any], cost: float = COST, gamma: float | None = None
    ) -> None:
        """Prepare the pool's kernel.

        Args:
            pool: features of the negatives, [m, D].
            owners: whose they are, [m].
            cost: C of the soft margin.
            gamma: of the RBF kernel; None: 1 / D.
        """
        self.owners = np.asarray(owners)
        self.cost, self.gamma = cost, 1.0 / pool.shape[1] if gamma is None else gamma
        self.scale = feature_scale(pool)
        self.pool = scale_features(pool, self.scale)
        self._gram = rbf_kernel(self.pool, self.pool, self.gamma)
        self._own = threading.local()

    def _work(self, count: int) -> NDArray[np.float64]:
        """Return this thread's matrix for ``count`` own references, the pool's part filled in."""
        size = len(self.pool)
        work: NDArray[np.float64] | None = getattr(self._own, "work", None)
        if work is None or len(work) != size + count:
            work = np.empty((size + count, size + count))
            work[:size, :size] = self._gram
            self._own.work = work
        return work

    def fit(self, writer: Any, references: NDArray[Any]) -> SupportVectorMachine:
        """Fit the writer named ``writer`` (as in ``owners``) with the references [n, D]."""
        own = scale_features(references, self.scale)
        size, count = len(self.pool), len(own)
        work = self._work(count)
        cross = rbf_kernel(own, self.pool, self.gamma)
        work[size:, :size] = cross
        work[:size, size:] = cross.T
        work[size:, size:] = rbf_kernel(own, own, self.gamma)
        labels = np.where(np.arange(size + count) >= size, 1, -1)
        used = np.concatenate([self.owners != writer, np.ones(count, dtype=bool)])
        coefficients, intercept = solve(work, labels, class_costs(labels, self.cost, used), backend="libsvm")
        support = np.flatnonzero(coefficients)
        others = support < size
        vectors = np.concatenate([self.pool[support[others]], own[support[~others] - size]])
        return SupportVectorMachine(self.scale, vectors, coefficients[support], intercept, self.gamma)
