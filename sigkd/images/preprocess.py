"""Normalising a scanned signature: ink box, noise removal, centring on a canvas, anti-aliased resizing.

The arithmetic is that of the field's reference implementation, arranged so that no canvas is ever filled: everything
after the threshold is linear and separable, so the output is ``R @ ink @ C.T`` with ``ink`` the inverted ink box and
``R``, ``C`` the part of the canvas-sized smoothing-and-resampling operators that the box meets (see
``docs/decisions/0010-preprocessing.md``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from sigkd.images.canvas import CANVAS, SIZE
from sigkd.images.ink import Extent, locate_ink
from sigkd.images.resampling import resample

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]

LARGER_THAN_CANVAS = "larger than the canvas (cut to its middle)"


@dataclass(frozen=True)
class Normalized:
    """A normalised signature and how it was come by."""

    image: U8
    """The signature, ink bright on black (0), of the asked size."""
    box: tuple[int, int, int, int]
    """Ink box in the scan: first row, end row, first column, end column (ends exclusive), in pixels."""
    threshold: int
    """Grey level up to which a pixel of the scan counts as ink."""
    warnings: tuple[str, ...] = ()
    """Fixed phrases (so that they can be counted) of what a person should know."""


def normalize_signature(
    image: U8, canvas: tuple[int, int] = CANVAS, size: tuple[int, int] = SIZE, *, blurred: bool = False
) -> U8:
    """Return the signature centred on a canvas and resized, ink bright on black.

    Args:
        image: uint8 [H, W], the scan: ink dark (0) on bright paper (255).
        canvas: height and width of the canvas, pixels of the scan.
        size: height and width of the result, pixels.
        blurred: take Otsu's threshold of the blurred image, as the authors' release does for text; a higher one.

    Returns:
        uint8 [size], 0 where there is no ink.

    Raises:
        ImageError: if there is no signature in the image (one colour, blank paper).
        ValueError: if ``image`` is not a two-dimensional uint8 array.
    """
    return normalize(image, canvas, size, blurred=blurred).image


def normalize(
    image: U8, canvas: tuple[int, int] = CANVAS, size: tuple[int, int] = SIZE, *, blurred: bool = False
) -> Normalized:
    """Return :func:`normalize_signature`'s image with the ink box, the threshold and warnings; arguments as there."""
    if image.ndim != 2 or image.dtype != np.uint8:
        raise ValueError(f"a uint8 image [H, W] is expected, not {image.dtype} {list(image.shape)}")
    if min(canvas) < 1 or min(size) < 1:
        raise ValueError(f"canvas {canvas} and size {size} must be positive")
    found = locate_ink(np.ascontiguousarray(image), blurred=blurred)
    rows, columns, warnings = found.rows, found.columns, list(found.warnings)
    top, box_top, height = _place(rows, canvas[0])
    left, box_left, width = _place(columns, canvas[1])
    if height < rows.length or width < columns.length:
        warnings.append(LARGER_THAN_CANVAS)
    ink_box = found.image[box_top : box_top + height, box_left : box_left + width]
    ink = np.asarray(cv2.LUT(ink_box, _ink_table(found.threshold)), np.float32)
    result = resample(ink, canvas, size, top, left)
    box = (rows.start, rows.start + rows.length, columns.start, columns.start + columns.length)
    return Normalized(result, box, found.threshold, tuple(warnings))


def _place(ink: Extent, room: int) -> tuple[int, int, int]:
    """Put the ink's centre of mass in the middle of ``room`` pixels, as far as the ink stays inside.

    Returns:
        Where the ink starts on the canvas, which row (column) of the scan goes there, and how many.
    """
    if ink.length > room:
        return 0, ink.start + (ink.length - room) // 2, room
    return max(0, min(room // 2 - ink.center, room - ink.length)), ink.start, ink.length


@lru_cache(maxsize=256)
def _ink_table(threshold: int) -> F32:
    """Return the table [256] from grey level to amount of ink: 255 - level, 0 above the threshold (paper, noise)."""
    table = 255 - np.arange(256, dtype=np.float32)
    table[threshold + 1 :] = 0
    return table
