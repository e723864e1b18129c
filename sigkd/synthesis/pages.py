"""Made-up pages of writing: lines of words that belong to no language, in the hand of a made-up writer."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from sigkd.synthesis.lognormal import trajectory
from sigkd.synthesis.plan import Component, word_plan
from sigkd.synthesis.render import Image, Paper, Trace, ink_map, random_paper, scan
from sigkd.synthesis.writer import Style, generator, made_up_word, writer_style

PAGE_SIZE = (2480, 1748)
"""Height and width of a page: A5 at :data:`PAGE_DPI`."""
PAGE_DPI = 300.0


def _paragraph_word(rng: np.random.Generator, first: bool) -> str:
    low, high = ((1, 3), (2, 5), (4, 8), (6, 11))[int(rng.choice(4, p=[0.18, 0.32, 0.35, 0.15]))]
    word = made_up_word(rng, low, high)
    return word.capitalize() if first or rng.random() < 0.06 else word


def _printed(ink: Image, rng: np.random.Generator, left: int, top: int) -> None:
    """Print a form's head in a plain typeface between two rules, as text collections have it."""
    width = ink.shape[1]
    for y in (top - 60, top + 130):
        cv2.line(ink, (left, y), (width - left, y), 230, 3)
    for row in range(2):
        text = " ".join(made_up_word(rng, 3, 9) for _ in range(8)).capitalize()
        cv2.putText(ink, text, (left, top + 60 * row), cv2.FONT_HERSHEY_DUPLEX, 1.1, 235, 2, cv2.LINE_AA)


def page_image(
    writer: int,
    index: int,
    seed: int = 0,
    *,
    lines: int | None = None,
    ruled: bool = False,
    header: bool = False,
    size: tuple[int, int] = PAGE_SIZE,
) -> Image:
    """Return one made-up page of handwriting as a grey scan [H, W] uint8 (0 black ink, 255 white paper), about 300 dpi.

    Args:
        writer: number of the made-up writer, >= 0; the hand is the one of this writer's signature.
        index: number of the page, >= 0.
        seed: another seed is another population.
        lines: at most so many lines; None: as many as the page holds.
        ruled: print pale ruling under the lines.
        header: print a form's head above the writing.
        size: height and width in pixels.
    """
    style: Style = writer_style(writer, seed)
    rng = generator(seed, "page", writer, index)
    habits = generator(seed, "page", writer)
    unit = habits.uniform(25.0, 38.0)  # x-height in pixels
    margin = int(habits.integers(110, 230))
    gap = style.width * habits.uniform(0.55, 0.95)
    above, below = 1.2 + 0.95 * max(style.ascender, style.capital), 0.3 + style.descender
    pitch = (above + below + habits.uniform(0.2, 0.6)) * unit
    skew = rng.normal(0, 0.004)
    ink_rules = np.zeros(size, np.uint8)
    top = margin + above * unit
    if header:
        _printed(ink_rules, rng, margin, int(top))
        top += 150 + above * unit
    count = max(int((size[0] - margin - below * unit - top) // pitch) + 1, 0)
    count = count if lines is None else min(lines, count)
    traces: list[Trace] = []
    first = True
    for line in range(count):
        baseline = top + line * pitch + rng.normal(0, 0.06 * unit)
        slope, wave = skew + rng.normal(0, 0.0025), rng.uniform(0, 2 * np.pi)
        x = margin + rng.normal(0, 0.35) * unit + (2.5 * unit if line == 0 else 0.0)
        end = size[1] - margin - abs(rng.normal(0, 1.2)) * unit
        if line == count - 1:
            end = margin + (end - margin) * rng.uniform(0.3, 1.0)
        while x < end - 1.5 * unit:
            word = _paragraph_word(rng, first)
            plan, advance = word_plan(word, style, writer, seed, rng)
            if x + advance * unit > end + 0.6 * unit:
                break
            y = baseline + slope * (x - margin) + 0.05 * unit * np.sin(wave + x / 300)
            traces += [_written(part, style, unit, x, y, rng) for part in plan]
            first = rng.random() < 0.1
            x += (advance + gap * rng.uniform(0.75, 1.3)) * unit
        if ruled:
            y0 = round(top + line * pitch + 0.12 * unit)
            cv2.line(ink_rules, (margin // 2, y0), (size[1] - margin // 2, y0), 40, 2)
    pen = replace(style.pen, width=0.75 * style.pen.width)  # 300 dpi here, 400 dpi for signatures
    paper: Paper = random_paper(rng)
    ink = ink_map(traces, pen, size, oversample=2) if traces else np.zeros(size, np.uint8)
    return scan(np.maximum(ink, ink_rules), pen, paper, rng)


def _written(part: Component, style: Style, unit: float, x: float, y: float, rng: np.random.Generator) -> Trace:
    points = part.points + rng.standard_normal(part.points.shape) * (0.05 * style.consistency)
    position, speed = trajectory(points, part.corners, style.kinematics, rng)
    right = x + (position[:, 0] + style.slant * position[:, 1]) * unit
    return Trace(np.stack([right, y - position[:, 1] * unit], axis=1), speed * unit)
