"""What an examiner would say about a scan before comparing it: small, faint, cut off, ruled, unlike the references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

LEAST_HEIGHT, LEAST_WIDTH = 40, 100
"""Ink boxes smaller than this, in pixels, come from scans of less than about 100 dpi."""
LEAST_STROKE = 2.0
"""Median stroke width in pixels below which strokes are hardly resolved."""
LEAST_CONTRAST = 45.0
"""Grey levels between ink and paper (medians) below which a signature is faint."""
BORDER_PIXELS = 3
"""Ink pixels along one edge of the scan from which the signature counts as cut off there."""
LINE_SHARE = 0.9
"""Share of the scan's width that a nearly horizontal run spans in a ruled line (1 of 230 free signatures has one)."""
SIZE_RATIO = 1.6
"""Largest ratio of sizes between the query and the references that passes without a remark."""


@dataclass(frozen=True)
class Warning_:  # noqa: N801 - `Warning` is Python's own
    """A remark on an image or on a comparison."""

    code: str
    """Fixed, for programs."""
    message: str
    """For people."""

    def __str__(self) -> str:
        return self.message


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


def scan_warnings(scan: NDArray[np.uint8], ink: InkMeasures, *, larger_than_canvas: bool = False) -> list[Warning_]:
    """Return the remarks on one scan."""
    found = []
    if (ink.height < LEAST_HEIGHT and ink.width < LEAST_WIDTH) or ink.stroke < LEAST_STROKE:
        found.append(
            Warning_(
                "low-resolution",
                f"low resolution: the signature is {ink.width}x{ink.height} px, strokes {ink.stroke:.1f} px "
                "wide; scan at 300 dpi or more",
            )
        )
    if ink.contrast < LEAST_CONTRAST:
        found.append(Warning_("faint", f"faint: ink and paper differ by {ink.contrast:.0f} of 255 grey levels"))
    if ink.border >= BORDER_PIXELS:
        found.append(Warning_("cropped", "ink touches the border of the image: the signature may be cut off"))
    if ink.ruled:
        found.append(
            Warning_(
                "background-line",
                "a long straight line crosses the signature: a ruled form? Cut it out or scan without it",
            )
        )
    if larger_than_canvas:
        found.append(
            Warning_("larger-than-canvas", "the signature is larger than the model's canvas and was cut to its middle")
        )
    if ink.levels <= 4:
        found.append(Warning_("binarised", "the scan is black and white only: shades of ink are lost"))
    return found


def size_warning(query: InkMeasures, references: Sequence[InkMeasures]) -> Warning_ | None:
    """Return a remark where the query is much larger or smaller than the references (medians of width and height)."""
    if not references:
        return None
    width = query.width / max(float(np.median([one.width for one in references])), 1.0)
    height = query.height / max(float(np.median([one.height for one in references])), 1.0)
    ratio = float(np.sqrt(width * height))
    if 1 / SIZE_RATIO <= ratio <= SIZE_RATIO:
        return None
    word = "larger" if ratio > 1 else "smaller"
    times = max(ratio, 1 / ratio)
    return Warning_("size", f"{times:.1f} times {word} than the references: another scanning resolution?")


def copy_warning(digest: str, references: Sequence[str]) -> Warning_ | None:
    """Return a remark where the query is the very file of a reference."""
    if digest and digest in references:
        return Warning_(
            "copy", f"identical to reference {references.index(digest) + 1}: a copied file, not another signature"
        )
    return None


def disagreement_warning(agreement: NDArray[np.floating], reject: float) -> Warning_ | None:
    """Return a remark where references would be rejected by the others.

    Args:
        agreement: each reference's score against the others [r] (empty for fewer than three).
        reject: the score below which a query is rejected.
    """
    odd = [place + 1 for place in np.flatnonzero(np.asarray(agreement) < reject).tolist()]
    if not odd:
        return None
    which = f"reference {odd[0]} does" if len(odd) == 1 else f"references {', '.join(map(str, odd))} do"
    return Warning_(
        "references-disagree", f"{which} not fit the other references: check that they are the same person's"
    )
