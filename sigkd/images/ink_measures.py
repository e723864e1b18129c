"""Measures of a signature's ink in a scan: sizes, stroke width, contrast, what touches the border, lines across it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

LINE_SHARE = 0.9
"""Share of the scan's width that a nearly horizontal run spans in a ruled line (1 of 230 free signatures has one)."""


@dataclass(frozen=True)
class InkMeasures:
    """Sizes in pixels of the scan, levels in grey levels."""

    height: int
    width: int
    stroke: float
    """Stroke width: twice the mean distance to the edge along the strokes' middle."""
    contrast: float
    border: int
    """Most ink pixels along one edge of the scan."""
    ruled: bool
    """A straight line crosses the scan."""
    levels: int
    """Different grey levels in the scan."""


def measure_ink(scan: NDArray[np.uint8], box: tuple[int, int, int, int], threshold: int) -> InkMeasures:
    """Measure the ink of a scan.

    Args:
        scan: uint8 [H, W], 0 ink, 255 paper.
        box: of the ink: first row, end row, first column, end column (ends exclusive).
        threshold: the grey level up to which a pixel is ink.
    """
    top, bottom, left, right = box
    inside = np.ascontiguousarray(scan[top:bottom, left:right])
    ink = (inside <= threshold).astype(np.uint8)
    pixels = max(int(cv2.countNonZero(ink)), 1)
    histogram = cv2.calcHist([inside], [0], None, [256], [0, 256]).reshape(-1)
    contrast = _median_level(histogram, threshold + 1, 256) - _median_level(histogram, 0, threshold + 1)
    stroke = 2.0 * pixels / max(_edge_pixels(ink), 1)
    edges = (scan[0], scan[-1], scan[:, 0], scan[:, -1])
    on_border = max(int((edge <= threshold).sum()) for edge in edges)
    levels = int(np.count_nonzero(cv2.calcHist([scan], [0], None, [256], [0, 256])))
    return InkMeasures(bottom - top, right - left, stroke, contrast, on_border, _has_line(scan, threshold), levels)


def measure_normalized(image: NDArray[np.uint8], canvas: tuple[int, int]) -> InkMeasures:
    """Measure a normalised signature (uint8 [H, W], ink bright on black); sizes are those of its scan."""
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    if not len(rows):
        return InkMeasures(0, 0, 0.0, 0.0, 0, False, 1)
    ratio = min(canvas[0] / image.shape[0], canvas[1] / image.shape[1])
    height, width = (round(int(found[-1] - found[0] + 1) * ratio) for found in (rows, columns))
    ink = (image > 0).astype(np.uint8)
    stroke = 2.0 * ratio * int(cv2.countNonZero(ink)) / max(_edge_pixels(ink), 1)
    return InkMeasures(height, width, stroke, float(np.median(image[image > 0])), 0, False, 256)


def _median_level(histogram: NDArray[Any], first: int, end: int) -> float:
    part = np.cumsum(histogram[first:end], dtype=np.float64)
    if not len(part) or part[-1] == 0:
        return float(first)
    return float(first + int(np.searchsorted(part, part[-1] / 2)))


def _edge_pixels(ink: NDArray[np.uint8]) -> int:
    """Return the number of ink pixels with paper beside them: along a stroke of width w that is 2 of w pixels."""
    padded = cv2.copyMakeBorder(ink, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return int(cv2.countNonZero(padded) - cv2.countNonZero(cv2.erode(padded, np.ones((3, 3), np.uint8))))


def _has_line(scan: NDArray[np.uint8], threshold: int) -> bool:
    """Tell whether a horizontal run of ink (gaps of 6 px bridged, a slope of 2 px allowed) crosses the scan."""
    width = scan.shape[1]
    if width < 32:
        return False
    ink = (scan <= threshold).astype(np.uint8)
    rows = np.flatnonzero(ink.sum(axis=1) >= 0.3 * width)
    if not len(rows):
        return False
    band = np.ascontiguousarray(ink[max(int(rows[0]) - 2, 0) : int(rows[-1]) + 3])
    bridged = cv2.morphologyEx(cv2.dilate(band, np.ones((3, 1), np.uint8)), cv2.MORPH_CLOSE, np.ones((1, 7), np.uint8))
    return bool(cv2.countNonZero(cv2.erode(bridged, np.ones((1, int(width * LINE_SHARE)), np.uint8), borderValue=0)))
