"""What optics, sensors and files lose: blur, defocus, motion, JPEG, noise, specks."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

from sigkd.synthesis.disturbances.registry import Level, disturbance
from sigkd.synthesis.disturbances.scan import Scan
from sigkd.synthesis.disturbances.surface import as_before, is_bilevel


@disturbance("blur", "a soft scan", Level("mm (sigma)", 0.12, 0.03, 0.4))
def blur(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Smooth by a Gaussian."""
    return scan.with_image(
        np.asarray(cv2.GaussianBlur(scan.image, (0, 0), scan.across(level), None, scan.down(level)), np.uint8)
    )


@disturbance("defocus", "a photo out of focus", Level("mm (radius)", 0.25, 0.05, 0.8))
def defocus(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Smooth by an even disk, as an open lens does."""
    rx, ry = max(scan.across(level), 0.5), max(scan.down(level), 0.5)
    reach_x, reach_y = int(np.ceil(rx)), int(np.ceil(ry))
    x = np.arange(-reach_x, reach_x + 1)[None, :] / rx
    y = np.arange(-reach_y, reach_y + 1)[:, None] / ry
    disk = np.clip((1 - np.hypot(x, y)) * min(rx, ry) + 0.5, 0, 1)
    return scan.with_image(
        np.asarray(cv2.filter2D(scan.image, -1, disk / disk.sum(), borderType=cv2.BORDER_REPLICATE), np.uint8)
    )


@disturbance("motion", "a photo with a moving hand", Level("mm", 0.5, 0.1, 1.5))
def motion(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Smooth along a line in any direction."""
    angle = rng.uniform(0, np.pi)
    end = np.array([np.cos(angle) * scan.across(level), np.sin(angle) * scan.down(level)]) / 2
    reach = int(np.ceil(np.abs(end).max())) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    start, stop = np.rint((np.array([reach, reach]) + np.array([-end, end])) * 16).astype(int)
    cv2.line(kernel, start.tolist(), stop.tolist(), 1.0, 1, cv2.LINE_8, 4)
    return scan.with_image(
        np.asarray(cv2.filter2D(scan.image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE), np.uint8)
    )


@disturbance("jpeg", "saved as a JPEG of low quality", Level("quality", 30.0, 5.0, 95.0))
def jpeg(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Encode and decode, by Pillow."""
    stream = io.BytesIO()
    Image.fromarray(scan.image).save(stream, "JPEG", quality=round(level))
    with Image.open(stream) as decoded:
        return scan.with_image(np.asarray(decoded, np.uint8))


@disturbance("noise", "a sensor's noise", Level("grey levels", 12.0, 1.0, 40.0))
def noise(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Add Gaussian noise of this standard deviation."""
    grain = rng.standard_normal(scan.image.shape, dtype=np.float32)
    grain *= np.float32(level)
    image = np.asarray(cv2.add(scan.image, grain, dtype=cv2.CV_8U), np.uint8)
    return scan.with_image(as_before(image, is_bilevel(scan.image)))


@disturbance("speckle", "specks of dust and toner", Level("specks a square centimetre", 8.0, 1.0, 60.0))
def speckle(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Scatter dark dots of 0.05 to 0.3 mm over the picture."""
    height, width = scan.shape
    area = height / scan.dpi[1] * width / scan.dpi[0] * 2.54**2
    count = int(rng.poisson(level * area))
    image = scan.image.copy()
    at = rng.uniform(0, 1, (count, 2)) * [width, height]
    radius = np.exp(rng.uniform(np.log(0.025), np.log(0.15), count))
    dark = 0 if is_bilevel(image) else 40
    specks = np.zeros((height, width), np.uint8)
    for (x, y), size in zip(at, radius, strict=True):
        axes = max(round(scan.across(size) * 16), 8), max(round(scan.down(size) * 16), 8)
        if max(axes) <= 12:
            specks[int(y), int(x)] = 255
        else:
            cv2.circle(specks, (round(x * 16), round(y * 16)), axes[0], 255, -1, cv2.LINE_8, 4)
    image[specks > 0] = np.minimum(image[specks > 0], dark + rng.integers(0, 60 if dark else 1))
    return scan.with_image(image)
