"""Made-up signatures: genuine ones, and skilled forgeries of them."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Literal

import numpy as np

from sigkd.errors import UsageError
from sigkd.synthesis.lognormal import trajectory
from sigkd.synthesis.plan import Component, SignaturePlan, signature_plan
from sigkd.synthesis.render import Image, Trace, ink_map, random_paper, scan
from sigkd.synthesis.writer import Array, Pen, Style, generator, random_pen, writer_style

Kind = Literal["genuine", "skilled"]
LARGEST = (900, 1300)
"""Largest made-up scan (height, width): fits every canvas of the field's sets."""


@lru_cache(maxsize=512)
def _writer(writer: int, seed: int) -> tuple[Style, SignaturePlan]:
    style = writer_style(writer, seed)
    return style, signature_plan(writer, style, seed)


def _varied(part: Component, spread: float, rng: np.random.Generator) -> Component:
    """Return the component with other targets: each moves a little, neighbours move together, flourishes move more."""
    count = len(part.points)
    own = rng.standard_normal((count, 2))
    common = np.cumsum(rng.standard_normal((count, 2)), axis=0) / np.sqrt(count)
    if part.flourish:
        size = np.ptp(part.points, axis=0).mean()
        move = spread * (0.35 * own + 0.6 * common) * max(size * 0.35, 1.0)
    else:
        move = spread * (own + 0.7 * common)
    return replace(part, points=part.points + move + rng.standard_normal(2) * spread)


def _performed(
    writer: int, index: int, kind: Kind, seed: int
) -> tuple[Style, SignaturePlan, np.random.Generator, float]:
    """Return how the plan is performed this time: the style, the varied plan, its generator, the relative deviation."""
    style, plan = _writer(writer, seed)
    if kind == "genuine":
        rng = generator(seed, "genuine", writer, index)
        spread = 0.06 * style.consistency
        kinematics = replace(
            style.kinematics,
            stroke_time=style.kinematics.stroke_time * float(np.exp(rng.normal(0, 0.08))),
            overlap=style.kinematics.overlap * float(np.exp(rng.normal(0, 0.04))),
        )
        pen = random_pen(rng) if rng.random() < 0.1 else style.pen
        pen = replace(
            pen,
            width=pen.width * float(np.exp(rng.normal(0, 0.05))),
            darkness=min(pen.darkness * float(np.exp(rng.normal(0, 0.05))), 1.0),
        )
        style = replace(style, kinematics=kinematics, pen=pen, slant=style.slant + rng.normal(0, 0.03))
        drift = 0.05
    else:
        forger = generator(seed, "forger", writer, index // 4)  # one forger makes four attempts
        rng = generator(seed, "skilled", writer, index)
        care = forger.uniform(0.0, 1.0)
        own = writer_style(int(forger.integers(1 << 30)), seed)
        kinematics = replace(
            style.kinematics,
            stroke_time=style.kinematics.stroke_time * (1.3 + 1.6 * care),
            overlap=min(style.kinematics.overlap * (1.05 + 0.3 * care), 0.95),
            tremor=forger.uniform(0.005, 0.03) * (0.4 + care),
            jitter=0.12,
        )
        style = replace(
            style,
            kinematics=kinematics,
            pen=own.pen if forger.random() < 0.4 else style.pen,  # else found on the same desk
            slant=0.8 * style.slant + 0.2 * own.slant + rng.normal(0, 0.03),
            width=style.width,
        )
        spread = 0.14 + 0.10 * (1 - care)
        drift = 0.10
    parts = [_varied(part, spread, rng) for part in plan.components]
    return style, replace(plan, components=parts, rise=plan.rise + rng.normal(0, drift * 0.7)), rng, drift


DPI = 400.0
"""Resolution of made-up signatures."""


def signature_ink(
    writer: int, index: int, kind: Kind = "genuine", seed: int = 0
) -> tuple[Image, Pen, np.random.Generator]:
    """Return the ink of a made-up signature [H, W] uint8 (0 none .. 255 black), its pen, and what draws its paper.

    Args:
        writer: number of the made-up writer, >= 0.
        index: number of the signature (or of the forgery) of this writer, >= 0.
        kind: ``genuine`` or ``skilled``.
        seed: another seed is another population.

    Raises:
        UsageError: if ``kind`` is neither.
    """
    if kind not in ("genuine", "skilled"):
        raise UsageError(f"unknown kind of signature '{kind}'. Known: genuine, skilled")
    style, plan, rng, drift = _performed(writer, index, kind, seed)
    moves = [trajectory(part.points, part.corners, style.kinematics, rng) for part in plan.components]
    shear = np.array([[1.0, 0.0], [style.slant, 1.0]])
    cosine, sine = np.cos(plan.rise), np.sin(plan.rise)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    stretch = np.diag(np.exp(rng.normal(0, drift, 2)))
    linear: Array = shear @ stretch @ turn * [1.0, -1.0]
    placed = [position @ linear for position, _ in moves]
    every = np.vstack(placed)
    # the writer's size on paper belongs to the plan, not to this performance's extent
    reference = np.vstack([part.points for part in _writer(writer, seed)[1].components]) @ linear
    extent = np.ptp(reference, axis=0)
    scale = min(plan.width / extent[0], 440 / extent[1]) * float(np.exp(rng.normal(0, 0.6 * drift)))
    scale = min(scale, LARGEST[1] * 0.85 / np.ptp(every[:, 0]), LARGEST[0] * 0.85 / np.ptp(every[:, 1]))
    margin = rng.integers(8, 50, 4)
    low, high = every.min(axis=0) * scale, every.max(axis=0) * scale
    width, height = np.ceil(high - low).astype(int) + margin[::2] + margin[1::2]
    offset = np.array([margin[0], margin[2]]) - low
    traces = [Trace(xy * scale + offset, speed * scale) for xy, (_, speed) in zip(placed, moves, strict=True)]
    return ink_map(traces, style.pen, (int(height), int(width)), oversample=3), style.pen, rng


def signature_image(writer: int, index: int, kind: Kind = "genuine", seed: int = 0) -> Image:
    """Return one made-up signature as a grey scan [H, W] uint8 (0 black ink, 255 white paper), about 400 dpi.

    A skilled forgery follows the writer's plan with other kinematics: slower, segmented, trembling, with the forger's
    pen and some of the forger's slant. A random forgery is another writer's genuine signature. Arguments and errors are
    those of :func:`signature_ink`.
    """
    ink, pen, rng = signature_ink(writer, index, kind, seed)
    return scan(ink, pen, random_paper(rng), rng)
