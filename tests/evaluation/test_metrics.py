"""Every metric against scikit-learn, a few plain lines, or a published number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from sigkd.evaluation import metrics

scores = st.lists(st.integers(-20, 20), min_size=1, max_size=30).map(lambda values: np.array(values) / 8)
LLR = st.lists(st.floats(-8, 8), min_size=1, max_size=30).map(np.array)


def labelled(genuine, forged):
    return np.r_[np.ones(len(genuine)), np.zeros(len(forged))], np.r_[genuine, forged]


@settings(max_examples=40, deadline=None)
@given(scores, scores)
def test_roc_is_scikit_learns(genuine, forged):
    far, tpr, thresholds = roc_curve(*labelled(genuine, forged))
    ours = metrics.roc_points(genuine, forged)
    np.testing.assert_array_equal(ours[0], far)
    np.testing.assert_array_equal(ours[1], tpr)
    np.testing.assert_array_equal(ours[2], thresholds)


@settings(max_examples=40, deadline=None)
@given(scores, scores)
def test_eer_is_the_reference_implementations(genuine, forged):
    far, tpr, thresholds = roc_curve(*labelled(genuine, forged))
    best = min(enumerate(abs(far - (1 - tpr))), key=lambda pair: pair[1])[0]
    threshold = thresholds[best]
    expected = ((1 - np.mean(genuine >= threshold)) + (1 - np.mean(forged < threshold))) / 2
    assert metrics.eer_threshold(genuine, forged) == threshold
    assert metrics.eer_global(genuine, forged) == expected
    assert metrics.user_errors(genuine, forged) == (np.sum(genuine < threshold), np.sum(forged >= threshold))


@settings(max_examples=40, deadline=None)
@given(scores, scores)
def test_auc(genuine, forged):
    assert metrics.auc(genuine, forged) == pytest.approx(roc_auc_score(*labelled(genuine, forged)), abs=1e-12)
    pairs = np.sign(genuine[:, None] - forged[None])
    assert metrics.auc(genuine, forged) == pytest.approx((pairs.mean() + 1) / 2, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(scores, scores, st.sampled_from([0.0, 0.01, 0.1, 0.34, 0.5, 1.0]))
def test_frr_at_far(genuine, forged, target):
    limits = np.r_[np.unique(np.r_[genuine, forged]), np.inf]
    allowed = [metrics.frr(genuine, limit) for limit in limits if metrics.far(forged, limit) <= target + 1e-12]
    assert metrics.frr_at_far(genuine, forged, target) == pytest.approx(min(allowed), abs=1e-12)


def test_separated_and_reversed_scores():
    low, high = np.arange(5.0), np.arange(10.0, 14.0)
    assert metrics.eer_global(high, low) == 0 and metrics.auc(high, low) == 1
    assert metrics.eer_global(low, high) == 1 and metrics.auc(low, high) == 0
    assert metrics.min_cllr(high, low) == pytest.approx(0)
    assert metrics.eer_user([high, high], [low, low]) == 0


def test_user_eer_adds_up_errors_not_rates():
    # 1 of 1 rejected and none of 4 accepted; then no error among 3 and 4: (1/4 + 0/8) / 2.
    genuine, forged = [np.array([0.0]), np.full(3, 9.0)], [np.array([1.0, -1, -1, -1]), np.zeros(4)]
    assert metrics.user_errors(genuine[0], forged[0]) == (0, 1)
    assert metrics.eer_user(genuine, forged) == pytest.approx((0 / 4 + 1 / 8) / 2)


def test_scores_that_differ_by_almost_nothing_are_ordered_too():
    assert metrics.min_cllr(np.array([0.0]), np.array([1.9261594195409015e-64, -1.0])) <= 1


@settings(max_examples=40, deadline=None)
@given(LLR, LLR)
def test_cllr_in_plain_words(genuine, forged):
    ratio_genuine, ratio_forged = np.exp(genuine), np.exp(forged)
    expected = (np.mean(np.log2(1 + 1 / ratio_genuine)) + np.mean(np.log2(1 + ratio_forged))) / 2
    assert metrics.cllr(genuine, forged) == pytest.approx(expected, rel=1e-9)
    assert metrics.min_cllr(genuine, forged) <= min(1, metrics.cllr(genuine, forged)) + 1e-9
    even = metrics.ece_curve(genuine, forged, np.zeros(1))[0]
    assert even == pytest.approx(metrics.cllr(genuine, forged), rel=1e-9)


def test_cllr_of_saying_nothing_is_one_bit():
    assert metrics.cllr(np.zeros(3), np.zeros(7)) == pytest.approx(1)


def test_pav_of_a_hand_worked_example():
    # Sorted: f g f g g; pooling the violating pair g f gives posteriors 0, 1/2-weighted, ..., 1.
    genuine, forged = np.array([2.0, 4.0, 5.0]), np.array([1.0, 3.0])
    of_genuine, of_forged = metrics.pav_llr(genuine, forged)
    pooled = np.log((1 / 3) / (1 / 2))  # weights 1/3 a genuine, 1/2 a forged score
    np.testing.assert_allclose(of_genuine, [pooled, np.inf, np.inf])
    np.testing.assert_allclose(of_forged, [-np.inf, pooled])
    expected = (np.log2(1 + 1.5) / 3 + np.log2(1 + 2 / 3) / 2) / 2
    assert metrics.min_cllr(genuine, forged) == pytest.approx(expected)


@settings(max_examples=40, deadline=None)
@given(scores, scores)
def test_min_cllr_ignores_monotone_changes(genuine, forged):
    stretched = metrics.min_cllr(np.exp(genuine) * 3, np.exp(forged) * 3)
    assert metrics.min_cllr(genuine, forged) == pytest.approx(stretched, abs=1e-9)


def test_calibration_of_gaussian_scores_is_the_known_line():
    # Two unit Gaussians at 2 and 0: log LR = 2 s - 2.
    rng = np.random.default_rng(0)
    slope, intercept = metrics.calibrate(rng.normal(2, 1, 20000), rng.normal(0, 1, 40000))
    assert slope == pytest.approx(2, abs=0.06) and intercept == pytest.approx(-2, abs=0.08)


def test_calibration_of_separated_or_constant_scores_is_finite():
    for genuine, forged in ((np.arange(5.0) + 10, np.arange(5.0)), (np.ones(4), np.ones(4))):
        assert np.isfinite(metrics.calibrate(genuine, forged)).all()


def test_d_prime():
    assert metrics.d_prime(np.array([1.0, 3.0]), np.array([-1.0, 1.0])) == pytest.approx(2.0)
    assert metrics.d_prime(np.ones(2), np.ones(2)) == 0


def test_rule_of_three():
    assert metrics.rule_of_three(300) == pytest.approx(0.01)
    assert metrics.rule_of_three(1) == 1
    assert abs(metrics.rule_of_three(1000) - (1 - 0.05 ** (1 / 1000))) < 2e-5  # the exact bound
