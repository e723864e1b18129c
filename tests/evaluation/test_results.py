"""Results files: what is written comes back, older ones too, and what is wrong with a file is said."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from sigkd.errors import InputError
from sigkd.evaluation import scoring
from sigkd.evaluation.comparison import compare_files
from sigkd.evaluation.results import Results


def test_round_trip(results_file, document, fits_schema):
    fits_schema(results_file)
    again = Results.read(results_file)
    assert again.text() == document.text() == results_file.read_text(encoding="utf-8")
    for one, two in zip(document.results, again.results, strict=True):
        for own, other in zip(one.splits, two.splits, strict=True):
            assert own.writers == other.writers and own.calibration == other.calibration
            np.testing.assert_array_equal(np.concatenate(own.random), np.concatenate(other.random))
            np.testing.assert_array_equal(own.split.writers[2].references, other.split.writers[2].references)
    for line in results_file.read_text().splitlines():
        assert not line.strip().rstrip(",").lstrip("-").replace(".", "", 1).isdigit() or len(line) < 80


def test_scores_come_back_exactly(monkeypatch):
    scores = [np.array([0.1, -1 / 3]), np.zeros(0), np.array([np.pi])]
    for limit in (100, 0):
        monkeypatch.setattr(scoring, "INLINE", limit)
        packed = scoring.pack_scores(scores)
        assert isinstance(packed, list) == (limit == 100)
        if isinstance(packed, list):
            packed = json.loads(json.dumps(packed))
        else:
            packed = scoring.PackedScores(**json.loads(json.dumps(asdict(packed))))
        for own, again in zip(scores, scoring.unpack_scores(packed), strict=True):
            np.testing.assert_array_equal(own, again)


def test_large_sets_of_scores_work_everywhere(tmp_path, monkeypatch, features):
    from sigkd.evaluation.evaluate import Settings, evaluate_features

    monkeypatch.setattr(scoring, "INLINE", 5)
    document = evaluate_features(*features, 3, 1, settings=Settings(bootstrap=0))
    document.save(tmp_path / "r.json")
    assert "base64-float64" in (tmp_path / "r.json").read_text()
    (scores,) = Results.read(tmp_path / "r.json").results[0].scores()
    for own, again in zip(document.results[0].splits[0].random, scores.random, strict=True):
        np.testing.assert_array_equal(own, again)


def first_version(document):
    """Return the results as sigkd 0.1 wrote them: metrics beside the facts, absent instead of null."""
    own = document.to_json()
    own["version"] = 1
    for entry in own["results"]:
        metrics = {
            name: {key: value for key, value in metric.items() if value is not None}
            for name, metric in entry.pop("metrics").items()
        }
        entry |= metrics
        for split in entry["splits"]:
            del split["nref"]
        for name in ("answers", "paper"):
            del entry[name]
    for name, facts in own["models"].items():
        own["models"][name] = {"hash": facts["hash"], "name": name, "licence": "MIT"}
    own["created"] = "2026-01-01"
    return own


def test_results_of_version_1_are_read(tmp_path, document):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(first_version(document)))
    again = Results.read(path)
    assert again.version == 2 and again.models["good"].details == {"licence": "MIT"}
    for one, two in zip(document.results, again.results, strict=True):
        assert one.metrics == two.metrics and one.best == two.best
        np.testing.assert_array_equal(np.concatenate(one.splits[1].skilled), np.concatenate(two.splits[1].skilled))
    assert compare_files([path], nref=4, replicates=50).comparisons[0].systems == ["good", "bad", "middle"]


def genuine_scores(document):
    return document["results"][0]["splits"][0]["scores"]["genuine"]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: d.update(version=7), "version 7, this sigkd reads 2: upgrade sigkd"),
        (lambda d: d.update(format="other"), "not a document of the format sigkd-results"),
        (lambda d: d["results"][0]["metrics"].pop("eer_user"), "'good' on 'made' has no eer_user"),
        (lambda d: d["results"][0].pop("metrics"), r"'results\[0\]\.metrics': field required"),
        (lambda d: d["results"][0].update(colour="red"), r"'results\[0\]\.colour': unknown field"),
        (lambda d: d.update(results=[]), "no results in it"),
        (lambda d: genuine_scores(d)[0].__setitem__(0, float("nan")), "not JSON .NaN"),
        (lambda d: d["results"][0]["metrics"]["eer_user"].update(mean=float("inf")), "not JSON .Infinity"),
        (lambda d: genuine_scores(d).pop(), "9 rows of genuine scores for 10 writers"),
        (lambda d: d["datasets"].clear(), "dataset 'made' is not described"),
    ],
)
def test_bad_files_say_what_is_wrong(tmp_path, document, edit, message):
    own = json.loads(document.text())
    edit(own)
    (tmp_path / "bad.json").write_text(json.dumps(own))
    with pytest.raises(InputError, match=message) as caught:
        Results.read(tmp_path / "bad.json")
    assert "bad.json" in str(caught.value) and "\n" not in str(caught.value)


def test_absent_truncated_and_foreign_files(tmp_path, results_file):
    with pytest.raises(InputError, match="no such results file"):
        Results.read(tmp_path / "absent.json")
    cut = tmp_path / "cut.json"
    for content in (results_file.read_bytes()[:1000], b"\xff\xfe\x00binary", b"[]", b"7"):
        cut.write_bytes(content)
        with pytest.raises(InputError, match=r"cut\.json: not (JSON|a document)"):
            Results.read(cut)


def test_results_without_scores_are_said_to_be(document):
    with pytest.raises(InputError, match="hold no scores"):
        replace(document.results[0], splits=[]).scores()
