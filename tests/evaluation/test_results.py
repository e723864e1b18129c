"""Results files: what is written comes back, and what is wrong with a file is said."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sigkd.errors import InputError
from sigkd.evaluation import results


def test_round_trip(results_file, document):
    again = results.load(results_file)
    assert results.dumps(again) == results.dumps(document) == results_file.read_text(encoding="utf-8").rstrip("\n")
    for one, two in zip(document["results"], again["results"], strict=True):
        for own, other in zip(one["splits"], two["splits"], strict=True):
            assert own.writers == other.writers and own.calibration == other.calibration
            np.testing.assert_array_equal(np.concatenate(own.random), np.concatenate(other.random))
            np.testing.assert_array_equal(own.split.writers[2].references, other.split.writers[2].references)
    for line in results_file.read_text().splitlines():
        assert not line.strip().rstrip(",").lstrip("-").replace(".", "", 1).isdigit() or len(line) < 80


def test_scores_come_back_exactly(monkeypatch):
    scores = [np.array([0.1, -1 / 3]), np.zeros(0), np.array([np.pi])]
    for limit in (100, 0):
        monkeypatch.setattr(results, "INLINE", limit)
        stored = json.loads(json.dumps(results.encode(scores)))
        assert isinstance(stored, list) == (limit == 100)
        for own, again in zip(scores, results.decode(stored), strict=True):
            np.testing.assert_array_equal(own, again)


def test_large_sets_of_scores_work_everywhere(tmp_path, monkeypatch, features):
    from sigkd.evaluation.evaluate import Settings, evaluate_features

    monkeypatch.setattr(results, "INLINE", 5)
    document = evaluate_features(*features, 3, 1, settings=Settings(bootstrap=0))
    results.save(tmp_path / "r.json", document)
    (scores,) = results.scores_of(results.load(tmp_path / "r.json")["results"][0])
    assert len(scores.random[0]) == document["results"][0]["random_per_writer"]


def change(path, document, edit):
    own = json.loads(results.dumps(document))
    edit(own)
    path.write_text(json.dumps(own))
    return path


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: d.update(version=7), "version 7, this sigkd reads version 1"),
        (lambda d: d.update(format="other"), "not a results file"),
        (lambda d: d["results"][0].pop("eer_user"), "damaged.*eer_user"),
        (lambda d: d.update(results=[]), "no results in it"),
        (lambda d: d["results"][0]["splits"][0]["scores"]["genuine"][0].__setitem__(0, float("nan")), "holds NaN"),
        (lambda d: d["results"][0]["eer_user"].__setitem__("mean", float("inf")), "holds Infinity"),
        (lambda d: d["results"][0]["splits"][0]["scores"]["genuine"].pop(), "genuine scores for 10 writers"),
        (lambda d: d["datasets"].clear(), "not described"),
    ],
)
def test_bad_files_say_what_is_wrong(tmp_path, document, edit, message):
    with pytest.raises(InputError, match=message) as caught:
        results.load(change(tmp_path / "bad.json", document, edit))
    assert "bad.json" in str(caught.value)


def test_absent_truncated_and_foreign_files(tmp_path, results_file):
    with pytest.raises(InputError, match="no such results file"):
        results.load(tmp_path / "absent.json")
    cut = tmp_path / "cut.json"
    cut.write_text(results_file.read_text()[:1000])
    with pytest.raises(InputError, match=r"cut\.json: (truncated|damaged)"):
        results.load(cut)
    cut.write_bytes(b"\xff\xfe\x00binary")
    with pytest.raises(InputError, match="not UTF-8"):
        results.load(cut)


def test_results_without_scores_are_said_to_be(document):
    with pytest.raises(InputError, match="hold no scores"):
        results.scores_of({**document["results"][0], "splits": []})
