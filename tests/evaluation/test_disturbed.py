"""``evaluate --disturb``: the verifier's own answers to disturbed scans, row by row."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from sigkd import Verifier
from sigkd.datasets.layouts import scan_dataset
from sigkd.errors import UsageError
from sigkd.evaluation.disturbed import STANDARD, evaluate_disturbed
from sigkd.evaluation.disturbed_results import Tally, disturbed_grid
from sigkd.images.reader import read_image
from sigkd.synthesis.disturbances import DISTURBANCES, parse_chain
from sigkd.synthesis.disturbances.registry import Disturbance
from sigkd.verification.calibration import CalibrationSet, fit_calibration


@pytest.fixture
def blank(monkeypatch):
    """A disturbance that leaves white paper."""
    entry = Disturbance(
        "blank", "erased", None, "tests", lambda scan, level, rng: scan.with_image(scan.image * 0 + 255)
    )
    monkeypatch.setitem(DISTURBANCES._entries, "blank", entry)


@pytest.fixture(scope="module")
def evaluated(views_verifier, made_up_signatures):
    """Return the evaluation of two references and two genuine queries a writer."""

    def evaluate(*disturbances, **how):
        how = {"dpi": 400.0, "references": 2, "genuine": 2, "skilled": 1, "writers": "0:2", "workers": 2, **how}
        return evaluate_disturbed(views_verifier, made_up_signatures, "folder", disturbances, **how)

    return evaluate


def test_the_answers_are_those_of_verify(evaluated, views_verifier, made_up_signatures):
    found = evaluated("plain")
    (row,) = found.rows
    assert row.disturbance == "plain" and len(row.answers) == len(found.trials) == 2 * 4
    assert [trial.kind for trial in found.trials[:4]] == ["genuine", "genuine", "skilled", "stranger"]
    verifier = Verifier(replace(views_verifier.choices, dpi=400.0))
    for trial, answer in list(zip(found.trials, row.answers, strict=True))[:4]:
        paths = [made_up_signatures / name for name in (*trial.references, trial.file)]
        again = verifier.verify_against(paths[:-1], paths[-1])
        assert (answer.answer, answer.score) == (again.decision.value, pytest.approx(again.score, abs=1e-5))


def test_trials_are_drawn_fairly_and_by_the_seed(evaluated):
    found, again = evaluated("plain"), evaluated("plain", workers=1)
    assert found == again
    assert evaluated("plain", seed=1).trials != found.trials
    for trial in found.trials:
        assert trial.file not in trial.references and all(name.startswith(trial.writer) for name in trial.references)
        kind = "forged" if trial.kind == "skilled" else "genuine"
        assert f"/{kind}/" in trial.file
        assert trial.file.startswith(trial.writer) == (trial.kind != "stranger")


@pytest.mark.parametrize("side", ["query", "references", "both"])
def test_what_is_refused_shows(evaluated, blank, side):
    plain, erased = evaluated("blank", side=side).rows
    assert plain.genuine.refused.count == 0
    for tally in (erased.genuine, erased.skilled, erased.stranger):
        assert tally.refused.count == tally.trials > 0 and tally.accepted.count == 0
    assert "blank paper" in erased.answers[0].remarks[0]


def test_a_side_is_disturbed_alone(evaluated):
    query, references, both = (evaluated("ink=0.15", side=side).rows[1] for side in ("query", "references", "both"))
    assert all("faint" in answer.remarks for answer in query.answers)
    assert not any("faint" in answer.remarks for answer in references.answers)  # remarks are on the query
    assert all("faint" in answer.remarks or answer.answer == "refused" for answer in both.answers)
    scores = [[answer.score for answer in row.answers] for row in (query, references, both)]
    assert scores[0] != scores[1] != scores[2] != scores[0]


def test_a_resolution_is_presumed_of_files_that_tell_none(views_verifier, made_up_signatures, tmp_path):
    for path in made_up_signatures.glob("00[12]/*/*.png"):
        bare = tmp_path / path.relative_to(made_up_signatures)
        bare.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(read_image(path)).save(bare)
    how = {"references": 2, "genuine": 1, "skilled": 1}
    for dpi in (None, 400.0):
        found = evaluate_disturbed(views_verifier, tmp_path, "folder", ["plain"], dpi=dpi, **how)
        unknown = ["resolution-unknown" in answer.remarks for answer in found.rows[0].answers]
        assert unknown == [dpi is None] * 6


def test_resolution_is_read_from_the_disturbed_file(evaluated):
    rows = {row.disturbance: row.answers for row in evaluated("resolution=100", "untagged").rows}
    assert all("low-resolution" in answer.remarks for answer in rows["resolution=100"])
    assert all("resolution-unknown" in answer.remarks for answer in rows["untagged"])
    assert not any("resolution-unknown" in answer.remarks for answer in rows["plain"])


def test_calibrations_on_the_other_writers(evaluated):
    found = evaluated("plain", cross_fit=True, writers=None)
    assert "in turn" in found.thresholds and found.calibrated_on == [] and found.calibration_hash is None
    assert any(answer.log10_lr is not None for answer in found.rows[0].answers)


def test_a_calibration_on_the_same_writers_is_said(evaluated):
    found = evaluated("plain")
    assert "underestimated" not in " ".join(disturbed_grid(found).notes)
    same = replace(found, calibrated_on=found.writers)
    assert "names 2 of these writers" in " ".join(disturbed_grid(same).notes)


@pytest.mark.parametrize(("facts", "said"), [({}, True), ({"scans": "own"}, True), ({"scans": "other"}, False)])
def test_writers_of_the_calibration_are_told_by_set_and_name(views_verifier, made_up_signatures, facts, said):
    if facts.get("scans") == "own":
        facts = {"scans": scan_dataset("folder", made_up_signatures).fingerprint}
    other = {"name": "y", "scans": "another", "writers": ["001"]}
    data = {"name": "x + y", "writers": ["x 002", "y 001"], "sets": [{"writers": ["002", "009"], **facts}, other]}
    drawn = np.random.default_rng(0).normal([[1.0], [-1.0]], 1.0, (2, 100))
    about = {"classifier": "wd", "negatives": "cohort", "references": 1, "writers": 9}
    fitted = fit_calibration(drawn[0], {"skilled": drawn[1]}, **about)
    calibrations = CalibrationSet(views_verifier.binding, views_verifier.cohort.hash, "logistic", data, (fitted,))
    verifier = Verifier(replace(views_verifier.choices, calibration=calibrations))
    found = evaluate_disturbed(
        verifier, made_up_signatures, "folder", ["plain"], dpi=400.0, references=1, genuine=1, skilled=1, writers="0:2"
    )
    assert found.calibrated_on == (["002"] if said else [])


def test_tally():
    tally = Tally.of(["accepted", "accepted", "rejected", "suspected copy"])
    assert (tally.trials, tally.accepted.count, tally.accepted.rate, tally.refused.count) == (4, 2, 0.5, 0)
    assert tally.suspected_copy.count == 1 and tally.accepted.ci95 == pytest.approx((0.15, 0.85), abs=0.005)
    assert Tally.of([]) is None


def test_the_standard_list_is_of_the_registry():
    assert len({parse_chain(name).name for name in STANDARD}) == len(STANDARD)


def test_what_is_wrong_is_said(evaluated):
    with pytest.raises(UsageError, match="Did you mean 'line'"):
        evaluated("lines")
    with pytest.raises(UsageError, match="unknown side"):
        evaluated("line", side="queries")
