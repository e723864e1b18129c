"""Ink on paper, scanned: turns pen movements into a grey image.

After the trajectories all is integer or elementwise arithmetic, and coordinates are rounded to 1/16 of a pixel, so
that the last bit of a sine, which differs between processors, does not reach the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from sigkd.synthesis.writer import Pen, generator

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

_SHIFT = 4  # cv2's fixed-point coordinates: 1/16 pixel
_INK_LEVELS = 10
_TILE = 1024


class Trace(NamedTuple):
    """One drawn movement: positions in pixels [T, 2] (y downwards), speeds [T] in pixels a second."""

    position: Array
    speed: Array


@dataclass(frozen=True)
class Paper:
    """The sheet and the scanner."""

    white: int
    """Grey level of the paper."""
    fibre: float
    """Amplitude of the paper's texture, grey levels."""
    shade: float
    """Difference of the level across the sheet (uneven lighting)."""
    noise: float
    """Amplitude of the scanner's noise, grey levels."""
    blur: float
    """Sigma of the scanner's blur, pixels."""


def random_paper(rng: np.random.Generator) -> Paper:
    """Draw a sheet: half of the scanners clip paper to nearly white."""
    clean = rng.random() < 0.5
    return Paper(
        white=int(rng.integers(244, 254) if clean else rng.integers(208, 244)),
        fibre=rng.uniform(0.5, 2.5) if clean else rng.uniform(2.0, 7.0),
        shade=rng.uniform(0.0, 2.0) if clean else rng.uniform(0.0, 12.0),
        noise=rng.uniform(0.5, 2.0) if clean else rng.uniform(1.0, 4.0),
        blur=rng.uniform(0.5, 1.0),
    )


@cache
def _tile(number: int) -> Image:
    """Return one of the textures [1024, 1024]: 0 white noise, 1 paper grain (fine), 2 paper fibres (coarse)."""
    raw = generator(0, "texture", number).integers(0, 256, (_TILE, _TILE), dtype=np.uint8)
    if number == 0:
        return raw
    soft = cv2.GaussianBlur(raw, (0, 0), (0.0, 0.75, 1.8)[number], borderType=cv2.BORDER_REFLECT)  # bit-exact for uint8
    low, high = np.percentile(soft, [1, 99])
    table = np.clip((np.arange(256) - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(soft, table), np.uint8)


def texture(number: int, shape: tuple[int, int], rng: np.random.Generator) -> Image:
    """Return a part of a texture at a random place, repeated (with mirror images) where the sheet is larger."""
    tile = _tile(number)
    dy, dx = (int(value) for value in rng.integers(0, _TILE // 2, 2))
    cut = tile[dy:, dx:]
    if rng.random() < 0.5:
        cut = cut[:, ::-1]
    height, width = shape
    bottom, right = max(height - cut.shape[0], 0), max(width - cut.shape[1], 0)
    cut = cut[:height, :width]
    if bottom or right:
        cut = np.pad(cut, ((0, bottom), (0, right)), mode="symmetric")
    return cut


def _pressure(trace: Trace, reference: float) -> Array:
    """Return the pen's pressure [T], about 1: lower where the pen is fast, and at its landing and lift."""
    relative = np.log2(np.maximum(trace.speed, 1e-3) / reference)
    pressure = np.clip(1.0 - 0.22 * relative, 0.45, 1.45)
    count = len(pressure)
    position = np.arange(count)
    landing = np.clip((position + 1) / 3, 0.55, 1.0)
    lift = np.clip((count - position) / 7, 0.3, 1.0)
    kernel = np.ones(5) / 5
    return np.asarray(np.convolve(np.pad(pressure, 2, mode="edge"), kernel, "valid") * landing * lift)


def ink_map(traces: list[Trace], pen: Pen, shape: tuple[int, int], oversample: int) -> Image:
    """Return the ink on the paper [H, W] uint8 (0 none, 255 black), anti-aliased.

    Segments are drawn in order of darkness, so that a pale stroke never lightens a dark one that it crosses.
    """
    height, width = shape
    sheet = np.zeros((height * oversample, width * oversample), np.uint8)
    speeds = np.concatenate([trace.speed for trace in traces])
    reference = float(np.percentile(speeds, 60)) + 1e-6
    starts, ends, widths, inks = [], [], [], []
    for trace in traces:
        pressure = _pressure(trace, reference)
        step = np.diff(trace.position, axis=0)
        thick = pen.width * (1 + pen.pressure_width * (pressure[1:] - 1))
        if pen.nib:
            across = np.arctan2(-step[:, 1], step[:, 0]) - pen.nib_angle
            thick = thick * (1 - pen.nib * np.cos(across) ** 2)
        starts.append(trace.position[:-1])
        ends.append(trace.position[1:])
        widths.append(thick)
        inks.append(np.clip(pen.darkness * (1 + pen.pressure_ink * (pressure[1:] - 1)), 0.12, 1.0))
    scale = oversample * (1 << _SHIFT)
    segments = np.rint(np.stack([np.concatenate(starts), np.concatenate(ends)], axis=1) * scale).astype(np.int32)
    thickness = np.clip(np.rint(np.concatenate(widths) * oversample), 1, 255).astype(int)
    level = np.rint(np.concatenate(inks) * _INK_LEVELS).astype(int)
    groups = level * 256 + thickness
    order = np.argsort(groups, kind="stable")
    bounds = np.flatnonzero(np.diff(groups[order])) + 1
    for rows in np.split(order, bounds):
        grey = int(level[rows[0]] * 255 // _INK_LEVELS)
        cv2.polylines(sheet, list(segments[rows]), False, grey, int(thickness[rows[0]]), cv2.LINE_8, _SHIFT)
    if oversample == 1:
        return sheet
    return np.asarray(cv2.resize(sheet, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def deposited(ink: Image, pen: Pen, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return what stays on the paper, 0 .. 255: where the pen presses lightly, ink is on the paper's ridges only."""
    grain = texture(1, ink.shape, rng).astype(np.float32)
    missed = np.float32(pen.grain / 255.0) * grain * (1.15 - np.float32(0.45 / 255.0) * ink)
    return np.asarray(ink.astype(np.float32) * (1.0 - missed), np.float32)


def scan(ink: Image, pen: Pen, paper: Paper, rng: np.random.Generator) -> Image:
    """Return the scanned sheet [H, W] uint8 (255 white) that carries ``ink``."""
    shape = ink.shape
    covered = deposited(ink, pen, rng)
    sheet = texture(2, shape, rng).astype(np.float32)
    sheet -= 128.0
    sheet *= np.float32(paper.fibre / 64.0)
    sheet += np.float32(paper.white)
    direction = rng.uniform(-1, 1, 2)
    sheet += np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None] * np.float32(direction[0] * paper.shade)
    sheet += np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :] * np.float32(direction[1] * paper.shade)
    sheet *= 1.0 - covered / np.float32(255.0) * np.float32(0.97)
    image = cv2.GaussianBlur(np.clip(sheet, 0, 255).astype(np.uint8), (0, 0), paper.blur)
    noise = (texture(0, shape, rng).astype(np.float32) - np.float32(127.5)) * np.float32(paper.noise / 74.0)
    noise += image
    return np.asarray(np.clip(noise, 0, 255), np.uint8)
