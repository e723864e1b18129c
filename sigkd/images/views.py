"""Placings of a signature on the network's input: on canvases of a size in millimetres, or fitted to the ink.

Nothing is ever cut: the network sees the middle 150 x 220 of 170 x 242 pixels, and the ink is kept inside of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sigkd.errors import UsageError
from sigkd.images.canvas import CANVAS, SIZE
from sigkd.images.resampling import resample
from sigkd.images.resolution import MM_PER_INCH
from sigkd.images.scale import DPI

U8 = npt.NDArray[np.uint8]

ROOM = (146, 216)
"""Rows and columns that ink may fill of the middle 150 x 220, which the network sees: resampling softens its edges by
up to two more."""

FITTED_BOX = (140, 208)
"""Rows and columns of the middle that the ink of a fitted view fills in one direction."""

_STEPS_PER_OCTAVE = 32  # few canvases, so that few resampling operators are needed


@dataclass(frozen=True)
class View:
    """How signatures are placed: ``View.named("fitted")``, ``View.named("80.6mm")``."""

    name: str
    height: float | None
    """Height of the canvas in mm (its width is in the proportion of 952 x 1360); None: fitted to the ink."""

    @classmethod
    def named(cls, name: str) -> View:
        """Return the view of a name: ``fitted``, or the height of a canvas such as ``80.6mm``.

        Raises:
            UsageError: if it is neither.
        """
        if name == "fitted":
            return cls(name, None)
        try:
            height = float(name.removesuffix("mm"))
        except ValueError:
            height = 0.0
        if not name.endswith("mm") or not 5 <= height <= 500:
            raise UsageError(f"unknown view '{name}': 'fitted', or the height of a canvas such as '80.6mm'")
        return cls(name, height)

    @property
    def needs_scale(self) -> bool:
        """Whether the scan's resolution must be known."""
        return self.height is not None


def place(ink: U8, view: View) -> U8:
    """Return a signature as the network takes it.

    Args:
        ink: uint8 [h, w] at 300 dpi, dark on white and cut to its box, as :func:`sigkd.images.scan.read_scan` gives it.
        view: where it goes.

    Returns:
        uint8 [170, 242], ink bright on black.
    """
    canvas = _canvas(ink, view)
    amount = np.asarray(255 - ink, np.float32)
    scale = canvas[0] / SIZE[0]
    top, left = (
        _start(amount.sum(axis=1 - axis), math.ceil((canvas[axis] - ROOM[axis] * scale) / 2), canvas[axis])
        for axis in (0, 1)
    )
    return resample(amount, canvas, SIZE, top, left)


def _usual(height: float) -> tuple[int, int]:
    rows = round(height * DPI / MM_PER_INCH)
    return rows, round(rows * CANVAS[1] / CANVAS[0])


def _canvas(ink: U8, view: View) -> tuple[int, int]:
    """Return rows and columns of the canvas in pixels of the ink."""
    room = FITTED_BOX if view.height is None else ROOM
    least = max(ink.shape[0] / room[0], ink.shape[1] / room[1]) * SIZE[0]
    if view.height is not None:
        usual = _usual(view.height)
        if least <= usual[0]:
            return usual
    rows = round(2.0 ** (math.ceil(math.log2(least) * _STEPS_PER_OCTAVE) / _STEPS_PER_OCTAVE))
    return rows, round(rows * CANVAS[1] / CANVAS[0])


def _start(amount: npt.NDArray[np.float32], margin: int, length: int) -> int:
    """Return where ink of so much a row (column) starts: its centre of mass in the middle, if nothing is cut so."""
    centre = float(np.dot(amount, np.arange(amount.size)) / max(float(amount.sum()), 1.0))
    return max(margin, min(round(length / 2 - centre), length - margin - amount.size))
