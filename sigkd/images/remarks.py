"""What an examiner would say about a scan before comparing it: small, faint, cut off, ruled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigkd.images.ink_measures import InkMeasures
from sigkd.images.resolution import Resolution
from sigkd.images.scan_measures import ScanMeasures

LEAST_HEIGHT, LEAST_WIDTH = 40, 100
"""Ink boxes smaller than this, in pixels, come from scans of less than about 100 dpi."""
LEAST_STROKE = 2.0
"""Median stroke width in pixels below which strokes are hardly resolved."""
LEAST_CONTRAST = 45.0
"""Grey levels between ink and paper (medians) below which a signature is faint."""
BLACK_AND_WHITE = 4
"""Grey levels up to which a scan counts as black and white."""
BORDER_PIXELS = 3
"""Ink pixels along one edge of the scan from which the signature counts as cut off there."""


@dataclass(frozen=True)
class Remark:
    """A remark on an image or on a comparison."""

    code: str
    """Fixed, for programs."""
    text: str
    """For people."""
    image: str = ""
    """Name of the image, where a list has remarks on several."""

    def __str__(self) -> str:
        return f"{self.image}: {self.text}" if self.image else self.text


def scan_remarks(scan: NDArray[np.uint8], ink: InkMeasures, *, larger_than_canvas: bool = False) -> list[Remark]:
    """Return the remarks on one scan."""
    found = []
    if (ink.height < LEAST_HEIGHT and ink.width < LEAST_WIDTH) or ink.stroke < LEAST_STROKE:
        found.append(
            Remark(
                "low-resolution",
                f"low resolution: the signature is {ink.width}x{ink.height} px, strokes {ink.stroke:.1f} px "
                "wide; scan at 300 dpi or more",
            )
        )
    if ink.contrast < LEAST_CONTRAST:
        found.append(Remark("faint", f"faint: ink and paper differ by {ink.contrast:.0f} of 255 grey levels"))
    if ink.border >= BORDER_PIXELS:
        found.append(Remark("cropped", "ink touches the border of the image: the signature may be cut off"))
    if ink.ruled:
        found.append(
            Remark(
                "background-line",
                "a long straight line crosses the signature: a ruled form? Cut it out or scan without it",
            )
        )
    if larger_than_canvas:
        found.append(
            Remark("larger-than-canvas", "the signature is larger than the model's canvas and was cut to its middle")
        )
    if ink.levels <= BLACK_AND_WHITE:
        found.append(Remark("binarised", "the scan is black and white only: shades of ink are lost"))
    return found


def page_remarks(page: int, pages: int) -> list[Remark]:
    """Return the remark on a file of several pages, of which one was read."""
    return [Remark("pages", f"page {page} of {pages} was read")] if pages > 1 else []


LEAST_DPI = 140.0
"""Resolution below which strokes are hardly resolved."""
LEAST_DENSITY = 0.2
"""Darkness of ink (0 as paper, 1 black) below which a signature is faint."""
WIDEST_EDGE = 0.35
"""Width in mm of the edges of strokes from which a scan is blurred."""
STROKES = (0.15, 1.5)
"""Widths in mm between which the strokes of pens lie: others speak against the resolution."""
TAKEN = 0.05
"""Share of what is dark that is taken away without a remark."""
OVERPRINTED = 0.07
"""Share of the ink that print touches, from which print lies over the signature: with captions at 19 Dutch signatures
(writers 030 to 049) it was 0.071 at most, with stamps across them 0.11 in the middle."""
AT_EDGE = 0.25
"""Mm of ink along an edge of the scan from which the signature counts as cut off there."""


def reading_remarks(measures: ScanMeasures, resolution: Resolution, at_edge: float, overprinted: float) -> list[Remark]:
    """Return the remarks on a scan as it was read.

    Args:
        measures: of the scan.
        resolution: what the file says of it.
        at_edge: mm of ink along the edge of the scan that has most of it.
        overprinted: share of the ink that print touches.
    """
    m, found = measures, []

    def add(code: str, text: str) -> None:
        found.append(Remark(code, text))

    if not resolution.known:
        add("resolution-unknown", "the file does not tell its resolution: state it, or scan at 300 dpi")
    elif m.dpi < LEAST_DPI:
        add("low-resolution", f"scanned at {m.dpi:.0f} dpi: scan at 300 dpi")
    if resolution.known and not STROKES[0] <= m.stroke <= STROKES[1]:
        add("resolution-doubtful", f"strokes are {m.stroke:.2f} mm wide at the stated resolution: is it right?")
    if m.density < LEAST_DENSITY:
        add("faint", f"faint: the ink is {m.density:.0%} darker than its paper")
    if m.edge > WIDEST_EDGE:
        add("blurred", f"blurred: edges of strokes are {m.edge:.2f} mm wide; scan, or photograph in focus")
    if at_edge >= AT_EDGE:
        add("cropped", "ink touches the edge of the image: the signature may be cut off")
    if m.lines > TAKEN:
        add("lines-removed", "printed lines were taken away: look at what is left, or crop them")
    if overprinted > OVERPRINTED:
        add("print-over-ink", "print or a stamp lies over the signature: part of it may count as ink, or be lost")
    elif m.print > TAKEN:
        add("print-removed", "print or a stamp was taken away: look at what is left, or crop it")
    if m.levels <= BLACK_AND_WHITE:
        add("binarised", "the scan is black and white only: shades of ink are lost")
    return found
