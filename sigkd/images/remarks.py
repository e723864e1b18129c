"""What an examiner would say about a scan before comparing it: small, faint, cut off, ruled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigkd.images.ink_measures import InkMeasures

LEAST_HEIGHT, LEAST_WIDTH = 40, 100
"""Ink boxes smaller than this, in pixels, come from scans of less than about 100 dpi."""
LEAST_STROKE = 2.0
"""Median stroke width in pixels below which strokes are hardly resolved."""
LEAST_CONTRAST = 45.0
"""Grey levels between ink and paper (medians) below which a signature is faint."""
BORDER_PIXELS = 3
"""Ink pixels along one edge of the scan from which the signature counts as cut off there."""


@dataclass(frozen=True)
class Remark:
    """A remark on an image or on a comparison."""

    code: str
    """Fixed, for programs."""
    text: str
    """For people."""

    def __str__(self) -> str:
        return self.text


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
    if ink.levels <= 4:
        found.append(Remark("binarised", "the scan is black and white only: shades of ink are lost"))
    return found
