"""Light that is uneven: falling off across the picture, a corner in shadow, dark towards the edges."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from sigkd.synthesis.disturbances.registry import Level, disturbance
from sigkd.synthesis.disturbances.scan import Scan
from sigkd.synthesis.disturbances.surface import blend, coloured, multiply
from sigkd.synthesis.marks import U8

_LOST = Level("share of light lost", 0.5, 0.1, 0.8)
F32 = NDArray[np.float32]


def lit(image: U8, light: F32) -> U8:
    """Return the picture under less light, [H, W] in 0..1."""
    factor = light if image.ndim == 2 else cv2.merge([light] * 3)
    return np.asarray(cv2.multiply(image, factor, dtype=cv2.CV_8U), np.uint8)


def _grid(scan: Scan) -> tuple[F32, F32]:
    """Return the places of pixels, -1 to 1 across and down."""
    height, width = scan.shape
    return (np.linspace(-1, 1, width, dtype=np.float32)[None, :], np.linspace(-1, 1, height, dtype=np.float32)[:, None])


@disturbance("shade", "light falling off across the picture, as in a photo", _LOST)
def shade(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Darken evenly from one side (any direction) to the other, where ``level`` of the light is lost."""
    x, y = _grid(scan)
    angle = rng.uniform(0, 2 * np.pi)
    along = np.cos(angle) * x + np.sin(angle) * y
    along = (along - along.min()) / (along.max() - along.min())
    return scan.with_image(lit(scan.image, np.float32(1) - np.float32(level) * along))


@disturbance("corner-shadow", "a dark shadow over one corner", _LOST)
def corner_shadow(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Darken one corner behind a soft edge, as a hand or a telephone does; it covers a quarter to a half."""
    x, y = _grid(scan)
    side = rng.choice([-1.0, 1.0], 2).astype(np.float32)
    turn = rng.uniform(-0.35, 0.35)
    along = side[0] * x * np.float32(1 + turn) + side[1] * y * np.float32(1 - turn)
    bend = np.float32(rng.uniform(-0.25, 0.25)) * np.sin(np.float32(rng.uniform(1, 3)) * (x * side[0] - y * side[1]))
    edge, soft = np.float32(rng.uniform(0.1, 0.7)), np.float32(rng.uniform(0.03, 0.4))
    dark = 1 / (1 + np.exp(-np.clip((along + bend - edge) / soft * 2, -30, 30)))
    return scan.with_image(lit(scan.image, (1 - level * dark).astype(np.float32)))


@disturbance("vignette", "dark towards the corners, as a lens does", _LOST)
def vignette(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Darken with the squared distance from a point near the middle; the corners lose ``level``."""
    x, y = _grid(scan)
    at = rng.uniform(-0.2, 0.2, 2).astype(np.float32)
    away = (x - at[0]) ** 2 + (y - at[1]) ** 2
    return scan.with_image(lit(scan.image, (1 - np.float32(level) * away / away.max()).astype(np.float32)))


@disturbance("glare", "a bright spot that washes out the ink", Level("share of contrast lost", 0.5, 0.1, 0.9))
def glare(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Lay light over an ellipse of a third of the picture."""
    x, y = _grid(scan)
    at, reach = rng.uniform(-0.7, 0.7, 2).astype(np.float32), rng.uniform(0.3, 0.6, 2).astype(np.float32)
    bright = np.float32(level) * np.exp(-(((x - at[0]) / reach[0]) ** 2) - ((y - at[1]) / reach[1]) ** 2)
    high = np.maximum(scan.image, np.uint8(np.percentile(scan.image[::5], 95)))
    return scan.with_image(blend(scan.image, high, (255 * bright).astype(np.uint8)))


@disturbance(
    "cast", "the colour of the light: warm lamps or a cool sky", Level("share of one end's light lost", 0.2, 0.05, 0.5)
)
def cast(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Dim blue (lamps) or red (sky) by ``level``, green by less; grey pictures become colour ones."""
    warm = rng.random() < 0.6
    share = np.array([0.0, 0.4, 1.0] if warm else [1.0, 0.4, 0.0]) * level
    full = np.full(scan.shape, 255, np.uint8)
    red, green, blue = (round(float(255 * (1 - part))) for part in share)
    return scan.with_image(multiply(coloured(scan).image, full, (red, green, blue)))
