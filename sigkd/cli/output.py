"""How commands speak: results on stdout, everything else on stderr."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from sigkd.cli.streams import visible
from sigkd.words import counted as counted

if TYPE_CHECKING:
    from sigkd.json_documents import JsonDocument

D = TypeVar("D", bound="JsonDocument")

stdout = Console(highlight=False)
stderr = Console(stderr=True, highlight=False)


_PARAMETER = re.compile(r"`([a-z][a-z_]*)(?:=([^`]*))?`")
_OPTIONS = {
    "passphrase": "--passphrase-file",
    "references": "--nref",
    "cache": "--cache-dir",
    "mode='add'": "--add",
    "mode='replace'": "--replace",
}
"""Options that are not called like the parameters that they set."""


def as_options(message: str) -> str:
    """Write options in the place of the core's parameters.

    ```far``` becomes ``--far``, ```keep_images=True``` ``--keep-images``, ```audit=False``` ``--no-audit``, and
    ```negatives='cohort'``` ``--negatives cohort``.
    """

    def option(match: re.Match[str]) -> str:
        name, value = match[1], match[2]
        if f"{name}={value}" in _OPTIONS:
            return _OPTIONS[f"{name}={value}"]
        dashed = _OPTIONS.get(name, f"--{name.replace('_', '-')}")
        if value == "False":
            return dashed.replace("--", "--no-", 1)
        return dashed if value in (None, "True") else f"{dashed} {value.strip(chr(39))}"

    return _PARAMETER.sub(option, message)


def error_line(message: str) -> None:
    """Print one plain line on stderr: ``error: ...``. Line breaks are folded, markup is not interpreted."""
    sys.stderr.write(f"error: {visible(' '.join(as_options(message).split()))}\n")


def warning_line(message: str) -> None:
    """Print one plain line on stderr: ``warning: ...``."""
    sys.stderr.write(f"warning: {visible(' '.join(as_options(message).split()))}\n")


def note_line(message: str) -> None:
    """Print one plain line on stderr."""
    sys.stderr.write(visible(as_options(message)) + "\n")


def say(text: str) -> None:
    """Print a plain text on stdout."""
    sys.stdout.write(visible(text) + "\n")


class Table(RichTable):
    """A Rich table whose texts are what they are: no markup in them is obeyed, nor an escape sequence."""

    def __init__(self, *headers: str, title: str | None = None, caption: str | None = None, **look: Any) -> None:
        super().__init__(*headers, title=_text(title), caption=_text(caption), **look)

    def add_column(self, header: Any = "", *args: Any, **look: Any) -> None:
        """Add a column."""
        super().add_column(_text(header), *args, **look)

    def add_row(self, *cells: Any, **look: Any) -> None:
        """Add a row."""
        super().add_row(*map(_text, cells), **look)


def _text(cell: Any) -> Any:
    return Text(visible(cell)) if isinstance(cell, str) else cell


class _LogLines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        note_line(f"{record.name}: {record.getMessage()}")


def show_logs() -> None:
    """Print what the package logs as lines on stderr."""
    logger = logging.getLogger("sigkd")
    logger.setLevel(logging.DEBUG)
    if not any(isinstance(handler, _LogLines) for handler in logger.handlers):
        logger.addHandler(_LogLines())


def show(document: D, json_wanted: bool, render: str | Callable[[D], str | RichTable | Sequence[RichTable]]) -> None:
    """Print a document on stdout: as JSON, or the text or tables that are given or made of it."""
    if json_wanted:
        plain = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "") != "utf8"
        sys.stdout.write(document.text(ascii_only=plain))
        return
    made = render if isinstance(render, str) else render(document)
    if isinstance(made, str):
        say(made)
    else:
        for table in [made] if isinstance(made, RichTable) else made:
            print_table(table)


def print_table(table: RichTable) -> None:
    """Print a Rich table on stdout; not in a terminal it is as wide as it needs to be."""
    if stdout.is_terminal:
        stdout.print(table)
    else:
        Console(file=sys.stdout, width=200, highlight=False).print(table)
