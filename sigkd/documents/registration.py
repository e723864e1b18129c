"""Laying a template on a page: by marks that are printed on both (SIFT features, RANSAC)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sigkd.documents.detector import DETECTOR_DPI
from sigkd.images.resolution import MM_PER_INCH

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]

MOST_ANGLE, MOST_SCALE = 12.0, 1.3
"""Turn in degrees and enlargement up to which a page is taken for the template's."""

_FEATURES = 1500
_RATIO = 0.8  # a match must be so much nearer than the second best
_LEAST_MATCHES = 14
_LEAST_SHARE = 0.08  # of the template's features
_REACH = 3.0  # pixels at 75 dpi
_LEAST_SPREAD = 0.12  # of the template's area: what agrees in one corner says nothing of the others


@dataclass(frozen=True)
class Placement:
    """Where a template lies on a page."""

    matrix: npt.NDArray[np.float64]
    """[3, 3] from pixels of the template at 75 dpi to pixels of the page at 75 dpi."""
    matches: int
    """Marks that agree."""

    def on_page(self, points: F32) -> F32:
        """Return points [n, 2] of the template in mm as pixels of the page at 75 dpi."""
        pixels = (points / MM_PER_INCH * DETECTOR_DPI).reshape(-1, 1, 2).astype(np.float32)
        return np.asarray(cv2.perspectiveTransform(pixels, self.matrix), np.float32).reshape(-1, 2)


def count_features(marks: U8) -> int:
    """Return how many features a template has."""
    return len(_features(marks)[0])


def place_marks(marks: U8, picture: U8) -> Placement | None:
    """Lay a template on a page; None: the page is not one of its kind.

    Args:
        marks: of the template, uint8 [H, W] at 75 dpi.
        picture: the page, uint8 [H, W] or [H, W, 3] at 75 dpi, upright, its light evened out.
    """
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else picture, np.uint8)
    known, described = _features_of_template(marks.tobytes(), marks.shape)
    seen, others = _features(grey)
    if described is None or others is None or len(known) < _LEAST_MATCHES or len(seen) < _LEAST_MATCHES:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(described, others, k=2)
    good = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < _RATIO * pair[1].distance]
    if len(good) < _LEAST_MATCHES:
        return None
    here = np.array([known[match.queryIdx].pt for match in good], np.float32)
    there = np.array([seen[match.trainIdx].pt for match in good], np.float32)
    affine: Any  # OpenCV's stubs do not say that there may be none
    plane: Any
    affine, agree = cv2.estimateAffine2D(
        here, there, method=cv2.RANSAC, ransacReprojThreshold=_REACH, maxIters=4000, confidence=0.999
    )
    if affine is None:
        return None
    inside = agree.reshape(-1) > 0
    matrix = np.vstack([affine, [0, 0, 1]])
    plane, agree = cv2.findHomography(here, there, cv2.RANSAC, _REACH, maxIters=4000, confidence=0.999)
    if plane is not None and agree.sum() > 1.15 * inside.sum() + 5:  # photographed at an angle
        matrix, inside = plane, agree.reshape(-1) > 0
    placement = Placement(np.asarray(matrix, np.float64), int(inside.sum()))
    return placement if _plausible(placement, here[inside], len(known), marks.shape) else None


@lru_cache(maxsize=4)
def _features_of_template(content: bytes, shape: tuple[int, ...]) -> tuple[list[cv2.KeyPoint], F32 | None]:
    """Return the features of marks; a template is laid on many pages, and this is a quarter of the work on each."""
    return _features(np.frombuffer(content, np.uint8).reshape(shape))


def _features(picture: U8) -> tuple[list[cv2.KeyPoint], F32 | None]:
    sift = cv2.SIFT.create(nfeatures=_FEATURES, contrastThreshold=0.03)
    points, described = sift.detectAndCompute(picture, None)
    return list(points), None if described is None else np.asarray(described, np.float32)


def _plausible(placement: Placement, agree: F32, features: int, shape: tuple[int, ...]) -> bool:
    if placement.matches < max(_LEAST_MATCHES, _LEAST_SHARE * features):
        return False
    height, width = shape[:2]
    if np.prod(np.ptp(np.percentile(agree, (5, 95), axis=0), axis=0)) < _LEAST_SPREAD * height * width:
        return False
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32).reshape(-1, 1, 2)
    placed = cv2.perspectiveTransform(corners, placement.matrix).reshape(-1, 2)
    sides = np.roll(placed, -1, axis=0) - placed
    scales = np.hypot(*sides.T) / (width, height, width, height)
    angles = np.degrees(np.arctan2(sides[:, 1], sides[:, 0])) - (0, 90, 180, 270)
    turned = np.abs((angles + 180) % 360 - 180)
    return bool(scales.min() >= 1 / MOST_SCALE and scales.max() <= MOST_SCALE and turned.max() <= MOST_ANGLE)
