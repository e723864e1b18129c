"""The writer-dependent classifier: one RBF support vector machine a writer, against other people's signatures.

The recipe of Hafemann, Sabourin and Oliveira, "Learning features for offline handwritten signature verification
using deep convolutional neural networks", Pattern Recognition 70 (2017): features divided by their standard deviation
without centring, C = 1, gamma = 2^-11 (for 2048 features), and the positive class weighted by negatives / positives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigkd.classifiers import CLASSIFIERS, WRITERS
from sigkd.classifiers.base import LEAST_FOR_AGREEMENT, Arrays, Classifier, Fitter, check
from sigkd.classifiers.kernel import feature_scale, scale_features
from sigkd.classifiers.negatives import Negatives
from sigkd.classifiers.shared import PooledNegatives
from sigkd.classifiers.svm import SupportVectorMachine, TrainingRows, class_costs, solve


@dataclass(frozen=True)
class WriterDependentTemplate:
    """A support vector machine and which training rows carry it."""

    machine: SupportVectorMachine
    rows: NDArray[np.int32]
    """Row numbers of the support vectors among the references followed by the negatives."""

    @property
    def gamma(self) -> float:
        """Of the machine's kernel."""
        return self.machine.gamma

    def scores(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Return the decision values [n] of features [n, D]."""
        return self.machine.scores(features)

    def to_arrays(self) -> Arrays:
        """Return coefficients, rows, intercept with gamma: the vectors are kept with references and negatives."""
        return {
            "rows": self.rows,
            "coefficients": self.machine.coefficients,
            "intercept": np.array([self.machine.intercept, self.machine.gamma]),
        }


@CLASSIFIERS.register("wd")
class WriterDependent(Classifier):
    """Support vector machine of one writer; needs no scikit-learn, except to fit all writers of an evaluation."""

    name = "wd"
    title = "writer-dependent support vector machine"
    border_meaning = "the support vector machine's own border"

    def fit(self, references: NDArray[Any], negatives: Negatives) -> WriterDependentTemplate:
        """Fit; the scores equal scikit-learn's ``StandardScaler(with_mean=False)`` followed by ``SVC``."""
        return WriterDependentTemplate(*self._rows(references, negatives).fit(self.cost))

    def enroll(
        self, references: NDArray[Any], negatives: Negatives
    ) -> tuple[WriterDependentTemplate, NDArray[np.float64]]:
        """Return template and agreement from one Gram matrix."""
        rows = self._rows(references, negatives)
        template = WriterDependentTemplate(*rows.fit(self.cost))
        return template, self._left_out(rows) if len(references) >= LEAST_FOR_AGREEMENT else np.empty(0)

    def agreement(self, references: NDArray[Any], negatives: Negatives) -> NDArray[np.float64]:
        """Refit without each reference in turn on one Gram matrix; the scale stays that of all rows."""
        if len(references) < LEAST_FOR_AGREEMENT:
            return np.empty(0)
        return self._left_out(self._rows(references, negatives))

    def restore(
        self, arrays: Mapping[str, NDArray[np.generic]], references: NDArray[Any], negatives: Negatives
    ) -> WriterDependentTemplate:
        """Put the support vectors back from the rows."""
        rows = np.asarray(arrays["rows"], np.int32)
        training = np.concatenate([np.asarray(references, np.float32), np.asarray(negatives.features, np.float32)])
        # it follows from the rows, so that a template need not keep it
        scale = feature_scale(training)
        intercept, gamma = (float(value) for value in np.asarray(arrays["intercept"], np.float64))
        coefficients = np.asarray(arrays["coefficients"], np.float64)
        vectors = scale_features(training[rows], scale)
        return WriterDependentTemplate(SupportVectorMachine(scale, vectors, coefficients, intercept, gamma), rows)

    def against(self, negatives: Negatives) -> Fitter:
        """Return what fits many writers; those against one another share the Gram matrix of all their references."""
        if negatives.kind != WRITERS or negatives.owners is None:
            return super().against(negatives)
        gamma = self.gamma_for(negatives.features.shape[1])
        # Each writer's rows are part of one big matrix: its products are computed once, not once a writer.
        return PooledNegatives(negatives.features, negatives.owners, self.cost, gamma).fit

    def _rows(self, references: NDArray[Any], negatives: Negatives) -> TrainingRows:
        check(references, negatives)
        return TrainingRows(references, negatives.features, self.gamma_for(references.shape[1]))

    def _left_out(self, rows: TrainingRows) -> NDArray[np.float64]:
        """Return the score of each positive row by the machine without it."""
        count = int(np.count_nonzero(rows.labels > 0))
        # Converted once; the solver would do it again for each reference.
        scores, single = np.empty(count), rows.gram.astype(np.float32)
        for left_out in range(count):
            used = np.arange(len(single)) != left_out
            # a cost of 0 leaves the row out of a Gram matrix that stays
            coefficients, intercept = solve(single, rows.labels, class_costs(rows.labels, self.cost, used))
            scores[left_out] = rows.gram[left_out] @ coefficients + intercept
        return scores
