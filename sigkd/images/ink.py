"""Finding a signature's ink in a scan: threshold, ink box, and what is no signature at all."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from skimage.filters import threshold_otsu

from sigkd.errors import ImageError

U8 = npt.NDArray[np.uint8]

THIN_INK = "faint, small or binarised (ink box found without smoothing)"
INK_OUTSIDE = "thin or scattered strokes outside of the ink box (cut off)"
GRAINY = "faint strokes on grainy paper (grain removed)"

_BLUR_KERNEL = cv2.getGaussianKernel(17, 2.0)  # four sigma on either side, as SciPy truncates its Gaussian
_LEAST_SHARE, _USUAL_SHARE, _SMALL_INK = 0.4, 0.85, 2000
_SPECK_SHARE, _SPECK_PIXELS = 0.005, 12
_LEAST_INK = 16
_LEAST_CONTRAST = 8.0
_WEAK_CONTRAST, _NOISE_CLUSTERING, _STAIN_SHARE = 64.0, 2.5, 0.35
_STROKE_SHARE = 0.25
_INVERTED_SHARE = 0.6


@dataclass(frozen=True)
class Extent:
    """The ink along one axis."""

    start: int
    """First row (or column) of the ink box."""
    length: int
    """Rows (or columns) of the ink box."""
    center: int
    """Centre of mass, counted from ``start``."""

    @property
    def slice(self) -> slice:
        """The box along this axis."""
        return slice(self.start, self.start + self.length)


@dataclass(frozen=True)
class Ink:
    """Where the ink of a scan is."""

    image: U8
    """The scan, cleaned where its paper could not be told from its ink by grey level alone."""
    threshold: int
    """Grey level up to which a pixel of ``image`` counts as ink."""
    rows: Extent
    columns: Extent
    warnings: tuple[str, ...] = ()


def locate_ink(image: U8, *, blurred: bool = False) -> Ink:
    """Return the ink of a scan, uint8 [H, W]; with ``blurred`` the threshold is that of the smoothed image.

    The box is that of the pixels at Otsu's threshold or below after smoothing, as in the reference implementation.
    Where smoothing leaves nothing, or too little, of the ink, it is that of the unsmoothed ink without dust.

    Raises:
        ImageError: if there is none (one colour, blank paper), or the scan is inverted.
    """
    histogram = _histogram(image)
    threshold = otsu_threshold(_histogram(_smoothed(image)) if blurred else histogram)
    ink = (image <= threshold).view(np.uint8)
    if _is_grain(ink, histogram, threshold):
        return _under_grain(image)
    rows, columns = _counts(ink)
    if np.count_nonzero(histogram) > 2:
        by_row, by_column = _smoothed_extents(image, threshold, rows, columns)
        inside = ink[by_row.slice, by_column.slice]
        share = cv2.countNonZero(inside) / cv2.countNonZero(ink) if inside.size else 0.0
        # sigma 2 is out of scale for a small signature; a large one is cut as the reference cuts it, and that is said
        if share >= (_USUAL_SHARE if cv2.countNonZero(ink) < _SMALL_INK else _LEAST_SHARE):
            return Ink(image, threshold, by_row, by_column, (INK_OUTSIDE,) if share < _USUAL_SHARE else ())
    kept = _without_specks(ink)
    if not kept.any():  # a halftone: every dot is a speck
        raise ImageError("the image holds nothing but specks: there is no signature in it")
    rows, columns = _counts(kept)
    return Ink(image, threshold, _extent(rows), _extent(columns), (THIN_INK,))


def _under_grain(image: U8) -> Ink:
    """Return the ink of faint strokes on grainy paper, which only smoothing parts from the grain.

    Raises:
        ImageError: if smoothing shows no strokes either.
    """
    smooth = _smoothed(image)
    histogram = _histogram(smooth)
    threshold = otsu_threshold(histogram)
    mask = _without_specks((smooth <= threshold).view(np.uint8))
    strokes = mask & (image <= threshold).view(np.uint8)
    if mask.mean() > _STROKE_SHARE or not strokes.any() or _is_grain(mask, histogram, threshold):
        raise ImageError("the image is blank paper: there is no signature in it")
    rows, columns = _counts(strokes)
    cleaned = np.where(strokes > 0, image, np.uint8(255))
    return Ink(cleaned, threshold, _extent(rows), _extent(columns), (GRAINY,))


def _smoothed(image: U8) -> U8:
    return np.asarray(cv2.GaussianBlur(image, (17, 17), 2.0, borderType=cv2.BORDER_REPLICATE), np.uint8)


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


def _histogram(image: U8) -> npt.NDArray[np.int64]:
    return np.asarray(cv2.calcHist([image], [0], None, [256], [0, 256])).reshape(-1).astype(np.int64)


def _extent(counts: npt.NDArray[np.int64], *, offset: int = 0, drop_last: bool = False) -> Extent:
    """Summarise the ink pixels counted by row (or column), the first of which is number ``offset``."""
    inked = np.flatnonzero(counts)
    if not inked.size:
        return Extent(offset, 0, 0)
    first, last = int(inked[0]), int(inked[-1])
    mean = float(np.dot(counts, np.arange(counts.size)) / counts.sum())
    return Extent(offset + first, last - first + (0 if drop_last else 1), int(mean - first))


def _counts(mask: U8) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the number of non-zero pixels of a 0/1 mask by row and by column."""
    rows = cv2.reduce(mask, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).reshape(-1)
    columns = cv2.reduce(mask, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S).reshape(-1)
    return rows.astype(np.int64), columns.astype(np.int64)


def _smoothed_extents(
    image: U8, threshold: int, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]
) -> tuple[Extent, Extent]:
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


def _is_grain(ink: U8, histogram: npt.NDArray[np.int64], threshold: int) -> bool:
    """Return whether the "ink" is but the darker part of the paper: grain, stains, shading.

    Raises:
        ImageError: if there is next to no ink, or more ink than paper.
    """
    pixels = cv2.countNonZero(ink)
    levels = np.arange(256)
    dark, bright = histogram[: threshold + 1], histogram[threshold + 1 :]
    contrast = float(bright @ levels[threshold + 1 :] / bright.sum() - dark @ levels[: threshold + 1] / dark.sum())
    if pixels < _LEAST_INK:
        raise ImageError("the image is blank but for a few specks: there is no signature in it")
    if contrast < _LEAST_CONTRAST:
        return True
    share = pixels / ink.size
    if share > _INVERTED_SHARE:
        raise ImageError("more ink than paper: dark ink on light paper is needed (is the scan inverted?)")
    if contrast >= _WEAK_CONTRAST or ink.shape[1] == 1:
        return False
    # strokes have inked neighbours, grain has them no more often than chance gives; stains and shadows are large
    neighbours = cv2.countNonZero(ink[:, 1:] & ink[:, :-1]) / pixels
    return share > _STAIN_SHARE or neighbours < min(_NOISE_CLUSTERING * share, 0.75)


def _without_specks(ink: U8) -> U8:
    """Return the 0/1 mask without dust: groups of pixels (gaps up to 4 px bridged) with next to nothing of the ink."""
    joined = cv2.dilate(ink, np.ones((5, 5), np.uint8))
    number, labels = cv2.connectedComponents(joined, connectivity=8, ltype=cv2.CV_32S)
    amounts = np.bincount(labels[ink > 0], minlength=number)
    amounts[0] = 0
    keep = amounts > min(_SPECK_SHARE * amounts.sum(), _SPECK_PIXELS)
    kept: U8 = keep.view(np.uint8)[labels]
    return ink & kept
