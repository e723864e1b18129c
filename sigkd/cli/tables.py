"""Grids of the core drawn with Rich."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from sigkd.cli.output import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sigkd.evaluation.tables import Grid


def grid_tables(grids: Sequence[Grid]) -> list[Table]:
    """Return grids as tables, their notes below them."""
    tables = []
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
        tables.append(table)
    return tables
