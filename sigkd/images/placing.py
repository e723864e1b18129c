"""How scans become a network's input: on a canvas in their own pixels, or as views of their ink at one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from sigkd.images.canvas import CANVAS, PREPROCESS_VERSION, SIZE
from sigkd.images.formats import MAX_PIXELS
from sigkd.images.reader import ImageSource, read_image
from sigkd.images.views import View, place

if TYPE_CHECKING:
    from sigkd.images.scan_measures import ScanMeasures

U8 = npt.NDArray[np.uint8]


class Placed(NamedTuple):
    """A signature ready for a network."""

    image: U8
    """uint8 [H, W] on a canvas, [V, H, W] in views; ink bright on black."""
    warnings: tuple[str, ...]
    measures: ScanMeasures | None = None
    """Of a scan that was read at one scale."""


@dataclass(frozen=True)
class Placing:
    """Preprocessing version 1 (the field's: pixels as they are, one canvas), or version 2 where there are views.

    Args:
        canvas: height and width in pixels of the scan; version 1 only.
        views: names of views (:meth:`sigkd.images.views.View.named`); their scans are read by
            :func:`sigkd.images.scan.read_scan`.
        dpi: resolution of the scans, whatever their files say; version 2 only.
        size: height and width of the result; version 1 only.
        max_pixels: largest scan that is decoded.
    """

    canvas: tuple[int, int] = CANVAS
    views: tuple[str, ...] = ()
    dpi: float | None = None
    size: tuple[int, int] = SIZE
    max_pixels: int = MAX_PIXELS

    @property
    def version(self) -> str:
        """The preprocessing version that features are bound to."""
        if self.views:
            from sigkd.images.scan import SCAN_VERSION

            return SCAN_VERSION
        return PREPROCESS_VERSION

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the images."""
        return (len(self.views), *SIZE) if self.views else self.size

    def __call__(self, source: ImageSource | U8) -> Placed:
        """Read a scan and place its signature.

        Raises:
            ImageError: it cannot be read, or holds no signature.
        """
        if self.views:
            from sigkd.images.scan import read_scan

            scan = read_scan(source, dpi=self.dpi, max_pixels=self.max_pixels)
            warnings = tuple(remark.text for remark in scan.remarks)
            return Placed(place_all(scan.ink, self.views), warnings, scan.measures)
        from sigkd.images.preprocess import normalize  # scikit-image comes with it: a model is loaded without

        pixels = source if isinstance(source, np.ndarray) else read_image(source, max_pixels=self.max_pixels)
        normalized = normalize(pixels, self.canvas, self.size)
        return Placed(normalized.image, normalized.warnings)


def place_all(ink: U8, views: Sequence[str]) -> U8:
    """Return the ink of a scan in every view, uint8 [V, 170, 242]."""
    return np.stack([place(ink, View.named(name)) for name in views])
