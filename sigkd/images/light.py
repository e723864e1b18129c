"""Evening out the light: every picture divided by the brightness of its own paper, so that paper is 255 everywhere."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]

PAPER = 255
"""Grey level of clean paper."""

_KERNEL, _SOFTNESS = 15, 3.0
_NARROW, _SHARPNESS = 7, 0.7  # where there is a shadow: still wider than a stroke
_PART, _SHEET = 0.01, 0.35  # of the picture; of the paper's brightness
_STEP, _STEEP = 9, 0.1  # pixels of the small picture, share of the brightness: what makes a step


def paper_brightness(image: U8, step: float, softness: float = _SOFTNESS) -> U8:
    """Return the brightness of the paper on a picture ``step`` times as small.

    It is what closing over 15 x 15 pixels of the small picture, much wider than a stroke, leaves (smoothed).

    Args:
        image: uint8 [H, W] or [H, W, 3], ink dark on bright paper.
        step: how many pixels become one, so that a stroke is about a pixel wide.
        softness: standard deviation of the smoothing, pixels of the small picture.

    Returns:
        uint8 [H / step, W / step(, 3)].
    """
    return np.asarray(cv2.GaussianBlur(_closed(_shrunk(image, step), _KERNEL), (0, 0), softness), np.uint8)


def paper_in_shadow(image: U8, step: float) -> tuple[U8, U8]:
    """Return the brightness of the paper, and the same with the hard edges of shadows: where it has a step, sharp.

    A shadow parts the paper into two; what has more parts is a picture.

    Args:
        image: as of :func:`paper_brightness`.
        step: likewise; the small picture has 75 dpi.

    Returns:
        what :func:`paper_brightness` returns, and the other; where there is no shadow, the very same array.
    """
    small = _shrunk(image, step)
    closed = _closed(small, _KERNEL)
    paper = np.asarray(cv2.GaussianBlur(closed, (0, 0), _SOFTNESS), np.uint8)
    if not _is_shadow(closed):
        return paper, paper
    height, width = small.shape[:2]
    room = min(_KERNEL, height - 1, width - 1)  # mirrored at the edge, the tip of a shadow is wider than a stroke
    wide = np.asarray(cv2.copyMakeBorder(small, room, room, room, room, cv2.BORDER_REFLECT_101), np.uint8)
    inside = slice(room, room + height), slice(room, room + width)
    plain, sharp = _closed(wide, _KERNEL)[inside], _closed(wide, _NARROW)[inside]
    missed = cv2.subtract(plain, sharp) > _STEEP * plain.astype(np.float32)
    near = cv2.dilate((_steps(plain) | missed).astype(np.uint8), np.ones((_STEP, _STEP), np.uint8)) > 0
    smooth = cv2.GaussianBlur(plain, (0, 0), _SOFTNESS)
    return paper, np.asarray(np.where(near, cv2.GaussianBlur(sharp, (0, 0), _SHARPNESS), smooth), np.uint8)


def _shrunk(image: U8, step: float) -> U8:
    height, width = image.shape[:2]
    size = max(1, int(width / step)), max(1, int(height / step))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _closed(small: U8, size: int) -> U8:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.medianBlur(cv2.morphologyEx(small, cv2.MORPH_CLOSE, kernel), size), np.uint8)


def _is_shadow(paper: U8) -> bool:
    """Whether a step parts the paper into two, dark ground beyond the paper aside."""
    steps = _steps(paper)
    if not steps.any():
        return False
    plain = np.asarray(~(steps if steps.ndim == 2 else steps.any(axis=2)), np.uint8)
    levels = paper if paper.ndim == 2 else paper.min(axis=2)
    number, labels, stats, _ = cv2.connectedComponentsWithStats(plain, connectivity=4)
    parts = [part for part in range(1, number) if stats[part, cv2.CC_STAT_AREA] > _PART * plain.size]
    level = [float(np.median(levels[labels == part])) for part in parts]
    return sum(one > _SHEET * max(level) for one in level) == 2


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
