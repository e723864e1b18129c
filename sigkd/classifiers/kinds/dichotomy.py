"""The writer-independent classifier of pairs: one machine tells whether two signatures are of one hand.

Souza, Oliveira and Sabourin, "A writer-independent approach for offline signature verification using deep convolutional
neural networks features", BRACIS (2018): the dichotomy transformation |a - b| of pairs of one writer's signatures
against pairs of two writers' genuine signatures, equally many. The best reference decides.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigkd.classifiers import CLASSIFIERS, COHORT
from sigkd.classifiers.base import Arrays, Classifier, Fitter, check
from sigkd.classifiers.kernel import scale_features
from sigkd.classifiers.negatives import Negatives
from sigkd.classifiers.svm import SupportVectorMachine, TrainingRows
from sigkd.errors import UsageError

PAIRS = 2000
"""Pairs of one kind that are learnt from, at most."""
_SEED = 0


@dataclass(frozen=True)
class DichotomyTemplate:
    """The machine, the same for all writers, and a writer's references."""

    machine: SupportVectorMachine
    references: NDArray[np.float32]
    pairs: NDArray[np.int32]
    """Rows of the negatives whose differences are the support vectors: [S, 2]."""

    @property
    def gamma(self) -> float:
        """Of the machine's kernel."""
        return self.machine.gamma

    def scores(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Return for each row of ``features`` [n, D] the highest score over the references: [n]."""
        rows = np.atleast_2d(np.asarray(features, np.float32))
        best = np.full(len(rows), -np.inf)
        # one after the other: the differences of all pairs at once would be references x queries x D
        for reference in self.references:
            np.maximum(best, self.machine.scores(np.abs(rows - reference)), out=best)
        return best

    def to_arrays(self) -> Arrays:
        """Return the support pairs, their coefficients, the scale, and intercept with gamma."""
        return {
            "pairs": self.pairs,
            "coefficients": self.machine.coefficients,
            "scale": self.machine.scale,
            "intercept": np.array([self.machine.intercept, self.machine.gamma]),
        }


class _Pairs:
    """Pairs of the negatives' signatures, and the machines that learn from all of them or from some. Thread-safe.

    Differences are scaled by the standard deviation of all pairs, so that the machines share one Gram matrix.
    """

    def __init__(self, negatives: Negatives, generator: np.random.Generator, cost: float, gamma: float) -> None:
        assert negatives.owners is not None  # noqa: S101 - the caller looked
        owners = negatives.owners
        # By first appearance: the draw must not depend on how writers are numbered.
        pools = [np.flatnonzero(owners == owner) for owner in dict.fromkeys(owners.tolist())]
        same, different = _draw(pools, generator)
        self.features = np.asarray(negatives.features, np.float32)
        self.rows = np.concatenate([same, different]).astype(np.int32)
        self.positives = len(same)
        self.owners = owners[self.rows]
        self.cost, self.gamma = cost, gamma
        self._training: TrainingRows | None = None
        self._whole: tuple[SupportVectorMachine, NDArray[np.int32]] | None = None
        self._lock = threading.Lock()

    def machine(self, without: int | None) -> tuple[SupportVectorMachine, NDArray[np.int32]]:
        """Return the machine that learnt from the pairs without this writer, and its support pairs [S, 2]."""
        # A pair of two writers belongs to both: whoever of them is tested must not be in it.
        involved = np.zeros(len(self.rows), bool) if without is None else (self.owners == without).any(axis=1)
        with self._lock:
            if not involved.any():
                if self._whole is None:
                    self._whole = self._fit(self._gram(), None)
                return self._whole
            if self._training is None:
                self._training = self._gram()
            training = self._training
        return self._fit(training, ~involved)

    def _gram(self) -> TrainingRows:
        differences = np.abs(self.features[self.rows[:, 0]] - self.features[self.rows[:, 1]])
        return TrainingRows(differences[: self.positives], differences[self.positives :], self.gamma)

    def _fit(
        self, training: TrainingRows, used: NDArray[np.bool_] | None
    ) -> tuple[SupportVectorMachine, NDArray[np.int32]]:
        # Some thousand rows, where libsvm is the faster one.
        machine, rows = training.fit(self.cost, used, backend="libsvm")
        return machine, self.rows[rows]


def _draw(
    pools: list[NDArray[np.int64]], generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of one writer's rows and pairs of two writers' rows, each [n, 2]."""
    if len(pools) < 2:
        raise UsageError("the classifier 'dichotomy' needs negatives of at least two writers")
    same: list[tuple[int, int]] = []
    different: list[tuple[int, int]] = []
    # Equally many of each, else a writer with many signatures would teach what all hands are like.
    per_writer = max(1, PAIRS // len(pools))
    for position, own in enumerate(pools):
        left, right = np.triu_indices(len(own), 1)
        chosen = generator.permutation(len(left))[:per_writer]
        same += list(zip(own[left[chosen]], own[right[chosen]], strict=True))
        # anybody but the writer: 1 to n - 1 steps on in the circle of writers
        others = (position + generator.integers(1, len(pools), size=len(chosen))) % len(pools)
        mine = generator.integers(0, len(own), size=len(chosen))
        theirs = [pools[other][generator.integers(len(pools[other]))] for other in others]
        different += list(zip(own[mine], theirs, strict=True))
    if not same:
        raise UsageError(NO_PAIRS)
    return np.array(same), np.array(different)


NO_PAIRS = (
    "the classifier 'dichotomy' learns from pairs of one writer's signatures, and among the negatives nobody has two"
)


@CLASSIFIERS.register("dichotomy")
class Dichotomy(Classifier):
    """RBF support vector machine of the differences |a - b|; learns from the negatives' pairs alone."""

    name = "dichotomy"
    title = "writer-independent support vector machine of pairs"
    border_meaning = "the support vector machine's own border"
    needs_pairs = True

    def fit(self, references: NDArray[Any], negatives: Negatives) -> DichotomyTemplate:
        """Learn from the pairs of the negatives (once for each :class:`Negatives`), and keep the references."""
        return self._template(self._pairs(negatives, keep=True), None, references, negatives)

    def restore(
        self, arrays: Mapping[str, NDArray[np.generic]], references: NDArray[Any], negatives: Negatives
    ) -> DichotomyTemplate:
        """Put the support vectors back from the pairs."""
        pairs = np.asarray(arrays["pairs"], np.int32)
        # Kept, unlike wd's: it is of all pairs that were drawn, and only those that carry the machine are.
        scale = np.asarray(arrays["scale"], np.float64)
        intercept, gamma = (float(value) for value in np.asarray(arrays["intercept"], np.float64))
        features = np.asarray(negatives.features, np.float32)
        vectors = scale_features(np.abs(features[pairs[:, 0]] - features[pairs[:, 1]]), scale)
        coefficients = np.asarray(arrays["coefficients"], np.float64)
        machine = SupportVectorMachine(scale, vectors, coefficients, intercept, gamma)
        return DichotomyTemplate(machine, np.asarray(references, np.float32), pairs)

    def against(self, negatives: Negatives) -> Fitter:
        """Return what fits many writers: one draw of pairs; a writer's own pairs are left out."""
        pairs = self._pairs(negatives, keep=False)
        own = negatives.kind != COHORT  # a cohort's numbers are not those of the tested writers

        def fit(writer: int, references: NDArray[Any]) -> DichotomyTemplate:
            return self._template(pairs, writer if own else None, references, negatives)

        return fit

    def _pairs(self, negatives: Negatives, *, keep: bool) -> _Pairs:
        if negatives.owners is None:
            raise UsageError("the classifier 'dichotomy' must know who made which of the negatives; these do not say")
        gamma = self.gamma_for(negatives.features.shape[1])

        def make() -> _Pairs:
            # The same pairs for every writer who is enrolled, today and after a restart.
            generator = np.random.default_rng(_SEED) if self._generator is None else self._generator
            return _Pairs(negatives, generator, self.cost, gamma)

        return negatives.keep((self.name, self.cost, gamma), make) if keep else make()

    def _template(
        self, pairs: _Pairs, without: int | None, references: NDArray[Any], negatives: Negatives
    ) -> DichotomyTemplate:
        check(references, negatives)
        machine, rows = pairs.machine(without)
        return DichotomyTemplate(machine, np.asarray(references, np.float32), rows)
