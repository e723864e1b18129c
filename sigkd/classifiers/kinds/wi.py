"""The writer-independent classifier: a distance to the references, normalised by the negatives; nothing is fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigkd.classifiers import CLASSIFIERS, COHORT
from sigkd.classifiers.base import Arrays, Classifier, check
from sigkd.classifiers.kernel import feature_scale, squared_distances
from sigkd.classifiers.negatives import Negatives

NEIGHBOURS = 20
"""Size of the part of the negatives that normalises a distance: the nearest ones (adaptive S-norm)."""
_LEAST_SPREAD = 1e-3
"""Guards the division where the nearest negatives are all equally far."""


@dataclass(frozen=True)
class DistanceTemplate:
    """Scaled vectors of references and negatives, and how far the negatives are from the references."""

    scale: NDArray[np.float64]
    references: NDArray[np.float64]
    negatives: NDArray[np.float64]
    reference_statistics: tuple[float, float]
    """Mean and standard deviation of the distances of the nearest negatives to the references."""

    @property
    def gamma(self) -> None:
        """There is no kernel."""

    def scores(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Return the normalised nearness [n] of features [n, D] to the nearest reference.

        With d the distance of the query to the nearest reference, (m_r, s_r) the distances of the references and
        (m_q, s_q) those of the query to their nearest negatives: 1/2 [(m_r - d) / s_r + (m_q - d) / s_q].
        """
        queries = _scaled(features, self.scale)
        distance = _distances(queries, self.references).min(axis=1)
        # The query's own neighbourhood: plain signatures lie near to everybody, and must not profit from it.
        nearest = _nearest(_distances(queries, self.negatives))
        mean, spread = nearest.mean(axis=1), np.maximum(nearest.std(axis=1), _LEAST_SPREAD)
        reference_mean, reference_spread = self.reference_statistics
        scores: NDArray[np.float64] = (
            (reference_mean - distance) / reference_spread + (mean - distance) / spread
        ) / 2.0
        return scores

    def to_arrays(self) -> Arrays:
        """Return the statistics of the references against the negatives."""
        return {"reference_statistics": np.array(self.reference_statistics)}


@CLASSIFIERS.register("wi")
class Distance(Classifier):
    """Distance of features, divided by the negatives' standard deviation, under adaptive symmetric normalisation.

    S-norm as in speaker verification (Matejka et al. 2017, "Analysis of score normalization in multilingual speaker
    recognition"): the distance is compared with the distances of query and of references to the negatives.
    """

    name = "wi"
    answers_against = (COHORT,)
    title = "writer-independent distance, normalised by the negatives"
    border_meaning = "as near to the references as the nearest of the negatives"
    kernel = False

    def fit(self, references: NDArray[Any], negatives: Negatives) -> DistanceTemplate:
        """Measure the negatives against the references."""
        check(references, negatives)
        scale, others = _prepared(negatives)
        own = _scaled(references, scale)
        # A negative's distance is that to its nearest reference, as a query's is.
        nearest = _nearest(_distances(others, own).min(axis=1)[None, :])
        statistics = float(nearest.mean()), max(float(nearest.std()), _LEAST_SPREAD)
        return DistanceTemplate(scale, own, others, statistics)

    def restore(
        self, arrays: Mapping[str, NDArray[np.generic]], references: NDArray[Any], negatives: Negatives
    ) -> DistanceTemplate:
        """Put the kept statistics to the vectors."""
        mean, spread = (float(value) for value in np.asarray(arrays["reference_statistics"], np.float64))
        scale, others = _prepared(negatives)
        return DistanceTemplate(scale, _scaled(references, scale), others, (mean, spread))


def _prepared(negatives: Negatives) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the negatives' scale and their scaled vectors."""

    def make() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        scale = feature_scale(negatives.features)
        return scale, _scaled(negatives.features, scale)

    return negatives.keep("wi", make)


def _scaled(features: NDArray[Any], scale: NDArray[np.float64]) -> NDArray[np.float64]:
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
