"""Where the picture was cut and how the sheet lay: turned, in perspective, with much or no margin."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from sigkd.synthesis.disturbances.registry import Level, disturbance
from sigkd.synthesis.disturbances.scan import Scan
from sigkd.synthesis.disturbances.surface import crop, extend, find_marks, warp

Matrix = NDArray[np.float64]


@disturbance("turn", "the sheet lay askew", Level("degrees", 3.0, 0.5, 10.0))
def turn(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Turn left or right; paper fills the corners and nothing is cut off."""
    angle = math.radians(level) * (1 if rng.random() < 0.5 else -1)
    height, width = scan.shape
    # in mm, so that a turn is one where pixels are not square
    to_mm = np.diag([1 / scan.dpi[0], 1 / scan.dpi[1], 1])
    cosine, sine = math.cos(angle), math.sin(angle)
    matrix = np.linalg.inv(to_mm) @ np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]]) @ to_mm
    corners = np.array([[0, 0, 1], [width - 1, 0, 1], [0, height - 1, 1], [width - 1, height - 1, 1]], float).T
    low = (matrix @ corners)[:2].min(axis=1)
    high = (matrix @ corners)[:2].max(axis=1)
    matrix[:2, 2] = -low
    size = (int(np.ceil(high[1] - low[1])) + 1, int(np.ceil(high[0] - low[0])) + 1)
    return _warp_on_paper(scan, matrix, size, rng)


def _warp_on_paper(scan: Scan, matrix: Matrix, size: tuple[int, int], rng: np.random.Generator) -> Scan:
    """Move a scan by a projective map into a frame of ``size``; the sheet goes on wherever the frame shows more."""
    height, width = scan.shape
    frame = np.array([[0, 0, 1], [size[1], 0, 1], [0, size[0], 1], [size[1], size[0], 1]], float).T
    seen = np.linalg.inv(matrix) @ frame
    seen = seen[:2] / seen[2]
    left, top = (math.ceil(max(-v, 0)) + 2 for v in seen.min(axis=1))
    right, bottom = (math.ceil(max(v - s, 0)) + 2 for v, s in zip(seen.max(axis=1), (width, height), strict=True))
    wider = extend(scan, rng, left=left, top=top, right=right, bottom=bottom)
    return warp(wider, matrix @ np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1.0]]), size)


@disturbance("perspective", "photographed at an angle", Level("degrees of tilt", 15.0, 3.0, 35.0))
def perspective(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Tilt the sheet about an axis in its plane before a camera at twice its length away."""
    height, width = scan.shape
    wide, high = width / scan.dpi[0], height / scan.dpi[1]
    axis, tilt = rng.uniform(0, 2 * np.pi), math.radians(level)
    distance = 2.0 * max(wide, high)
    direction = np.array([math.cos(axis), math.sin(axis), 0.0])
    rotation, _ = cv2.Rodrigues(direction * tilt)
    centre = np.array([[1 / scan.dpi[0], 0, -wide / 2], [0, 1 / scan.dpi[1], -high / 2], [0, 0, 1.0]])
    plane = np.column_stack([rotation[:, 0], rotation[:, 1], [0, 0, distance]])
    project = np.diag([scan.dpi[0] * distance, scan.dpi[1] * distance, 1.0]) @ plane @ centre
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], float).T
    moved = project @ corners
    moved = moved[:2] / moved[2]
    low, top_right = moved.min(axis=1), moved.max(axis=1)
    shift = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1.0]])
    size = (int(np.ceil(top_right[1] - low[1])), int(np.ceil(top_right[0] - low[0])))
    return replace(_warp_on_paper(scan, shift @ project, size, rng), tag=None)


@disturbance("margin", "a wide margin of paper", Level("mm", 15.0, 1.0, 80.0))
def margin(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Add paper on all sides."""
    x, y = round(scan.across(level)), round(scan.down(level))
    return extend(scan, rng, left=x, right=x, top=y, bottom=y)


@disturbance("tight", "cropped to the ink", Level("mm left", 0.3, 0.0, 3.0))
def tight(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Leave ``level`` of paper around the ink."""
    left, top, right, bottom = find_marks(scan).box
    x, y = round(scan.across(level)), round(scan.down(level))
    return crop(scan, left - x, top - y, right + x, bottom + y)


@disturbance("cut", "an end of the signature cropped away", Level("mm", 3.0, 0.5, 10.0))
def cut(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Cut off ``level`` of the ink at one side."""
    left, top, right, bottom = find_marks(scan).box
    height, width = scan.shape
    sides = (left + scan.across(level), top + scan.down(level), right - scan.across(level), bottom - scan.down(level))
    side = int(rng.integers(4))
    frame = [0, 0, width, height]
    frame[side] = round(sides[side])
    return crop(scan, *frame)


@disturbance("quarter-turns", "on its side or upside down", Level("times 90 degrees", 1.0, 1.0, 3.0))
def quarter_turns(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Turn by 90, 180 or 270 degrees anticlockwise."""
    times = round(level)

    def turned(image: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(np.rot90(image, times))

    layers = {name: turned(layer) for name, layer in scan.layers.items()}
    dpi, tag = scan.dpi, scan.tag
    if times % 2:
        dpi, tag = (dpi[1], dpi[0]), None if tag is None else (tag[1], tag[0])
    return replace(scan, image=turned(scan.image), dpi=dpi, tag=tag, layers=layers)
