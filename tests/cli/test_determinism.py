"""Same input and seed, same bytes: twice, and with one and two workers."""

import re

import pytest

from tests.cli.faults import WRITING, line

DATED = {"verify report": rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?( UTC|Z|\+00:00)?"}
"""Files that say when they were made."""
PARALLEL = {"preprocess": "", "evaluate": " --workers 1"}
"""Commands with workers, and what is missing in their lines."""


def content(out, name):
    """All bytes that a command wrote, by file."""
    files = sorted(path for path in out.rglob("*") if path.is_file()) if out.is_dir() else [out]
    found = {path.relative_to(out).as_posix(): path.read_bytes() for path in files}
    assert found
    return {file: re.sub(DATED[name], b"", data) if name in DATED else data for file, data in found.items()}


def written(name, words, known, folder, run_sigkd):
    out = folder / WRITING[name][1]  # the same name: files may say it
    outcome = run_sigkd(*line(words, known, out))
    assert outcome.exit_code in (0, 1, 3), outcome.stderr
    made = content(out, name)
    return {file: data.replace(str(folder).encode(), b"") for file, data in made.items()}


@pytest.mark.parametrize("name", [name for name in WRITING if name != "evaluate report"])  # its plots take long
def test_twice_the_same_bytes(name, known, tmp_path, run_sigkd):
    one, two = (written(name, WRITING[name][0], known, tmp_path / place, run_sigkd) for place in "ab")
    assert one == two


@pytest.mark.parametrize("name", PARALLEL)
def test_the_number_of_workers_does_not_matter(name, known, tmp_path, run_sigkd):
    words = WRITING[name][0] + PARALLEL[name]
    assert "--workers 1" in words
    one = written(name, words, known, tmp_path / "a", run_sigkd)
    assert one == written(name, words.replace("--workers 1", "--workers 2"), known, tmp_path / "b", run_sigkd)
