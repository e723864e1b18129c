"""Thresholds, three answers, words."""

from __future__ import annotations

import numpy as np
import pytest

from sigkd.errors import ExitCode, UsageError
from sigkd.verification.calibration import fit_calibration
from sigkd.verification.calibrations import METHODS
from sigkd.verification.decision import Decision, Thresholds, uncalibrated
from sigkd.verification.policy import Policy
from sigkd.verification.remarks import ODD, disagreement_remark, odd_reference_limit
from sigkd.verification.scale import verbal


def test_three_answers() -> None:
    limits = Thresholds(1.0, -1.0, "test")
    assert [limits.decide(s) for s in (1.0, 0.0, -1.0, -1.1)] == [
        Decision.ACCEPTED,
        Decision.INCONCLUSIVE,
        Decision.INCONCLUSIVE,
        Decision.REJECTED,
    ]
    assert [d.exit_code for d in Decision] == [
        ExitCode.DONE,
        ExitCode.REJECTED,
        ExitCode.INCONCLUSIVE,
        ExitCode.INCONCLUSIVE,
        ExitCode.INPUT,
    ]


@pytest.fixture(scope="module")
def calibration():
    generator = np.random.default_rng(0)
    genuine, skilled = generator.normal(1, 1, 600), generator.normal(-1, 1, 500)
    random = generator.normal(-3, 1, 500)
    return fit_calibration(
        genuine,
        {"skilled": skilled, "random": random},
        classifier="wd",
        negatives="cohort",
        references=3,
        writers=20,
    )


@pytest.mark.parametrize("method", list(METHODS))
@pytest.mark.parametrize(
    "policy",
    [
        Policy(),
        Policy(accept_lr=15, reject_lr=0.08),
        Policy(far=0.3, frr=0.3),  # rates so lax that scores without evidence would keep them
        Policy(far=0.01),
        Policy(frr=0.02),
    ],
)
def test_no_answer_contradicts_its_likelihood_ratio(calibration, method, policy) -> None:
    limits = calibration.thresholds("test", policy, method)
    scores = np.linspace(-6, 6, 2001)
    scores = np.concatenate([scores, [one for one in (limits.accept, limits.reject) if one is not None]])
    ratios = 10 ** calibration.alternative("skilled").method(method).log10_lr(scores)
    seen = set()
    for score, ratio in zip(scores.tolist(), ratios.tolist(), strict=True):
        decision = limits.decide(score)
        seen.add(decision)
        if decision is Decision.ACCEPTED:
            assert ratio >= (2 if policy.far else policy.accept_lr) * (1 - 1e-9)
        elif decision is Decision.REJECTED:
            assert ratio <= (0.5 if policy.frr else policy.reject_lr) * (1 + 1e-9)
        elif policy.far is None and policy.frr is None:
            assert policy.reject_lr < ratio < policy.accept_lr
    assert seen >= {Decision.ACCEPTED, Decision.REJECTED, Decision.INCONCLUSIVE}


@pytest.mark.parametrize(("far", "frr"), [(0.05, 0.05), (0.01, 0.1), (0.2, 0.01)])
def test_stated_rates_are_kept(calibration, far: float, frr: float) -> None:
    limits = calibration.thresholds("test", Policy(far=far, frr=frr), "logistic")
    impostor = calibration.alternative("skilled").impostor
    assert limits.far == (impostor >= limits.accept).mean() <= far
    assert limits.frr == (calibration.genuine < limits.reject).mean() <= frr
    assert limits.reject <= limits.accept


def test_triage_and_bounds_leave_an_answer_out(calibration) -> None:
    limits = calibration.thresholds("test", Policy(triage=True), "logistic")
    assert limits.reject is None and limits.frr == 0 and "never rejected" in str(limits)
    assert limits.decide(-1e9) is Decision.INCONCLUSIVE
    # more evidence than so few scores can carry
    limits = calibration.thresholds("test", Policy(accept_lr=1e9, reject_lr=1e-9), "logistic")
    assert limits.accept is limits.reject is None and limits.decide(1e9) is Decision.INCONCLUSIVE


def test_a_rate_that_the_scores_cannot_show_is_refused(calibration) -> None:
    with pytest.raises(UsageError, match=r"`far` 0.001 cannot be stated from 500 scores"):
        calibration.thresholds("test", Policy(far=0.001), "logistic")
    with pytest.raises(UsageError, match="lie in"):
        Policy(far=1.5)


def test_rates_are_those_of_the_thresholds(calibration) -> None:
    limits = calibration.thresholds("test", Policy(), "logistic")
    rates = {(one.kind, one.outcome): one for one in calibration.rates(limits)}
    skilled = rates["skilled", "accepted"]
    assert skilled.rate == limits.far and skilled.low < skilled.rate < skilled.high and skilled.writers == 20
    assert rates["genuine", "rejected"].rate == limits.frr
    shares = [limits.decide(one) for one in calibration.genuine.tolist()]
    assert rates["genuine", "inconclusive"].rate == pytest.approx(shares.count(Decision.INCONCLUSIVE) / len(shares))
    assert str(skilled).startswith("of 100 skilled forgeries about ") and "20 writers" in str(skilled)


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


def test_honest_references_seldom_disagree() -> None:
    generator = np.random.default_rng(4)
    genuine = np.sort(generator.normal(1, 1, 1000))
    draws = generator.normal(1, 1, (4000, 5))
    limit = odd_reference_limit(genuine, 5)
    assert (draws.min(axis=1) < limit).mean() == pytest.approx(ODD, abs=0.012)
    told = disagreement_remark(np.array([0.3, limit - 0.1, 1.0]), limit)
    assert told is not None and "reference 2 does" in told.text
    assert disagreement_remark(np.array([limit, 1.0, 1.0]), limit) is None
    assert disagreement_remark(np.array([-9.0, 1.0, 1.0]), None) is None
