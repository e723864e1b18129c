"""Bringing scans to one resolution: by what the file says, or by the width of pen strokes where it says nothing."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from sigkd.errors import ImageError
from sigkd.images.formats import LEAST_DPI, MOST_DPI
from sigkd.images.light import divide_by, paper_brightness
from sigkd.images.resolution import MM_PER_INCH, Resolution

U8 = npt.NDArray[np.uint8]

DPI = 300.0
"""Resolution that scans are brought to."""

LARGEST = 20_000_000
"""Most pixels of a sheet at :data:`DPI`: a little more than A3."""

USUAL_STROKE = 0.37
"""Median width in mm of the strokes of pens, by which an unknown resolution is estimated."""

_LEAST_EDGE = 24
_LEAST_EDGES = 30
_ENOUGH = 1_500_000


def reckoned_dpi(picture: U8, resolution: Resolution) -> tuple[float, float]:
    """Return the resolution (across, down) to reckon with: the known one, else an estimate.

    Args:
        picture: uint8 [H, W] or [H, W, 3].
        resolution: what is known.

    Raises:
        ImageError: if the sheet would be larger than A3.
    """
    if resolution.x is not None and resolution.y is not None:
        dpi = resolution.x, resolution.y
    else:
        stroke = stroke_width(grey(picture), resolution.aspect)
        down = float(np.clip(stroke / USUAL_STROKE * MM_PER_INCH, LEAST_DPI, MOST_DPI))
        dpi = down * resolution.aspect, down
    height, width = picture.shape[:2]
    if width * height * DPI**2 / (dpi[0] * dpi[1]) > LARGEST:
        mm = f"{width / dpi[0] * MM_PER_INCH:.0f} x {height / dpi[1] * MM_PER_INCH:.0f} mm"
        raise ImageError(f"a sheet of {mm} is no scan of a signature: crop it, or state its resolution")
    return dpi


def grey(picture: U8) -> U8:
    """Return the picture in grey [H, W]."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8) if picture.ndim == 3 else picture


def resized(picture: U8, factor: tuple[float, float]) -> U8:
    """Return the picture enlarged or shrunk by a factor along each axis (across, down), without aliasing."""
    height, width = picture.shape[:2]
    size = max(1, round(width * factor[0])), max(1, round(height * factor[1]))
    if size == (width, height):
        return picture
    if min(factor) < 1 < max(factor):  # averaging and interpolating need two passes
        first = (size[0], height) if factor[0] < 1 else (width, size[1])
        picture = np.asarray(cv2.resize(picture, first, interpolation=cv2.INTER_AREA), np.uint8)
    shrink = factor[0] <= 1 and factor[1] <= 1
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC), np.uint8)


def stroke_width(picture: U8, aspect: float = 1.0) -> float:
    """Return the typical width of the strokes of a grey picture [H, W] in its own pixels (down); 0 if there are none.

    Twice the area of what is dark over the length of its edges.
    """
    height, width = picture.shape
    shrunk = max(1.0, np.sqrt(height * width / _ENOUGH))
    if shrunk >= 2:  # strokes of large pictures are several pixels wide
        picture = resized(picture, (1 / shrunk, 1 / shrunk))
    else:
        shrunk = 1.0
    for _ in range(3):
        found = _stroke_width(picture)
        if found >= 4.0 or picture.size > 2 * _ENOUGH:
            break
        picture, shrunk = resized(picture, (2.0, 2.0)), shrunk / 2  # strokes of few pixels are all edge
    return float(found * shrunk / np.sqrt(aspect))


def _stroke_width(picture: U8) -> float:
    flat = divide_by(picture, paper_brightness(picture, max(1.0, min(picture.shape) / 300)))
    gradient = np.asarray(cv2.morphologyEx(flat, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)), np.uint8)
    edges = flat[gradient >= max(_LEAST_EDGE, 0.4 * float(np.percentile(gradient[::2, ::2], 99.9)))]
    if edges.size < _LEAST_EDGES:
        return 0.0
    level, _ = cv2.threshold(edges.reshape(1, -1), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    dark = (flat <= level).astype(np.uint8)
    dark = np.asarray(cv2.medianBlur(dark, 3), np.uint8)
    padded = cv2.copyMakeBorder(dark, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    rim = cv2.countNonZero(dark) - cv2.countNonZero(cv2.erode(padded, cross))
    return 2.0 * cv2.countNonZero(dark) / max(rim, 1)
