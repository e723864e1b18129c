"""``sigkd look`` shows how scans are read and exits with 4 where one is no signature."""

import numpy as np
import pytest
from PIL import Image

from sigkd.synthesis import signature_image


@pytest.fixture
def scans(tmp_path):
    Image.fromarray(signature_image(5001, 0)).save(tmp_path / "good.png", dpi=(400, 400))
    Image.new("L", (600, 300), 240).save(tmp_path / "blank.png", dpi=(300, 300))
    (tmp_path / "broken.png").write_bytes(b"no image")
    return tmp_path


def test_a_signature(run_sigkd, scans):
    outcome = run_sigkd("look", scans / "good.png", "--json", expect=0)
    (row,) = outcome.json["scans"]
    assert row["refused"] is None
    assert row["resolution"]["source"] == "tag"
    assert 20 < row["measures"]["width"] < 100
    assert [step["name"] for step in row["steps"]][:3] == ["decode", "scale", "light"]


def test_pictures(run_sigkd, scans, tmp_path):
    out = tmp_path / "steps"
    run_sigkd("look", scans / "good.png", scans / "blank.png", "--out", out, expect=4)
    for name in ("good.png", "blank.png"):
        assert np.asarray(Image.open(out / name)).ndim == 3


def test_what_is_refused_is_named(run_sigkd, scans):
    outcome = run_sigkd("look", scans / "good.png", scans / "blank.png", scans / "broken.png", "--json", expect=4)
    reasons = [row["refused"] and row["refused"]["reason"] for row in outcome.json["scans"]]
    assert reasons == [None, "blank", "unreadable"]
    table = run_sigkd("look", scans / "good.png", scans / "blank.png", expect=4)
    assert "blank paper" in table.stdout


def test_the_resolution_can_be_stated(run_sigkd, scans):
    one = run_sigkd("look", scans / "good.png", "--json", expect=0).json["scans"][0]["measures"]["width"]
    other = run_sigkd("look", scans / "good.png", "--dpi", 200, "--json", expect=0).json["scans"][0]["measures"][
        "width"
    ]
    assert other == pytest.approx(2 * one, rel=0.05)


def test_scans_of_the_same_name_are_told_apart(run_sigkd, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for client in ("ada", "bob"):
        (tmp_path / client).mkdir()
        Image.new("L", (600, 300), 240).save(tmp_path / client / "1.png", dpi=(300, 300))
    table = run_sigkd("look", "ada/1.png", "bob/1.png", expect=4).stdout
    assert "ada/1.png" in table and "bob/1.png" in table
