"""Thresholds, three answers, words."""

from __future__ import annotations

import numpy as np
import pytest

from sigkd.errors import ExitCode, UsageError
from sigkd.verification.decision import Decision, Thresholds, thresholds_at, uncalibrated
from sigkd.verification.scale import verbal


def test_three_answers() -> None:
    limits = Thresholds(1.0, -1.0, "test")
    assert [limits.decide(s) for s in (1.0, 0.0, -1.0, -1.1)] == [
        Decision.ACCEPTED,
        Decision.INCONCLUSIVE,
        Decision.INCONCLUSIVE,
        Decision.REJECTED,
    ]
    assert [d.exit_code for d in Decision] == [ExitCode.DONE, ExitCode.REJECTED] + 2 * [ExitCode.INCONCLUSIVE]


@pytest.mark.parametrize(("far", "frr"), [(0.05, 0.05), (0.01, 0.1), (0.2, 0.01)])
def test_stated_rates_are_kept(far: float, frr: float) -> None:
    generator = np.random.default_rng(0)
    genuine, impostor = generator.normal(1, 1, 500), generator.normal(-0.5, 1, 300)
    accept, reject, found_far, found_frr = thresholds_at(genuine, impostor, far, frr)
    assert found_far == (impostor >= accept).mean() <= far
    assert found_frr == (genuine < reject).mean() <= frr
    assert reject <= accept


def test_nothing_is_inconclusive_where_both_rates_can_be_kept() -> None:
    generator = np.random.default_rng(0)
    accept, reject, far, frr = thresholds_at(generator.normal(5, 1, 400), generator.normal(-5, 1, 400), 0.01, 0.01)
    assert accept == reject
    assert far <= 0.01 and frr <= 0.01


def test_a_rate_that_the_scores_cannot_show_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be stated from 50 scores"):
        thresholds_at(np.zeros(50), np.zeros(50), 0.001, 0.1)
    with pytest.raises(UsageError, match="between 0 and 1"):
        thresholds_at(np.zeros(50), np.zeros(50), 1.5, 0.1)


def test_without_a_calibration_the_references_set_the_threshold() -> None:
    limits = uncalibrated(np.array([0.4, 0.1, 0.7]), 0.0, "own border", "why")
    assert limits.accept == limits.reject == 0.1
    assert "lowest score of a reference" in limits.origin
    assert "own border" in uncalibrated(np.empty(0), 0.0, "own border", "why").origin


@pytest.mark.parametrize(
    ("log10_lr", "strength", "proposition"),
    [
        (0.1, "no", None),
        (0.5, "weak", "H1"),
        (1.5, "moderate", "H1"),
        (-2.5, "moderately strong", "H2"),
        (3.5, "strong", "H1"),
        (-5.0, "very strong", "H2"),
        (7.0, "extremely strong", "H1"),
    ],
)
def test_verbal_scale(log10_lr: float, strength: str, proposition: str | None) -> None:
    words = verbal(log10_lr)
    assert (words.strength, words.proposition) == (strength, proposition)
    assert "%" not in words.sentence
