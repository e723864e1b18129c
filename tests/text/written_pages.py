"""Quickly drawn writing: good enough for line finding, with known lines."""

from __future__ import annotations

import cv2
import numpy as np


def written_line(image: np.ndarray, baseline: int, left: int, right: int, random: np.random.Generator) -> None:
    """Write words of loops, ascenders and descenders on a baseline."""
    x = float(left)
    height = random.uniform(26, 32)
    while x < right - 120:
        letters = int(random.integers(3, 8))
        points = []
        for _ in range(letters):
            tall = random.choice([1.0, 1.0, 1.0, 2.0, -1.0])
            width = random.uniform(16, 30)
            top = -height * tall if tall > 0 else height * 0.9
            points += [(x, random.normal(0, 3)), (x + 0.35 * width, top + random.normal(0, 3))]
            points += [(x + 0.6 * width, 0.3 * top), (x + width, random.normal(0, 4))]
            x += width
        curve = np.array(points) + np.array([0, baseline])
        steps = np.linspace(0, len(curve) - 1, 8 * len(curve))
        smooth = np.stack([np.interp(steps, range(len(curve)), axis) for axis in curve.T], axis=1)
        cv2.polylines(image, [np.round(smooth * 8).astype(np.int32)], False, 20, 5, cv2.LINE_AA, 3)
        x += random.uniform(30, 60)


def write_page(lines: int, seed: int, *, width: int = 1300, pitch: int = 120, binary: bool = False) -> np.ndarray:
    """Return a page [H, W] uint8 of the given number of lines; the last one is short."""
    random = np.random.default_rng(seed)
    page = np.full((lines * pitch + 120, width), 255, np.uint8)
    for number in range(lines):
        end = width - 110 if number < lines - 1 or lines == 1 else width * 2 // 3
        written_line(page, 120 + number * pitch, 110, end, random)
    return np.where(page < 128, 0, 255).astype(np.uint8) if binary else page
