"""The two classifiers behind one interface: features of references and negatives in, scores of queries out.

``wd`` is the field's writer-dependent support vector machine, one a writer. ``wi`` is writer-independent: a distance
to the
references, normalised by the cohort; it needs one reference only. In both the score is higher for a signature that
looks
more like the references. Templates hold plain arrays; nothing of scikit-learn is needed to make or use them.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sigkd.errors import UsageError
from sigkd.registry import Registry
from sigkd.verification.svm import solve_svm, squared_distances
from sigkd.verification.writer_dependent import (
    COST,
    GAMMA,
    SupportVectorModel,
    feature_scale,
    rbf_kernel,
    scale_features,
)

Arrays = dict[str, NDArray[np.generic]]


class Template(Protocol):
    """One writer's fitted classifier."""

    def scores(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the scores [n] of queries' features [n, D]."""

    def arrays(self) -> Arrays:
        """Return what, beside references and negatives, is needed to restore the template: small plain arrays."""


class Classifier(Protocol):
    """How templates are made."""

    name: str
    title: str
    """For reports."""

    def fit(self, references: NDArray[np.floating], negatives: NDArray[np.floating]) -> Template:
        """Fit a template on a writer's references [r, D] against negatives [m, D]."""

    def enroll(
        self, references: NDArray[np.floating], negatives: NDArray[np.floating]
    ) -> tuple[Template, NDArray[np.float64]]:
        """Return :meth:`fit` and :meth:`agreement` together, at little more than the price of one."""

    def restore(
        self,
        arrays: Mapping[str, NDArray[np.generic]],
        references: NDArray[np.floating],
        negatives: NDArray[np.floating],
    ) -> Template:
        """Return the template whose :meth:`Template.arrays` were kept, given the rows that it was fitted on."""

    def agreement(self, references: NDArray[np.floating], negatives: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return each reference's score against the others [r] (leave one out); empty for fewer than three."""


CLASSIFIERS: Registry[Classifier] = Registry("classifier")


def _check(references: NDArray[np.floating], negatives: NDArray[np.floating]) -> None:
    if references.ndim != 2 or negatives.ndim != 2 or not len(references) or len(negatives) < 2:
        raise UsageError("a template needs at least one reference and two negatives")
    if references.shape[1] != negatives.shape[1]:
        raise UsageError(f"references have {references.shape[1]} features, negatives {negatives.shape[1]}")


@dataclass(frozen=True)
class WriterDependentTemplate:
    """A support vector machine and which training rows carry it."""

    model: SupportVectorModel
    rows: NDArray[np.int32]
    """Row numbers of the support vectors among the references followed by the negatives."""

    def scores(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the decision values [n] of features [n, D]."""
        return self.model.scores(features)

    def arrays(self) -> Arrays:
        """Return coefficients, rows and intercept: the vectors are kept once, with references and negatives."""
        return {
            "rows": self.rows,
            "coefficients": self.model.coefficients,
            "intercept": np.array([self.model.intercept, self.model.gamma]),
        }


class WriterDependent:
    """RBF support vector machine, C = 1, gamma = 2^-11, class weight negatives / positives (Hafemann et al. 2017)."""

    name = "wd"
    title = "writer-dependent support vector machine"

    def fit(self, references: NDArray[np.floating], negatives: NDArray[np.floating]) -> WriterDependentTemplate:
        """Fit as :func:`sigkd.verification.writer_dependent.fit_writer` does, without scikit-learn."""
        _check(references, negatives)
        return self._template(len(references), *self._prepare(references, negatives))

    def enroll(
        self, references: NDArray[np.floating], negatives: NDArray[np.floating]
    ) -> tuple[WriterDependentTemplate, NDArray[np.float64]]:
        """Return template and agreement from one Gram matrix."""
        _check(references, negatives)
        prepared = self._prepare(references, negatives)
        return self._template(len(references), *prepared), self._left_out(len(references), prepared[2])

    def _template(
        self, count: int, scale: NDArray[np.float64], scaled: NDArray[np.float32], gram: NDArray[np.float64]
    ) -> WriterDependentTemplate:
        coefficients, intercept = self._solve(gram, count)
        rows = np.flatnonzero(coefficients).astype(np.int32)
        model = SupportVectorModel(scale, scaled[rows], coefficients[rows], intercept, GAMMA)
        return WriterDependentTemplate(model, rows)

    def restore(
        self,
        arrays: Mapping[str, NDArray[np.generic]],
        references: NDArray[np.floating],
        negatives: NDArray[np.floating],
    ) -> WriterDependentTemplate:
        """Put the support vectors back from the rows."""
        rows = np.asarray(arrays["rows"], np.int32)
        training = np.concatenate([np.asarray(references, np.float32), np.asarray(negatives, np.float32)])
        scale = feature_scale(training)
        intercept, gamma = (float(value) for value in np.asarray(arrays["intercept"], np.float64))
        coefficients = np.asarray(arrays["coefficients"], np.float64)
        vectors = scale_features(training[rows], scale)
        return WriterDependentTemplate(SupportVectorModel(scale, vectors, coefficients, intercept, gamma), rows)

    def agreement(self, references: NDArray[np.floating], negatives: NDArray[np.floating]) -> NDArray[np.float64]:
        """Refit without each reference in turn on one Gram matrix; the scale stays that of all rows."""
        _check(references, negatives)
        return self._left_out(len(references), self._prepare(references, negatives)[2])

    def _left_out(self, count: int, gram: NDArray[np.float64]) -> NDArray[np.float64]:
        if count < 3:
            return np.empty(0)
        scores, single = np.empty(count), gram.astype(np.float32)
        for left_out in range(count):
            coefficients, intercept = self._solve(single, count, left_out)
            scores[left_out] = gram[left_out] @ coefficients + intercept
        return scores

    @staticmethod
    def _prepare(
        references: NDArray[np.floating], negatives: NDArray[np.floating]
    ) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float64]]:
        rows = np.concatenate([np.asarray(references, np.float32), np.asarray(negatives, np.float32)])
        scale = feature_scale(rows)
        scaled = scale_features(rows, scale)
        return scale, scaled, rbf_kernel(scaled, scaled, GAMMA)

    @staticmethod
    def _solve(
        gram: NDArray[np.floating], positives: int, left_out: int | None = None
    ) -> tuple[NDArray[np.float64], float]:
        labels = np.where(np.arange(len(gram)) < positives, 1, -1)
        used = positives - (left_out is not None)
        costs = np.where(labels > 0, COST * ((len(gram) - positives) / used), COST)
        if left_out is not None:
            costs[left_out] = 0.0
        return solve_svm(gram, labels, costs)


NEIGHBOURS = 20
"""Size of the part of the cohort that normalises a distance: the nearest ones (adaptive S-norm)."""
_LEAST_SPREAD = 1e-3
"""Guards the division where the cohort's nearest vectors are all equally far."""


@dataclass(frozen=True)
class WriterIndependentTemplate:
    """Scaled vectors of references and cohort, and how far the cohort is from the references."""

    scale: NDArray[np.float64]
    references: NDArray[np.float64]
    cohort: NDArray[np.float64]
    reference_statistics: tuple[float, float]
    """Mean and standard deviation of the distances of the cohort's nearest members to the references."""

    def scores(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the normalised nearness [n] of features [n, D] to the nearest reference.

        With d the distance of the query to the nearest reference, (m_r, s_r) the distances of the references and
        (m_q, s_q)
        those of the query to their nearest cohort members: 1/2 [(m_r - d) / s_r + (m_q - d) / s_q].
        """
        queries = _scaled(features, self.scale)
        distance = _distances(queries, self.references).min(axis=1)
        nearest = _nearest(_distances(queries, self.cohort))
        mean, spread = nearest.mean(axis=1), np.maximum(nearest.std(axis=1), _LEAST_SPREAD)
        reference_mean, reference_spread = self.reference_statistics
        scores: NDArray[np.float64] = (
            (reference_mean - distance) / reference_spread + (mean - distance) / spread
        ) / 2.0
        return scores

    def arrays(self) -> Arrays:
        """Return the statistics of the references against the cohort."""
        return {"reference_statistics": np.array(self.reference_statistics)}


class WriterIndependent:
    """Distance of features, divided by the cohort's standard deviation, under adaptive symmetric normalisation.

    S-norm as in speaker verification (Matejka et al. 2017, "Analysis of score normalization in multilingual speaker
    recognition"): the distance is compared with the distances of query and of references to the cohort.
    """

    name = "wi"
    title = "writer-independent distance, normalised by the cohort"

    def fit(self, references: NDArray[np.floating], negatives: NDArray[np.floating]) -> WriterIndependentTemplate:
        """Measure the cohort against the references."""
        _check(references, negatives)
        scale, cohort = _prepared(negatives)
        own = _scaled(references, scale)
        nearest = _nearest(_distances(cohort, own).min(axis=1)[None, :])
        statistics = float(nearest.mean()), max(float(nearest.std()), _LEAST_SPREAD)
        return WriterIndependentTemplate(scale, own, cohort, statistics)

    def restore(
        self,
        arrays: Mapping[str, NDArray[np.generic]],
        references: NDArray[np.floating],
        negatives: NDArray[np.floating],
    ) -> WriterIndependentTemplate:
        """Put the kept statistics to the vectors."""
        mean, spread = (float(value) for value in np.asarray(arrays["reference_statistics"], np.float64))
        scale, cohort = _prepared(negatives)
        return WriterIndependentTemplate(scale, _scaled(references, scale), cohort, (mean, spread))

    def enroll(
        self, references: NDArray[np.floating], negatives: NDArray[np.floating]
    ) -> tuple[WriterIndependentTemplate, NDArray[np.float64]]:
        """Return template and agreement."""
        return self.fit(references, negatives), self.agreement(references, negatives)

    def agreement(self, references: NDArray[np.floating], negatives: NDArray[np.floating]) -> NDArray[np.float64]:
        """Score each reference against the others."""
        _check(references, negatives)
        if len(references) < 3:
            return np.empty(0)
        return np.array(
            [
                self.fit(np.delete(references, row, axis=0), negatives).scores(references[row : row + 1])[0]
                for row in range(len(references))
            ]
        )


_last_cohort: list[tuple[weakref.ref[NDArray[np.floating]], NDArray[np.float64], NDArray[np.float64]]] = []


def _prepared(negatives: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the cohort's scale and its scaled vectors; those of the last cohort are shared by all templates."""
    known = _last_cohort[0] if _last_cohort else None
    if known is not None and known[0]() is negatives:
        return known[1], known[2]
    scale = feature_scale(negatives)
    cohort = _scaled(negatives, scale)
    _last_cohort[:] = [(weakref.ref(negatives), scale, cohort)]
    return scale, cohort


def _scaled(features: NDArray[np.floating], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    rows: NDArray[np.float64] = np.asarray(features, np.float64) / scale
    return rows


def _distances(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Euclidean distances [n, m]."""
    distances: NDArray[np.float64] = np.sqrt(squared_distances(a, b))
    return distances


def _nearest(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the smallest :data:`NEIGHBOURS` of each row (all where there are fewer)."""
    count = min(NEIGHBOURS, distances.shape[1])
    return np.partition(distances, count - 1, axis=1)[:, :count]


CLASSIFIERS.register(WriterDependent.name)(WriterDependent())
CLASSIFIERS.register(WriterIndependent.name)(WriterIndependent())

AUTO = "auto"
FEW = 3
"""With fewer references ``auto`` takes the writer-independent classifier (why: decision 0061)."""


def choose_classifier(name: str, references: int) -> Classifier:
    """Return the classifier of this name; ``auto``: ``wi`` for fewer than three references, else ``wd``.

    Raises:
        UsageError: unknown name.
    """
    if name == AUTO:
        name = WriterIndependent.name if references < FEW else WriterDependent.name
    return CLASSIFIERS.get(name)
