"""Telling the writer's ink from everything else on the sheet, and taking it off the paper, whole."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sigkd.images.ink_network import INK, LINE, PAPER, PRINT, kinds_of_ink
from sigkd.images.light import PAPER as WHITE

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]

LEAST_DARKNESS = 16
"""Grey levels below white from which a pixel may be anything but paper."""

_MOST_PIXELS = 600_000
_FAINTEST = 0.22  # of the ink's middling darkness: what is paler is paper
_DARKEST_EDGE = -0.7  # of the network's odds: pixels at the strokes' edges are mostly paper
_NOISE_SHARE = 0.97
_LETTER = 60  # pixels at 150 dpi
_LINE_GAP, _LEAST_LINE = 7, 40  # pixels
_LEAST_BEND, _MOST_BEND = 0.9, 0.04  # pixels off the straight; as a share of the length
_BEYOND, _MOSTLY = 24, 0.85  # pixels beyond a line's end that are ink, and their share
_ALIKE, _LEAST_TILT = 0.25, 1.2  # of the strokes' width and darkness; degrees from level or upright


@dataclass(frozen=True)
class Writing:
    """What is written, printed and drawn on a sheet; arrays of the part that is not blank."""

    top: int
    """First row of the part, pixels of the sheet at 300 dpi."""
    left: int
    grey: U8
    """[h, w] at 300 dpi, paper at 255."""
    mask: U8
    """[h, w] 1 where the writer's ink is."""
    kinds: U8
    """[h / 2, w / 2] what each pixel is: see :mod:`sigkd.images.ink_network`."""
    darkness: float
    """Middling darkness of the ink, grey levels below white."""
    noise: float
    """Darkness that hardly any pixel of paper exceeds."""


def find_writing(grey: U8, small: U8) -> Writing | None:
    """Return what is on the sheet; None where it is blank.

    Args:
        grey: uint8 [H, W] at 300 dpi, its light evened out.
        small: uint8 [H / 2, W / 2] or with three colours, likewise.
    """
    part = _inked_part(small)
    if part is None:
        return None
    rows, columns = part
    odds = _odds(small[rows, columns])
    kinds = np.argmax(odds, axis=0).astype(np.uint8)
    margin = odds[INK] - np.delete(odds, INK, axis=0).max(axis=0)
    ours = _parts_of_letters(kinds) | _drawn_by_pen(kinds, small[rows, columns])
    kinds[ours], margin[ours] = INK, 1.0
    top, left = 2 * rows.start, 2 * columns.start
    piece = grey[top : 2 * rows.stop, left : 2 * columns.stop]
    height, width = piece.shape
    margin = cv2.resize(margin, (2 * kinds.shape[1], 2 * kinds.shape[0]), interpolation=cv2.INTER_LINEAR)
    margin = margin[:height, :width]
    darkness, noise = _levels(piece, kinds)
    least = max(_FAINTEST * darkness, noise, float(LEAST_DARKNESS))
    mask = ((piece <= WHITE - least) & (margin > _DARKEST_EDGE)).astype(np.uint8)
    return Writing(top, left, piece, mask, kinds, darkness, noise)


def _parts_of_letters(kinds: U8) -> npt.NDArray[np.bool_]:
    """Return the print [h, w] that is the smaller part of something no larger than a letter: the rest of it is ink."""
    both = ((kinds == INK) | (kinds == PRINT)).astype(np.uint8)
    number, labels, stats, _ = cv2.connectedComponentsWithStats(both, connectivity=8)
    printed = np.bincount(labels[kinds == PRINT], minlength=number)
    size = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    ours = (printed > 0) & (printed < 0.5 * stats[:, cv2.CC_STAT_AREA]) & (size <= _LETTER)
    ours[0] = False
    return np.asarray(ours[labels] & (kinds == PRINT))


def _drawn_by_pen(kinds: U8, small: U8) -> npt.NDArray[np.bool_]:
    """Return which lines [h, w] a pen drew: slanting ones that bend, go on as ink, or are as wide and dark as it.

    The network sees but a part of a line; its whole length tells more.
    """
    lines, ink = (kinds == LINE).astype(np.uint8), (kinds == INK).astype(np.uint8)
    result = np.zeros(kinds.shape, bool)
    if not lines.any() or not ink.any():
        return result
    darkness = (WHITE - (small if small.ndim == 2 else small.mean(axis=2))).astype(np.float32)
    stroke, dark = _width(ink), float(np.median(darkness[ink > 0]))
    joined = cv2.dilate(lines, np.ones((_LINE_GAP, _LINE_GAP), np.uint8))
    number, labels = cv2.connectedComponents(joined, connectivity=8)
    ys, xs = np.nonzero(lines)
    owner = labels[ys, xs]
    for one in range(1, number):
        y, x = ys[owner == one], xs[owner == one]
        if x.size < _LEAST_LINE:
            continue
        spread, axes = np.linalg.eigh(np.cov(np.stack([x, y]).astype(np.float64)))
        across, along = axes[:, 0], axes[:, 1]
        position = along[0] * x + along[1] * y
        length = float(np.ptp(position)) + 1
        width = x.size / length
        bend = float(np.sqrt(max(spread[0] - width**2 / 12, 0.0)))
        tilt = float(np.degrees(np.arcsin(np.abs(across).min())))
        if bend > _MOST_BEND * length or tilt < _LEAST_TILT:  # a box or a comb; a ruled line
            continue
        alike = abs(width / stroke - 1) < _ALIKE and abs(float(np.median(darkness[y, x])) / dark - 1) < _ALIKE
        ends = [(int(x[end]), int(y[end]), sign) for end, sign in ((position.argmin(), -1), (position.argmax(), 1))]
        if bend > _LEAST_BEND or alike or any(_goes_on(ink, (at, row), sign * along) for at, row, sign in ends):
            result[y, x] = True
    return result


def _goes_on(ink: U8, end: tuple[int, int], direction: npt.NDArray[np.float64]) -> bool:
    """Whether beyond the end of a line there is ink in its direction, for longer than a stroke that it crosses."""
    steps = np.arange(2, _BEYOND)
    x = np.rint(end[0] + direction[0] * steps).astype(int)
    y = np.rint(end[1] + direction[1] * steps).astype(int)
    if not ((x >= 1) & (y >= 1) & (x < ink.shape[1] - 1) & (y < ink.shape[0] - 1)).all():
        return False
    near = [ink[y + dy, x + dx] for dy, dx in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))]
    return bool(np.max(near, axis=0).mean() >= _MOSTLY)


def _width(shape: U8) -> float:
    """Return the mean width of strokes in pixels: twice their area over the length of their edges."""
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    rim = cv2.countNonZero(shape) - cv2.countNonZero(cv2.erode(shape, cross, borderValue=0))
    return 2.0 * cv2.countNonZero(shape) / max(rim, 1)


def _inked_part(small: U8) -> tuple[slice, slice] | None:
    """Return the rows and columns of the small picture that hold anything, with some paper around."""
    darkest = small if small.ndim == 2 else small.min(axis=2)
    dark = (darkest < WHITE - LEAST_DARKNESS).astype(np.uint8)
    left, top, width, height = cv2.boundingRect(np.asarray(cv2.medianBlur(dark, 3)))
    if not width:
        return None
    margin = 12
    return (
        slice(max(0, top - margin), min(small.shape[0], top + height + margin)),
        slice(max(0, left - margin), min(small.shape[1], left + width + margin)),
    )


def _odds(part: U8) -> F32:
    """Return the network's odds [4, h, w]; of large sheets, looked at from farther away."""
    height, width = part.shape[:2]
    share = np.sqrt(_MOST_PIXELS / (height * width))
    if share >= 1:
        return kinds_of_ink(part)
    size = max(1, round(width * share)), max(1, round(height * share))
    far = kinds_of_ink(np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8))
    near = [cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR) for plane in far]
    return np.asarray(near, np.float32)


def _levels(grey: U8, kinds: U8) -> tuple[float, float]:
    """Return the ink's middling darkness and the paper's noise in grey levels below white."""
    sample = grey[::2, ::2][: kinds.shape[0], : kinds.shape[1]]
    kinds = kinds[: sample.shape[0], : sample.shape[1]]
    ink = sample[kinds == INK]
    clear = cv2.dilate((kinds != PAPER).astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    paper = sample[clear]
    darkness = float(WHITE - np.percentile(ink, 30)) if ink.size else 0.0
    noise = float(WHITE - np.percentile(paper, 100 * (1 - _NOISE_SHARE))) if paper.size else 0.0
    return darkness, noise
