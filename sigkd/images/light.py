"""Evening out the light: every picture divided by the brightness of its own paper, so that paper is 255 everywhere."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]

PAPER = 255
"""Grey level of clean paper."""

_KERNEL = 15


def paper_brightness(image: U8, step: float, softness: float = 3.0) -> U8:
    """Return the brightness of the paper on a picture ``step`` times as small.

    It is what closing over 15 x 15 pixels of the small picture, much wider than a stroke, leaves (smoothed).

    Args:
        image: uint8 [H, W] or [H, W, 3], ink dark on bright paper.
        step: how many pixels become one, so that a stroke is about a pixel wide.
        softness: standard deviation of the smoothing, pixels of the small picture.

    Returns:
        uint8 [H / step, W / step(, 3)].
    """
    height, width = image.shape[:2]
    size = max(1, int(width / step)), max(1, int(height / step))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_KERNEL, _KERNEL))
    paper = cv2.medianBlur(cv2.morphologyEx(small, cv2.MORPH_CLOSE, kernel), _KERNEL)
    return np.asarray(cv2.GaussianBlur(paper, (0, 0), softness), np.uint8)


def divide_by(image: U8, paper: U8) -> U8:
    """Return the picture over the brightness of its paper (of any size), 255 where they are equal."""
    height, width = image.shape[:2]
    large = np.asarray(cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    np.maximum(large, 1, out=large)
    return np.asarray(cv2.divide(image, large, large, scale=PAPER), np.uint8)
