"""The line finder ``paper``: rows with ink (Section 4.1.2 of the paper)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sigkd.text.finders import LINE_FINDERS
from sigkd.text.ink import InkPage
from sigkd.text.lines import MIN_LINE_HEIGHT, FoundLines, Line


@LINE_FINDERS.register("paper")
def rows_with_ink(page: InkPage) -> FoundLines:
    """Take every run of at least 20 rows with ink for a line as wide as the page."""
    found = runs(np.asarray(page.ink.any(axis=1)))
    lines = [Line(page.grey[a:b], a, 0, b - a) for a, b in found if b - a >= MIN_LINE_HEIGHT]
    low = len(found) - len(lines)
    return FoundLines(page, lines, {"line lower than 20 px": low} if low else {})


def runs(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return [start, end) of every run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]
