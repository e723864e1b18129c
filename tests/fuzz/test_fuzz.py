"""A quick part of the fuzzing: ``make fuzz`` runs all of it."""

import mmap
import time

import pytest

from tests.fuzz import run
from tests.fuzz.run import Fuzzer, fuzz
from tests.fuzz.targets import DAMAGE, TARGETS, Target

SLOW = {"image": 25, "checkpoint": 8, "run": 8, "onnx": 20}
"""Cases of targets that take longer."""


@pytest.mark.parametrize("name", TARGETS)
def test_disturbed_files_are_read_or_refused(name):
    tally = fuzz(name, 0, SLOW.get(name, 40))
    assert not tally.found, "\n".join(tally.found)
    assert tally.outcomes["refused"]


@pytest.mark.parametrize(("name", "case"), [("features mat", 1852), ("gallery", 1166), ("encrypted gallery", 306)])
def test_what_once_ended_the_process_or_gave_a_traceback(name, case):
    assert not fuzz(name, case, 1).found


def test_every_way_to_fail_is_found(tmp_path, monkeypatch):
    """The judge itself: a reader that does each of the wrong things."""
    from sigkd.errors import InputError

    def read(path):
        content = path.read_bytes()
        if content == b"good" * 100:
            return 1
        kind = len(content) % 6
        if kind == 0:
            raise InputError("something is wrong")
        if kind == 1:
            raise InputError(f"{path}: two\nlines")
        if kind == 2:
            raise KeyError("x")
        if kind == 3:
            mmap.mmap(-1, 3 << 20).write(bytes(3 << 20))  # pages of its own, whatever was freed before
            raise InputError(f"{path}: large")
        if kind == 4:
            time.sleep(0)
            end = time.process_time() + 0.02
            while time.process_time() < end:
                pass
            raise InputError(f"{path}: slow")
        return len(content)

    monkeypatch.setattr(run, "SECONDS", 0.01)
    monkeypatch.setattr(run, "BYTES", 2 << 20)

    def make(folder):
        (folder / "file").write_bytes(b"good" * 100)
        return [folder / "file"]

    fuzzer = Fuzzer(Target("wrong", make, read, sealed=DAMAGE), tmp_path)
    for number in range(120):
        fuzzer.run(number)
    text = "\n".join(fuzzer.tally.found)
    for words in ("is not named", "several lines", "KeyError", "nobody knows", " s\n", *["MiB"] * bool(run._peak())):
        assert words in text, words
