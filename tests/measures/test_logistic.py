"""Logistic regression against a general minimiser, scikit-learn, and the line that is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from sigkd import measures


def cost(line, genuine, forged, ridge):
    """The docstring's formula."""
    count, spread = len(genuine) + len(forged), np.r_[genuine, forged].std()
    f, g = (line[0] * scores + line[1] for scores in (genuine, forged))
    losses = np.logaddexp(0, -f).mean() / 2 + np.logaddexp(0, g).mean() / 2
    return losses + ridge / (2 * count) * (line[0] * spread) ** 2


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 60), st.integers(2, 60), st.floats(-1, 4), st.sampled_from([1e-3, 1.0]))
def test_no_line_costs_less(seed, ours, theirs, distance, ridge):
    generator = np.random.default_rng(seed)
    genuine, forged = generator.normal(distance, 1, ours), generator.normal(0, 2, theirs)
    line = measures.fit_logistic(genuine, forged, ridge=ridge)
    known = minimize(cost, np.zeros(2), (genuine, forged, ridge), method="Nelder-Mead",
                     options={"xatol": 1e-9, "fatol": 1e-14, "maxiter": 4000})  # fmt: skip
    assert cost(line, genuine, forged, ridge) <= known.fun + 1e-12
    if known.fun > 0.01:  # else nearly separated, and the minimum so flat that a minimiser's line says little
        assert line == pytest.approx(tuple(known.x), rel=1e-3, abs=1e-4)


def test_it_is_scikit_learns():
    generator = np.random.default_rng(0)
    genuine, forged = generator.normal(2, 1, 150), generator.normal(0, 1, 60)
    spread = np.r_[genuine, forged].std()
    known = LogisticRegression(C=1 / measures.logistic.RIDGE, tol=1e-10, class_weight="balanced", max_iter=500)
    known.fit(np.r_[genuine, forged][:, None] / spread, np.repeat([1, 0], [150, 60]))
    line = measures.fit_logistic(genuine, forged)
    assert line.slope == pytest.approx(known.coef_[0, 0] / spread, rel=1e-6)
    assert line.intercept == pytest.approx(known.intercept_[0], rel=1e-6)


def test_the_line_of_two_gaussians():
    # Two unit Gaussians at 2 and 0: log LR = 2 s - 2.
    rng = np.random.default_rng(0)
    slope, intercept = measures.fit_logistic(rng.normal(2, 1, 20000), rng.normal(0, 1, 40000))
    assert slope == pytest.approx(2, abs=0.06) and intercept == pytest.approx(-2, abs=0.08)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.01, 100), st.floats(-50, 50))
def test_units_of_the_scores_do_not_matter(scale, shift):
    genuine, forged = np.array([0.3, 1.0, 2.2, 0.1]), np.array([-1.0, 0.2, -0.7])
    line = measures.fit_logistic(genuine, forged)
    moved = measures.fit_logistic(genuine * scale + shift, forged * scale + shift)
    np.testing.assert_allclose(moved(genuine * scale + shift), line(genuine), rtol=1e-6, atol=1e-6)


def test_separated_constant_and_reversed_scores_give_finite_lines():
    low, high = np.arange(5.0), np.arange(10.0, 15.0)
    assert measures.fit_logistic(high, low).slope > 1
    assert measures.fit_logistic(low, high).slope < -1
    assert measures.fit_logistic(np.ones(4), np.ones(4)) == pytest.approx((0, 0))
    assert np.isfinite(measures.fit_logistic(np.array([5.0, 6.0]), np.array([-5.0, -6.0]))).all()
