"""The solver against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from sigkd.classifiers.kernel import rbf_kernel, squared_distances
from sigkd.classifiers.kinds.wd import WriterDependent
from sigkd.classifiers.negatives import Negatives
from sigkd.classifiers.svm import BACKENDS, TrainingRows, class_costs, solve
from sigkd.errors import UsageError

GAMMA = 2.0**-11


def _problem(references: int, negatives: int, length: int, seed: int):
    generator = np.random.default_rng(seed)
    basis = generator.normal(size=(5, length))
    positive = np.maximum(0.5 * generator.normal(size=(references, length)) + generator.normal(size=(1, length)), 0)
    negative = np.maximum(generator.normal(size=(negatives, length)) + generator.normal(size=(negatives, 5)) @ basis, 0)
    return positive.astype(np.float32), negative.astype(np.float32)


def _kernel_problem(negatives: int, length: int, seed: int):
    """Kernel, labels and costs of 4 references against so many negatives."""
    rows = np.concatenate(_problem(4, negatives, length, seed))
    labels = np.where(np.arange(len(rows)) < 4, 1, -1)
    return rbf_kernel(rows, rows, 0.02), labels, np.where(labels > 0, 20.0, 1.0)


@pytest.mark.parametrize(("references", "negatives", "length"), [(1, 60, 40), (3, 200, 256), (5, 300, 64), (10, 40, 8)])
@pytest.mark.parametrize("gamma", [GAMMA, 0.05])
@pytest.mark.parametrize("backend", BACKENDS)
def test_equals_scikit_learn(references: int, negatives: int, length: int, gamma: float, backend: str) -> None:
    from sklearn.svm import SVC

    positive, negative = _problem(references, negatives, length, references)
    rows = np.concatenate([positive, negative])
    rows = rows / np.where(rows.std(axis=0) > 0, rows.std(axis=0), 1)
    labels = np.where(np.arange(len(rows)) < references, 1, -1)
    kernel = rbf_kernel(rows, rows, gamma)
    costs = np.where(labels > 0, negatives / references, 1.0)
    coefficients, intercept = solve(kernel, labels, costs, backend=backend)
    machine = SVC(C=1, kernel="precomputed", class_weight={1: negatives / references, -1: 1.0}, shrinking=False)
    expected = machine.fit(kernel, labels).decision_function(kernel)
    assert np.abs(kernel @ coefficients + intercept - expected).max() < 1e-9


@pytest.mark.parametrize("backend", BACKENDS)
def test_exact_at_a_tight_tolerance(backend: str) -> None:
    kernel, labels, costs = _kernel_problem(80, 16, 1)
    coefficients, intercept = solve(kernel, labels, costs, tolerance=1e-9, backend=backend)
    margin = labels * (kernel @ coefficients + intercept)
    alpha = labels * coefficients
    assert abs(coefficients.sum()) < 1e-9
    assert (alpha >= 0).all() and (alpha <= costs + 1e-12).all()
    assert (margin[alpha < 1e-12] >= 1 - 1e-5).all()
    assert (margin[alpha > costs - 1e-12] <= 1 + 1e-5).all()


def test_template_equals_the_evaluations_classifier() -> None:
    positive, negative = _problem(5, 150, 200, 3)
    template = WriterDependent().fit(positive, Negatives(negative))
    queries = np.concatenate([positive[:2] * 0.9, negative[:5]])
    machine, _ = TrainingRows(positive, negative, 1 / 200).fit(1.0, backend="libsvm")
    assert np.abs(template.scores(queries) - machine.scores(queries)).max() < 1e-9


def test_distances_are_never_negative() -> None:
    rows = np.repeat(np.random.default_rng(0).random((1, 2048)) * 100, 4, axis=0)
    assert (squared_distances(rows, rows) >= 0).all()
    assert np.allclose(squared_distances(rows, rows), 0, atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_row_without_cost_is_left_out(backend: str) -> None:
    kernel, labels, costs = _kernel_problem(60, 32, 5)
    keep = np.arange(64) != 2
    alone, intercept = solve(kernel[np.ix_(keep, keep)], labels[keep], costs[keep], backend=backend)
    costs[2] = 0.0
    among, other = solve(kernel, labels, costs, backend=backend)
    assert among[2] == 0
    assert np.abs(among[keep] - alone).max() < 1e-9 and abs(intercept - other) < 1e-9


def test_costs_weight_the_classes_of_the_used_rows() -> None:
    labels = np.array([1, 1, -1, -1, -1])
    assert class_costs(labels, 2.0).tolist() == [3.0, 3.0, 2.0, 2.0, 2.0]
    assert class_costs(labels, 1.0, np.array([True, False, True, True, True])).tolist() == [3.0, 0.0, 1.0, 1.0, 1.0]


def test_an_unknown_back_end_is_named() -> None:
    with pytest.raises(UsageError, match="unknown back end 'gpu': use numpy or libsvm"):
        solve(np.eye(2), np.array([1, -1]), np.ones(2), backend="gpu")
