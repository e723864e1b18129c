"""Telling the writer's ink from everything else on the sheet, and taking it off the paper, whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import cv2
import numpy as np
import numpy.typing as npt

from sigkd.images.ink_network import INK, LINE, PAPER, PRINT, kinds_of_ink
from sigkd.images.light import PAPER as WHITE
from sigkd.images.lines import printed_lines

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]

LEAST_DARKNESS = 16
"""Grey levels below white from which a pixel may be anything but paper."""

_MOST_PIXELS = 600_000
_FAINTEST = 0.22  # of the ink's middling darkness: what is paler is paper
_DARKEST_EDGE = -0.7  # of the network's odds: pixels at the strokes' edges are mostly paper
_NOISE_SHARE = 0.97
_LETTER = 60  # pixels at 150 dpi
_NEAR = 5  # pixels
_BAND = 64  # rows that are looked at together: pictures of a whole page do not fit the processor's cache
_LEAST_LETTER, _FEWEST_LETTERS, _MUCH_PRINT = 5, 3, 60  # pixels; letters; pixels
_CAPTION, _ROWS_APART, _WORDS_APART = 6, 18, 36  # letters; pixels: 3 and 6 mm


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
    kinds, margin = _most_likely(odds)
    ours = _parts_of_letters(kinds) | _print_that_is_ink(kinds) | _drawn_by_pen(kinds, small[rows, columns])
    if ours.any():
        kinds[ours], margin[ours] = INK, 1.0
    top, left = 2 * rows.start, 2 * columns.start
    piece = grey[top : 2 * rows.stop, left : 2 * columns.stop]
    darkness, noise = _levels(piece, kinds)
    least = max(_FAINTEST * darkness, noise, float(LEAST_DARKNESS))
    return Writing(top, left, piece, _written(piece, np.uint8(WHITE - least), margin), kinds, darkness, noise)


def count_kinds(kinds: U8) -> npt.NDArray[np.int64]:
    """Return how many pixels there are of each kind [4]."""
    return np.asarray(cv2.calcHist([kinds], [0], None, [4], [0, 4]).reshape(-1), np.int64)


def _most_likely(odds: Sequence[F32]) -> tuple[U8, F32]:
    """Return the kind [h, w] with the greatest odds, of equal ones the first; how far ink's are above others'."""
    kinds, margin = np.zeros(odds[0].shape, np.uint8), np.empty(odds[0].shape, np.float32)
    for top in range(0, len(kinds), _BAND):
        band = slice(top, top + _BAND)
        planes = [plane[band] for plane in odds]
        most = planes[0].copy()
        for kind in range(1, len(planes)):
            np.putmask(kinds[band], planes[kind] > most, kind)
            np.maximum(most, planes[kind], out=most)
        others = [planes[kind] for kind in range(len(planes)) if kind != INK]
        np.subtract(planes[INK], reduce(np.maximum, others), out=margin[band])
    return kinds, margin


def _written(grey: U8, palest: np.uint8, margin: F32) -> U8:
    """Return 1 where [h, w] grey levels are ink's and the margin [h / 2, w / 2] between odds speaks for ink."""
    mask = np.empty(grey.shape, np.uint8)
    height, width = margin.shape
    for top in range(0, height, _BAND):
        rows = slice(2 * top, min(2 * (top + _BAND), len(grey)))
        first, end = max(0, top - 1), min(height, top + _BAND + 1)  # neighbours count where pixels are interpolated
        large = cv2.resize(margin[first:end], (2 * width, 2 * (end - first)), interpolation=cv2.INTER_LINEAR)
        piece = np.asarray(large[rows.start - 2 * first : rows.stop - 2 * first, : grey.shape[1]])
        np.bitwise_and(grey[rows] <= palest, piece > _DARKEST_EDGE, out=mask[rows].view(bool))
    return mask


def _parts_of_letters(kinds: U8) -> npt.NDArray[np.bool_]:
    """Return the print [h, w] that is the smaller part of something no larger than a letter: the rest of it is ink."""
    result = np.zeros(kinds.shape, bool)
    print_ = np.flatnonzero(kinds == PRINT)
    if not print_.size:
        return result
    both = ((kinds == INK) | (kinds == PRINT)).view(np.uint8)
    number, labels, stats, _ = cv2.connectedComponentsWithStats(both, connectivity=8)
    part = labels.reshape(-1)[print_]
    printed = np.bincount(part, minlength=number)
    size = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    ours = (printed > 0) & (printed < 0.5 * stats[:, cv2.CC_STAT_AREA]) & (size <= _LETTER)
    result.reshape(-1)[print_] = ours[part]
    return result


def _print_that_is_ink(kinds: U8) -> npt.NDArray[np.bool_]:
    """Return the print [h, w] that touches ink where no print stands by itself: it is ink, too."""
    result = np.zeros(kinds.shape, bool)
    if not (kinds == PRINT).any():
        return result
    number, labels, stats, _ = cv2.connectedComponentsWithStats((kinds == PRINT).astype(np.uint8), connectivity=8)
    near = cv2.dilate((kinds == INK).astype(np.uint8), np.ones((_NEAR, _NEAR), np.uint8)) > 0
    touching = np.bincount(labels[near], minlength=number) > 0
    touching[0] = False
    alone = ~touching
    alone[0] = False
    size = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    letters = alone & (size >= _LEAST_LETTER)
    if letters.sum() >= _CAPTION:  # a caption is there for sure, and print is what stands near it
        text = np.asarray(letters[labels], np.uint8)
        around = cv2.dilate(text, np.ones((2 * _ROWS_APART + 1, 2 * _WORDS_APART + 1), np.uint8)) > 0
        touching[np.unique(labels[around])] = False
    elif letters.sum() >= _FEWEST_LETTERS or stats[alone, cv2.CC_STAT_AREA].sum() >= _MUCH_PRINT:
        return result
    return np.asarray(touching[labels])


def _drawn_by_pen(kinds: U8, small: U8) -> npt.NDArray[np.bool_]:
    """Return which lines [h, w] a pen drew."""
    lines, ink = (kinds == LINE).view(np.uint8), kinds == INK
    if not lines.any() or not ink.any():
        return np.zeros(kinds.shape, bool)
    darkness = np.zeros(kinds.shape, np.float32)
    for kind in (lines.view(bool), ink):
        darkness[kind] = WHITE - (small[kind] if small.ndim == 2 else small[kind].mean(axis=1))
    printed = printed_lines(lines, darkness, float(np.median(darkness[ink])))
    return np.asarray(lines.view(bool) & ~printed)


def _inked_part(small: U8) -> tuple[slice, slice] | None:
    """Return the rows and columns of the small picture that hold anything, with some paper around."""
    darkest = small if small.ndim == 2 else reduce(np.minimum, cv2.split(small))
    dark = (darkest < WHITE - LEAST_DARKNESS).view(np.uint8)
    left, top, width, height = cv2.boundingRect(np.asarray(cv2.medianBlur(dark, 3)))
    if not width:
        return None
    margin = 12
    return (
        slice(max(0, top - margin), min(small.shape[0], top + height + margin)),
        slice(max(0, left - margin), min(small.shape[1], left + width + margin)),
    )


def _odds(part: U8) -> list[F32]:
    """Return the network's odds, four of [h, w]; of large sheets, looked at from farther away."""
    height, width = part.shape[:2]
    share = np.sqrt(_MOST_PIXELS / (height * width))
    if share >= 1:
        return list(kinds_of_ink(part))
    size = max(1, round(width * share)), max(1, round(height * share))
    far = kinds_of_ink(np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8))
    return [np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR)) for plane in far]


def _levels(grey: U8, kinds: U8) -> tuple[float, float]:
    """Return the ink's middling darkness and the paper's noise in grey levels below white."""
    sample = grey[::2, ::2][: kinds.shape[0], : kinds.shape[1]]
    kinds = kinds[: sample.shape[0], : sample.shape[1]]
    ink = sample[kinds == INK]
    clear = cv2.dilate((kinds != PAPER).view(np.uint8), np.ones((5, 5), np.uint8)) == 0
    paper = sample[clear]
    darkness = float(WHITE - np.percentile(ink, 30)) if ink.size else 0.0
    noise = float(WHITE - np.percentile(paper, 100 * (1 - _NOISE_SHARE))) if paper.size else 0.0
    return darkness, noise
