"""How the commands speak: the core's parameters become options, logs become lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from sigkd.cli.output import as_options
from sigkd.gallery import Gallery


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("`far` is a rate", "--far is a rate"),
        ("enrol with `keep_images=True`", "enrol with --keep-images"),
        ("verify with `audit=False`", "verify with --no-audit"),
        ("use `negatives='cohort'`", "use --negatives cohort"),
        ("add (`mode='add'`) or replace (`mode='replace'`)", "add (--add) or replace (--replace)"),
        ("give its `passphrase`", "give its --passphrase-file"),
        ("`far` and `frr`", "--far and --frr"),
        ("a name with `Back` quotes` stays", "a name with `Back` quotes` stays"),
    ],
)
def test_parameters_become_options(message: str, shown: str) -> None:
    assert as_options(message) == shown


def test_debug_shows_what_is_logged(run_sigkd, tmp_path: Path) -> None:
    Gallery.create(tmp_path / "g.sigkd").close()
    arguments = ["gallery", "list", "--gallery", tmp_path / "g.sigkd"]
    line = f"sigkd.gallery.file: {tmp_path / 'g.sigkd'}: opened for writing, plain"
    assert line in run_sigkd("--debug", *arguments, expect=0).stderr.splitlines()
    assert run_sigkd(*arguments, expect=0).stderr == ""


def test_a_spinner_gives_way_to_a_bar(monkeypatch) -> None:
    import io

    from rich.console import Console

    from sigkd.cli import progress

    drawn = io.StringIO()
    monkeypatch.setattr(progress, "stderr", Console(file=drawn, force_terminal=True, width=80))
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True, raising=False)
    with progress.waiting("loading"), progress.RichProgress().task("reading", total=1, unit="files") as task:
        task.advance()
    assert "loading ..." in drawn.getvalue() and "reading" in drawn.getvalue()
    assert progress._spinners == []
