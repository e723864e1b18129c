"""What every command keeps: light help, values in any position, exit codes, one-line errors, plain output."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from sigkd import __version__
from sigkd.cli.app import COMMAND_MODULES, command_line
from sigkd.cli.command import SigkdCommand, Syntax, expand_multiple
from sigkd.errors import ExitCode

REPOSITORY = Path(__file__).resolve().parents[2]
HEAVY = (
    "torch",
    "torchvision",
    "sklearn",
    "skimage",
    "cv2",
    "scipy",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "pyarrow",
    "dask",
)


def paths(command=None, prefix=()):
    """Every command and group of the program, as the words that call it."""
    command = command or command_line()
    yield prefix, command
    for name, child in (getattr(command, "commands", None) or {}).items():
        yield from paths(child, (*prefix, name))


EVERY = list(paths())
LEAVES = [(words, command) for words, command in EVERY if not getattr(command, "commands", None)]


def named(pairs):
    return [pytest.param(words, command, id=" ".join(words) or "sigkd") for words, command in pairs]


def sigkd(*args, **environment):
    """Run the program as users do, in a process of its own, outside a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "sigkd", *map(str, args)],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        timeout=120,
        check=False,
    )


def test_the_card_s_commands_are_there():
    promised = (
        "prepare-text preprocess train-teacher distill extract enroll verify evaluate stats weights export info demo"
    )
    missing = set(promised.split()) - {words[0] for words, _ in EVERY if words}
    unbuilt = {name for name in missing if not importlib.util.find_spec(f"sigkd.cli.{name.replace('-', '_')}")}
    assert missing == unbuilt  # a module that exists registers its command


def test_help_of_every_command_loads_nothing_heavy():
    """One process asks every command for its help, then looks at what was imported."""
    script = (
        "import sys, io, contextlib\n"
        "from sigkd.cli.app import main\n"
        f"for words in {[list(words) for words, _ in EVERY]!r}:\n"
        "    try:\n"
        "        with contextlib.redirect_stdout(io.StringIO()) as out:\n"
        "            main([*words, '--help'])\n"
        "    except SystemExit as stop:\n"
        "        assert not stop.code, (words, stop.code)\n"
        "    assert 'Usage:' in out.getvalue(), words\n"
        f"    loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "    assert not loaded, f'sigkd {words} --help imports {loaded}'\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=REPOSITORY, check=False)
    assert run.returncode == 0, run.stderr


def test_importing_the_package_is_light():
    script = f"import sys, sigkd; assert not [name for name in {(*HEAVY, 'numpy', 'typer')!r} if name in sys.modules]"
    assert subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, check=False).returncode == 0


@pytest.mark.parametrize(("words", "command"), named(LEAVES))
def test_every_command_is_documented(words, command):
    assert command.help and len(command.help.split()) >= 3
    for param in command.params:
        if param.param_type_name == "option":
            assert param.help, f"sigkd {' '.join(words)} {param.opts[0]} has no help"


@pytest.mark.parametrize(("words", "command"), named(LEAVES))
def test_every_command_takes_several_values(words, command):
    assert isinstance(command, SigkdCommand), "declare it with cls=SigkdCommand"


@pytest.mark.parametrize(("words", "command"), named(LEAVES))
def test_unknown_option_is_one_line_and_wrong_usage(run_sigkd, words, command):
    outcome = run_sigkd(*words, "--no-such-option")
    assert outcome.exit_code == ExitCode.USAGE
    assert outcome.stdout == ""
    assert outcome.stderr.startswith("error: ") and outcome.stderr.count("\n") == 1
    assert "--no-such-option" in outcome.stderr


# --- several values after one option ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("--nref 3 5 10", "--nref 3 --nref 5 --nref 10"),
        ("--nref 3 5 x.npz", "--nref 3 --nref 5 x.npz"),
        ("x.npz --nref 3 5 --seed 1", "x.npz --nref 3 --nref 5 --seed 1"),
        ("--nref=3 5", "--nref 3 --nref 5"),
        ("--nref 3 --nref 5", "--nref 3 --nref 5"),
        ("--label a b --seed 1", "--label a --label b --seed 1"),
        ("--label a b -- c", "--label a --label b -- c"),
        ("--label a b -s 1", "--label a --label b -s 1"),
        ("--nref -1 -2", "--nref -1 --nref -2"),
        ("-- --nref 3 5", "-- --nref 3 5"),
        ("--nref", "--nref"),
        ("--seed 3 5", "--seed 3 5"),
        ("", ""),
    ],
)
def test_values_are_spread_over_repeated_options(given, expected):
    assert expand_multiple(given.split(), Syntax(frozenset({"--nref", "--label"}))) == expected.split()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("x --views 715 450 fitted", ["715", "450", "fitted"]),
        ("x --seed 3 --views 715 450 fitted --flag", ["715", "450", "fitted"]),
        ("--seed 3 x --views 715 fitted 450", ["715", "fitted", "450"]),
        ("--views 715 450 x --seed 3", ["715", "450"]),
        ("--views 715 450 x", ["715", "450"]),
        ("--views 715 450 fitted -- x", ["715", "450", "fitted"]),
        ("--views fitted 715 --seed 3 x", ["fitted", "715"]),
        ("x --views=715 fitted", ["715", "fitted"]),
    ],
)
def test_words_after_numbers(given, expected):
    from typing import Annotated

    seen = {}
    small = typer.Typer()

    @small.command(cls=SigkdCommand)
    def command(
        source: str,
        views: Annotated[list[str], typer.Option()] = [],  # noqa: B006 - Typer copies it
        seed: int = 0,
        flag: Annotated[bool, typer.Option("--flag")] = False,
    ) -> None:
        seen.update(source=source, views=views)

    typer.main.get_command(small).main(given.split(), standalone_mode=False)
    assert seen == {"source": "x", "views": expected}


@pytest.mark.parametrize(
    "line",
    ["x --nref 3 5 10 --seed 2", "--nref 3 5 10 x --seed 2", "--seed 2 --nref 3 5 10 x", "x --seed 2 --nref 3 5 10"],
)
def test_several_values_in_any_position(line):
    from typing import Annotated

    seen = {}
    small = typer.Typer()

    @small.command(cls=SigkdCommand)
    def command(
        source: str,
        nref: Annotated[list[int], typer.Option()] = [3],  # noqa: B006 - Typer copies it
        seed: int = 0,
    ) -> None:
        seen.update(source=source, nref=nref, seed=seed)

    typer.main.get_command(small).main(line.split(), standalone_mode=False)
    assert seen == {"source": "x", "nref": [3, 5, 10], "seed": 2}


# --- exit codes and errors -------------------------------------------------------------------------------------------


def test_version(run_sigkd):
    outcome = run_sigkd("--version", expect=0)
    assert outcome.stdout == f"sigkd {__version__}\n" and outcome.stderr == ""


def test_unknown_command_names_itself(run_sigkd):
    outcome = run_sigkd("verfy")
    assert outcome.exit_code == ExitCode.USAGE
    assert outcome.stderr.count("\n") == 1 and "verfy" in outcome.stderr


def test_no_words_show_the_help(run_sigkd):
    outcome = run_sigkd()
    assert outcome.exit_code == ExitCode.USAGE
    assert "Usage:" in outcome.stdout + outcome.stderr


class Failing:
    """A command line whose one command raises what the test wants."""

    def __init__(self, monkeypatch):
        import sigkd.cli.app as module

        self.error: BaseException = RuntimeError()
        small = typer.Typer()

        @small.command(cls=SigkdCommand)
        def command() -> None:
            raise self.error

        monkeypatch.setattr(module, "app", small)


@pytest.fixture
def failing(monkeypatch):
    return Failing(monkeypatch)


def test_every_error_class_has_its_exit_code(failing, run_sigkd):
    from sigkd import errors

    expected = {
        errors.UsageError: 2,
        errors.InputError: 4,
        errors.ImageError: 4,
        errors.DatasetError: 4,
        errors.ModelError: 5,
        errors.NetworkError: 5,
    }
    for kind, code in expected.items():
        failing.error = kind("page 3\nis blank")
        outcome = run_sigkd()
        assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (code, "", "error: page 3 is blank\n")


def test_operating_system_errors_name_the_file(failing, run_sigkd):
    failing.error = FileNotFoundError(2, "No such file or directory", "scan.png")
    outcome = run_sigkd()
    assert outcome.exit_code == ExitCode.INPUT
    assert outcome.stderr == "error: scan.png: No such file or directory\n"


def test_interruption_exits_130(failing, run_sigkd):
    failing.error = KeyboardInterrupt()
    outcome = run_sigkd()
    assert outcome.exit_code == ExitCode.INTERRUPTED
    assert "interrupted" in outcome.stderr and "Traceback" not in outcome.stderr


def test_defects_show_no_traceback_unless_asked(failing, run_sigkd, monkeypatch):
    failing.error = ZeroDivisionError("oh")
    outcome = run_sigkd()
    assert outcome.exit_code == 70
    assert outcome.stderr.count("\n") == 1 and "--debug" in outcome.stderr and "ZeroDivisionError" in outcome.stderr
    monkeypatch.setenv("SIGKD_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run_sigkd()


def test_exit_codes_are_documented():
    page = (REPOSITORY / "docs/reference/exit-codes.md").read_text(encoding="utf-8")
    for code in ExitCode:
        assert f"| {int(code)} | {code.name.lower()} |" in page


# --- output ----------------------------------------------------------------------------------------------------------


def test_help_has_no_colour_codes_outside_a_terminal_or_with_no_color():
    for environment in ({}, {"NO_COLOR": "1"}):
        run = sigkd("--help", **environment)
        assert run.returncode == 0 and "\x1b[" not in run.stdout


def test_no_color_is_heard_in_a_terminal():
    """The consoles drop colours although the stream says that it is a terminal."""
    script = (
        "import sys; sys.stdout.isatty = lambda: True\n"
        "from rich.table import Table\n"
        "from sigkd.cli.output import print_table\n"
        "table = Table('[red]score'); table.add_row('[green]0.5'); print_table(table)\n"
    )
    environment = {**os.environ, "TERM": "xterm-256color", "NO_COLOR": "1"}
    plain = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=REPOSITORY, env=environment, check=True
    )
    assert "\x1b[3" not in plain.stdout and "0.5" in plain.stdout


def test_json_is_one_document_without_nan(capsys):
    from sigkd.cli.output import show
    from sigkd.models.weights import WeightsPath

    with pytest.raises(ValueError, match="JSON"):
        show(WeightsPath(name="a", path=float("nan")), True, "")
    assert capsys.readouterr().out == ""


def test_every_module_of_the_list_is_there_or_not_yet_built():
    files = {path.stem for path in (REPOSITORY / "sigkd/cli").glob("*.py")}
    registered = files & set(COMMAND_MODULES)
    names = {words[0].replace("-", "_") for words, _ in EVERY if words}
    assert registered <= names


def test_generated_pages_are_up_to_date():
    """In a process of its own: other tests register losses and networks, which help lists."""
    command = [sys.executable, str(REPOSITORY / "docs/commands.py"), "--check"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, f"run: python docs/commands.py\n{checked.stderr}"


def test_a_command_waits_for_its_own_modules_only():
    script = (
        "import sys, contextlib, io\n"
        "from sigkd.cli.app import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main(['--debug', 'verify', '--help'])\n"
        "print([name for name in sys.modules if name.startswith(('sigkd.text', 'sigkd.distillation', 'numpy'))])\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert run.stdout == "[]\n"
