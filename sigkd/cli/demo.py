"""``sigkd demo``: the whole pipeline on made-up data."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from json import loads as parse
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import Json
from sigkd.cli.output import note_line, say, show, stdout

if TYPE_CHECKING:
    from sigkd.demo import DoneStep, MadeUpData, Step


@app.command(cls=SigkdCommand)
def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything that the demo makes.")] = Path("demo-output"),
    data_only: Annotated[
        Path | None, typer.Option(help="Only make the signatures and pages, in this folder.", metavar="DIR")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer writers, a minute less.")] = False,
    json: Json = False,
) -> None:
    """See it work: signatures of writers who do not exist are made up, normalised, evaluated and verified.

    Every step is a command that is shown, so that you can type it yourself.

    Example: sigkd demo
    """
    from sigkd.cli.progress import console_progress
    from sigkd.demo import QUICK, Demonstration, Extent, demo_home, demo_steps, make_data

    start = time.perf_counter()
    extent = QUICK if quick else Extent()
    made = make_data(data_only or out, extent, console_progress())
    if data_only is not None:
        show(made, json, _made(made, time.perf_counter() - start))
        return
    steps = demo_steps(made, out, extent, student=_shipped("sigkd-resnet18"), teacher=_shipped("sigkd-signet"))
    home = {name: str(folder) for name, folder in demo_home(out).items()}
    if not json:
        _welcome(out, made, time.perf_counter() - start, home)
    done: list[DoneStep] = []
    with _environment(home):
        for number, step in enumerate(steps, start=2):
            done.append(_run(number, step, json))
            if done[-1].exit_code not in step.accepted:
                note_line(f"the demo stops here: {step}")
                raise typer.Exit(done[-1].exit_code)
    seconds = time.perf_counter() - start
    show(Demonstration(data=made, steps=done, seconds=round(seconds, 2)), json, _farewell(out, seconds))


def _shipped(name: str) -> str | None:
    """Return the model's name if its file is part of this installation."""
    from sigkd.models.cards import find_card, shipped_path

    return name if shipped_path(find_card(name)).is_file() else None


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _run(number: int, step: Step, json: bool) -> DoneStep:
    """Run one command in this process; its exit code, seconds and (with ``json``) its document are returned."""
    from sigkd.cli.app import main
    from sigkd.demo import DoneStep

    if not json:
        _announce(number, step)
    captured = io.StringIO()
    start = time.perf_counter()
    try:
        with redirect_stdout(captured) if json else nullcontext():
            main([*step.command, "--json"] if json else list(step.command))
    except SystemExit as stop:
        code = int(stop.code or 0)
    seconds = time.perf_counter() - start
    if not json:
        _say(f"[dim]{seconds:.1f} s[/dim]\n")
    text = captured.getvalue()
    result = parse(text) if text and code in step.accepted else None
    return DoneStep(step.title, ["sigkd", *step.command], code, round(seconds, 2), result)


def _say(text: str) -> None:

    stdout.print(text, soft_wrap=True)


def _announce(number: int, step: Step) -> None:
    from rich.markup import escape

    _say(f"[bold cyan]{number}  {escape(step.title)}[/bold cyan]  {escape(step.why)}")
    _say(f"[dim]$ {escape(str(step))}[/dim]")


def _made(made: MadeUpData, seconds: float) -> str:
    return (
        f"{made.genuine} genuine signatures of {made.writers} made-up writers and {made.skilled} skilled forgeries in "
        f"{made.signatures},\n{made.page_count} pages of writing by {made.page_writers} writers in {made.pages}  "
        f"{seconds:.1f} s"
    )


def _welcome(out: Path, made: MadeUpData, seconds: float, home: dict[str, str]) -> None:
    exports = " ".join(f"{name}={value}" for name, value in home.items())
    _say("\n[bold]sigkd[/bold]: offline signature verification, shown on writers who do not exist.")
    _say(f"[dim]Every step below is a command that you can type yourself, after: export {exports}[/dim]\n")
    _say("[bold cyan]1  Make up data[/bold cyan]  A pen is moved by the kinematic theory of handwriting.")
    _say(f"[dim]$ sigkd demo --data-only {out}[/dim]")
    say(f"{_made(made, seconds)}\n")


def _farewell(out: Path, seconds: float) -> str:
    return (
        f"Done in {seconds:.0f} s. Look at {out / 'sheet.png'} (the signatures), {out / 'text.png'} (the training "
        f"text) and {out / 'evaluation'}.\n"
        "Your own signatures next:  sigkd verify REFERENCE... QUERY     All commands:  sigkd --help"
    )
