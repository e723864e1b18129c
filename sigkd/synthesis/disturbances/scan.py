"""What a disturbance takes and gives: a picture, its resolution, what the file says of it, and the truth beneath."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from sigkd.synthesis.marks import MM_PER_INCH, U8, Resolution

POINTS_PER_INCH = 72.0

NUMBERS = "number"
"""The layer that numbers the signatures of a page: 0 none, 1 the first ...; it is never blended."""


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
