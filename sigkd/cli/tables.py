"""Grids of the core drawn with Rich, or printed in another format."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from sigkd.cli.output import Table, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sigkd.evaluation.tables import Grid


def show_grids(grids: Sequence[Grid]) -> None:
    """Print grids as tables on stdout, their notes below them."""
    from rich.text import Text

    for grid in grids:
        caption = "\n".join(grid.notes) or None
        table = Table(title=grid.title, caption=caption, title_justify="left", caption_justify="left", show_lines=False)
        for position, column in enumerate(grid.columns):
            table.add_column(column, justify="right" if position else "left")
        for row in grid.rows:
            cells = []
            for cell in row:
                text = Text(cell.text, style="bold" if cell.best else "")
                if cell.best:
                    text.append(" *")
                if cell.below:
                    text.append(f"\n{cell.below}", style="dim")
                cells.append(text)
            table.add_row(*cells)
        print_table(table)


def show_results(document: dict[str, Any], form: str) -> None:
    """Print results on stdout: tables, or one of the other formats."""
    from sigkd.evaluation.tables import render, result_grids

    if form == "table":
        show_grids(result_grids(document))
    else:
        sys.stdout.write(render(document, form))
