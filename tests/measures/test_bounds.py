"""Empirical bounds: worked out by hand, and by looking at every likelihood ratio."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigkd import measures

LLR = st.lists(st.floats(-4, 4), min_size=1, max_size=40).map(np.array)


@pytest.mark.parametrize(
    ("genuine", "forged", "lower", "upper"),
    [
        # All right and far out: only the added misleading LRs count. Up: 1/100 + t/100 < 1 until t = 99; down alike.
        (np.full(99, 9.0), np.full(99, -9.0), -4.59, 4.59),
        # Up: 1/10 + t/5 < 1 until t = 4.5 = e^1.504; down: 1/10 + t/5 < t until t = 1/8 = e^-2.079.
        (np.full(9, 5.0), np.full(4, -5.0), -2.07, 1.50),
        # One of 9 genuine LRs is e^-1 and missed from there up: 2/10 + t/5 < 1 until t = 4 = e^1.386;
        # down: 2/10 + t/5 < t holds down to e^-1, below which 1/10 + t/5 < t holds until t = 1/8 as before.
        (np.array([-1.0] + [5.0] * 8), np.full(4, -5.0), -2.07, 1.38),
        # One of 4 forgeries has e^1: 1/10 + 2t/5 < 1 until t = 2.25 = e^0.811; 1/10 + 2t/5 < t until t = 1/6.
        (np.full(9, 5.0), np.array([1.0, -5.0, -5.0, -5.0]), -1.79, 0.81),
        # LRs that are the wrong way round are worth nothing.
        (np.full(9, -5.0), np.full(9, 5.0), 0.0, 0.0),
    ],
)
def test_golden_values(genuine, forged, lower, upper):
    assert measures.elub(genuine, forged) == pytest.approx((lower, upper), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(LLR, LLR)
def test_within_the_bounds_deciding_by_the_ratio_pays(genuine, forged):
    def pays(t):
        misses = (sum(llr <= t for llr in genuine) + 1) / (len(genuine) + 1)
        alarms = (sum(llr > t for llr in forged) + 1) / (len(forged) + 1)
        return misses + np.exp(t) * alarms < min(1, np.exp(t))

    for sign, bound in zip((-1, 1), measures.elub(genuine, forged), strict=True):
        steps = round(abs(bound) / 0.01)
        assert bound == pytest.approx(sign * 0.01 * steps)
        assert all(pays(sign * 0.01 * step) for step in range(1, steps + 1))
        assert not pays(sign * 0.01 * (steps + 1))


def test_bounds_grow_with_the_set():
    for count in (50, 500):
        lower, upper = measures.elub(np.full(count, 20.0), np.full(count, -20.0))
        assert (-lower, upper) == pytest.approx((np.log(count), np.log(count)), abs=0.011)


def test_the_step_is_the_resolution():
    bounds = measures.elub(np.full(99, 9.0), np.full(99, -9.0), step=1e-4)
    assert bounds == pytest.approx((-np.log(99), np.log(99)), abs=1.1e-4)
