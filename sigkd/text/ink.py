"""From a scanned page to ink on clean paper: uneven light, grey paper and ruled lines taken away."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]

_BINARY_SHARE = 0.98


@dataclass(frozen=True)
class InkPage:
    """A page made ready for line finding."""

    grey: U8
    """[H, W], ink dark on paper of (nearly) 255, light evened out."""
    ink: U8
    """[H, W], 1 where there is ink, else 0."""


def is_binarised(page: U8) -> bool:
    """Whether nearly all pixels of a uint8 page have one of two grey levels."""
    histogram = cv2.calcHist([page], [0], None, [256], [0, 256]).reshape(-1)
    return bool(np.sort(histogram)[-2:].sum() >= _BINARY_SHARE * page.size)


def even_light(page: U8) -> U8:
    """Divide a uint8 page by its paper's local brightness, so that paper is 255 everywhere.

    The paper is a bright percentile over neighbourhoods much wider than a stroke, smoothed.
    """
    height, width = page.shape
    step = max(1, min(height, width) // 256)
    small = cv2.resize(page, (max(1, width // step), max(1, height // step)), interpolation=cv2.INTER_AREA)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (15, 15))
    paper = cv2.medianBlur(cv2.morphologyEx(small, cv2.MORPH_CLOSE, kernel), 15)
    paper = cv2.GaussianBlur(paper, (0, 0), 5)
    paper = cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.divide(page, np.maximum(paper, 1), scale=255)  # type: ignore[no-any-return]


def ink_threshold(page: U8) -> int:
    """Return the grey level up to which pixels of an evened-out page are ink.

    Otsu's threshold over the pixels near edges only: a page is nearly all paper, and Otsu over all of it splits the paper.
    """
    gradient = cv2.morphologyEx(page, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    strong = max(20.0, float(cv2.minMaxLoc(gradient)[1]) * 0.4)
    near = cv2.dilate((gradient >= strong).astype(np.uint8), np.ones((3, 3), np.uint8))
    values = page[near > 0]
    if values.size < 100:
        return -1
    level, _ = cv2.threshold(values.reshape(1, -1), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return int(level)


def find_ink(page: U8) -> InkPage:
    """Return the page with even light and its ink mask.

    Args:
        page: uint8 [H, W], ink dark on bright paper, binarised or grey.
    """
    if is_binarised(page):
        low, high = int(page.min()), int(page.max())
        return InkPage(page, (page <= (low + high) // 2).astype(np.uint8) if high > low else np.zeros_like(page))
    grey = even_light(page)
    return InkPage(grey, (grey.astype(np.int16) <= ink_threshold(grey)).astype(np.uint8))
