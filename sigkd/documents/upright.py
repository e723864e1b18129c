"""Which way a page lies: by the network along or across, by its print upright or upside down."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sigkd.documents.detector import DETECTOR_DPI
from sigkd.images.light import divide_by, paper_brightness
from sigkd.images.scale import grey, resized

U8 = npt.NDArray[np.uint8]

TEXT_DPI = 150.0
"""Resolution at which letters are looked at."""

_DARK = 190  # of 255
_LOW, _HIGH, _WIDE = 5, 45, 50  # pixels of letters
_GAP = 12  # pixels between neighbours
_NEIGHBOURS = 160  # letters in order of their left sides among which a neighbour is looked for
_LEAST_VOTES, _MORE = 12, 1.4


def how_turned(raw: U8, dpi: tuple[float, float], turns: npt.NDArray[np.float32]) -> int:
    """Return by how many quarters a page lies turned counterclockwise.

    Args:
        raw: the page, uint8 [H, W] or [H, W, 3].
        dpi: its resolution (across, down).
        turns: what the network says (:class:`sigkd.documents.detector.Found`).
    """
    picture = evened_at(raw, dpi, TEXT_DPI)
    across = bool(turns[1] + turns[3] > turns[0] + turns[2])
    if across:
        picture = np.ascontiguousarray(np.rot90(picture, -1))
    return int(across) + 2 * int(is_upside_down(picture))


def evened_at(raw: U8, dpi: tuple[float, float], wanted: float) -> U8:
    """Return a page in grey [H, W] at another resolution, its paper at 255."""
    picture = resized(grey(raw), (wanted / dpi[0], wanted / dpi[1]))
    return divide_by(picture, paper_brightness(picture, wanted / DETECTOR_DPI))


def is_upside_down(picture: U8) -> bool:
    """Tell whether a page whose lines of print are level stands on its head; where too little is printed, it does not.

    Letters stand on a common line, and reach up to different heights: neighbours of which one is taller agree at their
    lower ends.

    Args:
        picture: uint8 [H, W] at :data:`TEXT_DPI`, its light evened out.
    """
    dark = (picture < _DARK).view(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(dark, connectivity=8)
    left, top, width, height = (stats[:, column] for column in range(4))
    letters = (height >= _LOW) & (height <= _HIGH) & (width >= 2) & (width <= _WIDE)
    order = np.flatnonzero(letters)[np.argsort(left[letters], kind="stable")]
    left, top, right, bottom = left[order], top[order], (left + width)[order], (top + height)[order]
    up = down = 0
    for step in range(1, min(_NEIGHBOURS, len(order) - 1) + 1):
        near = _is_next(left, top, right, bottom, step)
        above = np.abs(top[step:] - top[:-step])[near]
        below = np.abs(bottom[step:] - bottom[:-step])[near]
        up += int(((below <= 1) & (above >= 3)).sum())
        down += int(((above <= 1) & (below >= 3)).sum())
    return down >= _LEAST_VOTES and down > _MORE * up


def _is_next(left: Any, top: Any, right: Any, bottom: Any, step: int) -> npt.NDArray[np.bool_]:
    """Return of which letters the one ``step`` places on stands beside them."""
    gap = left[step:] - right[:-step]
    common = np.minimum(bottom[step:], bottom[:-step]) - np.maximum(top[step:], top[:-step])
    lower = np.minimum((bottom - top)[step:], (bottom - top)[:-step])
    return np.asarray((gap >= -2) & (gap <= _GAP) & (2 * common > lower))
