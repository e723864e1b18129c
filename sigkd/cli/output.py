"""How commands speak: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

stdout = Console(highlight=False)
stderr = Console(stderr=True, highlight=False)


def error_line(message: str) -> None:
    """Print one plain line on stderr: ``error: ...``. Line breaks are folded, markup is not interpreted."""
    sys.stderr.write(f"error: {' '.join(message.split())}\n")


def warning_line(message: str) -> None:
    """Print one plain line on stderr: ``warning: ...``."""
    sys.stderr.write(f"warning: {' '.join(message.split())}\n")


def note_line(message: str) -> None:
    """Print one plain line on stderr."""
    sys.stderr.write(message + "\n")


def print_json(document: Any) -> None:
    """Print one JSON document on stdout (NaN refused)."""
    sys.stdout.write(json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def print_table(table: Table) -> None:
    """Print a Rich table on stdout; not in a terminal it is as wide as it needs to be."""
    if stdout.is_terminal:
        stdout.print(table)
    else:
        Console(file=sys.stdout, width=200, highlight=False).print(table)
