"""The report's pictures: images as data addresses, the score distributions as SVG. No plotting library, no script."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from sigkd.measures import bandwidth, density

SUPPORTS, OPPOSES = (200, 80, 0), (0, 90, 181)
"""Vermilion and blue: told apart by colour-blind readers, and as dark and less dark grey in print."""


def _address(image: NDArray[np.uint8]) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _darkened(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the ink in [0, 1], the faint of it strengthened: thin strokes would vanish on paper."""
    ink: NDArray[np.float64] = (image.astype(np.float64) / max(int(image.max()), 1)) ** 0.6
    return ink


def signature_picture(image: NDArray[np.uint8], alt: str) -> str:
    """Return an ``<img>`` of a normalised signature (bright on black, [H, W]) as dark ink on paper."""
    height, width = image.shape
    shown = np.clip(255.0 * (1.0 - _darkened(image)), 0, 255).astype(np.uint8)
    return f'<img src="{_address(shown)}" alt="{escape(alt)}" width="{width}" height="{height}">'


def occlusion_picture(image: NDArray[np.uint8], change: NDArray[np.float64], alt: str) -> tuple[str, float]:
    """Return an ``<img>`` of the ink coloured by the score's change, and the change at full colour."""
    limit = float(np.abs(change).max()) or 1.0
    share = np.clip(change / limit, -1.0, 1.0)[..., None]
    ink = _darkened(image)[..., None] ** 0.6
    neutral = np.full(3, 165.0)
    colour = (
        neutral
        + np.maximum(share, 0) * (np.array(SUPPORTS) - neutral)
        + np.maximum(-share, 0) * (np.array(OPPOSES) - neutral)
    )
    painted = np.clip(255.0 * (1 - ink) + colour * ink, 0, 255).astype(np.uint8)
    height, width = image.shape
    return f'<img src="{_address(painted)}" alt="{escape(alt)}" width="{width}" height="{height}">', limit


def distribution_picture(
    genuine: NDArray[np.float64],
    impostors: Sequence[tuple[str, NDArray[np.float64]]],
    score: float,
    accept: float,
    reject: float,
) -> str:
    """Return an SVG of the development scores' densities with the thresholds and the query's score."""
    left, right, top, bottom, width, height = 46, 14, 34, 46, 720, 300
    everything = np.concatenate([genuine, *(scores for _, scores in impostors), [score, accept, reject]])
    margin = 0.04 * float(np.ptp(everything)) or 1.0
    low, high = float(everything.min()) - margin, float(everything.max()) + margin
    grid = np.linspace(low, high, 240)
    curves = [("genuine signatures", density(genuine, grid, bandwidth(genuine) or 1.0), "#00713d", "")]
    styles = {"skilled": ("#b3261e", "7 4"), "random": ("#6b6b6b", "2 4")}
    for kind, scores in impostors:
        colour, dash = styles.get(kind, ("#6b6b6b", "2 4"))
        curves.append((f"{kind} forgeries", density(scores, grid, bandwidth(scores) or 1.0), colour, dash))
    peak = max(float(curve.max()) for _, curve, _, _ in curves) or 1.0

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * (width - left - right)

    def y(value: float) -> float:
        return height - bottom - value / peak * (height - top - bottom)

    parts = [
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="Score distributions of the development '
        'set and this score">'
    ]
    zones = ((low, reject, "#b3261e"), (reject, accept, "#c98a00"), (accept, high, "#00713d"))
    for start, end, colour in zones:
        if end > start:
            parts.append(
                f'<rect x="{x(start):.1f}" y="{height - bottom}" width="{x(end) - x(start):.1f}" height="7" '
                f'fill="{colour}" opacity="0.75"/>'
            )
    for _, curve, colour, dash in curves:
        points = " ".join(f"{x(float(g)):.1f},{y(float(v)):.1f}" for g, v in zip(grid, curve, strict=True))
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')
    step = 10.0 ** np.floor(np.log10((high - low) / 4))
    step *= 5 if (high - low) / step > 20 else 2 if (high - low) / step > 8 else 1
    parts += [
        f'<text x="{x(float(tick)):.1f}" y="{height - bottom + 22}" text-anchor="middle">{tick:g}</text>'
        for tick in np.arange(np.ceil(low / step) * step, high, step)
    ]
    parts.append(f'<text x="{(left + width - right) / 2:.0f}" y="{height - 8}" text-anchor="middle">score</text>')
    parts.append(
        f'<text transform="translate(14 {(top + height - bottom) / 2:.0f}) rotate(-90)" '
        'text-anchor="middle">density</text>'
    )
    near_right = x(score) > 0.75 * width
    anchor, shift = ("end", -6) if near_right else ("start", 6)
    parts.append(
        f'<line x1="{x(score):.1f}" x2="{x(score):.1f}" y1="{top - 14}" y2="{height - bottom + 7}" '
        'stroke="#111" stroke-width="2.5"/>'
        f'<text x="{x(score) + shift:.1f}" y="{top - 6}" text-anchor="{anchor}" font-weight="bold">this '
        f"signature: {score:.2f}</text>"
    )
    parts.append("</svg>")
    keys = "".join(
        '<span class="key"><svg viewBox="0 0 34 8" width="34" height="8"><line x1="0" x2="34" y1="4" y2="4" '
        f'stroke="{colour}" '
        f'stroke-width="3"{f" stroke-dasharray={dash!r}" if dash else ""}/></svg>{escape(name)}</span>'
        for name, _, colour, dash in curves
    )
    return "".join(parts) + f'<p class="keys">{keys}</p>'
