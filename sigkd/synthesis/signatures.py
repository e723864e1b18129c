"""Made-up signatures: genuine ones, and skilled forgeries of them."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np

from sigkd.errors import UsageError
from sigkd.synthesis.lognormal import trajectory
from sigkd.synthesis.performance import Performance, perform, perform_forged
from sigkd.synthesis.plan import SignaturePlan, signature_plan
from sigkd.synthesis.render import Image, Trace, ink_map, random_paper, scan
from sigkd.synthesis.writer import Array, Pen, Style, generator, writer_style

Kind = Literal["genuine", "skilled"]
LARGEST = (900, 1300)
"""Largest made-up scan (height, width): fits every canvas of the field's sets."""


@lru_cache(maxsize=512)
def _writer(writer: int, seed: int) -> tuple[Style, SignaturePlan, float]:
    """Return the writer's habits, the signature's plan, and its scale: pixels of an x-height."""
    style = writer_style(writer, seed)
    plan = signature_plan(writer, style, seed)
    every = np.vstack([part.points for part in plan.components])
    extent = np.ptp(every @ _onto_paper(style.slant, plan.rise), axis=0)
    return style, plan, float(min(plan.width / extent[0], 440 / extent[1]))


def _performed(writer: int, index: int, kind: Kind, seed: int) -> tuple[Performance, np.random.Generator]:
    """Return how the writer's signature comes out this time, and what draws the rest."""
    style, plan, _ = _writer(writer, seed)
    rng = generator(seed, kind, writer, index)
    if kind == "genuine":
        return perform(style, plan, rng), rng
    forger = generator(seed, "forger", writer, index // 4)  # one forger makes four attempts
    own = writer_style(int(forger.integers(1 << 30)), seed)
    return perform_forged(style, plan, own, forger, rng), rng


def _onto_paper(slant: float, rise: float) -> Array:
    """Return the matrix [2, 2] from plan to paper, y downwards, without its scale."""
    shear = np.array([[1.0, 0.0], [slant, 1.0]])
    cosine, sine = np.cos(rise), np.sin(rise)
    return np.asarray(shear @ np.array([[cosine, sine], [-sine, cosine]]) * [1.0, -1.0])


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
    *_, scale = _writer(writer, seed)  # the plan's: by how much this one is larger is the occasion's
    done, rng = _performed(writer, index, kind, seed)
    style = done.style
    moves = [trajectory(part.points, part.corners, style.kinematics, rng) for part in done.components]
    linear = _onto_paper(style.slant, done.rise) * done.size
    placed = [position @ linear for position, _ in moves]
    every = np.vstack(placed)
    scale = min(scale, LARGEST[1] * 0.85 / np.ptp(every[:, 0]), LARGEST[0] * 0.85 / np.ptp(every[:, 1]))
    margin = rng.integers(8, 50, 4)
    low, high = every.min(axis=0) * scale, every.max(axis=0) * scale
    width, height = np.ceil(high - low).astype(int) + margin[::2] + margin[1::2]
    offset = np.array([margin[0], margin[2]]) - low
    traces = [Trace(xy * scale + offset, speed * scale) for xy, (_, speed) in zip(placed, moves, strict=True)]
    return ink_map(traces, style.pen, (int(height), int(width)), oversample=3), style.pen, rng


def signature_image(writer: int, index: int, kind: Kind = "genuine", seed: int = 0) -> Image:
    """Return one made-up signature as a grey scan [H, W] uint8 (0 black ink, 255 white paper), about 400 dpi.

    Genuine ones differ as one person's do; a skilled forgery misreads the form, the same way in a forger's four
    attempts, and is drawn: see :mod:`sigkd.synthesis.performance`. A random forgery is another writer's genuine
    signature. Arguments and errors are those of :func:`signature_ink`.
    """
    ink, pen, rng = signature_ink(writer, index, kind, seed)
    return scan(ink, pen, random_paper(rng), rng)
