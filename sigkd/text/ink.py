"""From a scanned page to ink on clean paper: uneven light and grey paper taken away, and what is ink decided."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sigkd.images.light import PAPER, divide_by, paper_brightness

U8 = npt.NDArray[np.uint8]

_BINARY_SHARE = 0.98
_TILES = (6, 4)
_LEAST_EDGES = 200
_LEAST_EDGE = 24.0
_FAINTER = 0.4


def u8(array: object) -> U8:
    """Return an OpenCV result as what it is; OpenCV's annotations leave the type of the pixels open."""
    return np.asarray(array, np.uint8)


@dataclass(frozen=True)
class InkPage:
    """A page made ready for line finding."""

    grey: U8
    """[H, W], ink dark on paper of (nearly) 255, light evened out."""
    ink: U8
    """[H, W], 1 where there is ink, else 0."""
    angle: float = 0.0
    """Degrees by which the scan was turned (counter-clockwise) to get here."""


def is_binarised(page: U8) -> bool:
    """Whether nearly all pixels of a uint8 page have one of two grey levels."""
    histogram = cv2.calcHist([page], [0], None, [256], [0, 256]).reshape(-1)
    return bool(np.sort(histogram)[-2:].sum() >= _BINARY_SHARE * page.size)


def even_light(page: U8) -> U8:
    """Divide a uint8 page by its paper's local brightness, so that paper is 255 everywhere.

    The paper's brightness is what closing over neighbourhoods much wider than a stroke leaves, smoothed.
    """
    step = max(1, min(page.shape) // 256)
    return divide_by(page, paper_brightness(page, step, softness=5))


def _edge_threshold(page: U8, gradient: U8, least: float) -> int | None:
    """Return Otsu's threshold over the pixels near edges of at least ``least``; None where there are hardly any."""
    strong = gradient >= max(least, 0.4 * _peak(gradient))
    if np.count_nonzero(strong) < _LEAST_EDGES:
        return None
    near = cv2.dilate(strong.astype(np.uint8), np.ones((3, 3), np.uint8))
    level, _ = cv2.threshold(page[near > 0].reshape(1, -1), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return int(level)


def _peak(gradient: U8) -> float:
    """Return the 99.9 % quantile."""
    cumulated = np.cumsum(cv2.calcHist([gradient], [0], None, [256], [0, 256]).reshape(-1))
    return float(np.searchsorted(cumulated, 0.999 * cumulated[-1]))


def ink_threshold(page: U8) -> npt.NDArray[np.float32] | None:
    """Return for an evened-out page [H, W] the level up to which pixels are ink, float32 [H, W]; None if blank.

    Otsu's threshold over the pixels near edges only: a page is nearly all paper, and Otsu over all of it splits the
    paper. Tiles of the page have thresholds of their own, so that faint writing under a dark printed head is found;
    they may not be much more inclusive than the page's, which keeps the writing of the back, shining through, away.
    """
    gradient = u8(cv2.morphologyEx(page, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)))
    whole = _edge_threshold(page, gradient, _LEAST_EDGE)
    if whole is None:
        return None
    height, width = page.shape
    least = max(_LEAST_EDGE, 0.3 * _peak(gradient))  # tiles without writing: ruling, the back's writing
    levels = np.full(_TILES, whole, np.float32)
    for row in range(_TILES[0]):
        for column in range(_TILES[1]):
            tile = (
                slice(row * height // _TILES[0], (row + 1) * height // _TILES[0]),
                slice(column * width // _TILES[1], (column + 1) * width // _TILES[1]),
            )
            own = _edge_threshold(page[tile], gradient[tile], least) if page[tile].size else None
            if own is not None:
                levels[row, column] = min(float(own), whole + _FAINTER * (PAPER - whole))
    return np.asarray(cv2.resize(levels, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def separate_ink(page: U8) -> InkPage:
    """Return the page with even light and its ink mask.

    Args:
        page: uint8 [H, W], ink dark on bright paper, binarised or grey.
    """
    if is_binarised(page):
        low, high = int(page.min()), int(page.max())
        return InkPage(page, (page <= (low + high) // 2).astype(np.uint8) if high > low else np.zeros_like(page))
    grey = even_light(page)
    level = ink_threshold(u8(cv2.medianBlur(grey, 3)))
    return InkPage(grey, np.zeros_like(grey) if level is None else (grey <= level).astype(np.uint8))
