"""The ``sigkd`` program: assembles the commands and turns errors into one line and an exit code."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from sigkd._version import __version__
from sigkd.cli.output import error_line, show_logs
from sigkd.cli.streams import ending, lasting_streams, received, signals_heard
from sigkd.errors import ExitCode, SigkdError

app = typer.Typer(
    name="sigkd",
    help="Verify handwritten signatures, and train the networks for it on handwritten text.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# Every command lives in the module of its name and registers itself on ``app`` when that module is imported.
COMMAND_MODULES = (
    "demo",
    "disturb",
    "documents",
    "look",
    "locate",
    "template",
    "preprocess",
    "prepare_text",
    "train_teacher",
    "distill",
    "whiten",
    "extract",
    "enroll",
    "gallery",
    "review",
    "policy",
    "verify",
    "case",
    "calibrate",
    "cohort",
    "evaluate",
    "stats",
    "reproduce",
    "weights",
    "export",
    "info",
)


def group(name: str, about: str) -> typer.Typer:
    """Return a new group of commands, ``sigkd NAME ...``."""
    made = typer.Typer(no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})

    @made.callback(help=about)  # with one, a group of a single command stays a group
    def _group() -> None:
        pass

    app.add_typer(made, name=name)
    return made


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"sigkd {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks, and what the program does.")] = False,
) -> None:
    """Verify handwritten signatures, and train the networks for it on handwritten text."""
    if debug:
        os.environ["SIGKD_DEBUG"] = "1"
        show_logs()


def command_line(words: Sequence[str] = ()) -> Any:
    """Return the program with the command that ``words`` name, or with all commands where they name none.

    A command then does not wait for the modules of the others.
    """
    named = next((word for word in words if not word.startswith("-")), "").replace("-", "_")
    for module in (named,) if named in COMMAND_MODULES else COMMAND_MODULES:
        importlib.import_module(f"sigkd.cli.{module}")
    app.registered_commands.sort(key=lambda command: _place(command.callback))
    return typer.main.get_command(app)


def _place(callback: Any) -> int:
    """Return where a command stands in the help, whatever was imported first."""
    module = callback.__module__.rpartition(".")[2]
    return COMMAND_MODULES.index(module) if module in COMMAND_MODULES else len(COMMAND_MODULES)


# Typer's own copy of Click has no public name for the base of what a wrong command line raises.
_CommandLineError: type[Exception] = typer.BadParameter.__mro__[2]


def main(args: list[str] | None = None) -> None:
    """Run the program; never returns (``SystemExit`` carries the exit code)."""
    with lasting_streams(), signals_heard():
        code = _run(args)
        try:
            sys.stdout.flush()
        except OSError as error:
            code = _failed(error)
    sys.exit(code)


def _run(args: list[str] | None) -> int:
    """Run a command and return its exit code; what went wrong is one line."""
    try:
        words = sys.argv[1:] if args is None else args
        outcome = command_line(words).main(args=words, prog_name="sigkd", standalone_mode=False)
        if outcome == ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        return outcome if isinstance(outcome, int) else ExitCode.DONE
    except _CommandLineError as error:
        return _wrong_usage(error)
    except SigkdError as error:
        if os.environ.get("SIGKD_DEBUG"):
            raise
        error_line(str(error))
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return _ended()
    except OSError as error:
        if os.environ.get("SIGKD_DEBUG"):
            raise
        return _failed(error)
    except Exception as error:
        if received:  # a library made an error of the interruption
            return _ended()
        if os.environ.get("SIGKD_DEBUG"):
            raise
        what = f"{type(error).__name__}: {error}"
        error_line(f"internal error, please report it ({what}); 'sigkd --debug ...' shows where")
        return 70


def _ended() -> int:
    words, code = ending()
    error_line(words)
    return code


def _failed(error: OSError) -> int:
    where = f"{error.filename}: " if error.filename else ""
    error_line(f"{where}{error.strerror or error}")
    return ExitCode.INPUT


def _without_harm(message: str) -> str:
    """Leave out hints at commands that destroy something: nobody who wished for something else shall try them."""

    def harmless(match: re.Match[str]) -> str:
        names = [name for name in re.findall("'([^']+)'", match[1]) if name not in _DESTROYING]
        return f" Did you mean {', '.join(map(repr, names))}?" if names else ""

    return re.sub(r" ?Did you mean ((?:'[^']+'(?:, )?)+)\?", harmless, message)


_DESTROYING = ("remove", "rekey")


def _wrong_usage(error: Any) -> int:
    """Say in one line what is wrong with the command line; without any words show the help. Returns the exit code."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
    else:
        command = getattr(error.ctx, "command_path", "sigkd") if getattr(error, "ctx", None) else "sigkd"
        error_line(f"{_without_harm(error.format_message())} ('{command} --help' shows the usage)")
    return int(ExitCode.USAGE)
