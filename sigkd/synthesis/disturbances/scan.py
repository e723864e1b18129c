"""What a disturbance takes and gives: a picture, its resolution, what the file says of it, and the truth beneath."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from sigkd.synthesis.fonts import Split
from sigkd.synthesis.marks import MM_PER_INCH, U8, Resolution

POINTS_PER_INCH = 72.0

NUMBERS, FIELDS = "number", "field"
"""The layers that number what is around the signatures of a page, and the places for them: 0 none, 1 the first ...
They are never blended; a signature's own pixels are those of the layer ``signature`` with its number, see
:func:`signature_mask`."""
PRESENT = 96
"""Coverage above which a pixel of the truth counts as ink."""


@dataclass(frozen=True)
class Scan:
    """A scan and what is known of it. Every disturbance leaves the scan that it is given as it is."""

    image: U8
    """uint8 [H, W] grey, or [H, W, 3] red, green, blue; 0 black ink .. 255 white paper."""
    dpi: Resolution = (300.0, 300.0)
    """Pixels per inch (across, down) that the picture **really** has: lengths in mm rest on it."""
    tag: Resolution | None = None
    """Pixels per inch that the file states, or None; a disturbance may make it false."""
    layers: Mapping[str, U8] = field(default_factory=dict)
    """The truth, where it is known: coverage [H, W] (0 none .. 255 full) by what it is (``signature``, ``line``,
    ``print``, ``stamp``, ``handwriting``, ...). It moves with the picture, and what a disturbance adds is added to it.
    """

    split: Split | None = None
    """The side of the split that fonts of added print are from; None: both."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return int(self.image.shape[0]), int(self.image.shape[1])

    @property
    def colour(self) -> bool:
        """Whether the picture has colour channels."""
        return self.image.ndim == 3

    def across(self, mm: float) -> float:
        """Return a horizontal length in pixels."""
        return mm * self.dpi[0] / MM_PER_INCH

    def down(self, mm: float) -> float:
        """Return a vertical length in pixels."""
        return mm * self.dpi[1] / MM_PER_INCH

    def length(self, mm: float) -> float:
        """Return a length without direction in pixels (the geometric mean of both)."""
        return mm * float(np.sqrt(self.dpi[0] * self.dpi[1])) / MM_PER_INCH

    def with_image(self, image: U8) -> Scan:
        """Return the scan with another picture of the same size."""
        return replace(self, image=image)


def signature_mask(scan: Scan, number: int | None = None) -> U8:
    """Return where a page's signature is (or any, without a number), uint8 [H, W] of 0 and 255."""
    ink = scan.layers["signature"] > PRESENT
    if number is not None:
        ink &= scan.layers[NUMBERS] == number
    return np.asarray(ink.astype(np.uint8) * 255)


def signature_boxes(scan: Scan) -> dict[int, tuple[int, int, int, int]]:
    """Return the ink boxes of a page's signatures by number: left, top, right, bottom, the last two exclusive."""
    return _boxes(scan.layers[NUMBERS], scan.layers["signature"] > PRESENT) if NUMBERS in scan.layers else {}


def field_boxes(scan: Scan) -> dict[int, tuple[int, int, int, int]]:
    """Return the boxes of a page's places for signatures by their numbers, as :func:`signature_boxes`."""
    layer = scan.layers.get(FIELDS)
    return {} if layer is None else _boxes(layer, layer > 0)


def _boxes(numbers: U8, ink: NDArray[np.bool_]) -> dict[int, tuple[int, int, int, int]]:
    boxes = {}
    for number in np.unique(numbers[ink]).tolist():
        if number:
            left, top, width, height = cv2.boundingRect(((numbers == number) & ink).astype(np.uint8))
            boxes[number] = (left, top, left + width, top + height)
    return boxes
