"""The feature fingerprint: sixteen numbers that tell whether a network computes what it should, on this machine.

The response (2048 values) of a fixed synthetic image is cut into 16 consecutive blocks of equal length; the
fingerprint is the mean of each. The image is made by integer arithmetic only, so that it is the same to the last bit
everywhere. Two fingerprints are compared by the largest absolute difference divided by the largest absolute value of
the expected one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from sigkd.models.registry import INPUT_SIZE

BLOCKS = 16
TOLERANCE = 1e-3
"""The largest distance at which two fingerprints count as the same: far above rounding, far below another network."""


def fingerprint_image() -> NDArray[np.uint8]:
    """Return the fixed image, uint8 [150, 220]: two crossing zigzag pen strokes, bright on black.

    With the triangle wave ``T(c, p, a) = a * |2 (c mod p) - p| // p`` the strokes run through the rows
    ``r1(c) = 30 + T(c, 44, 60) + c // 8`` and ``r2(c) = 118 - T(c + 9, 70, 44) - c // 11``; the pixel is
    ``max(0, 255 - 60 |r - r1|, 200 - 45 |r - r2|)`` for columns 15 <= c < 205, else 0.
    """
    rows = np.arange(INPUT_SIZE[0], dtype=np.int64)[:, None]
    columns = np.arange(INPUT_SIZE[1], dtype=np.int64)[None, :]

    def triangle(c: NDArray[np.int64], period: int, amplitude: int) -> NDArray[np.int64]:
        return amplitude * np.abs(2 * (c % period) - period) // period

    first = 255 - 60 * np.abs(rows - (30 + triangle(columns, 44, 60) + columns // 8))
    second = 200 - 45 * np.abs(rows - (118 - triangle(columns + 9, 70, 44) - columns // 11))
    image: NDArray[np.int64] = np.maximum(0, np.maximum(first, second))
    image[:, :15] = image[:, 205:] = 0
    return image.astype(np.uint8)


def feature_fingerprint(network: torch.nn.Module, device: torch.device | str = "cpu") -> tuple[float, ...]:
    """Return the fingerprint of ``network`` (in evaluation mode on ``device``): 16 means of blocks of its response."""
    image = torch.from_numpy(fingerprint_image()).to(device).float().div_(255.0)[None, None]
    with torch.inference_mode():
        response = network(image).float().cpu().numpy().astype(np.float64).reshape(-1)
    return tuple(float(block.mean()) for block in np.array_split(response, BLOCKS))


def fingerprint_distance(found: Sequence[float], expected: Sequence[float]) -> float:
    """Return max |found - expected| / max |expected|; infinite if they cannot be compared (length, NaN)."""
    try:
        a, b = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    except (TypeError, ValueError):
        return float("inf")
    if a.shape != b.shape or a.size == 0 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("inf")
    return float(np.abs(a - b).max() / max(float(np.abs(b).max()), 1e-12))
