"""Every rate against scikit-learn, a few plain lines, or a published number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score, roc_curve

from sigkd import measures

scores = st.lists(st.integers(-20, 20), min_size=1, max_size=30).map(lambda values: np.array(values) / 8)


def labelled(genuine, forged):
    return np.r_[np.ones(len(genuine)), np.zeros(len(forged))], np.r_[genuine, forged]


@settings(max_examples=40, deadline=None)
@given(scores, scores)
def test_roc_is_scikit_learns(genuine, forged):
    far, tpr, thresholds = roc_curve(*labelled(genuine, forged))
    ours = measures.roc_points(genuine, forged)
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
    assert measures.eer_threshold(genuine, forged) == threshold
    assert measures.eer_global(genuine, forged) == expected
    assert measures.user_errors(genuine, forged) == (np.sum(genuine < threshold), np.sum(forged >= threshold))


@settings(max_examples=60, deadline=None)
@given(scores, scores)
def test_eer_by_trying_every_threshold(genuine, forged):
    tried = [np.inf, *sorted({*genuine.tolist(), *forged.tolist()}, reverse=True)]
    points = [(sum(s >= t for s in forged), sum(s >= t for s in genuine)) for t in tried]
    straight = [
        i > 1 and i + 1 < len(points)
        and all(points[i + 1][k] - points[i][k] == points[i][k] - points[i - 1][k] for k in (0, 1))
        for i in range(len(points))
    ]  # fmt: skip
    gaps = [
        np.inf if left_out else abs(wrong / len(forged) - (1 - accepted / len(genuine)))
        for (wrong, accepted), left_out in zip(points, straight, strict=True)
    ]
    best = gaps.index(min(gaps))
    rejected, accepted = len(genuine) - points[best][1], points[best][0]
    assert measures.eer_threshold(genuine, forged) == tried[best]
    assert measures.user_errors(genuine, forged) == (rejected, accepted)
    assert measures.eer_global(genuine, forged) == pytest.approx(
        (rejected / len(genuine) + accepted / len(forged)) / 2, abs=1e-12
    )


@settings(max_examples=40, deadline=None)
@given(scores, scores)
def test_auc(genuine, forged):
    assert measures.auc(genuine, forged) == pytest.approx(roc_auc_score(*labelled(genuine, forged)), abs=1e-12)
    pairs = np.sign(genuine[:, None] - forged[None])
    assert measures.auc(genuine, forged) == pytest.approx((pairs.mean() + 1) / 2, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(scores, scores, st.sampled_from([0.0, 0.01, 0.1, 0.34, 0.5, 1.0]))
def test_frr_at_far(genuine, forged, target):
    limits = np.r_[np.unique(np.r_[genuine, forged]), np.inf]
    allowed = [measures.frr(genuine, limit) for limit in limits if measures.far(forged, limit) <= target + 1e-12]
    assert measures.frr_at_far(genuine, forged, target) == pytest.approx(min(allowed), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(scores, st.integers(0, 100))
def test_thresholds_at_a_rate_are_the_outermost_that_keep_it(own, percent):
    rate = percent / 100
    allowed = percent * len(own) // 100
    limit = measures.threshold_at_far(own, rate)
    assert np.sum(own >= limit) <= allowed
    assert np.sum(own >= np.nextafter(limit, -np.inf)) > allowed or allowed == len(own)
    limit = measures.threshold_at_frr(own, rate)
    assert np.sum(own < limit) <= allowed
    assert np.sum(own < np.nextafter(limit, np.inf)) > allowed or allowed == len(own)


def test_a_rate_that_binary_makes_a_little_less_still_counts():
    hundred = np.arange(100.0)
    assert 0.29 * 100 < 29
    assert measures.far(hundred, measures.threshold_at_far(hundred, 0.29)) == pytest.approx(0.29)
    assert measures.frr(hundred, measures.threshold_at_frr(hundred, 0.29)) == pytest.approx(0.29)


def test_separated_and_reversed_scores():
    low, high = np.arange(5.0), np.arange(10.0, 14.0)
    assert measures.eer_global(high, low) == 0 and measures.auc(high, low) == 1
    assert measures.eer_global(low, high) == 1 and measures.auc(low, high) == 0
    assert measures.eer_user([high, high], [low, low]) == 0


def test_user_eer_adds_up_errors_not_rates():
    # 1 of 1 rejected and none of 4 accepted; then no error among 3 and 4: (1/4 + 0/8) / 2.
    genuine, forged = [np.array([0.0]), np.full(3, 9.0)], [np.array([1.0, -1, -1, -1]), np.zeros(4)]
    assert measures.user_errors(genuine[0], forged[0]) == (0, 1)
    assert measures.eer_user(genuine, forged) == pytest.approx((0 / 4 + 1 / 8) / 2)


def test_d_prime():
    assert measures.d_prime(np.array([1.0, 3.0]), np.array([-1.0, 1.0])) == pytest.approx(2.0)
    assert measures.d_prime(np.ones(2), np.ones(2)) == 0


def test_rule_of_three():
    assert measures.rule_of_three(300) == pytest.approx(0.01)
    assert measures.rule_of_three(1) == 1
    assert abs(measures.rule_of_three(1000) - (1 - 0.05 ** (1 / 1000))) < 2e-5  # the exact bound


@pytest.mark.parametrize(("wrong", "trials"), [(0, 22), (50, 100), (1, 20), (22, 22)])
def test_wilson_interval_is_scipys(wrong, trials):
    expected = binomtest(wrong, trials).proportion_ci(method="wilson")
    assert measures.wilson_interval(wrong / trials, trials) == pytest.approx((expected.low, expected.high), abs=1e-6)
