"""Every method of calibration keeps to the same promises."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sigkd.errors import CalibrationError
from sigkd.measures import Logistic, cllr, min_cllr
from sigkd.verification.calibrations import METHODS
from sigkd.verification.calibrations._base import LN10, read_bounds

EACH = pytest.mark.parametrize("name", METHODS.names())


def _scores(count: int = 200):
    generator = np.random.default_rng(0)
    return generator.normal(1, 0.5, count), generator.normal(-0.5, 0.8, count + 50)


def test_the_shipped_methods_are_there() -> None:
    assert set(METHODS) >= {"density", "logistic", "pav"}


@EACH
def test_ratios_never_fall_and_stay_within_what_the_scores_carry(name: str) -> None:
    genuine, forged = _scores()
    method = METHODS.get(name).fit(genuine, forged)
    llr = method.log10_lr(np.linspace(-50, 50, 4001))
    assert (np.diff(llr) >= 0).all()
    assert (llr[0], llr[-1]) == pytest.approx(method.log10_bounds)
    assert -np.log10(251) <= llr[0] < -0.5 and 0.5 < llr[-1] <= np.log10(251)


@EACH
def test_calibrated_scores_cost_hardly_more_than_the_least(name: str) -> None:
    genuine, forged = _scores(1000)
    method = METHODS.get(name).fit(genuine, forged)
    cost = cllr(method.log10_lr(genuine) * LN10, method.log10_lr(forged) * LN10)
    least = min_cllr(genuine, forged)
    assert least < 0.5
    assert least <= cost < least + 0.05


@EACH
def test_kept_as_json(name: str) -> None:
    method = METHODS.get(name).fit(*_scores())
    again = METHODS.get(name).from_json(json.loads(json.dumps(method.to_json())), method.bounds)
    at = np.linspace(-3, 3, 100)
    np.testing.assert_array_equal(again.log10_lr(at), method.log10_lr(at))


@EACH
def test_refused_scores(name: str) -> None:
    genuine, forged = _scores()
    with pytest.raises(CalibrationError, match="nothing to calibrate"):
        METHODS.get(name).fit(forged, genuine)
    with pytest.raises(CalibrationError, match="at least two"):
        METHODS.get(name).fit(genuine[:1], forged)


@EACH
@pytest.mark.parametrize(
    "scores", [([1.0, 1.0, 1.0], [0.0, 0.0]), ([5.0, 6.0], [-6.0, -5.0]), ([0.0, 3.0], [1.0, 1.0])]
)
def test_few_and_equal_scores_give_finite_ratios(name: str, scores) -> None:
    genuine, forged = (np.array(kind) for kind in scores)
    llr = METHODS.get(name).fit(genuine, forged).log10_lr(np.linspace(-9, 9, 99))
    assert np.isfinite(llr).all() and (np.diff(llr) >= 0).all()


@pytest.mark.parametrize(
    ("name", "facts", "words"),
    [
        ("logistic", {"slope": -2.0, "intercept": 0.0}, "slope must be positive"),
        ("logistic", {"slope": 0, "intercept": 0.0}, "slope must be positive"),
        ("logistic", {"slope": float("nan"), "intercept": 0.0}, "finite number"),
        ("logistic", {"slope": "2.0", "intercept": 0.0}, "finite number"),
        ("logistic", {"slope": 2.0, "intercept": True}, "finite number"),
        ("pav", {"scores": [2.0, 1.0], "llr": [-1.0, 1.0]}, "never fall"),
        ("pav", {"scores": [1.0, 2.0], "llr": [1.0, -1.0]}, "never fall"),
        ("pav", {"scores": [1.0, 2.0], "llr": [1.0]}, "equally many"),
        ("density", {"scores": [], "llr": []}, "list of finite numbers"),
        ("density", {"scores": [1.0, None], "llr": [0.0, 1.0]}, "finite number"),
    ],
)
def test_curves_that_no_fit_gives_are_refused(name: str, facts, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        METHODS.get(name).from_json(facts, (-1.0, 1.0))


@pytest.mark.parametrize(
    "bounds", [[1.0, -1.0], [0.5, 2.0], [-2.0, -1.0], [-1e300, 2.0], [-1.0], [-1.0, float("inf")], "-1"]
)
def test_bounds_that_no_fit_gives_are_refused(bounds) -> None:
    with pytest.raises(ValueError, match=r"bounds|number"):
        read_bounds(bounds)


def test_logistic_is_the_line_between_its_bounds() -> None:
    method = METHODS.get("logistic")(Logistic(2.0, -1.0), (-3.0, 4.0))
    np.testing.assert_allclose(method.log10_lr(np.array([-9.0, 1.0, 9.0])), np.array([-3, 1, 4]) / np.log(10))
