"""The report's pictures, as data addresses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sigkd.measures import bandwidth, density
from sigkd.rendering import new_figure, png_address, svg_address

SUPPORTS, OPPOSES = (200, 80, 0), (0, 90, 181)
"""Vermilion and blue: told apart by colour-blind readers, and as dark and less dark grey in print."""

_GENUINE, _SKILLED, _OTHER, _UNSURE = "#00713d", "#b3261e", "#6b6b6b", "#c98a00"


def _darkened(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the ink in [0, 1], the faint of it strengthened: thin strokes would vanish on paper."""
    ink: NDArray[np.float64] = (image.astype(np.float64) / max(int(image.max()), 1)) ** 0.6
    return ink


def signature_picture(image: NDArray[np.uint8]) -> str:
    """Return a normalised signature (bright on black, [H, W]) as dark ink on paper."""
    return png_address(np.clip(255.0 * (1.0 - _darkened(image)), 0, 255).astype(np.uint8))


def occlusion_picture(image: NDArray[np.uint8], change: NDArray[np.float64]) -> tuple[str, float]:
    """Return the ink coloured by the score's change, and the change at full colour."""
    limit = float(np.abs(change).max()) or 1.0
    share = np.clip(change / limit, -1.0, 1.0)[..., None]
    ink = _darkened(image)[..., None] ** 0.6
    neutral = np.full(3, 165.0)
    colour = (
        neutral
        + np.maximum(share, 0) * (np.array(SUPPORTS) - neutral)
        + np.maximum(-share, 0) * (np.array(OPPOSES) - neutral)
    )
    return png_address(np.clip(255.0 * (1 - ink) + colour * ink, 0, 255).astype(np.uint8)), limit


def distribution_picture(
    genuine: NDArray[np.float64],
    impostors: Sequence[tuple[str, NDArray[np.float64]]],
    score: float,
    accept: float,
    reject: float,
) -> str:
    """Draw the development scores' densities with the query's score; a bar below the axis shows the thresholds."""
    from matplotlib import rc_context

    everything = np.concatenate([genuine, *(scores for _, scores in impostors), [score, accept, reject]])
    margin = 0.04 * float(np.ptp(everything)) or 1.0
    low, high = float(everything.min()) - margin, float(everything.max()) + margin
    grid = np.linspace(low, high, 240)
    styles = {"skilled": (_SKILLED, "--")}
    with rc_context({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False}):
        figure, (axes,) = new_figure(8.2, 3.6)
        kinds = [("genuine signatures", genuine, _GENUINE, "-")]
        kinds += [(f"{kind} forgeries", scores, *styles.get(kind, (_OTHER, ":"))) for kind, scores in impostors]
        for label, scores, colour, dash in kinds:
            curve = density(scores, grid, bandwidth(scores) or 1.0)
            axes.plot(grid, curve, color=colour, linestyle=dash, linewidth=1.8, label=label)
        axes.axvline(score, color="#111111", linewidth=2.2)
        right = score > low + 0.75 * (high - low)
        axes.annotate(
            f"this signature: {score:.2f}",
            (score, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-6 if right else 6, -2),
            textcoords="offset points",
            ha="right" if right else "left",
            va="top",
            weight="bold",
        )
        for start, end, colour in ((low, reject, _SKILLED), (reject, accept, _UNSURE), (accept, high, _GENUINE)):
            axes.axvspan(start, end, ymin=-0.03, ymax=0, color=colour, alpha=0.75, linewidth=0, clip_on=False)
        axes.set(xlim=(low, high), xlabel="score", ylabel="density", yticks=[])
        axes.set_ylim(bottom=0)
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(axis="x", length=0, pad=10)
        figure.legend(loc="outside lower left", ncols=3, frameon=False)
        return svg_address(figure)
