"""The writer-dependent classifier against scikit-learn's pipeline and the golden scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sigkd.classifiers.kernel import feature_scale, rbf_kernel, scale_features
from sigkd.classifiers.shared import PooledNegatives, fit_all_writers
from sigkd.classifiers.svm import TrainingRows

GAMMA = 2.0**-11


def made_up(writers=6, each=5, width=24, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.gamma(2.0, size=(writers, width))
    features = np.maximum(centres[:, None] + rng.normal(0, 0.7, (writers, each, width)), 0).astype(np.float32)
    features[..., 0] = 3.0  # a constant column
    return features


def pipeline_scores(positives, negatives, queries, cost=1.0, gamma=GAMMA):
    """The reference: scaler and SVC fitted together, as the field does."""
    rows = np.concatenate([positives, negatives])
    labels = np.r_[np.ones(len(positives)), -np.ones(len(negatives))]
    machine = SVC(C=cost, gamma=gamma, class_weight={1: len(negatives) / len(positives), -1: 1})
    return make_pipeline(StandardScaler(with_mean=False), machine).fit(rows, labels).decision_function(queries)


@pytest.mark.parametrize("gamma", [GAMMA, 2.0**-7])
def test_scores_equal_the_pipeline(gamma):
    features = made_up()
    models = fit_all_writers(list(features), gamma=gamma)
    queries = made_up(seed=1).reshape(-1, 24)
    shared = models.scores(queries, chunk=7)
    assert shared.shape == (6, 30)
    for writer in range(6):
        others = np.delete(features, writer, axis=0).reshape(-1, 24)
        expected = pipeline_scores(features[writer], others, queries, gamma=gamma)
        np.testing.assert_allclose(shared[writer], expected, atol=1e-9)
        machine, _ = TrainingRows(features[writer], others, gamma).fit(1.0, backend="libsvm")
        np.testing.assert_allclose(machine.scores(queries), expected, atol=1e-9)
        np.testing.assert_allclose(models.machine(writer).scores(queries), expected, atol=1e-9)


def test_threads_change_nothing():
    features = list(made_up())
    np.testing.assert_array_equal(
        fit_all_writers(features).coefficients, fit_all_writers(features, threads=2).coefficients
    )


def test_a_pool_of_all_references_gives_the_same_scores():
    features = made_up()
    pool = features.reshape(-1, 24)
    fitter = PooledNegatives(pool, np.repeat(np.arange(6), 5), gamma=GAMMA)
    expected = fit_all_writers(list(features), gamma=GAMMA).scores(pool)
    for writer in (0, 3, 5):
        np.testing.assert_allclose(fitter.fit(writer, features[writer]).scores(pool), expected[writer], atol=1e-9)


def test_a_pool_without_the_writer_is_a_plain_fit():
    features = made_up()
    pool = features[2:].reshape(-1, 24)
    model = PooledNegatives(pool, np.repeat(np.arange(2, 6), 5), gamma=GAMMA).fit(0, features[0])
    scale = feature_scale(pool)
    own, others = scale_features(features[0], scale), scale_features(pool, scale)
    rows = np.concatenate([own, others]).astype(np.float64)
    machine = SVC(C=1, gamma=GAMMA, class_weight={1: 4.0, -1: 1.0}).fit(rows, np.r_[np.ones(5), -np.ones(20)])
    np.testing.assert_allclose(
        model.scores(features[1]), machine.decision_function(scale_features(features[1], scale)), atol=1e-7
    )


def test_scale_is_the_standard_scaler():
    features = made_up().reshape(-1, 24)
    np.testing.assert_array_equal(feature_scale(features), StandardScaler(with_mean=False).fit(features).scale_)
    assert feature_scale(features)[0] == 1.0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-4, 1.0))
def test_kernel_is_symmetric_and_bounded(seed, gamma):
    rows = np.random.default_rng(seed).normal(size=(7, 4)).astype(np.float32)
    kernel = rbf_kernel(rows, rows, gamma)
    np.testing.assert_array_equal(kernel, kernel.T)
    assert np.all(np.diag(kernel) == 1) and kernel.min() >= 0 and kernel.max() <= 1
    np.testing.assert_allclose(
        kernel, np.exp(-gamma * ((rows[:, None] - rows.astype(float)[None]) ** 2).sum(-1)), rtol=1e-9, atol=1e-12
    )


def test_one_class_only_is_refused():
    features = made_up()
    with pytest.raises(ValueError, match="at least two writers"):
        fit_all_writers([features[0]])


@pytest.mark.shared
@pytest.mark.parametrize("kernel", ["g0", "g1"])
@pytest.mark.parametrize("split", [0, 1, 2])
def test_golden_scores(golden_dir, kernel, split):
    golden = np.load(golden_dir / "writer_dependent.npz", allow_pickle=False)
    features, y, forged = golden["features"], golden["y"], golden["yforg"]
    train, test = golden[f"{kernel}_s{split}_train"], golden[f"{kernel}_s{split}_test"]
    writers = np.unique(y)
    gamma = {"g0": 2.0**-11, "g1": 2.0**-7}[kernel]
    scores = fit_all_writers([features[train[y[train] == w]] for w in writers], gamma=gamma).scores(features[test])
    for row, writer in enumerate(writers):
        own = y[test] == writer
        for name, members in (
            ("genuine", own & (forged[test] == 0)),
            ("skilled", own & (forged[test] == 1)),
            ("random", ~own & (forged[test] == 0)),
        ):
            expected = golden[f"{kernel}_s{split}_{name}"][row]
            np.testing.assert_allclose(scores[row, members], expected, atol=1e-6, err_msg=f"{name} of writer {writer}")
