"""Fitting, keeping and refusing calibrations; trials; rates on held-out writers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sigkd.errors import CalibrationError, InputError, UsageError
from sigkd.models.binding import Binding
from sigkd.verification.calibration import CalibrationSet, fit_calibration, load_calibration, read_calibration
from sigkd.verification.classifiers import CLASSIFIERS
from sigkd.verification.held_out import cross_validate
from sigkd.verification.trials import Trials, collect_trials, select_writers

BINDING = Binding("ab" * 32, "1", (952, 1360), "tiny")


def _trials(seed: int = 0, writers: int = 10, each: int = 30) -> Trials:
    generator = np.random.default_rng(seed)
    owner = np.repeat(np.arange(writers), each)
    return Trials(
        generator.normal(2, 1, len(owner)),
        generator.normal(0, 1, len(owner)),
        generator.normal(-2, 1, len(owner)),
        owner,
        owner,
        owner,
    )


@pytest.fixture
def known() -> CalibrationSet:
    fitted = tuple(fit_calibration(_trials(count), "wd", "cohort", count) for count in (1, 3, 8))
    return CalibrationSet(BINDING, "c0" * 32, "logistic", {"name": "made-up"}, fitted)


def test_kept_and_read_again(known: CalibrationSet, tmp_path: Path) -> None:
    known.save(tmp_path / "c.json")
    again = read_calibration(tmp_path / "c.json")
    assert again.hash == known.hash or replace(again, source=known.source).as_dict() == again.as_dict()
    scores = np.linspace(-3, 4, 20)
    for method in ("logistic", "pav"):
        for kind in ("skilled", "random"):
            one, two = (c.calibrations[1].log10_lr(scores, method, kind) for c in (known, again))
            assert np.allclose(one, two, atol=1e-4)
    assert again.calibrations[0].thresholds("x").accept == pytest.approx(
        known.calibrations[0].thresholds("x").accept, abs=1e-4
    )


def test_the_nearest_number_of_references_is_used(known: CalibrationSet) -> None:
    found = {count: known.find("wd", "cohort", count) for count in (1, 2, 5, 20)}
    assert {count: one and one.references for count, one in found.items()} == {1: 1, 2: 1, 5: 3, 20: 8}
    assert known.find("wi", "cohort", 3) is None
    assert known.find("wd", "writers", 3) is None


def test_lrs_are_bounded_and_monotone(known: CalibrationSet) -> None:
    one = known.calibrations[1]
    llr = one.log10_lr(np.linspace(-100, 100, 50), "logistic")
    assert (np.diff(llr) >= 0).all()
    assert (llr[0], llr[-1]) == pytest.approx(one.bounds10("logistic"))
    assert one.bounds10("logistic")[1] <= np.log10(301)


@pytest.mark.parametrize(
    ("binding", "cohort", "words"),
    [
        (Binding("ff" * 32, "1", (952, 1360)), None, "the model is"),
        (Binding("ab" * 32, "2", (952, 1360)), None, "the preprocessing is"),
        (Binding("ab" * 32, "1", (600, 850)), None, "the canvas is"),
        (BINDING, "d0" * 32, "the cohort is"),
    ],
)
def test_made_for_something_else(known: CalibrationSet, tmp_path: Path, binding: Binding, cohort, words: str) -> None:
    known.save(tmp_path / "c.json")
    with pytest.raises(CalibrationError, match=words):
        load_calibration(tmp_path / "c.json", binding, cohort)


def test_the_default_is_passed_over_where_it_does_not_fit(known, tmp_path, monkeypatch) -> None:
    from sigkd.verification import calibration

    monkeypatch.setattr(calibration, "DEFAULT_FILE", tmp_path / "default.json")
    assert load_calibration(None, BINDING, None) is None
    known.save(tmp_path / "default.json")
    assert load_calibration(None, BINDING, known.cohort_hash) is not None
    assert load_calibration(None, Binding("ff" * 32, "1", (952, 1360)), None) is None
    assert load_calibration("none", BINDING, None) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "x"}', '{"format": "sigkd-calibration", "version": 1}'])
def test_damaged_files(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(CalibrationError, match="not a sigkd calibration"):
        read_calibration(tmp_path / "c.json")


def test_newer_and_absent_files(known: CalibrationSet, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(json.dumps({**known.as_dict(), "version": 99}))
    with pytest.raises(CalibrationError, match="newer sigkd"):
        read_calibration(tmp_path / "c.json")
    with pytest.raises(CalibrationError, match="no such calibration"):
        read_calibration(tmp_path / "absent.json")


@pytest.mark.parametrize("negatives", ["cohort", "writers"])
def test_trials_never_score_a_reference(negatives: str) -> None:
    generator = np.random.default_rng(0)
    features = generator.random((40, 16)).astype(np.float32)
    y, yforg = np.repeat(np.arange(5), 8), np.tile([0, 0, 0, 0, 0, 1, 1, 2], 5)
    seen: list[np.ndarray] = []

    class Spy:
        name = "spy"

        def fit(self, references, against):
            class Template:
                def scores(self, queries):
                    known = {row.tobytes() for row in np.concatenate([references, against])}
                    assert not known & {row.tobytes() for row in queries}
                    seen.append(queries)
                    return queries[:, 0].astype(float)

            return Template()

    cohort = generator.random((6, 16)).astype(np.float32)
    trials = collect_trials(features, y, yforg, Spy(), 2, cohort=cohort, negatives=negatives, splits=2)
    assert len(seen) == 10
    assert (len(trials.genuine), len(trials.skilled), len(trials.random)) == (2 * 5 * 3, 2 * 5 * 2, 2 * 5 * 12)
    one = trials.of_writers(np.array([3]))
    assert set(one.genuine_writer) == set(one.random_writer) == {3}


def test_trials_say_what_is_missing() -> None:
    features, y = np.ones((4, 3), np.float32), np.array([0, 0, 1, 1])
    wd = CLASSIFIERS.get("wd")
    with pytest.raises(InputError, match="more than 5 genuine"):
        collect_trials(features, y, np.zeros(4, int), wd, 5, cohort=features)
    with pytest.raises(UsageError, match="need a cohort"):
        collect_trials(features, y, np.zeros(4, int), wd, 1, cohort=None)


def test_select_writers() -> None:
    names = ["a", "b", "c", "d"]
    assert select_writers(None, names).tolist() == [0, 1, 2, 3]
    assert select_writers("1:3", names).tolist() == [1, 2]
    assert select_writers("-2:", names).tolist() == [2, 3]
    assert select_writers("d, a", names).tolist() == [3, 0]
    for bad in ("x", "1:2", "a:b"):
        with pytest.raises(UsageError):
            select_writers(bad, names)


def test_held_out_rates() -> None:
    rates = cross_validate(_trials(each=60), "wd", "cohort", 3, far=0.05, frr=0.05)
    assert rates.far_skilled == pytest.approx(0.05, abs=0.03)
    assert rates.frr == pytest.approx(0.05, abs=0.03)
    assert rates.far_random < 0.01
    assert 0 < rates.inconclusive_genuine < 0.5
    assert rates.min_cllr <= rates.cllr < 1
    assert rates.eer_skilled == pytest.approx(0.16, abs=0.03)
