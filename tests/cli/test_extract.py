"""``sigkd extract``: options reach the work, and every format is written."""

import numpy as np
import pytest

from sigkd.errors import ExitCode, InputError
from sigkd.models.features import FeatureSet
from sigkd.models.formats import feature_suffixes


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--model", "signet:random"), {"model": "signet:random"}),
        (("--canvas", "cedar"), {"canvas": "cedar"}),
        (("--skip-bad",), {"skip_bad": True}),
        (("--batch-size", 3), {"batch_size": 3}),
        (("--precision", "bfloat16"), {"precision": "bfloat16"}),
        (("--device", "cpu"), {"device": "cpu"}),
    ],
)
def test_options_reach_the_work(run_sigkd, tmp_path, monkeypatch, words, expected):
    seen = []

    def stops(sources, model, **options):
        seen.append({"sources": sources, "model": model, **options, "device": str(options["device"])})
        raise InputError("seen")

    monkeypatch.setattr("sigkd.models.extract.extract_source", stops)
    run_sigkd("extract", "a.png", "b", *words, "--out", tmp_path / "f.npz", expect=ExitCode.INPUT)
    assert seen[0]["sources"] == ["a.png", "b"]
    assert {name: seen[0][name] for name in expected} == expected


@pytest.mark.parametrize("suffix", feature_suffixes())
def test_formats(run_sigkd, made_up_signatures, tmp_path, suffix):
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "bad.png").write_bytes(b"no image")
    scans = [made_up_signatures / "001" / "genuine", tmp_path / "scans"]
    out, twin = tmp_path / f"f{suffix}", tmp_path / "twin.csv"
    words = (*scans, "--model", "resnet18:random", "--device", "cpu", "--out", out, twin)
    outcome = run_sigkd("extract", *words, expect=ExitCode.INPUT)
    assert "bad.png" in outcome.stderr and "--skip-bad" in outcome.stderr
    outcome = run_sigkd("extract", *words, "--skip-bad", "--json", expect=ExitCode.DONE)
    found = FeatureSet.load(out)
    document = outcome.json
    assert document["also"] == [str(twin)]
    np.testing.assert_allclose(FeatureSet.load(twin).features, found.features, rtol=1e-6)
    assert (document["count"], document["length"]) == found.features.shape == (6, 2048)
    assert np.unique(found.y).tolist() == [-1]
    assert [name.rsplit("/", 1)[1] for name in found.filenames] == [f"0{number}.png" for number in range(1, 7)]
