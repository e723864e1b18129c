"""Kernel densities against SciPy's, and the ratio of two where it is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gaussian_kde

from sigkd import measures

scores = st.lists(st.integers(-20, 20), min_size=2, max_size=30).map(lambda values: np.array(values) / 8)


def test_silvermans_bandwidth_by_hand():
    own = np.array([0.0, 1.0, 2.0, 3.0, 10.0])  # standard deviation 3.544, quartiles 1 and 3: 2 / 1.34 = 1.4925
    assert measures.bandwidth(own) == pytest.approx(0.9 * 2 / 1.34 * 5**-0.2)
    assert measures.bandwidth(np.array([0.0, 0, 0, 0, 1])) == pytest.approx(0.9 * 0.4 * 5**-0.2)
    assert measures.bandwidth(np.ones(4)) == 0


@settings(max_examples=30, deadline=None)
@given(scores, st.floats(0.05, 3))
def test_density_is_scipys(own, width):
    at = np.linspace(-4, 4, 33)
    if np.ptp(own) == 0:
        own = np.append(own, own[0] + 1)
    known = gaussian_kde(own, bw_method=width / own.std(ddof=1)).pdf(at)
    np.testing.assert_allclose(measures.density(own, at, width), known, rtol=1e-7, atol=1e-12)


def test_ratio_of_two_gaussians():
    rng = np.random.default_rng(0)
    curve = measures.fit_density(rng.normal(2, 1, 4000), rng.normal(0, 1, 4000))
    at = np.linspace(-0.5, 2.5, 31)
    assert curve(at) == pytest.approx(2 * at - 2, abs=0.3)


def test_table_is_the_ratio_where_this_rises():
    rng = np.random.default_rng(1)
    genuine, forged = rng.normal(1, 1, 300), rng.normal(-1, 1, 200)
    curve, at = measures.fit_density(genuine, forged), np.linspace(-1, 1.5, 100)
    known = [
        gaussian_kde(own, bw_method=measures.bandwidth(own) / own.std(ddof=1)).logpdf(at) for own in (genuine, forged)
    ]
    assert (np.diff(known[0] - known[1]) > 0).all()
    np.testing.assert_allclose(curve(at), known[0] - known[1], atol=2e-3)


def test_a_better_score_is_never_weaker_evidence():
    # Narrow genuine scores within wide forgeries: above them the plain ratio falls back to the forgeries'.
    rng = np.random.default_rng(2)
    genuine, forged = rng.normal(2, 0.2, 200), rng.normal(0, 2, 200)
    at = np.array([2.0, 4.5])
    plain = np.log(measures.density(genuine, at, 0.1) / measures.density(forged, at, 0.6))
    curve = measures.fit_density(genuine, forged)
    assert plain[1] < plain[0] - 5
    assert curve(at)[1] >= curve(at)[0] > 0.5


@settings(max_examples=30, deadline=None)
@given(scores, scores)
def test_any_scores_give_a_finite_curve_that_never_falls(genuine, forged):
    curve = measures.fit_density(genuine, forged)
    assert np.isfinite(curve.llr).all() and np.isfinite(curve.scores).all()
    assert (np.diff(curve.llr) >= 0).all() and (np.diff(curve.scores) >= 0).all()
