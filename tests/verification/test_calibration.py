"""Fitting, keeping and refusing calibrations."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sigkd.classifiers.negatives import Negatives
from sigkd.errors import CalibrationError, UsageError
from sigkd.measures import Logistic
from sigkd.models.binding import Binding
from sigkd.models.io import load_model
from sigkd.verification.calibration import (
    DEFAULT_FILE,
    CalibrationSet,
    fit_calibration,
    load_calibration,
    read_calibration,
)
from sigkd.verification.calibrations import METHODS
from sigkd.verification.calibrations.logistic import LogisticCalibration
from sigkd.verification.choices import Choices
from sigkd.verification.policy import Policy
from sigkd.verification.verifier import Verifier

BINDING = Binding("ab" * 32, "1", (952, 1360), "tiny")


def _fit(references: int, count: int = 300):
    """A calibration on normal scores of 10 writers."""
    generator = np.random.default_rng(references)
    genuine, skilled, random = (generator.normal(mean, 1, count) for mean in (2, 0, -2))
    return fit_calibration(
        genuine,
        {"skilled": skilled, "random": random},
        classifier="wd",
        negatives="cohort",
        references=references,
        writers=10,
    )


@pytest.fixture
def known() -> CalibrationSet:
    fitted = tuple(_fit(count) for count in (1, 3, 8))
    return CalibrationSet(BINDING, "c0" * 32, "logistic", {"name": "made-up"}, fitted)


def test_kept_and_read_again(known: CalibrationSet, tmp_path: Path, fits_schema: Callable[[Path], None]) -> None:
    known.save(tmp_path / "c.json")
    fits_schema(tmp_path / "c.json")
    again = read_calibration(tmp_path / "c.json")
    assert again.hash == known.hash == hashlib.sha256((tmp_path / "c.json").read_bytes()).hexdigest()
    assert replace(again, source=known.source).as_dict() == known.as_dict()
    scores = np.linspace(-3, 4, 20)
    for one, two in zip(known.calibrations, again.calibrations, strict=True):
        assert one.thresholds("x", Policy(), "logistic") == two.thresholds("x", Policy(), "logistic")
        for kind in ("skilled", "random"):
            for name in METHODS:
                pair = [c.alternative(kind).method(name).log10_lr(scores) for c in (one, two)]
                np.testing.assert_array_equal(*pair)


def test_the_nearest_number_of_references_is_used(known: CalibrationSet) -> None:
    found = {count: known.find("wd", "cohort", count) for count in (1, 2, 5, 20)}
    assert {count: one and one.references for count, one in found.items()} == {1: 1, 2: 1, 5: 3, 20: 8}
    assert known.find("wi", "cohort", 3) is None
    assert known.find("wd", "writers", 3) is None


@pytest.fixture
def constant(monkeypatch):
    """A method that this sigkd learns about after files were written."""

    class Twofold(LogisticCalibration):
        @staticmethod
        def fit_curve(genuine, forged):
            return Logistic(1.0, float(len(genuine)))

    monkeypatch.setitem(METHODS._entries, "twofold", Twofold)
    return "twofold"


def test_a_new_method_leaves_older_files_readable(known: CalibrationSet, tmp_path: Path, request) -> None:
    known.save(tmp_path / "older.json")
    hashes = [known.hash, read_calibration(DEFAULT_FILE).hash]
    new = request.getfixturevalue("constant")
    for path, known_hash in zip((tmp_path / "older.json", DEFAULT_FILE), hashes, strict=True):
        older = read_calibration(path)
        assert older.hash == known_hash and older.chosen(None) == "logistic" and older.chosen(new) == new
        alternative = older.calibrations[0].alternative("skilled")
        assert new not in alternative.fitted
        assert alternative.method(new).curve == Logistic(1.0, len(alternative.genuine))  # fitted to the kept scores
        assert 0 < alternative.cllr(new) < np.inf
        assert alternative.cllr("logistic") == alternative.measures["cllr_logistic"]


def test_the_shipped_calibration_has_every_method() -> None:
    shipped = read_calibration(DEFAULT_FILE)
    for one in shipped.calibrations:
        for kind, alternative in one.alternatives.items():
            for name in METHODS:
                method = alternative.method(name)
                assert method.bounds[0] < 0 < method.bounds[1]
                # 1 bit is what saying nothing costs; a signature without its size says least
                most = 0.6 if one.scale == "known" else 0.75
                assert alternative.cllr(name) < most, (one.classifier, one.references, one.scale, kind, name)


def test_a_file_of_a_sigkd_with_more_methods(known: CalibrationSet, tmp_path: Path, request) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(METHODS._entries, "twofold", type("Twofold", (LogisticCalibration,), {}))
        more = CalibrationSet(BINDING, "c0" * 32, "twofold", {"name": "made-up"}, (_fit(3),))
        more.save(tmp_path / "newer.json")
    newer = read_calibration(tmp_path / "newer.json")
    assert newer.hash == more.hash and newer.chosen("pav") == "pav"
    with pytest.raises(CalibrationError, match=r"newer.json: recommends the method 'twofold'.* density, logistic, pav"):
        newer.chosen(None)
    with pytest.raises(UsageError, match="unknown calibration method 'twofold'"):
        newer.calibrations[0].alternative(None).method("twofold")


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


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda one, _: one.update(genuine=[-4.0, -3.0]), "do not score higher"),
        (lambda one, _: one.update(genuine=[float("nan")]), "finite number"),
        (lambda one, _: one.update(genuine=["1.5", "2.5"]), "finite numbers"),
        (lambda one, _: one.update(genuine=[10**400, 1]), "finite numbers"),
        (lambda one, _: one.update(references=0), "1 or more"),
        (lambda one, _: one.update(alternatives={}), "no alternatives"),
        (lambda _, other: other.update(scores=[9.0, 10.0]), "do not score higher"),
        (lambda _, other: other.update(scores=[0.0, None]), "finite number"),
        (lambda _, other: other["logistic"].update(slope=-1.0), "slope must be positive"),
        (lambda _, other: other["pav"]["scores"].reverse(), "never fall"),
        (lambda _, other: other["density"]["llr"].reverse(), "never fall"),
        (lambda _, other: other["bounds"]["logistic"].reverse(), "bounds of ln LR"),
        (lambda _, other: other["bounds"].update(pav=[-1e9, 1e9]), "bounds of ln LR"),
        (lambda _, other: other["measures"].update(eer="low"), "finite number"),
    ],
)
def test_wrong_numbers_are_refused_in_one_line(known: CalibrationSet, tmp_path: Path, change, words: str) -> None:
    document = json.loads(json.dumps(known.as_dict()))
    change(document["calibrations"][1], document["calibrations"][1]["alternatives"]["random"])
    (tmp_path / "c.json").write_text(json.dumps(document))
    with pytest.raises(CalibrationError, match=words) as caught:
        read_calibration(tmp_path / "c.json")
    assert str(caught.value).startswith(str(tmp_path / "c.json")) and "\n" not in str(caught.value)


def test_newer_and_absent_files(known: CalibrationSet, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(json.dumps({**known.as_dict(), "version": 99}))
    with pytest.raises(CalibrationError, match="newer sigkd"):
        read_calibration(tmp_path / "c.json")
    with pytest.raises(CalibrationError, match="no such calibration"):
        read_calibration(tmp_path / "absent.json")


def test_auto_is_the_machine_wherever_it_is_calibrated() -> None:
    assert [Verifier(Choices(device="cpu")).classifier(count).name for count in (1, 2, 3)] == ["wd-centred"] * 3
    model = load_model("resnet18:random")
    strangers = Negatives(np.zeros((4, 2048), np.float32), binding=Binding.of(model))
    alone = Verifier(Choices(model=model, cohort=strangers, device="cpu"))
    assert [alone.classifier(count).name for count in (1, 2, 3)] == ["wi", "wi", "wd"]
