"""Faults while a command writes: nothing half-written keeps a final name, and the next run works."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sigkd.errors import ExitCode
from tests.cli.faults import OFTEN, WRITING, line

REPOSITORY = Path(__file__).parents[2]


ODD = ("two\nlines", 'it\'s "quoted"', "-dash", "\udcff", "[red]\x1b[2J", "=1+1", "é李")


def command(name, known, out):
    return line(WRITING[name][0], known, out)


def finished(outcome):
    """Whether a command came to its end (``verify`` ends with its answer)."""
    return outcome.exit_code in (ExitCode.DONE, ExitCode.REJECTED, ExitCode.INCONCLUSIVE)


@pytest.mark.parametrize("name", WRITING)
def test_a_full_disk(name, known, tmp_path, run_sigkd, monkeypatch):
    """The disk is full when the file is brought to it: one line with its name, nothing left, the next run works."""
    out = tmp_path / "out" / WRITING[name][1]
    out.parent.mkdir()

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("sigkd.files.os.fsync", full)
        outcome = run_sigkd(*command(name, known, out))
    assert outcome.exit_code == ExitCode.INPUT, outcome.stderr
    errors = [text for text in outcome.stderr.splitlines() if text.startswith("error: ")]
    assert len(errors) == 1 and str(out) in errors[0] and "No space left on device" in errors[0]
    assert not [path for path in out.parent.rglob("*") if path.is_file()]
    if name in OFTEN:
        assert finished(run_sigkd(*command(name, known, out)))
        assert out.exists()


@pytest.mark.parametrize("name", OFTEN)
def test_a_place_that_cannot_be_written(name, known, tmp_path, run_sigkd):
    (tmp_path / "file").write_text("mine")
    outcome = run_sigkd(*command(name, known, tmp_path / "file" / WRITING[name][1]))
    assert outcome.exit_code in (ExitCode.INPUT, ExitCode.USAGE), outcome.stderr
    assert str(tmp_path / "file") in outcome.stderr and "Traceback" not in outcome.stderr
    assert (tmp_path / "file").read_text() == "mine"


@pytest.fixture
def read_only(tmp_path):
    """A file system that takes nothing."""
    folder = tmp_path / "read only"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro,size=64k", "none", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("name", OFTEN)
def test_a_read_only_disk(name, known, read_only, run_sigkd):
    outcome = run_sigkd(*command(name, known, read_only / WRITING[name][1]))
    assert outcome.exit_code == ExitCode.INPUT
    assert "Read-only file system" in outcome.stderr and str(read_only) in outcome.stderr


@pytest.mark.parametrize("name", [name for name in OFTEN if "." in WRITING[name][1]])
def test_a_link_at_the_output_stays_one(name, known, tmp_path, run_sigkd):
    out = tmp_path / WRITING[name][1]
    (tmp_path / "real").mkdir()
    out.symlink_to(tmp_path / "real" / out.name)
    assert finished(run_sigkd(*command(name, known, out)))
    assert out.is_symlink() and (tmp_path / "real" / out.name).stat().st_size
    assert [path.name for path in (tmp_path / "real").iterdir()] == [out.name]


@pytest.mark.parametrize("name", OFTEN)
def test_odd_names_of_outputs(name, known, tmp_path, run_sigkd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for odd in ODD if name == "look" else ODD[3:4]:
        out = tmp_path / odd / f"{odd}{WRITING[name][1]}"
        outcome = run_sigkd(*command(name, known, out))
        assert finished(outcome), (odd, outcome.stderr)
        assert out.exists()
        assert "\x1b" not in outcome.stdout + outcome.stderr


@pytest.mark.parametrize("odd", ODD)
def test_odd_names_of_inputs(odd, known, tmp_path, run_sigkd):
    names = {}
    for name in ("set", "cohort", "scan", "scan2", "scan3"):
        names[name] = tmp_path / f"{odd}{name}{known[name].suffix}"
        names[name].write_bytes(known[name].read_bytes())
    for name in ("extract", "look", "verify csv"):
        out = tmp_path / "out" / WRITING[name][1]
        outcome = run_sigkd(*command(name, known | names, out))
        assert finished(outcome), outcome.stderr
        assert "\x1b" not in outcome.stdout + outcome.stderr


@pytest.mark.parametrize("name", ["preprocess", "extract", "look", "verify report", "evaluate", "gallery export"])
def test_an_input_that_vanished(name, known, tmp_path, run_sigkd):
    gone = tmp_path / "gone.png"
    gone.symlink_to(tmp_path / "nowhere")
    names = dict.fromkeys(known, gone)
    out = tmp_path / "out" / WRITING[name][1]
    outcome = run_sigkd(*command(name, names, out))
    assert outcome.exit_code in (ExitCode.INPUT, ExitCode.USAGE), outcome.stderr
    assert "gone" in outcome.stdout + outcome.stderr and not out.exists()


def test_killed_ended_and_two_at_once(known, tmp_path):
    """In processes of their own: see ``faults.py``."""
    (tmp_path / "known.json").write_text(json.dumps({name: str(path) for name, path in known.items()}))
    environment = os.environ | {
        "PYTHONPATH": str(REPOSITORY),
        "OMP_NUM_THREADS": "1",
        "SIGKD_DATA": str(tmp_path / "d"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.cli.faults", str(tmp_path)],
        capture_output=True, text=True, env=environment, cwd=REPOSITORY, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for name, found in json.loads(done.stdout).items():
        out = WRITING[name][1]
        code, left, words = found["kill"]
        assert code == -9, (name, code, words)
        assert "." not in out or out not in left, f"{name}: half a file under its name"
        code, left, words = found["term"]
        assert code == 143, (name, code, words)
        assert words.strip().endswith("error: ended by SIGTERM"), (name, words)
        assert not [one for one in left if one.startswith(".") or "." in out], (name, left)
        for how in ("kill", "term"):
            assert found[f"{how}, again"] in (0, 1, 3) and found[f"{how}, after"], (name, how, found)
        codes, temporary = found["both"]
        # one that writes over nothing may find the other's file
        assert set(codes) <= {0, 1, 2, 3} and not temporary and found["both, after"], (name, found)


@pytest.mark.parametrize(
    "settings", [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}, {"LC_ALL": "POSIX"}]
)
def test_a_locale_without_utf8(settings, known, tmp_path):
    """Nothing is lost after the work, and what cannot be shown is written out."""
    scan = tmp_path / "Zoë 李.png"
    scan.write_bytes(known["scan"].read_bytes())
    out = tmp_path / "é.png"
    done = subprocess.run(
        [sys.executable, "-m", "sigkd", "look", str(scan), "--out", str(out)],
        capture_output=True, env=os.environ | {"PYTHONPATH": str(REPOSITORY)} | settings, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert out.stat().st_size
    assert b"Traceback" not in done.stderr


def test_a_home_that_cannot_be_written(known, tmp_path):
    """What needs no home works without one; what does says so in a line."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SIGKD_", "XDG_"))} | {
        "HOME": "/dev/null",
        "PYTHONPATH": str(REPOSITORY),
    }

    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "sigkd", *map(str, words)],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )

    assert run("look", known["scan"], "--out", tmp_path / "look.png").returncode == 0
    done = run("preprocess", known["signatures"], "--dataset", "folder", "--name", "mine", "--workers", "1")
    assert done.returncode == ExitCode.INPUT
    assert done.stderr.strip().splitlines()[-1].startswith("error: /dev/null")
