"""The sheet: coloured, coarse, creased, with the other side showing through."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np

from sigkd.synthesis.disturbances.light import lit
from sigkd.synthesis.disturbances.printing import words
from sigkd.synthesis.disturbances.registry import Level, disturbance
from sigkd.synthesis.disturbances.scan import Scan
from sigkd.synthesis.disturbances.surface import add_noise, add_truth, as_before, blend, is_bilevel, multiply
from sigkd.synthesis.fonts import choose_font
from sigkd.synthesis.marks import smooth_noise

_PASTELS = (48.0, 40.0, 55.0, 95.0, 140.0, 205.0, 225.0, 345.0)
"""Hues of tinted paper, degrees: chamois and yellows, greens, blues, pink."""


@disturbance("paper-colour", "coloured or grey paper", Level("share of light swallowed", 0.25, 0.05, 0.6))
def paper_colour(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Tint the sheet, in colour scans by any pastel hue, in grey ones by grey; white is dimmed by ``level``."""
    full = np.full(scan.shape, 255, np.uint8)
    if not scan.colour:
        return scan.with_image(multiply(scan.image, full, round(255 * (1 - level))))
    hue = _PASTELS[int(rng.integers(len(_PASTELS)))] + rng.normal(0, 6)
    tint = colorsys.hsv_to_rgb(hue % 360 / 360, min(level, 0.9), 1 - 0.4 * level)
    return scan.with_image(
        multiply(scan.image, full, (round(255 * tint[0]), round(255 * tint[1]), round(255 * tint[2])))
    )


@disturbance("paper-texture", "coarse paper", Level("grey levels", 6.0, 1.0, 30.0))
def paper_texture(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Add fibres and clouds of this standard deviation, coarser than noise."""
    fine = smooth_noise(scan.shape, max(scan.length(0.12), 0.6), rng)
    fibre = smooth_noise((scan.shape[0], scan.shape[1]), max(scan.length(0.5), 1.0), rng)
    image = add_noise(scan.image, (0.8 * fine + 0.6 * fibre) * np.float32(level))
    return scan.with_image(as_before(image, is_bilevel(scan.image)))


@disturbance("show-through", "the back of the sheet shows through", Level("share of its ink", 0.2, 0.05, 0.5))
def show_through(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Print mirrored, blurred lines of type beneath."""
    height, width = scan.shape
    back = np.zeros((height, width), np.uint8)
    font = choose_font(rng, split=scan.split)
    points = rng.uniform(9, 12)
    pitch = scan.down(points * 0.3528 * 1.35)
    y = -rng.uniform(0, pitch)
    while y < height:
        x = 0.0
        while x < width:
            text = words(rng, font, scan, points)
            x0, y0 = int(x), max(int(y), 0)
            part = back[y0 : y0 + text.shape[0], x0 : x0 + text.shape[1]]
            if part.size:
                np.maximum(part, text[: part.shape[0], : part.shape[1]], out=part)
            x += text.shape[1] + scan.across(1.5)
        y += pitch
    mirrored = cv2.GaussianBlur(back[:, ::-1], (0, 0), max(scan.length(0.12), 0.4))
    coverage = (mirrored * level).astype(np.uint8)
    bilevel = is_bilevel(scan.image)
    image = as_before(multiply(scan.image, coverage, 0), bilevel)
    return add_truth(scan.with_image(image), "background", coverage)


@disturbance("crease", "a folded sheet", Level("share of light lost", 0.25, 0.05, 0.6))
def crease(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Fold once or twice: a dark and a bright flank, and the ink rubbed off along the fold."""
    height, width = scan.shape
    x, y = np.arange(width, dtype=np.float32)[None, :], np.arange(height, dtype=np.float32)[:, None]
    light = np.ones((height, width), np.float32)
    rubbed = np.zeros((height, width), np.float32)
    for _ in range(1 + int(rng.random() < 0.4)):
        angle = rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.06)
        through = rng.uniform(0.25, 0.75, 2) * [width, height]
        away = (x - through[0]) * np.float32(np.sin(angle)) + (y - through[1]) * np.float32(np.cos(angle))
        away = away / np.float32(scan.length(1.0)) + 0.15 * smooth_noise((height, width), scan.length(2.0), rng)
        light -= np.float32(level) * np.exp(-((away - 0.4) ** 2) / 0.5)
        light += np.float32(0.4 * level) * np.exp(-((away + 0.6) ** 2) / 0.6)
        np.maximum(rubbed, np.exp(-(away**2) / 0.02), out=rubbed)
    image = lit(scan.image, light)
    worn = np.clip(rubbed * (0.5 + 0.5 * smooth_noise((height, width), max(scan.length(0.1), 0.5), rng)), 0, 1)
    bare = np.maximum(image, np.percentile(scan.image[::5], 70, axis=(0, 1)).astype(np.uint8))
    return scan.with_image(blend(image, bare, (255 * worn).astype(np.uint8)))
