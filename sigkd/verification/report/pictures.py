"""The report's drawings: influence on the ink, and where the score lies."""

from __future__ import annotations

import io
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from sigkd.images.scale import grey
from sigkd.measures import bandwidth, density
from sigkd.rendering import new_figure
from sigkd.verification.report.blocks import Picture
from sigkd.verification.report.drawing import OPPOSES, SUPPORTS, encoded, font
from sigkd.verification.report.influence import Influence
from sigkd.verification.report.scans import Frame, Original, placement, shown

_GENUINE, _SKILLED, _OTHER, _UNSURE = "#00713d", "#b3261e", "#6b6b6b", "#c98a00"


def influence_picture(
    original: Original, frame: Frame, found: Influence, limit: float, numbered: Sequence[tuple[int, int]] = ()
) -> Picture:
    """Colour the ink by its influence.

    Args:
        original: the scan.
        frame: of the picture.
        found: the influence of its parts.
        limit: the change at full colour.
        numbered: cells that get a border and their number.
    """
    from PIL import Image, ImageDraw

    rows, columns = found.change.shape
    top, end, left, stop = original.seen
    to_scan = np.array([[(stop - left) / columns, 0.0, left], [0.0, (end - top) / rows, top], [0.0, 0.0, 1.0]])
    to_frame = placement(original, frame) @ to_scan  # from cells, whose corners are whole numbers
    centres = to_frame @ np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
    mode = cv2.BORDER_REPLICATE
    share = cv2.warpAffine(
        found.change.astype(np.float32), centres, frame.size, flags=cv2.INTER_LINEAR, borderMode=mode
    )
    share = np.clip(share / max(limit, 1e-9), -1.0, 1.0)[..., None]
    picture = grey(shown(original, frame)).astype(np.float64)
    paper, black = float(np.percentile(picture[picture < 255.0], 60)), float(np.percentile(picture, 0.5))
    ink = np.clip((paper - picture) / max(paper - black, 1.0) * 1.25 - 0.2, 0.0, 1.0)[..., None]
    neutral = np.full(3, 150.0)
    colour = (
        neutral
        + np.maximum(share, 0) * (np.array(SUPPORTS) - neutral)
        + np.maximum(-share, 0) * (np.array(OPPOSES) - neutral)
    )
    sheet = Image.fromarray(np.rint(255.0 * (1 - ink) + colour * ink).astype(np.uint8))
    draw, text = ImageDraw.Draw(sheet), font(max(14, frame.size[0] // 34))
    for number, (row, column) in enumerate(numbered, 1):
        corners = [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1)]
        points = [tuple((to_frame @ np.array([x, y, 1.0])).tolist()) for x, y in corners]
        edge = SUPPORTS if found.change[row, column] > 0 else OPPOSES
        draw.polygon(points, outline=edge, width=2)
        draw.text((points[0][0] + 4, points[0][1] + 1), str(number), fill=edge, font=text)
    return encoded(np.asarray(sheet), lossy=False)


def distribution_picture(
    genuine: NDArray[np.float64],
    impostors: Sequence[tuple[str, NDArray[np.float64]]],
    score: float,
    accept: float | None,
    reject: float | None,
    texts: tuple[str, str, str],
) -> Picture:
    """Draw the development scores' densities with the query's score; a bar below the axis shows the thresholds.

    Args:
        genuine: scores.
        impostors: names of the curves with their scores, skilled ones first.
        score: the query's.
        accept: the upper threshold; None: nothing is accepted.
        reject: the lower one; None: nothing is rejected.
        texts: the genuine curve's name, the mark's, the axis'.
    """
    from matplotlib import rc_context

    everything = np.concatenate(
        [
            genuine,
            *(scores for _, scores in impostors),
            [score],
            *([limit] for limit in (accept, reject) if limit is not None),
        ]
    )
    margin = 0.04 * float(np.ptp(everything)) or 1.0
    low, high = float(everything.min()) - margin, float(everything.max()) + margin
    grid = np.linspace(low, high, 240)
    with rc_context({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False}):
        figure, (axes,) = new_figure(8.2, 3.2)
        styles = [(_GENUINE, "-"), (_SKILLED, "--"), (_OTHER, ":"), (_OTHER, "-.")]
        for (label, scores), (colour, dash) in zip([(texts[0], genuine), *impostors], styles, strict=False):
            curve = density(scores, grid, bandwidth(scores) or 1.0)
            axes.plot(grid, curve, color=colour, linestyle=dash, linewidth=1.8, label=label)
        axes.axvline(score, color="#111111", linewidth=2.2)
        right = score > low + 0.75 * (high - low)
        axes.annotate(
            texts[1],
            (score, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-6 if right else 6, -2),
            textcoords="offset points",
            ha="right" if right else "left",
            va="top",
            weight="bold",
        )
        accept, reject = high if accept is None else accept, low if reject is None else reject
        for start, end, colour in ((low, reject, _SKILLED), (reject, accept, _UNSURE), (accept, high, _GENUINE)):
            axes.axvspan(start, end, ymin=-0.03, ymax=0, color=colour, alpha=0.75, linewidth=0, clip_on=False)
        axes.set(xlim=(low, high), xlabel=texts[2], yticks=[])
        axes.set_ylim(bottom=0)
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(axis="x", length=0, pad=10)
        figure.legend(loc="outside lower left", ncols=3, frameon=False)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=170)
    width, height = (round(170 * inches) for inches in (8.2, 3.2))
    return Picture(buffer.getvalue(), width, height)
