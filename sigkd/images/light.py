"""Evening out the light: every picture divided by the brightness of its own paper, so that paper is 255 everywhere."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]

PAPER = 255
"""Grey level of clean paper."""

_KERNEL = 15
_NARROW, _SHARPNESS = 7, 0.7  # where there is a shadow: still wider than a stroke
_STEP, _STEEP = 9, 0.1  # pixels of the small picture, share of the brightness: what makes a step


def paper_brightness(image: U8, step: float, softness: float = 3.0, *, shadows: bool = False) -> U8:
    """Return the brightness of the paper on a picture ``step`` times as small.

    It is what closing over 15 x 15 pixels of the small picture, much wider than a stroke, leaves (smoothed).

    Args:
        image: uint8 [H, W] or [H, W, 3], ink dark on bright paper.
        step: how many pixels become one, so that a stroke is about a pixel wide.
        softness: standard deviation of the smoothing, pixels of the small picture.
        shadows: follow the hard edges of shadows, where brightness has a step; of 75 dpi and less.

    Returns:
        uint8 [H / step, W / step(, 3)].
    """
    height, width = image.shape[:2]
    size = max(1, int(width / step)), max(1, int(height / step))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    paper = _closed(small, _KERNEL)
    smooth = np.asarray(cv2.GaussianBlur(paper, (0, 0), softness), np.uint8)
    if not shadows or not _steps(paper).any():
        return smooth
    # mirrored at the picture's edge, the tip of a shadow is wider than a stroke
    room = min(_KERNEL, size[0] - 1, size[1] - 1)
    wide = np.asarray(cv2.copyMakeBorder(small, room, room, room, room, cv2.BORDER_REFLECT_101), np.uint8)
    inside = slice(room, room + size[1]), slice(room, room + size[0])
    paper, sharp = _closed(wide, _KERNEL)[inside], _closed(wide, _NARROW)[inside]
    missed = cv2.subtract(paper, sharp) > _STEEP * paper.astype(np.float32)
    near = cv2.dilate((_steps(paper) | missed).astype(np.uint8), np.ones((_STEP, _STEP), np.uint8)) > 0
    smooth = np.asarray(cv2.GaussianBlur(paper, (0, 0), softness), np.uint8)
    return np.asarray(np.where(near, cv2.GaussianBlur(sharp, (0, 0), _SHARPNESS), smooth), np.uint8)


def _closed(small: U8, size: int) -> U8:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.medianBlur(cv2.morphologyEx(small, cv2.MORPH_CLOSE, kernel), size), np.uint8)


def _steps(paper: U8) -> npt.NDArray[np.bool_]:
    """Return where the brightness has a step, as at the edge of a shadow."""
    most = cv2.dilate(paper, np.ones((_STEP, _STEP), np.uint8))
    least = cv2.erode(paper, np.ones((_STEP, _STEP), np.uint8))
    return np.asarray(cv2.subtract(most, least) > _STEEP * most.astype(np.float32))


def divide_by(image: U8, paper: U8) -> U8:
    """Return the picture over the brightness of its paper (of any size), 255 where they are equal."""
    height, width = image.shape[:2]
    large = np.asarray(cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    np.maximum(large, 1, out=large)
    return np.asarray(cv2.divide(image, large, large, scale=PAPER), np.uint8)
