"""What lies beyond the sheet: a scanner's dark border, the desk under a photographed sheet, punched holes."""

from __future__ import annotations

import cv2
import numpy as np

from sigkd.synthesis.disturbances.light import lit
from sigkd.synthesis.disturbances.registry import Level, disturbance
from sigkd.synthesis.disturbances.scan import Scan
from sigkd.synthesis.disturbances.surface import add_noise, add_truth, blend, extend, grey, is_bilevel
from sigkd.synthesis.marks import smooth_noise

_DESKS = ((150, 105, 65), (95, 70, 55), (60, 60, 65), (120, 120, 115))
_MM = Level("mm wide", 5.0, 1.0, 20.0)


def _beyond(scan: Scan, edges: list[tuple[str, float, float]]) -> np.ndarray:
    """Return where there is no sheet: ``edges`` gives for sides how deep it reaches (pixels) and its slope."""
    height, width = scan.shape
    x, y = np.arange(width, dtype=np.float32)[None, :], np.arange(height, dtype=np.float32)[:, None]
    outside = np.zeros((height, width), np.float32)
    for side, deep, slope in edges:
        inward = {"left": x, "right": width - 1 - x, "top": y, "bottom": height - 1 - y}[side]
        along = (y - height / 2) if side in ("left", "right") else (x - width / 2)
        np.maximum(outside, np.clip(deep + slope * along - inward + 0.5, 0, 1), out=outside)
    return outside


def _outer_paper(scan: Scan, level: float, rng: np.random.Generator) -> tuple[Scan, list[str]]:
    """Return the scan with room at one to four sides."""
    chosen = [side for side in ("left", "top", "right", "bottom") if rng.random() < 0.5] or ["left", "bottom"]
    height, width = scan.shape
    more = scan.length(level) + 0.03 * max(height, width)
    return extend(scan, rng, **{side: int(np.ceil(more)) for side in chosen}), chosen


@disturbance("border", "a dark border, as a scanner with open lid leaves", _MM)
def border(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Blacken one to four sides of the picture, outside of the sheet, along a slightly turned edge."""
    scan, sides = _outer_paper(scan, level, rng)
    tilt = np.tan(np.radians(rng.normal(0, 0.6)))
    edges = [
        (side, scan.length(level) * rng.uniform(0.8, 1.2), tilt * (1 if side in ("left", "bottom") else -1))
        for side in sides
    ]
    outside = (_beyond(scan, edges) * 255).astype(np.uint8)
    dark = 0 if is_bilevel(scan.image) else int(rng.integers(5, 60))
    beyond = np.full_like(scan.image, dark)
    if dark:
        beyond = add_noise(beyond, rng.normal(0, 2, scan.shape).astype(np.float32))
    return add_truth(scan.with_image(blend(scan.image, beyond, outside)), "edge", outside)


@disturbance("table-edge", "the sheet's edge and the desk beyond it, as in a photo", _MM)
def table_edge(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Show a desk (wood, plain or dark, with grain) beyond one or two edges of the sheet, which throw a shadow."""
    scan, sides = _outer_paper(scan, level, rng)
    return _over_desk(scan, sides[:2], scan.length(level), np.tan(np.radians(rng.normal(0, 2.0))), rng)


@disturbance("on-desk", "the whole sheet on a desk, as in a photo of a page", _MM)
def on_desk(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Show a desk of ``level`` around the picture, which is the whole sheet."""
    reach = int(np.ceil(scan.length(level)))
    scan = extend(scan, rng, left=reach, top=reach, right=reach, bottom=reach)
    return _over_desk(scan, ["left", "top", "right", "bottom"], reach, 0.0, rng)


def _over_desk(scan: Scan, sides: list[str], deep: float, tilt: float, rng: np.random.Generator) -> Scan:
    """Lay a desk over the outer parts of a picture, ``deep`` pixels wide, with the shadow of the sheet's edges."""
    outside = _beyond(scan, [(side, deep, tilt * (1 if side in ("left", "bottom") else -1)) for side in sides])
    height, width = scan.shape
    streaks = smooth_noise((height, max(width // 40, 2)), 1.5, rng)
    grain = np.asarray(cv2.resize(streaks, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    desk = np.empty((*scan.shape, 3), np.uint8)
    desk[:] = _DESKS[int(rng.integers(len(_DESKS)))]
    desk = add_noise(desk if scan.colour else grey(desk), 9 * grain)
    shadow = np.asarray(cv2.GaussianBlur(outside, (0, 0), max(scan.length(0.8), 0.5)), np.float32)
    sheet = lit(scan.image, 1 - np.float32(0.25) * shadow)
    truth = (outside * 255).astype(np.uint8)
    return add_truth(scan.with_image(blend(sheet, desk, truth)), "edge", truth)
