"""Pool adjacent violators: by hand, and against the definition in plain lines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigkd import measures

scores = st.lists(st.integers(-20, 20), min_size=1, max_size=30).map(lambda values: np.array(values) / 8)


def isotonic(values, weights):
    """The max-min formula: the greatest, over beginnings, of the least mean from there to an end. O(n^2) means."""
    count = len(values)
    means = {
        (a, b): np.dot(values[a : b + 1], weights[a : b + 1]) / np.sum(weights[a : b + 1])
        for a in range(count)
        for b in range(a, count)
    }
    return [max(min(means[a, b] for b in range(i, count)) for a in range(i + 1)) for i in range(count)]


@settings(max_examples=60, deadline=None)
@given(scores, scores)
def test_ratios_are_those_of_isotonic_posteriors_at_even_odds(genuine, forged):
    levels = sorted({*genuine.tolist(), *forged.tolist()})
    shares = [(np.sum(genuine == s) / len(genuine), np.sum(forged == s) / len(forged)) for s in levels]
    weights = [ours + theirs for ours, theirs in shares]
    posterior = isotonic([ours / (ours + theirs) for ours, theirs in shares], weights)
    found = dict(zip(np.r_[genuine, forged].tolist(), np.concatenate(measures.pav_llr(genuine, forged)), strict=True))
    assert 1 / (1 + np.exp(-np.array([found[s] for s in levels]))) == pytest.approx(np.array(posterior), abs=1e-9)


def test_a_hand_worked_example():
    # Sorted: f g f g g; pooling the violating pair g f gives posteriors 0, 1/2-weighted, ..., 1.
    genuine, forged = np.array([2.0, 4.0, 5.0]), np.array([1.0, 3.0])
    of_genuine, of_forged = measures.pav_llr(genuine, forged)
    pooled = np.log((1 / 3) / (1 / 2))  # weights 1/3 a genuine, 1/2 a forged score
    np.testing.assert_allclose(of_genuine, [pooled, np.inf, np.inf])
    np.testing.assert_allclose(of_forged, [-np.inf, pooled])
    expected = (np.log2(1 + 1.5) / 3 + np.log2(1 + 2 / 3) / 2) / 2
    assert measures.min_cllr(genuine, forged) == pytest.approx(expected)


def test_a_hand_worked_curve_with_a_misleading_score_at_each_end():
    # Sorted: (g) f f g g g (f): blocks (g) f f | g g g (f), of 4 genuine and 3 forged scores with the two added.
    curve = measures.fit_pav(np.array([3.0, 4.0, 5.0]), np.array([1.0, 2.0]))
    low, high = np.log((1 / 4) / (2 / 3)), np.log((3 / 4) / (1 / 3))
    assert curve.scores.tolist() == [1, 2, 3, 5]  # nothing between the ends of a block
    np.testing.assert_allclose(curve.llr, [low, low, high, high])
    np.testing.assert_allclose(curve(np.array([-9, 1.5, 2.5, 4.5, 9])), [low, low, (low + high) / 2, high, high])


@settings(max_examples=40, deadline=None)
@given(scores, scores)
def test_the_curve_is_finite_and_never_falls(genuine, forged):
    curve = measures.fit_pav(genuine, forged)
    assert np.isfinite(curve.llr).all() and (np.diff(curve.llr) >= 0).all() and (np.diff(curve.scores) > 0).all()
    assert curve.llr[0] <= 0 <= curve.llr[-1]
