"""Solid stripes of text: a line without its blank columns."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sigkd.text.ink import U8

MIN_STRIPE_WIDTH = 220
"""Stripes narrower than this many pixels are dropped (the paper's)."""

BLANK_SHARES = (0.10, 0.01)
"""A column is blank if its standard deviation is below this share of the line's largest; first pass, second pass."""


@dataclass(frozen=True)
class Stripe:
    """A solid stripe of text."""

    image: U8
    """[h, w]: the line's inked columns, side by side."""
    columns: npt.NDArray[np.int64]
    """[w]: where each column was in the line."""


def solid_stripe(line: U8) -> Stripe:
    """Remove the blank columns of a text line (Section 4.1.2: "Solid Stripes of Text").

    Args:
        line: uint8 [h, w], ink dark on paper.
    """
    columns = np.arange(line.shape[1])
    for share in BLANK_SHARES:
        if columns.size == 0:
            break
        deviation = _column_deviation(line)
        keep = (deviation >= share * deviation.max()) & (deviation > 0)
        line, columns = line[:, keep], columns[keep]
    return Stripe(np.ascontiguousarray(line), columns)


def _column_deviation(line: U8) -> npt.NDArray[np.float64]:
    mean = cv2.reduce(line, 0, cv2.REDUCE_AVG, dtype=cv2.CV_64F).reshape(-1)
    wide = line.astype(np.float32)
    square = cv2.reduce(cv2.multiply(wide, wide), 0, cv2.REDUCE_AVG, dtype=cv2.CV_64F).reshape(-1)
    return np.sqrt(np.maximum(square - mean * mean, 0))
