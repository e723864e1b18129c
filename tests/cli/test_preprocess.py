"""``sigkd preprocess``: store, summary, JSON, preview, exit codes."""

import os
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

from sigkd.datasets.prepared import PreparedSignatures
from sigkd.errors import ExitCode
from sigkd.synthesis import signature_image


def test_store_goes_home_by_name(run_sigkd, made_up_signatures, tmp_path):
    data = tmp_path / "home"
    sheet = tmp_path / "sheet.png"
    outcome = run_sigkd(
        "preprocess", made_up_signatures, "--name", "bank", "--data-dir", data, "--preview", sheet, expect=ExitCode.DONE
    )
    store = PreparedSignatures.load(data / "datasets" / "bank.npz")
    assert len(store) == 36
    assert store.metadata["name"] == "bank"
    assert sheet.stat().st_size > 1000
    for word in ("writers", "genuine", "skilled", "skipped"):
        assert word in outcome.stdout
    assert "store:" in outcome.stderr
    assert "preprocessing: 36/36 images" in outcome.stderr


def test_json(run_sigkd, made_up_signatures, tmp_path):
    scans = tmp_path / "scans"
    shutil.copytree(made_up_signatures / "001", scans / "001")
    Image.new("L", (99, 99)).save(scans / "001" / "genuine" / "black.png")
    out = tmp_path / "a.npz"
    options = ("--out", out, "--canvas", "cedar", "--size", "150x220", "--workers", 1, "--json")
    document = run_sigkd("preprocess", scans, *options, expect=ExitCode.DONE).json
    assert document["path"] == str(out)
    assert document["store"]["counts"] == {"writers": 1, "genuine": 6, "skilled": 3, "simple": 0, "skipped": 1}
    assert document["store"]["skipped"][0]["file"] == "001/genuine/black.png"
    assert document["store"]["canvas"] == [730, 1042]
    assert document["store"]["size"] == [150, 220]
    assert document["content_hash"] == PreparedSignatures.load(out).content_hash


def test_incomplete_set(run_sigkd, made_up_signatures, tmp_path):
    (tmp_path / "full_org").mkdir()
    shutil.copy(made_up_signatures / "001/genuine/01.png", tmp_path / "full_org" / "original_1_1.png")
    outcome = run_sigkd("preprocess", tmp_path, "--dataset", "cedar", expect=ExitCode.INPUT)
    assert outcome.stdout == ""
    assert outcome.stderr.startswith("error: ")
    assert outcome.stderr.count("\n") == 1
    assert "writer 1: genuine 2-24, skilled 1-24" in outcome.stderr
    outcome = run_sigkd("preprocess", tmp_path, "--dataset", "cedar", "--allow-incomplete", expect=ExitCode.DONE)
    assert "missing" in outcome.stdout


def test_skipped_files_are_named_with_the_reason(run_sigkd, made_up_signatures, tmp_path):
    scans = tmp_path / "scans"
    shutil.copytree(made_up_signatures / "001", scans / "001")
    Image.fromarray(np.full((50, 50), 255, np.uint8)).save(scans / "001" / "genuine" / "blank.png")
    outcome = run_sigkd("preprocess", scans, expect=ExitCode.DONE)
    assert "one colour" in outcome.stdout
    assert "warning: skipped 001/genuine/blank.png: the image is of one colour" in outcome.stderr


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--dataset", "ceder"), ExitCode.USAGE, "Did you mean 'cedar'"),
        (("--canvas", "952"), ExitCode.USAGE, "--canvas '952' is not HEIGHTxWIDTH"),
        (("--size", "0x5"), ExitCode.USAGE, "--size"),
        (("--name", "a", "--out", "b.npz"), ExitCode.USAGE, "exclude"),
        (("--out", "b.zip"), ExitCode.USAGE, ".npz"),
        (("--preview", "b.xyz"), ExitCode.USAGE, ".png"),
        (("--dataset", "mcyt75"), ExitCode.INPUT, "the root should hold"),
        (("--max-pixels", "1000"), ExitCode.INPUT, "limit of 1000"),
    ],
)
def test_mistakes(run_sigkd, made_up_signatures, options, code, words):
    outcome = run_sigkd("preprocess", made_up_signatures, *options, expect=code)
    assert words in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_absent_source(run_sigkd, tmp_path):
    assert "no such directory" in run_sigkd("preprocess", tmp_path / "none", expect=ExitCode.INPUT).stderr


def test_interrupted(run_sigkd, made_up_signatures, tmp_path, monkeypatch):
    def stop(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("sigkd.images.preprocess.normalize", stop)
    outcome = run_sigkd("preprocess", made_up_signatures, "--name", "x", expect=ExitCode.INTERRUPTED)
    assert "nothing was written" in outcome.stderr
    assert not list(tmp_path.rglob("*.npz"))


@pytest.mark.skipif(sys.platform != "linux", reason="file names elsewhere are text")
def test_names_whose_bytes_are_no_text(run_sigkd, tmp_path):
    folder = tmp_path / "set" / os.fsdecode(b"w\xff1")
    folder.mkdir(parents=True)
    for name in (b"\xfe.png", b"b.png"):
        Image.fromarray(signature_image(3, 0)).save(folder / os.fsdecode(name))
    run_sigkd("preprocess", tmp_path / "set", "--name", "set", "--data-dir", tmp_path / "data", expect=0)
    store = PreparedSignatures.load(tmp_path / "data" / "datasets" / "set.npz")
    assert sorted(store.filenames) == ["w\\xff1/\\xfe.png", "w\\xff1/b.png"]
