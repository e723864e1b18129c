"""Black and white: thresholds, halftone screens and dither."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from sigkd.synthesis.disturbances.registry import Level, disturbance
from sigkd.synthesis.disturbances.scan import Scan
from sigkd.synthesis.disturbances.surface import find_marks, grey


def otsu(scan: Scan) -> float:
    """Return Otsu's threshold of a scan."""
    return float(cv2.threshold(grey(scan.image), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[0])


@disturbance(
    "binary", "black and white, by one threshold", Level("of the contrast above Otsu's threshold", 0.0, -0.35, 0.35)
)
def binary(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Threshold at Otsu's level plus a part of the contrast: above 0 strokes grow, below 0 they break."""
    image = grey(scan.image)
    threshold = otsu(scan) + level * find_marks(scan).darkness
    return scan.with_image(
        np.asarray(cv2.threshold(image, np.clip(threshold, 0, 254), 255, cv2.THRESH_BINARY)[1], np.uint8)
    )


@disturbance(
    "binary-local",
    "black and white, by a threshold that follows the paper",
    Level("mm of neighbourhood", 4.0, 1.5, 15.0),
)
def binary_local(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Threshold a little under the mean of the neighbourhood: paper grain becomes specks, as cheap scanners give it."""
    image = grey(scan.image)
    size = 2 * max(round(scan.length(level) / 2), 1) + 1
    offset = max(0.2 * find_marks(scan).darkness, 6.0)
    result = cv2.adaptiveThreshold(image, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, size, offset)
    return scan.with_image(np.asarray(result, np.uint8))


@disturbance("halftone", "printed or sent through a screen of dots", Level("lines an inch", 100.0, 50.0, 200.0))
def halftone(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Compare with a screen of round dots at 45 degrees: black and white, grey ink as dots."""
    image = grey(scan.image)
    height, width = scan.shape
    x = np.arange(width, dtype=np.float32)[None, :] * np.float32(2 * np.pi * level / scan.dpi[0])
    y = np.arange(height, dtype=np.float32)[:, None] * np.float32(2 * np.pi * level / scan.dpi[1])
    c = np.float32(np.sqrt(0.5))
    phase = rng.uniform(0, 2 * np.pi, 2).astype(np.float32)
    screen = np.cos((x + y) * c + phase[0]) + np.cos((x - y) * c + phase[1])
    threshold = 128 + screen * 58  # 12 .. 244: paper stays white, black stays black
    return scan.with_image(np.where(image > threshold, np.uint8(255), np.uint8(0)))


@disturbance("dither", "black and white by diffusion of the error, as fax machines send photographs")
def dither(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Floyd and Steinberg's diffusion, by Pillow."""
    return scan.with_image(np.asarray(Image.fromarray(grey(scan.image)).convert("1").convert("L"), np.uint8))
