"""Measures of a signature side by side with those of its references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sigkd.images.scale import resized
from sigkd.images.scan_measures import ScanMeasures

NAMES = ("width", "height", "proportion", "slant", "stroke", "bodies", "area", "darkness")
"""The measures in the order of the table."""
LENGTHS = frozenset({"width", "height", "stroke", "area"})
"""Those that need the scale."""
_DECIMALS = {"width": 1, "height": 1, "proportion": 2, "slant": 0, "stroke": 2, "bodies": 0, "area": 0, "darkness": 2}
_STEEPEST = 45
_ROWS = 120


@dataclass(frozen=True)
class Measured:
    """The measures of one signature."""

    values: dict[str, float]
    """By name; those that are not known are absent."""
    scale_known: bool

    def text(self, name: str) -> str:
        """Return a value for the table; lengths of unknown scale are marked."""
        if name not in self.values:
            return "–"
        about = "≈ " if name in LENGTHS and not self.scale_known else ""
        return about + number(name, self.values[name])


def number(name: str, value: float) -> str:
    """Return a measure's value with the digits that it is good for."""
    return f"{value:{'+' if name == 'slant' else ''}.{_DECIMALS[name]}f}"


def measured(measures: ScanMeasures, ink: NDArray[np.uint8] | None, scale_known: bool) -> Measured:
    """Return the measures of a scan.

    Args:
        measures: of the scan.
        ink: uint8 [h, w] at 300 dpi, dark on white; None where it was not kept.
        scale_known: else there is no stroke width, by which such a scan's scale was estimated.
    """
    values = {
        "width": measures.width,
        "height": measures.height,
        "proportion": measures.width / max(measures.height, 1e-6),
        "bodies": float(measures.bodies),
        "area": measures.area,
        "darkness": measures.density,
    }
    if scale_known:
        values["stroke"] = measures.stroke
    if ink is not None:
        values["slant"] = slant(ink)
    return Measured(values, scale_known)


def ranges(references: Sequence[Measured]) -> dict[str, tuple[float, float]]:
    """Return least and most of each measure that at least two references have."""
    found = {}
    for name in NAMES:
        values = [one.values[name] for one in references if name in one.values]
        if len(values) >= 2:
            found[name] = min(values), max(values)
    return found


def slant(ink: NDArray[np.uint8]) -> float:
    """Return the slant in degrees from the vertical, positive to the right: the shear that makes strokes upright.

    After Vinciarelli and Luettin, "A new normalization technique for cursive handwritten words", Pattern Recognition
    Letters 22 (2001): of all shears the one after which the columns hold the longest unbroken strokes, the sum of the
    squared heights of columns whose ink has no gap.

    Args:
        ink: uint8 [h, w], dark on white.
    """
    factor = min(1.0, _ROWS / ink.shape[0])
    shape = (resized(ink, (factor, factor)) < 200).astype(np.uint8)
    rows, columns = shape.shape
    reach = int(np.ceil(rows * np.tan(np.radians(_STEEPEST))))
    best, most = 0.0, -1.0
    for angle in sorted(range(-_STEEPEST, _STEEPEST + 1), key=abs):
        shear = np.tan(np.radians(angle))
        # a stroke that leans to the right has its upper end there: rows are moved back by what they are above the last
        upright = np.array([[1.0, shear, reach - shear * (rows - 1)], [0.0, 1.0, 0.0]])
        moved = cv2.warpAffine(shape, upright, (columns + 2 * reach, rows), flags=cv2.INTER_NEAREST)
        height = moved.sum(axis=0, dtype=np.int64)
        held = height > 0
        span = np.where(held, rows - moved[::-1].argmax(axis=0) - moved.argmax(axis=0), 1)
        total = float((height[held & (height == span)].astype(np.float64) ** 2).sum())
        if total > most:
            best, most = float(angle), total
    return best
