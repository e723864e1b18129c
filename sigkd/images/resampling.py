"""Smoothing and resampling of what lies on a canvas, as two matrices that know nothing of the rest of the canvas.

The result is ``R @ ink @ C.T``: ``R`` and ``C`` are what scikit-image's anti-aliased linear resizing of a whole canvas
does to its rows and columns (a Gaussian of SciPy's kernel, then linear interpolation), to the last bit. In NumPy alone,
since SciPy's import would be a twentieth of a cold verification.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]

_TRUNCATE = 4.0  # standard deviations at which SciPy ends a Gaussian


@dataclass(frozen=True)
class Operator:
    """One axis' operator, a band of a matrix [size, length]."""

    columns: npt.NDArray[np.intp]
    """[size, k]: which columns, ascending in both directions."""
    values: F32
    """[size, k]: 0 for columns that there are not."""

    def __call__(self, picture: F32, start: int) -> F32:
        """Return the product [size, w] with a picture [h, w] that begins at ``start`` and has nothing around it."""
        result = np.zeros((len(self.columns), picture.shape[1]), np.float32)
        term = np.empty_like(result)
        for column, value in zip((self.columns - start).T, self.values.T, strict=True):
            first, end = np.searchsorted(column, (0, len(picture)))
            rows = term[first:end]
            np.take(picture, column[first:end], axis=0, out=rows, mode="clip")  # the default mode copies ``out``
            rows *= value[first:end, None]
            result[first:end] += rows
        return result


@lru_cache(maxsize=256)  # text crops are placed on 4 canvases at 16 scales, or in views at 8 scales an octave
def operators(canvas: tuple[int, int], size: tuple[int, int]) -> tuple[Operator, Operator]:
    """Return both axes' operators, canvas -> size: resize so that the smaller ratio fits, keep the middle."""
    ratios = canvas[0] / size[0], canvas[1] / size[1]
    if ratios[1] > ratios[0]:
        resized = size[0], round(canvas[1] / ratios[0])
    else:
        resized = round(canvas[0] / ratios[1]), size[1]
    return operator(canvas[0], resized[0], size[0]), operator(canvas[1], resized[1], size[1])


def operator(length: int, resized: int, size: int) -> Operator:
    """Return one axis' anti-aliased linear resizing, length -> resized, of which the middle ``size`` stays."""
    sigma = max(0.0, (length / resized - 1) / 2)
    weights = _gaussian(sigma) if sigma > 0 else np.ones(1)
    reach = len(weights) // 2
    rows = np.arange(size) + round((resized - size) / 2)
    at = rows + 0.0 if resized == length else (rows + 0.5) * (length / resized) - 0.5
    first = np.floor(at).astype(np.intp)
    # interpolated between two neighbours, of which one beyond the canvas is nothing
    below, above = 1.0 - (at - first), at - first
    below *= (first >= 0) & (first < length)
    above *= (first + 1 >= 0) & (first + 1 < length)
    values = np.append(weights, 0.0) * below[:, None] + np.insert(weights, 0, 0.0) * above[:, None]
    columns = first[:, None] - reach + np.arange(2 * reach + 2)
    values[(columns < 0) | (columns >= length)] = 0.0
    return Operator(columns, values.astype(np.float32))


def _gaussian(sigma: float) -> npt.NDArray[np.float64]:
    place = np.arange(-int(_TRUNCATE * sigma + 0.5), int(_TRUNCATE * sigma + 0.5) + 1)
    weights = np.exp(-0.5 / (sigma * sigma) * place**2)
    return np.asarray(weights / weights.sum(), np.float64)


def resample(ink: F32, canvas: tuple[int, int], size: tuple[int, int], top: int, left: int) -> U8:
    """Return the resized canvas, uint8 [size] (fractions truncated), that is zero but for ``ink`` at (top, left)."""
    rows, columns = operators(canvas, size)
    result = columns(np.ascontiguousarray(rows(ink, top).T), left).T
    return np.ascontiguousarray(np.clip(result, 0, 255).astype(np.uint8))
