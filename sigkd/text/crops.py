"""Signature-like crops of a stripe: where they are cut, what is drawn at random, how they are normalised."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sigkd.errors import ImageError
from sigkd.images.canvas import CANVASES, SIZE
from sigkd.images.light import PAPER
from sigkd.images.preprocess import normalize_signature
from sigkd.text.ink import U8, u8
from sigkd.text.lines import Line
from sigkd.text.options import ASPECTS, CANVAS_NAMES, TextOptions
from sigkd.text.stripes import Stripe

SCALE_STEPS = 16
"""Canvas scales are drawn from this many values, so that few resampling operators are needed."""

ROOM = 0.88
"""A scaled canvas leaves the crop at least this share free: the network sees the middle 150 x 220 of 170 x 242."""


@dataclass(frozen=True)
class Crop:
    """A finished crop and where it came from."""

    image: U8
    """[170, 242], ink bright on black."""
    position: int
    """Number of the stripe position, from the left."""
    start: int
    """First column of the stripe."""
    end: int
    """Column of the stripe after the last one."""
    left: int
    """First column of the line."""
    right: int
    """Column of the line after the last one."""
    canvas: int
    """Number of the canvas in ``CANVAS_NAMES``."""
    aspect: float
    """Width / height that was asked for."""
    scale: float
    """Factor that the canvas was divided by."""
    blur: float
    """Standard deviation of the blur, page pixels."""


def stripe_random(seed: int, page: str, line: int) -> np.random.Generator:
    """Return the random generator of one line: the same whatever else is processed, in whatever order."""
    digest = hashlib.sha256(page.encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "little"), line])


def draw_aspect(aspect: str, random: np.random.Generator) -> float:
    """Return the width / height of a stripe's crops."""
    if aspect == "random":
        return float(random.uniform(min(ASPECTS.values()), max(ASPECTS.values())))
    return ASPECTS[aspect] if aspect in ASPECTS else float(aspect)


def crop_positions(width: int, height: int, aspect: float) -> list[tuple[int, int]]:
    """Return the [start, end) columns of the crops of a stripe.

    As many crops of ``height * aspect`` columns as fit best, side by side, together as wide as the stripe (at least
    one).
    """
    number = max(1, round(width / (height * aspect)))
    edges = np.linspace(0, width, number + 1).round().astype(int)
    return [(int(start), int(end)) for start, end in itertools.pairwise(edges)]


def cut_crops(line: Line, stripe: Stripe, options: TextOptions, random: np.random.Generator) -> Iterator[Crop | str]:
    """Yield the crops of a stripe; for a crop that cannot be normalised, the reason."""
    aspect = draw_aspect(options.aspect, random)
    positions = crop_positions(stripe.image.shape[1], line.height, aspect)
    for position, canvas in _chosen(len(positions), options, random):
        start, end = positions[position]
        blur = float(random.uniform(*options.blurs))
        step = int(random.integers(SCALE_STEPS))
        image = blurred(stripe.image, start, end, blur)
        size, scale = scaled_canvas(CANVASES[CANVAS_NAMES[canvas]], options.scales, step, image)
        try:
            finished = normalize_signature(image, size, SIZE, blurred=options.threshold == "blurred")
        except ImageError:
            yield "blank crop"
            continue
        left, right = int(stripe.columns[start]), int(stripe.columns[end - 1]) + 1
        yield Crop(finished, position, start, end, left, right, canvas, aspect, scale, blur)


def _chosen(positions: int, options: TextOptions, random: np.random.Generator) -> list[tuple[int, int]]:
    """Return the (position, canvas) pairs of a stripe."""
    canvases = [CANVAS_NAMES.index(name) for name in options.canvases]
    if not options.per_canvas:
        return [
            (position, canvases[chosen])
            for position in range(positions)
            for chosen in sorted(random.choice(len(canvases), options.per_position, replace=False))
        ]
    amount = min(options.per_canvas, positions)
    return sorted(
        (int(position), canvas) for canvas in canvases for position in random.choice(positions, amount, replace=False)
    )


def blurred(stripe: U8, start: int, end: int, sigma: float) -> U8:
    """Return columns [start, end) of the stripe, blurred with their neighbours; rows of paper are added."""
    if sigma <= 0:
        return stripe[:, start:end]
    margin = math.ceil(3 * sigma)
    left, right = max(0, start - margin), min(stripe.shape[1], end + margin)
    piece = cv2.copyMakeBorder(stripe[:, left:right], margin, margin, 0, 0, cv2.BORDER_CONSTANT, value=PAPER)
    piece = cv2.GaussianBlur(piece, (2 * margin + 1, 2 * margin + 1), sigma, borderType=cv2.BORDER_REPLICATE)
    return u8(piece[:, start - left : end - left])


def scaled_canvas(
    canvas: tuple[int, int], scale: tuple[float, float], step: int, crop: U8
) -> tuple[tuple[int, int], float]:
    """Return the canvas divided by the drawn factor, or by the largest one of the range that leaves room for the ink.

    Returns:
        Height and width of the scaled canvas, and the factor.
    """
    low, high = scale
    if low == high:
        return (round(canvas[0] / low), round(canvas[1] / low)), low
    height, width = ink_size(crop)
    while True:
        factor = low * (high / low) ** (step / (SCALE_STEPS - 1))
        size = round(canvas[0] / factor), round(canvas[1] / factor)
        if step == 0 or (height <= ROOM * size[0] and width <= ROOM * size[1]):
            return size, factor
        step -= 1


def ink_size(crop: npt.NDArray[np.uint8]) -> tuple[int, int]:
    """Return height and width of the box around everything darker than mid-grey (1, 1 if there is nothing)."""
    ink = (crop < 128).astype(np.uint8)
    _, _, width, height = cv2.boundingRect(ink)
    return max(1, int(height)), max(1, int(width))
