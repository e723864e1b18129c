"""Telling a copy from another signature: nobody signs twice alike to a fraction of a millimetre.

Two ink images are laid on each other and correlated. The descriptor is a small picture that can be kept where the image
itself is not.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]

SIZE = (96, 192)
"""Rows and columns of a descriptor."""

COPY = 0.925
"""Similarity from which two signatures are copies of one."""

_SPREAD = 34.0  # pixels: root mean square distance of the ink from its centre of mass
_FINE, _SOFT, _COARSE = 0.7, 1.5, 2.5  # pixels of blur
_ALIKE, _ALIGNED = 0.75, 0.75  # correlations below which looking closer is not worth the time
_CLOSER = 50  # others that are looked at closely, at most (2 ms each)
_STRETCH, _SCALE = 1.025, 1.05  # copies are turned and scaled, but not stretched along one axis
_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-4)


def descriptor(ink: U8) -> U8:
    """Return the ink at a standard size around its centre of mass, uint8 [96, 192], ink bright on black.

    Args:
        ink: uint8 [h, w], dark on white and without anything else, as :func:`sigkd.images.scan.read_scan` gives it.
    """
    amount = np.asarray(255 - ink, np.float32)
    height, width = amount.shape
    moments = cv2.moments(amount)
    mass = max(moments["m00"], 1.0)
    x, y = moments["m10"] / mass, moments["m01"] / mass
    scale = _SPREAD / float(np.sqrt(max((moments["mu20"] + moments["mu02"]) / mass, 1.0)))
    if scale < 1:  # average before sampling
        size = max(1, round(width * scale)), max(1, round(height * scale))
        amount = np.asarray(cv2.resize(amount, size, interpolation=cv2.INTER_AREA), np.float32)
        x, y, scale = (x + 0.5) * size[0] / width - 0.5, (y + 0.5) * size[1] / height - 0.5, 1.0
    shift = np.array([[scale, 0, (SIZE[1] - 1) / 2 - x * scale], [0, scale, (SIZE[0] - 1) / 2 - y * scale]])
    placed = cv2.warpAffine(amount, shift, SIZE[::-1], flags=cv2.INTER_LINEAR)
    levels = np.rint(placed * (255 / max(float(placed.max()), 1.0)))
    return np.asarray(np.clip(levels, 0, 255), np.uint8)


def similarity(one: U8, other: U8) -> float:
    """Return how alike two descriptors are once they lie on each other: their correlation, 1 for the same image.

    0 where a coarse look excludes that they are copies.
    """
    return most_alike(one, [other])[1]


def most_alike(query: U8, others: Sequence[U8]) -> tuple[int, float]:
    """Return the number of the descriptor that the query is most like, and how much (-1 and 0 if it is like none)."""
    best, most = -1, 0.0
    coarse = _blurred(query, _COARSE)
    looks = [_correlation(coarse, _blurred(other, _COARSE)) for other in others]
    # a copy is among the most alike at a coarse look too: thousands of others need no closer one
    for number in sorted(range(len(looks)), key=lambda place: -looks[place])[:_CLOSER]:
        if looks[number] >= _ALIKE:
            found = _aligned(query, others[number])
            best, most = (number, found) if found > most else (best, most)
    return best, most


def _blurred(image: U8, sigma: float) -> F32:
    return np.asarray(cv2.GaussianBlur(image.astype(np.float32), (0, 0), sigma), np.float32)


def _correlation(one: F32, other: F32) -> float:
    first, second = one - one.mean(), other - other.mean()
    norm = float(np.sqrt(np.vdot(first, first) * np.vdot(second, second)))
    return float(np.vdot(first, second)) / norm if norm > 0 else 0.0


def _aligned(one: U8, other: U8) -> float:
    """Return the correlation after finding the turn and shift (and little else) between the two."""
    halves = _half(one), _half(other)
    warp: F32 = np.eye(2, 3, dtype=np.float32)
    try:
        found, warp = _registered(halves, warp, cv2.MOTION_EUCLIDEAN)
        if found < _ALIGNED:
            return 0.0
        warp[:, 2] *= 2
        pair = _blurred(one, _FINE), _blurred(other, _FINE)
        found, warp = _registered(pair, warp, cv2.MOTION_EUCLIDEAN)
        if found < _ALIGNED:
            return 0.0
        # the rest of what scaling, cropping and reading have changed
        closer, free = _registered(pair, warp.copy(), cv2.MOTION_AFFINE)
    except cv2.error:  # nothing to improve
        return max(0.0, _correlation(_blurred(one, _FINE), _blurred(other, _FINE)))
    long, short = np.linalg.svd(free[:, :2], compute_uv=False)
    is_copy = long / max(short, 1e-6) <= _STRETCH and 1 / _SCALE <= long <= _SCALE
    return float(max(found, closer) if is_copy else found)


def _half(image: U8) -> F32:
    """Return the image at half its size, soft: a wide basin to start in."""
    return np.asarray(cv2.pyrDown(_blurred(image, _SOFT)), np.float32)


def _registered(pair: tuple[F32, F32], warp: F32, motion: int) -> tuple[float, F32]:
    """Return the greatest correlation near a map [2, 3] from the first image to the second, and that map."""
    everything = np.full(pair[0].shape, 255, np.uint8)
    found, better = cv2.findTransformECC(pair[0], pair[1], warp, motion, _STEPS, everything, 1)
    return float(found), np.asarray(better, np.float32)
