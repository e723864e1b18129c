"""Somebody tries: script and formulas in names, names that lead elsewhere, secrets that leak."""

import csv
import json

import pytest

from sigkd.errors import ExitCode
from tests.cli.faults import WRITING, line

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'"


def renamed(known, folder, name):
    """The scans under another name."""
    names = dict(known)
    for scan in ("scan", "scan2", "scan3"):
        names[scan] = folder / f"{name}{scan}.png"
        names[scan].write_bytes(known[scan].read_bytes())
    return names


def test_script_in_names_is_text_in_every_report(known, tmp_path, run_sigkd):
    evil = SCRIPT.replace("/", "")
    names = renamed(known, tmp_path, evil)
    out = tmp_path / "answer.html"
    case = tmp_path / "case.toml"
    fields = ("case_number", "examiner", "background", "findings")
    case.write_text("".join(f"{field} = {json.dumps(SCRIPT)}\n" for field in fields))
    given = WRITING["verify report"][0] + " --case {case}"
    outcome = run_sigkd(*line(given, names | {"case": case}, out))
    assert outcome.exit_code in (0, 1, 3), outcome.stderr
    page = out.read_text(encoding="utf-8")
    assert "<script>alert" not in page and "<img src=x" not in page
    assert "&lt;script&gt;alert" in page

    from sigkd.models.features import FeatureSet

    features = FeatureSet.load(known["features"])
    features.model_name = SCRIPT
    features.metadata["dataset"] = SCRIPT
    features.save(tmp_path / "evil.npz")
    out = tmp_path / "results.html"
    assert run_sigkd(*line(WRITING["evaluate report"][0], {"features": tmp_path / "evil.npz"}, out)).exit_code == 0
    page = out.read_text(encoding="utf-8")
    assert "<script>alert" not in page and "<img src=x" not in page


def test_no_table_has_a_formula(known, tmp_path, run_sigkd):
    evil = "=HYPERLINK(1)"
    names = renamed(known, tmp_path, evil)
    gallery = tmp_path / "g.sigkd"
    given = ["--gallery", gallery, "--model", "tiny:random", "--cohort", known["cohort"], "--device", "cpu"]
    run_sigkd("enroll", "@SUM(1)", names["scan"], names["scan2"], *given, expect=0)
    run_sigkd("gallery", "note", "@SUM(1)", "+1", "--gallery", gallery, expect=0)
    run_sigkd("gallery", "list", "--csv", tmp_path / "list.csv", "--gallery", gallery, expect=0)
    assert run_sigkd(*line(WRITING["verify csv"][0], names, tmp_path / "answer.csv")).exit_code in (0, 1, 3)
    claims = tmp_path / "claims.csv"
    claims.write_text(f"path,writer\n{names['scan3'].name},@SUM(1)\n")
    found = run_sigkd(
        "verify", "--from", claims, "--out", tmp_path / "answers.csv", "--calibration", "none",
        "--classifier", "wi", "--workers", "1", *given,
    )  # fmt: skip
    assert found.exit_code == 0, found.stderr
    for table in ("list.csv", "answer.csv", "answers.csv"):
        rows = list(csv.reader((tmp_path / table).read_text(encoding="utf-8").splitlines()))
        assert len(rows) > 1
        columns = [place for place, name in enumerate(rows[0]) if name not in ("score", "log10_lr", *_CARRIED)]
        for row in rows[1:]:
            assert not [row[place] for place in columns if row[place].startswith(("=", "@", "+", "-", "\t"))], table


_CARRIED = ("path", "writer")
"""Columns of the table of claims are given back as they came."""


@pytest.mark.parametrize("name", ["../../x", "/abs/x", "..", "a/../../x"])
def test_names_do_not_lead_elsewhere(name, known, tmp_path, run_sigkd):
    before = set(tmp_path.rglob("*"))
    for words in (
        ("preprocess", known["signatures"], "--dataset", "folder", "--name", name),
        ("prepare-text", known["signatures"], "--layout", "folder", "--name", name),
        ("distill", "--data", "text", "--name", name, "--epochs", "1"),
        ("train-teacher", "--dataset", "x", "--name", name, "--epochs", "1"),
    ):
        outcome = run_sigkd(*words)
        assert outcome.exit_code == ExitCode.USAGE, (words, outcome.stderr)
        assert "leads out of the data directory" in outcome.stderr
    assert {path for path in tmp_path.rglob("*") if path.is_file()} <= before


def test_a_passphrase_is_in_no_message(known, tmp_path, run_sigkd, monkeypatch):
    pytest.importorskip("cryptography")
    secret, gallery = "correct horse battery", tmp_path / "g.sigkd"
    monkeypatch.setattr("sigkd.gallery.vault.SCRYPT_N", 2**10)
    (tmp_path / "right").write_text(secret)
    (tmp_path / "wrong").write_text("wrong " + secret)
    given = ["--gallery", gallery, "--model", "tiny:random", "--cohort", known["cohort"], "--device", "cpu"]
    outcomes = [
        run_sigkd(
            "--debug", "enroll", "Ada", known["scan"], known["scan2"], "--encrypt",
            "--passphrase-file", tmp_path / "right", *given,
        )
    ]  # fmt: skip
    assert outcomes[0].exit_code == 0, outcomes[0].stderr
    words = ("gallery", "list", "--gallery", gallery, "--passphrase-file")
    outcomes += [run_sigkd(*words, tmp_path / "wrong"), run_sigkd(*words, tmp_path / "right")]
    assert [one.exit_code for one in outcomes] == [0, ExitCode.INPUT, 0]
    assert not any(secret in one.stdout + one.stderr for one in outcomes)
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.name not in ("right", "wrong")]
    assert left and not any(secret.encode() in path.read_bytes() for path in left)
