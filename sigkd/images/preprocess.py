"""Normalising a scanned signature: ink box, noise removal, centring on a canvas, anti-aliased resizing.

The arithmetic is that of the field's reference implementation, arranged so that no canvas is ever filled: everything
after the threshold is linear and separable, so the output is ``R @ ink @ C.T`` with ``ink`` the inverted ink box and
``R``, ``C`` the part of the canvas-sized smoothing-and-resampling operators that the box meets
(see ``docs/decisions/0010-preprocessing.md``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage, sparse
from skimage.filters import threshold_otsu

from sigkd.errors import ImageError

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]

PREPROCESS_VERSION = "1"
"""Changes whenever the same scan may give other pixels; stored with every prepared dataset, feature file and model."""

CANVASES: dict[str, tuple[int, int]] = {
    "gpds": (952, 1360),
    "mcyt": (600, 850),
    "cedar": (730, 1042),
    "utsig": (1440, 1825),
}
"""Canvas heights and widths, in pixels of the scan, by the dataset that each was made for."""

LARGER_THAN_CANVAS = "larger than the canvas (cut to its middle)"
THIN_INK = "faint, small or binarised (ink box found without smoothing)"
INK_OUTSIDE = "thin or scattered strokes outside of the ink box (cut off)"

_BLUR_KERNEL = cv2.getGaussianKernel(17, 2.0)  # four sigma on either side, as SciPy truncates its Gaussian
_LEAST_SHARE, _USUAL_SHARE, _SMALL_INK = 0.4, 0.85, 2000
_SPECK_SHARE, _SPECK_PIXELS = 0.005, 12
_LEAST_INK = 16
_LEAST_CONTRAST = 8.0
_WEAK_CONTRAST, _NOISE_CLUSTERING, _STAIN_SHARE = 64.0, 2.5, 0.35
_INVERTED_SHARE = 0.6


@dataclass(frozen=True)
class Normalized:
    """A normalised signature and how it was come by."""

    image: U8
    """The signature, ink bright on black (0), of the asked size."""
    box: tuple[int, int, int, int]
    """Ink box in the scan: first row, end row, first column, end column (ends exclusive), in pixels."""
    threshold: int
    """Grey level up to which a pixel of the scan counts as ink."""
    warnings: tuple[str, ...] = ()
    """Fixed phrases (so that they can be counted) of what a person should know."""


def normalize_signature(image: U8, canvas: tuple[int, int] = (952, 1360), size: tuple[int, int] = (170, 242)) -> U8:
    """Return the signature centred on a canvas and resized, ink bright on black.

    Args:
        image: uint8 [H, W], the scan: ink dark (0) on bright paper (255).
        canvas: height and width of the canvas, pixels of the scan.
        size: height and width of the result, pixels.

    Returns:
        uint8 [size], 0 where there is no ink.

    Raises:
        ImageError: if there is no signature in the image (one colour, blank paper).
        ValueError: if ``image`` is not a two-dimensional uint8 array.
    """
    return normalize(image, canvas, size).image


def normalize(image: U8, canvas: tuple[int, int] = (952, 1360), size: tuple[int, int] = (170, 242)) -> Normalized:
    """Return :func:`normalize_signature`'s image with the ink box, the threshold and warnings; arguments as there."""
    if image.ndim != 2 or image.dtype != np.uint8:
        raise ValueError(f"a uint8 image [H, W] is expected, not {image.dtype} {list(image.shape)}")
    if min(canvas) < 1 or min(size) < 1:
        raise ValueError(f"canvas {canvas} and size {size} must be positive")
    image = np.ascontiguousarray(image)
    histogram = _histogram(image)
    threshold = otsu_threshold(histogram)
    rows, columns, warnings = _find_ink(image, histogram, threshold)
    top, box_top, height = _place(rows, canvas[0])
    left, box_left, width = _place(columns, canvas[1])
    if height < rows.length or width < columns.length:
        warnings.append(LARGER_THAN_CANVAS)
    ink_box = image[box_top : box_top + height, box_left : box_left + width]
    ink = np.asarray(cv2.LUT(ink_box, _ink_table(threshold)), np.float32)
    result = _resample(ink, canvas, size, top, left)
    box = (rows.start, rows.start + rows.length, columns.start, columns.start + columns.length)
    return Normalized(result, box, threshold, tuple(warnings))


def center_crop(images: npt.NDArray[np.generic], size: tuple[int, int] = (150, 220)) -> npt.NDArray[np.generic]:
    """Return the middle of images [..., H, W] as a view [..., size] (the odd pixel is left below and to the right)."""
    height, width = images.shape[-2:]
    if height < size[0] or width < size[1]:
        raise ValueError(f"images of {height}x{width} are smaller than the crop {size[0]}x{size[1]}")
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    return images[..., top : top + size[0], left : left + size[1]]


def otsu_threshold(histogram: npt.NDArray[np.integer]) -> int:
    """Return Otsu's threshold of a uint8 image's histogram [256]: the last grey level of the dark class.

    Raises:
        ImageError: if the image is of one colour.
    """
    levels = np.flatnonzero(histogram)
    if levels.size < 2:
        raise ImageError("the image is of one colour: there is no signature in it")
    first, last = int(levels[0]), int(levels[-1])
    # scikit-image's own routine, since its single-precision sums decide between nearly equal levels
    counts = histogram[first : last + 1].astype(np.float32)
    return int(threshold_otsu(hist=(counts, np.arange(first, last + 1))))  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class _Extent:
    """The ink along one axis: first row (or column) of the box, its length, and the centre of mass inside it."""

    start: int
    length: int
    center: int

    @property
    def slice(self) -> slice:
        return slice(self.start, self.start + self.length)


def _histogram(image: U8) -> npt.NDArray[np.int64]:
    return np.asarray(cv2.calcHist([image], [0], None, [256], [0, 256])).reshape(-1).astype(np.int64)


def _extent(counts: npt.NDArray[np.int64], *, offset: int = 0, drop_last: bool = False) -> _Extent:
    """Summarise the ink pixels counted by row (or column), the first of which is number ``offset``."""
    inked = np.flatnonzero(counts)
    if not inked.size:
        return _Extent(offset, 0, 0)
    first, last = int(inked[0]), int(inked[-1])
    mean = float(np.dot(counts, np.arange(counts.size)) / counts.sum())
    return _Extent(offset + first, last - first + (0 if drop_last else 1), int(mean - first))


def _counts(mask: U8) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the number of non-zero pixels of a 0/1 mask by row and by column."""
    rows = cv2.reduce(mask, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).reshape(-1)
    columns = cv2.reduce(mask, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S).reshape(-1)
    return rows.astype(np.int64), columns.astype(np.int64)


def _find_ink(image: U8, histogram: npt.NDArray[np.int64], threshold: int) -> tuple[_Extent, _Extent, list[str]]:
    """Return the ink's extent by rows and by columns, and warnings."""
    ink = (image <= threshold).view(np.uint8)
    _refuse_blank(ink, histogram, threshold)
    rows, columns = _counts(ink)
    if np.count_nonzero(histogram) > 2:
        by_row, by_column = _smoothed_extents(image, threshold, rows, columns)
        inside = ink[by_row.slice, by_column.slice]
        share = cv2.countNonZero(inside) / cv2.countNonZero(ink) if inside.size else 0.0
        # sigma 2 is out of scale for a small signature; a large one is cut as the reference cuts it, and that is said
        if share >= (_USUAL_SHARE if cv2.countNonZero(ink) < _SMALL_INK else _LEAST_SHARE):
            return by_row, by_column, [INK_OUTSIDE] if share < _USUAL_SHARE else []
    rows, columns = _counts(_without_specks(ink))
    return _extent(rows), _extent(columns), [THIN_INK]


def _smoothed_extents(
    image: U8, threshold: int, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]
) -> tuple[_Extent, _Extent]:
    """Return the extents of the pixels that are ink after smoothing, their last row and column left out (empty: none).

    A smoothed pixel is at the threshold or below only where some pixel under the kernel is, so only the surroundings of
    the ink (counted in ``rows`` and ``columns``) are smoothed.
    """
    radius = _BLUR_KERNEL.size // 2
    top, left = (max(0, int(np.flatnonzero(counts)[0]) - 2 * radius) for counts in (rows, columns))
    bottom, right = (int(np.flatnonzero(counts)[-1]) + 1 + 2 * radius for counts in (rows, columns))
    blurred = cv2.sepFilter2D(
        image[top:bottom, left:right], cv2.CV_32F, _BLUR_KERNEL, _BLUR_KERNEL, borderType=cv2.BORDER_REPLICATE
    )
    by_row, by_column = _counts((np.asarray(blurred) <= threshold).view(np.uint8))
    return _extent(by_row, offset=top, drop_last=True), _extent(by_column, offset=left, drop_last=True)


def _refuse_blank(ink: U8, histogram: npt.NDArray[np.int64], threshold: int) -> None:
    """Raise ImageError where the "ink" is but the darker half of the paper's noise, or a few specks."""
    pixels = cv2.countNonZero(ink)
    levels = np.arange(256)
    dark, bright = histogram[: threshold + 1], histogram[threshold + 1 :]
    contrast = float(bright @ levels[threshold + 1 :] / bright.sum() - dark @ levels[: threshold + 1] / dark.sum())
    if pixels < _LEAST_INK or contrast < _LEAST_CONTRAST:
        raise ImageError("the image is blank: there is no signature in it")
    share = pixels / ink.size
    if share > _INVERTED_SHARE:
        raise ImageError("more ink than paper: dark ink on light paper is needed (is the scan inverted?)")
    if contrast < _WEAK_CONTRAST and ink.shape[1] > 1:
        # strokes have inked neighbours, grain has them no more often than chance gives; stains and shadows are large
        neighbours = cv2.countNonZero(ink[:, 1:] & ink[:, :-1]) / pixels
        if neighbours < min(_NOISE_CLUSTERING * share, 0.75) or share > _STAIN_SHARE:
            raise ImageError("the image is blank paper: its grain or shading is no signature")


def _without_specks(ink: U8) -> U8:
    """Return the 0/1 mask without dust: groups of pixels (gaps up to 4 px bridged) with next to nothing of the ink."""
    joined = cv2.dilate(ink, np.ones((5, 5), np.uint8))
    number, labels = cv2.connectedComponents(joined, connectivity=8, ltype=cv2.CV_32S)
    amounts = np.bincount(labels.reshape(-1), weights=ink.reshape(-1), minlength=number)
    amounts[0] = 0
    keep = amounts > min(_SPECK_SHARE * amounts.sum(), _SPECK_PIXELS)
    kept: U8 = keep.view(np.uint8)[labels]
    return ink & kept


def _place(ink: _Extent, room: int) -> tuple[int, int, int]:
    """Put the ink's centre of mass in the middle of ``room`` pixels, as far as the ink stays inside.

    Returns:
        Where the ink starts on the canvas, which row (column) of the scan goes there, and how many.
    """
    if ink.length > room:
        return 0, ink.start + (ink.length - room) // 2, room
    return max(0, min(room // 2 - ink.center, room - ink.length)), ink.start, ink.length


@lru_cache(maxsize=256)
def _ink_table(threshold: int) -> F32:
    """Return the table [256] from grey level to amount of ink: 255 - level, 0 above the threshold (paper, noise)."""
    table = 255 - np.arange(256, dtype=np.float32)
    table[threshold + 1 :] = 0
    return table


@lru_cache(maxsize=128)  # text crops are placed on 4 canvases at 16 scales
def _operators(canvas: tuple[int, int], size: tuple[int, int]) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Return both axes' operators, float32 [size, canvas]: resize so that the smaller ratio fits, keep the middle."""
    ratios = canvas[0] / size[0], canvas[1] / size[1]
    if ratios[1] > ratios[0]:
        resized = size[0], round(canvas[1] / ratios[0])
    else:
        resized = round(canvas[0] / ratios[1]), size[1]
    return _operator(canvas[0], resized[0], size[0]), _operator(canvas[1], resized[1], size[1])


def _operator(length: int, resized: int, size: int) -> sparse.csr_array:
    """Apply one axis' anti-aliased linear resizing (length -> resized, middle ``size``) to the identity matrix."""
    matrix = np.eye(length)
    sigma = max(0.0, (length / resized - 1) / 2)
    if sigma > 0:
        matrix = ndimage.gaussian_filter1d(matrix, sigma, axis=0, mode="constant")
    if resized != length:
        matrix = ndimage.zoom(matrix, (resized / length, 1), order=1, mode="grid-constant", grid_mode=True)
    start = round((resized - size) / 2)
    return sparse.csr_array(matrix[start : start + size].astype(np.float32))


def _resample(ink: F32, canvas: tuple[int, int], size: tuple[int, int], top: int, left: int) -> U8:
    """Return the resized canvas, uint8 [size] (fractions truncated), that is zero but for ``ink`` at (top, left)."""
    rows, columns = _operators(canvas, size)
    shrunk = rows[:, top : top + ink.shape[0]] @ ink
    result = (columns[:, left : left + ink.shape[1]] @ shrunk.T).T
    return np.ascontiguousarray(np.clip(result, 0, 255).astype(np.uint8))
