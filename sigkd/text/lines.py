"""Text lines of a page: what they are; who finds them is in :mod:`sigkd.text.finders`."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sigkd.text.finders import LINE_FINDERS
from sigkd.text.ink import U8, InkPage

MIN_LINE_HEIGHT = 20
"""Lines lower than this many pixels are dropped (the paper's)."""


@dataclass(frozen=True)
class Line:
    """A text line cut from a page."""

    image: U8
    """[h, w], ink dark on paper 255; other lines' ink painted over."""
    top: int
    """Row of the page where ``image`` starts."""
    left: int
    """Column of the page where ``image`` starts."""
    height: int
    """What a crop's width is reckoned from, pixels: all rows for the paper's finder, else without the longest
    strokes."""


@dataclass(frozen=True)
class FoundLines:
    """The lines of a page, top to bottom, and the page that their rows and columns count on."""

    page: InkPage
    lines: list[Line]
    left_out: dict[str, int] = field(default_factory=dict)
    """Reason -> number of lines that are not writing (print, too low)."""


def find_lines(page: InkPage, finder: str, *, is_line: bool = False) -> FoundLines:
    """Return the lines of a page with the named finder; a ready line is one line as it is.

    Raises:
        UsageError: unknown finder.
    """
    find = LINE_FINDERS.get(finder)
    if not is_line:
        return find(page)
    rows = np.flatnonzero(page.ink.any(axis=1))
    if rows.size == 0:
        return FoundLines(page, [])
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    return FoundLines(page, [Line(page.grey[top:bottom], top, 0, bottom - top)])
