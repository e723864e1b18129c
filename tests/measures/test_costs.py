"""Costs of likelihood ratios: in plain words, and the identities between them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigkd import measures

scores = st.lists(st.integers(-20, 20), min_size=1, max_size=30).map(lambda values: np.array(values) / 8)
LLR = st.lists(st.floats(-8, 8), min_size=1, max_size=30).map(np.array)


@settings(max_examples=40, deadline=None)
@given(LLR, LLR)
def test_cllr_in_plain_words(genuine, forged):
    ratio_genuine, ratio_forged = np.exp(genuine), np.exp(forged)
    expected = (np.mean(np.log2(1 + 1 / ratio_genuine)) + np.mean(np.log2(1 + ratio_forged))) / 2
    assert measures.cllr(genuine, forged) == pytest.approx(expected, rel=1e-9)
    assert measures.min_cllr(genuine, forged) <= min(1, measures.cllr(genuine, forged)) + 1e-9


@settings(max_examples=40, deadline=None)
@given(LLR, LLR)
def test_cllr_says_the_same_of_the_opposite_proposition(genuine, forged):
    assert measures.cllr(-forged, -genuine) == pytest.approx(measures.cllr(genuine, forged), rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(LLR, LLR, st.floats(-3, 3))
def test_cross_entropy_over_prior_odds_in_plain_words(genuine, forged, odds):
    prior = 10**odds / (1 + 10**odds)
    posterior = [prior * np.exp(llr) / (prior * np.exp(llr) + 1 - prior) for llr in (genuine, forged)]
    expected = -prior * np.mean(np.log2(posterior[0])) - (1 - prior) * np.mean(np.log2(1 - posterior[1]))
    assert measures.ece_curve(genuine, forged, np.array([odds]))[0] == pytest.approx(expected, rel=1e-6)
    even = measures.ece_curve(genuine, forged, np.zeros(1))[0]
    assert even == pytest.approx(measures.cllr(genuine, forged), rel=1e-9)


def test_saying_nothing_costs_one_bit_and_the_truth_nothing():
    assert measures.cllr(np.zeros(3), np.zeros(7)) == pytest.approx(1)
    assert measures.cllr(np.full(3, np.inf), np.full(7, -np.inf)) == 0
    assert measures.cllr(np.array([-np.inf]), np.zeros(7)) == np.inf


@settings(max_examples=40, deadline=None)
@given(scores, scores)
def test_min_cllr_ignores_monotone_changes(genuine, forged):
    stretched = measures.min_cllr(np.exp(genuine) * 3, np.exp(forged) * 3)
    assert measures.min_cllr(genuine, forged) == pytest.approx(stretched, abs=1e-9)


def test_min_cllr_of_separated_and_of_reversed_scores():
    low, high = np.arange(5.0), np.arange(10.0, 14.0)
    assert measures.min_cllr(high, low) == 0
    assert measures.min_cllr(low, high) == pytest.approx(1)


def test_scores_that_differ_by_almost_nothing_are_ordered_too():
    assert measures.min_cllr(np.array([0.0]), np.array([1.9261594195409015e-64, -1.0])) <= 1
