"""The pen: how dark, what colour, how wide. Array functions work on one picture and its paper."""

from __future__ import annotations

import colorsys
from dataclasses import replace

import cv2
import numpy as np

from sigkd.synthesis.disturbances.registry import Level, disturbance
from sigkd.synthesis.disturbances.scan import Scan
from sigkd.synthesis.disturbances.surface import as_before, blend, coloured, find_marks, is_bilevel, paper_level
from sigkd.synthesis.marks import U8

_WIDTH = Level("mm of stroke width", 0.1, 0.02, 0.4)


def change_density(image: U8, paper: U8, factor: float, mask: U8 | None = None) -> U8:
    """Return ``paper - factor * (paper - image)`` within the mask: the ink's contrast times ``factor``."""
    paler = np.asarray(cv2.addWeighted(image, factor, paper, 1 - factor, 0), np.uint8)
    return paler if mask is None else blend(image, paler, mask)


def widen(image: U8, pixels: float) -> U8:
    """Return strokes wider by ``pixels`` on each side; narrower where negative, down to nothing."""
    whole = int(np.ceil(abs(pixels)))
    share = abs(pixels) - (whole - 1)
    grow = cv2.erode if pixels > 0 else cv2.dilate
    steps = [image]
    for step in range(whole):  # cross and square in turn are nearly round
        kernel = cv2.getStructuringElement(cv2.MORPH_CROSS if step % 2 == 0 else cv2.MORPH_RECT, (3, 3))
        steps.append(np.asarray(grow(steps[-1], kernel), np.uint8))
    changed = cv2.addWeighted(steps[-1], share, steps[-2], 1 - share, 0) if whole else image
    return np.asarray(changed, np.uint8)


def _around(mask: U8, pixels: float) -> U8:
    """Return a mask grown by so many pixels, soft at its edge."""
    reach = 2 * int(np.ceil(pixels)) + 1
    return np.asarray(cv2.blur(cv2.dilate(mask, np.ones((reach, reach), np.uint8)), (3, 3)), np.uint8)


@disturbance("ink", "another ink density: a pale or a black pen", Level("times the contrast", 0.5, 0.15, 3.0))
def ink(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Multiply the ink's contrast with its paper; paper and its noise stay."""
    mask = _around(find_marks(scan).mask, scan.length(0.15))
    return scan.with_image(change_density(scan.image, paper_level(scan), level, mask))


@disturbance("pen-colour", "written with a coloured pen, scanned in colour", Level("degrees of hue", 225.0, 0.0, 360.0))
def pen_colour(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Give the ink a hue: 0 red, 120 green, 225 a ballpoint's blue, 280 violet; grey pictures become colour ones."""
    marks = find_marks(scan)
    dark = np.array(colorsys.hls_to_rgb(level / 360, 0.32, 0.62)) * 255
    mask = _around(marks.mask, scan.length(0.15))
    scan = coloured(scan)
    paper = paper_level(scan)
    share = np.clip(cv2.subtract(paper, scan.image).max(axis=2) / np.float32(max(marks.darkness, 1)), 0, 1.3)
    tinted = paper * (1 - share[..., None] * (1 - dark.astype(np.float32) / 255))
    return scan.with_image(blend(scan.image, np.clip(tinted, 0, 255).astype(np.uint8), mask))


@disturbance("pen-wider", "a wider pen", _WIDTH)
def pen_wider(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Widen every stroke by ``level`` (half on each side)."""
    return _other_width(scan, level)


@disturbance("pen-thinner", "a thinner pen", _WIDTH)
def pen_thinner(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Narrow every stroke by ``level``, but never to nothing: its middle stays."""
    return _other_width(scan, -level)


def _other_width(scan: Scan, mm: float) -> Scan:
    pixels = scan.length(mm) / 2
    marks = find_marks(scan)
    bilevel = is_bilevel(scan.image)
    changed = widen(scan.image, pixels)
    if pixels < 0:
        core = _middles(marks.mask)
        changed = np.minimum(changed, blend(np.full_like(scan.image, 255), scan.image, core))
    image = blend(scan.image, changed, _around(marks.mask, abs(pixels) + 1))
    layers = dict(scan.layers)
    if "signature" in layers:
        layer = 255 - widen(255 - layers["signature"], pixels)
        layers["signature"] = (
            np.maximum(layer, np.minimum(_middles(marks.mask), layers["signature"])) if pixels < 0 else layer
        )
    return replace(scan, image=as_before(image, bilevel), layers=layers)


def _middles(mask: U8) -> U8:
    """Return the middle lines of the strokes, 1 to 3 pixels wide: where the distance to paper is greatest around."""
    distance = np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, 3), np.float32)
    ridge = (distance >= cv2.dilate(distance, np.ones((3, 3), np.uint8)) - 0.5) & (mask > 0)
    return np.asarray(ridge.astype(np.uint8) * 255)
