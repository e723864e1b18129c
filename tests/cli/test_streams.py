"""The exit code tells the truth whatever becomes of the streams; no name reaches a terminal as a command."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from sigkd.cli import streams
from sigkd.cli.output import Table, error_line, note_line, print_table, say, show, warning_line
from sigkd.errors import ExitCode
from sigkd.models.weights import WeightsPath

EVIL = "a\x1b[31mb\x9b2Jc\u202ed[/red][bold]e\udcff"
SHOWN = "a\\x1b[31mb\\x9b2Jc\\u202ed[/red][bold]e\\udcff"
ABSENT = ("weights", "info", "absent")
"""A command that fails with the code 5."""


def sigkd(*words, shell="", **options):
    """Run the program in a process of its own, with redirections of the shell."""
    command = f'"$0" -m sigkd "$@" {shell}'
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), **options.pop("env", {})}
    return subprocess.run(
        ["bash", "-c", command, sys.executable, *map(str, words)], capture_output=True, env=environment, **options
    )


@pytest.mark.parametrize("shell", ["2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_closed_streams_do_not_change_the_code(shell):
    assert sigkd(*ABSENT, shell=shell).returncode == ExitCode.WEIGHTS


def test_a_full_disk_behind_stdout_is_said():
    answer = sigkd("weights", "list", shell=">/dev/full")
    assert answer.returncode == ExitCode.INPUT
    assert answer.stderr == b"error: standard output: No space left on device\n"


@pytest.mark.parametrize("words", [("weights", "list"), ("--help",)])
def test_a_reader_that_goes_away_is_no_failure(words):
    answer = sigkd(*words, shell="| head -c 1 >/dev/null; exit ${PIPESTATUS[0]}")
    assert answer.returncode == ExitCode.DONE
    assert answer.stderr == b""


@pytest.mark.slow
def test_the_answer_decides_the_code(made_up_signatures, tmp_path):
    """An accepted signature is no rejected one because nobody listens."""
    mine, other = (sorted((made_up_signatures / name / "genuine").iterdir()) for name in ("003", "004"))
    silent, cut = "2>&-", "| head -c 1 >/dev/null; exit ${PIPESTATUS[0]}"
    for query, shell, code in ((mine[5], silent, ExitCode.DONE), (other[0], cut, ExitCode.REJECTED)):
        assert sigkd("verify", *mine[:4], query, "--device", "cpu", shell=shell).returncode == code


def test_no_file_takes_the_place_of_a_closed_stream(tmp_path):
    """The first file to be opened would get the number 2, and the messages."""
    code = (
        "import os, sys\nfrom sigkd.cli.streams import lasting_streams\n"
        "with lasting_streams():\n    file = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)\n    assert file > 2\n"
        "    os.write(2, b'of a library')\n"
    )
    subprocess.run(
        ["bash", "-c", '"$0" -c "$1" "$2" 2>&- >&-', sys.executable, code, str(tmp_path / "gallery")],
        check=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert (tmp_path / "gallery").read_bytes() == b""


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_are_said_and_leave_no_file(end, tmp_path):
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom sigkd.cli import app\nfrom sigkd.files import atomic_path\n"
        "@app.app.command()\n"
        "def dawdle():\n"
        "    with atomic_path(Path(sys.argv[1]) / 'result.json') as temporary:\n"
        "        temporary.write_text('half')\n        print('writing', flush=True)\n        time.sleep(30)\n"
        "app.main(['dawdle'])\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        preexec_fn=lambda: signal.signal(end, signal.default_int_handler if end == signal.SIGINT else signal.SIG_DFL),
    )  # whatever the tests run under, nohup among them
    assert process.stdout.readline() == "writing\n"
    process.send_signal(end)
    _, words = process.communicate(timeout=20)
    assert process.returncode == 128 + end
    assert words.strip() == f"error: {'interrupted' if end == signal.SIGINT else f'ended by {end.name}'}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["torch", "numpy", "sigkd.cli.app"])
def test_an_early_interruption_is_one_line(place, tmp_path):
    """Also where it falls into an import, which may make another error of it."""
    name = place.split(".")[0]
    code = (
        "import importlib.abc, os, signal, sys\n"
        "class Finder(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        f"        if name == {place!r}:\n"
        "            try:\n                os.kill(os.getpid(), signal.SIGINT)\n"
        f"            except KeyboardInterrupt:\n                if {name!r} == 'sigkd': raise\n"
        "                raise ImportError('made of the interruption')\n"
        "sys.meta_path.insert(0, Finder())\n"
        "sys.argv = ['sigkd', 'info']\n"
        "from sigkd.__main__ import run\nrun()\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert answer.returncode == ExitCode.INTERRUPTED
    assert answer.stderr == "error: interrupted\n"


def test_names_are_shown_and_not_obeyed(capsys):
    error_line(EVIL)
    warning_line(EVIL)
    note_line(EVIL)
    say(EVIL)
    table = Table(EVIL, title=EVIL, caption=EVIL)
    table.add_row(EVIL)
    print_table(table)
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [f"error: {SHOWN}", f"warning: {SHOWN}", SHOWN]
    assert printed.out.count(SHOWN) == 5
    assert "\x1b" not in printed.out + printed.err
    assert streams.visible("Zoë 李\tline\nnext") == "Zoë 李\tline\nnext"


def test_progress_obeys_no_name(capsys, monkeypatch):
    from sigkd.cli import progress

    console = Console(file=sys.stderr, force_terminal=True, width=200)
    monkeypatch.setattr(progress, "stderr", console)
    shown = progress.RichProgress()
    with shown.task(EVIL, total=2) as task:
        task.describe(EVIL)
        shown.warn(EVIL)
        shown.info(EVIL)
    printed = capsys.readouterr().err
    assert printed.count(SHOWN) >= 4
    assert "\x1b[31mb" not in printed and "\x9b" not in printed


def test_json_is_utf8_or_plain_ascii(capsys, monkeypatch):
    show(WeightsPath(name="Zoë", path=Path("a")), True, "")
    assert "Zoë" in capsys.readouterr().out
    show(WeightsPath(name=EVIL, path=Path("a")), True, "")
    assert json.loads(capsys.readouterr().out)["name"] == EVIL
    answer = sigkd("weights", "list", "--json", env={"PYTHONIOENCODING": "ascii"})
    assert answer.returncode == ExitCode.DONE
    assert json.loads(answer.stdout.decode("ascii"))["weights"]


def test_an_ascii_terminal_gets_the_whole_table():
    answer = sigkd("weights", "list", env={"PYTHONIOENCODING": "ascii"})
    assert answer.returncode == ExitCode.DONE, answer.stderr
    assert "sigkd-resnet18" in answer.stdout.decode("ascii")
