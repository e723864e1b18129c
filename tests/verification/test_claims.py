"""Tables of claims: every row answered or with its error, carried through, resumed, never half-written."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

import sigkd.verification.claims as claims_module
from sigkd import Verifier
from sigkd.errors import InputError, LockedError, UsageError
from sigkd.verification.claims import ANSWERED, verify_claims
from sigkd.verification.row_tables import read_table


def write(
    path: Path, rows: list[tuple[str, ...]], header: tuple[str, ...] = ("id", "path", "writer", "amount")
) -> Path:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


ROWS = [
    ("1", "Ada/4.png", "Ada", "-5"),
    ("2", "Bob/4.png", "Ada", "=1+1"),
    ("3", "bad.png", "Ada", "3"),
    ("4", "Ada/5.png", "Adda", ""),
    ("5", "", "Ada", "5"),
    ("6", "Bob/5.png", "Bob", "ö"),
]


def test_each_row_has_its_answer_or_its_error(bank) -> None:
    verifier, folder = bank
    (folder / "bad.png").write_bytes(b"no image")
    source = write(folder / "claims.csv", ROWS)
    out = folder / "answers.csv"
    summary = verify_claims(verifier, source, out)
    found = list(csv.DictReader(out.open(encoding="utf-8")))
    assert [tuple(row[name] for name in ("id", "path", "writer", "amount")) for row in found] == ROWS
    assert list(found[0]) == ["id", "path", "writer", "amount", *ANSWERED]
    for row, name, file in (
        (found[0], "Ada", "Ada/4.png"),
        (found[1], "Ada", "Bob/4.png"),
        (found[5], "Bob", "Bob/5.png"),
    ):
        alone = verifier.verify(name, folder / file)
        assert row["answer"] == alone.decision.value and float(row["score"]) == pytest.approx(alone.score, abs=1e-4)
        assert row["file"] == str(folder / file) and row["sha256"] == alone.query_hash
        assert row["policy_hash"] == alone.policy.hash and row["why"] and row["what_to_do"] and not row["error"]
    assert [row["answer"] for row in found[2:5]] == ["error"] * 3
    assert "not an image" in found[2]["error"] and found[2]["sha256"]
    assert "Did you mean 'Ada'" in found[3]["error"] and "path is empty" in found[4]["error"]
    assert summary.claims == 6 and summary.answers["error"] == 3 and summary.exit_code == 4
    assert [one.row for one in summary.failed] == [4, 5, 6]
    assert out.stat().st_mode & 0o777 == 0o600 and not list(folder.glob(".answers*"))
    assert sum(entry.action == "verify" for entry in verifier.gallery.entries()) == 3 + 3


def test_an_interrupted_run_goes_on(bank, monkeypatch) -> None:
    verifier, folder = bank
    source = write(folder / "claims.csv", [(str(k), f"Ada/{3 + k % 3}.png", "Ada", "") for k in range(9)])
    out, part = folder / "answers.csv", folder / ".answers.csv.part"
    monkeypatch.setattr(claims_module, "BATCH", 2)
    monkeypatch.setattr(claims_module, "PART", 1)
    enrolled = verifier.open_gallery()
    real, calls = enrolled.verify_groups, []

    def verify_groups(groups):
        calls.append(sum(len(samples) for _, samples, _ in groups))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(groups)

    monkeypatch.setattr(enrolled, "verify_groups", verify_groups)
    with pytest.raises(KeyboardInterrupt):
        verify_claims(verifier, source, out)
    assert not out.exists() and len(part.read_text().splitlines()) == 1 + 4
    with part.open("a") as stream:
        stream.write('{"row": 4, "answer": "accep')  # killed while it wrote
    summary = verify_claims(verifier, source, out)
    assert summary.resumed == 4 and summary.claims == 9 and summary.exit_code == 0 and not part.exists()
    assert sum(calls[3:]) == 5 and [row["id"] for row in csv.DictReader(out.open())] == [str(k) for k in range(9)]
    with pytest.raises(UsageError, match="exists already"):
        verify_claims(verifier, source, out)


def test_answers_of_another_command_are_not_taken(bank) -> None:
    verifier, folder = bank
    source = write(folder / "claims.csv", ROWS[:1])
    part = folder / ".answers.csv.part"
    part.write_text(json.dumps({"claims": "other"}) + "\n")
    with pytest.raises(InputError, match="answers of another command \\(another claims"):
        verify_claims(verifier, source, folder / "answers.csv")
    part.write_text("half a li")
    assert verify_claims(verifier, source, folder / "answers.csv").claims == 1


@pytest.mark.parametrize("text", ["[1]\n", "{}\n", "no json\n"])
def test_a_file_that_is_no_journal_is_left(bank, text: str) -> None:
    verifier, folder = bank
    journal = folder / ".answers.csv.part"
    journal.write_text(text)
    with pytest.raises(InputError, match="another command"):
        verify_claims(verifier, write(folder / "claims.csv", ROWS[:1]), folder / "answers.csv")
    assert journal.read_text() == text


def test_two_runs_do_not_write_the_same_answers(bank) -> None:
    import fcntl

    verifier, folder = bank
    source = write(folder / "claims.csv", ROWS[:1])
    with (folder / ".answers.csv.part").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(LockedError, match="another run"):
            verify_claims(verifier, source, folder / "answers.csv")


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("file,writer\na,b\n", UsageError, "no column path; it has file, writer"),
        ("path,writer,score\na,b,1\n", UsageError, "'score' is one of the answers"),
        ("path,writer\n", InputError, "has no rows"),
        ("path,writer\na\n", InputError, "row 2 has not as many cells"),
        ("path,path,writer\na,b,c\n", InputError, "same name"),
    ],
)
def test_tables_that_are_none(bank, text: str, error: type[Exception], words: str) -> None:
    verifier, folder = bank
    (folder / "claims.csv").write_text(text)
    with pytest.raises(error, match=words):
        verify_claims(verifier, folder / "claims.csv", folder / "answers.csv")


def test_parquet_in_and_out(bank) -> None:
    pytest.importorskip("pyarrow")
    import pyarrow
    import pyarrow.parquet

    verifier, folder = bank
    verifier.enroll("None", [folder / "Bob" / f"{number}.png" for number in range(3)])
    paths, names = ["Ada/4.png", "no.png", "Bob/4.png"], ["Ada", "Bob", None]
    claims = pyarrow.table({"path": paths, "writer": names, "amount": [1.5, 2.5, None]})
    pyarrow.parquet.write_table(claims, folder / "claims.parquet")
    verify_claims(verifier, folder / "claims.parquet", folder / "answers.parquet")
    found = read_table(folder / "answers.parquet").rows
    assert [row["amount"] for row in found] == [1.5, 2.5, None] and found[1]["answer"] == "error"
    assert "writer's name" in found[2]["error"]  # an empty cell is nobody, whoever is called None
    assert isinstance(found[0]["score"], float) and found[1]["score"] is None


def test_a_row_may_state_its_resolution(views_verifier, signatures, tmp_path: Path) -> None:
    with Verifier(views_verifier.choices, gallery=tmp_path / "g.sigkd") as verifier:
        verifier.enroll("Ada", signatures[:3])
        shutil.copy(signatures[4], tmp_path / "q.png")
        source = write(
            tmp_path / "claims.csv",
            [("q.png", "Ada", ""), ("q.png", "Ada", "4oo"), ("q.png", "Ada", "200")],
            ("path", "writer", "dpi"),
        )
        verify_claims(verifier, source, tmp_path / "out.csv")
        found = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert "no resolution of a scan" in found[1]["error"]
    # half the true resolution: twice the size
    assert "size" in found[2]["remarks"] and "size" not in found[0]["remarks"]


def test_the_command(run_sigkd, tmp_path: Path, bank, monkeypatch) -> None:
    verifier, folder = bank
    monkeypatch.setattr("sigkd.verification.verifier.Verifier", lambda *_, **__: verifier)
    source, gallery = write(folder / "claims.csv", ROWS[:2]), ["--gallery", folder / "g.sigkd"]
    summary = run_sigkd("verify", "--from", source, "--out", folder / "a.csv", *gallery, "--json", expect=0).json
    assert summary["claims"] == 2 and sum(summary["answers"].values()) == 2
    text = run_sigkd("verify", "--from", source, "--out", folder / "b.csv", *gallery, expect=0).stdout
    assert "2 claims of 1 writer: " in text
    assert "belong together" in run_sigkd("verify", "--from", source, expect=2).stderr
    assert "beside it" in run_sigkd("verify", "q.png", "--from", source, "--out", "x.csv", expect=2).stderr
    assert "name ends in" in run_sigkd("verify", "--from", source, "--out", "x.xlsx", *gallery, expect=2).stderr
    for command in (("verify", "a.png", "b.png"), ("gallery", "list", *gallery), ("gallery", "stats", *gallery)):
        assert "name ends in" in run_sigkd(*command, "--csv", folder / "x.xlsx", expect=2).stderr
    assert not (folder / "x.xlsx").exists()
