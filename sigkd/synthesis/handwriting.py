"""Handwriting that is no signature: dates, amounts, names and short notes in the hand of a made-up writer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sigkd.synthesis.lognormal import trajectory
from sigkd.synthesis.plan import word_plan
from sigkd.synthesis.render import Trace, deposited, ink_map
from sigkd.synthesis.writer import writer_style

_FIGURE_HEIGHT = 2.0
"""Height of figures and capitals in x-heights."""
_PEN_DPI = 400.0
_ANY_WRITER = 1 << 30


def handwriting(
    text: str, mm: float, dpi: tuple[float, float], rng: np.random.Generator, writer: int | None = None
) -> NDArray[np.uint8]:
    """Return a line of handwriting as ink [h, w] uint8 (0 none .. 255 black), cut to its ink.

    Args:
        text: letters of English, figures, ``. , - / = :`` and spaces.
        mm: height of figures and capitals on paper.
        dpi: resolution across and down.
        rng: how it is written this time.
        writer: whose hand; None: anybody's.
    """
    hand = int(rng.integers(_ANY_WRITER)) if writer is None else writer
    style = writer_style(hand)
    unit = mm / _FIGURE_HEIGHT / 25.4 * np.array(dpi)
    traces: list[Trace] = []
    x, rise = 0.0, rng.normal(0, 0.02)
    for word in text.split():
        plan, advance = word_plan(word, style, hand, 0, rng)
        for part in plan:
            points = part.points + rng.standard_normal(part.points.shape) * (0.05 * style.consistency)
            position, speed = trajectory(points, part.corners, style.kinematics, rng)
            right = x + position[:, 0] + style.slant * position[:, 1]
            up = position[:, 1] + rise * right
            traces.append(Trace(np.stack([right * unit[0], -up * unit[1]], axis=1), speed * unit[0]))
        x += advance + style.width * rng.uniform(0.6, 1.1)
    pen = replace(style.pen, width=style.pen.width * dpi[0] / _PEN_DPI)
    every = np.vstack([trace.position for trace in traces])
    room = pen.width * 1.5 + 1
    low, high = every.min(axis=0) - room, every.max(axis=0) + room
    width, height = (int(side) for side in np.ceil(high - low))
    moved = [Trace(trace.position - low, trace.speed) for trace in traces]
    ink = np.clip(deposited(ink_map(moved, pen, (height, width), oversample=2), pen, rng), 0, 255).astype(np.uint8)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not rows.size:
        return ink
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
