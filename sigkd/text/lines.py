"""Text lines of a page: the table of line finders, and the paper's (rows with ink)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from sigkd.registry import Registry
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
    """Height that a crop's width is reckoned from: all rows for the paper's finder, else without the longest
    strokes."""


@dataclass(frozen=True)
class FoundLines:
    """The lines of a page, top to bottom, and the page that their rows and columns count on."""

    page: InkPage
    lines: list[Line]
    left_out: dict[str, int] = field(default_factory=dict)
    """Reason -> number of lines that are not writing (print, too low)."""


LINE_FINDERS: Registry[Callable[[InkPage], FoundLines]] = Registry("line finder")


def runs(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return [start, end) of every run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


@LINE_FINDERS.register("paper")
def rows_with_ink(page: InkPage) -> FoundLines:
    """The paper's: every run of at least 20 rows with ink is a line as wide as the page."""
    found = runs(np.asarray(page.ink.any(axis=1)))
    lines = [Line(page.grey[a:b], a, 0, b - a) for a, b in found if b - a >= MIN_LINE_HEIGHT]
    low = len(found) - len(lines)
    return FoundLines(page, lines, {"line lower than 20 px": low} if low else {})


def find_lines(page: InkPage, finder: str, *, is_line: bool = False) -> FoundLines:
    """Return the lines of a page with the named finder; a ready line is one line as it is."""
    from sigkd.text import seams  # noqa: F401 - registers its finder

    find = LINE_FINDERS.get(finder)
    if not is_line:
        return find(page)
    rows = np.flatnonzero(page.ink.any(axis=1))
    if rows.size == 0:
        return FoundLines(page, [])
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    return FoundLines(page, [Line(page.grey[top:bottom], top, 0, bottom - top)])
