"""What lies beyond the sheet: a scanner's dark border, the desk under a photographed sheet, punched holes."""

from __future__ import annotations

import cv2
import numpy as np

from sigkd.synthesis.disturbances.light import lit, smooth_noise
from sigkd.synthesis.disturbances.registry import Level, disturbance
from sigkd.synthesis.disturbances.scan import Scan
from sigkd.synthesis.disturbances.surface import add_truth, extend, is_bilevel

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
    outside = _beyond(scan, edges)
    dark = 0 if is_bilevel(scan.image) else int(rng.integers(5, 60))
    weight = outside if not scan.colour else outside[..., None]
    # the sheet's edge throws a thin shadow on the paper beside it
    image = scan.image * (1 - weight) + dark * weight
    noise = rng.standard_normal(scan.shape, dtype=np.float32) * (2 if dark else 0) * outside
    image = image + (noise if not scan.colour else noise[..., None])
    truth = (outside * 255).astype(np.uint8)
    return add_truth(scan.with_image(np.clip(np.rint(image), 0, 255).astype(np.uint8)), "edge", truth)


@disturbance("table-edge", "the sheet's edge and the desk beyond it, as in a photo", _MM)
def table_edge(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Show a desk (wood, plain or dark, with grain) beyond one or two edges of the sheet, which throw a shadow."""
    scan, sides = _outer_paper(scan, level, rng)
    sides = sides[:2]
    tilt = np.tan(np.radians(rng.normal(0, 2.0)))
    edges = [(side, scan.length(level), tilt * (1 if side in ("left", "bottom") else -1)) for side in sides]
    outside = _beyond(scan, edges)
    height, width = scan.shape
    streaks = smooth_noise((height, max(width // 40, 2)), 1.5, rng)
    grain = np.asarray(cv2.resize(streaks, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    desks = ((150, 105, 65), (95, 70, 55), (60, 60, 65), (120, 120, 115))
    desk = np.array(desks[int(rng.integers(4))], np.float32)
    shadow = np.asarray(cv2.GaussianBlur(outside, (0, 0), max(scan.length(0.8), 0.5)), np.float32)
    sheet = lit(scan.image, 1 - np.float32(0.25) * shadow)
    if scan.colour:
        image = sheet * (1 - outside[..., None]) + (desk + 9 * grain[..., None]) * outside[..., None]
    else:
        image = sheet * (1 - outside) + (float(desk @ [0.3, 0.59, 0.11]) + 9 * grain) * outside
    truth = (outside * 255).astype(np.uint8)
    return add_truth(scan.with_image(np.clip(np.rint(image), 0, 255).astype(np.uint8)), "edge", truth)
