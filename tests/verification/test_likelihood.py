"""Likelihood ratios and their measures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigkd.errors import CalibrationError
from sigkd.verification.likelihood import (
    cllr,
    elub,
    equal_error_rate,
    fit_logistic,
    fit_pav,
    min_cllr,
    pool_adjacent_violators,
)


def _scores(seed: int = 0, shift: float = 2.0, count: int = 400):
    generator = np.random.default_rng(seed)
    return generator.normal(shift, 1, count), generator.normal(0, 1, count)


def test_logistic_finds_the_gaussian_log_ratio() -> None:
    genuine, impostor = _scores(count=20000)
    curve = fit_logistic(genuine, impostor, ridge=0.0)
    assert curve.slope == pytest.approx(2.0, abs=0.06)  # ln N(s; 2, 1) - ln N(s; 0, 1) = 2 s - 2
    assert curve.intercept == pytest.approx(-2.0, abs=0.08)


def test_logistic_equals_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    genuine, impostor = _scores(count=150)
    impostor = impostor[:60]
    scores = np.concatenate([genuine, impostor])[:, None]
    labels = np.repeat([1, 0], [150, 60])
    known = LogisticRegression(C=1e9, tol=1e-10, class_weight="balanced", max_iter=500).fit(scores, labels)
    curve = fit_logistic(genuine, impostor, ridge=0.0)
    assert curve.slope == pytest.approx(known.coef_[0, 0], rel=1e-4)
    assert curve.intercept == pytest.approx(known.intercept_[0], rel=1e-4)


def test_logistic_stays_finite_without_overlap() -> None:
    curve = fit_logistic(np.array([5.0, 6.0]), np.array([-5.0, -6.0]))
    assert np.isfinite([curve.slope, curve.intercept]).all()


def test_logistic_refuses_reversed_scores() -> None:
    genuine, impostor = _scores()
    with pytest.raises(CalibrationError, match="nothing to calibrate"):
        fit_logistic(impostor - 5, genuine)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.integers(0, 1000))
def test_pav_equals_scikit_learn(values: list[float], seed: int) -> None:
    from sklearn.isotonic import isotonic_regression

    weights = np.random.default_rng(seed).uniform(0.5, 2, len(values))
    ours = pool_adjacent_violators(np.array(values), weights)
    theirs = isotonic_regression(np.array(values), sample_weight=weights)
    assert np.allclose(ours, theirs, atol=1e-9)


def test_pav_curve_is_monotone_and_bounded() -> None:
    genuine, impostor = _scores(count=60)
    llr = fit_pav(genuine, impostor)(np.linspace(-6, 8, 200))
    assert (np.diff(llr) >= 0).all()
    assert np.isfinite(llr).all()


def test_elub_grows_with_the_set_and_never_claims_more_than_its_size() -> None:
    bounds = {}
    for count in (50, 500):
        genuine, impostor = _scores(shift=6, count=count)
        curve = fit_logistic(genuine, impostor)
        bounds[count] = elub(curve(genuine), curve(impostor))
        assert -np.log(count + 1) <= bounds[count][0] <= 0 <= bounds[count][1] <= np.log(count + 1)
    assert bounds[500][1] > bounds[50][1] + 1


def test_elub_of_useless_scores_is_one() -> None:
    generator = np.random.default_rng(0)
    low, high = elub(generator.normal(size=100) * 3, generator.normal(size=100) * 3)
    assert low == pytest.approx(0, abs=0.1)
    assert high == pytest.approx(0, abs=0.1)


def test_cllr_of_no_information_is_one_and_min_cllr_is_the_floor() -> None:
    genuine, impostor = _scores()
    assert cllr(np.zeros(5), np.zeros(9)) == pytest.approx(1.0)
    curve = fit_logistic(genuine, impostor)
    floor = min_cllr(genuine, impostor)
    assert 0 < floor <= cllr(curve(genuine), curve(impostor)) + 1e-9
    assert min_cllr(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == pytest.approx(0.0)


def test_equal_error_rate() -> None:
    assert equal_error_rate(np.array([1.0, 2, 3, 4]), np.array([0.0, 1.5, -1, -2])) == pytest.approx(0.25)
