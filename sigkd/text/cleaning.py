"""What is on a page besides writing: askew paper, black edges and holes, ruling, stamps in the margin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from sigkd.images.light import PAPER
from sigkd.text.ink import U8, InkPage, u8

MAX_SKEW = 5.0
"""Largest skew that is looked for, degrees."""

LEAST_SKEW = 0.5
"""Pages are turned from this skew on, degrees: turning resamples, and lines are rarely straighter."""

_RULE_SHARE = 0.3
_BOX = np.ones((3, 3), np.uint8)


class Rule(NamedTuple):
    """A printed horizontal line, in pixels of the cleaned page."""

    row: int
    left: int
    right: int


@dataclass(frozen=True)
class CleanPage:
    """A page with nothing but writing (and print) left in its ink mask."""

    page: InkPage
    rules: tuple[Rule, ...] = ()
    letter: float = 0.0
    """Median height of the connected components, pixels; 0 for an empty page."""
    labels: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros((0, 0), np.int32))
    """[H, W] numbers of the connected components, from 1; meaningless where there is no ink."""
    boxes: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros((0, 5), np.int32))
    """[components + 1, 5] left, top, width, height and area of each component."""


def clean_page(page: InkPage) -> CleanPage:
    """Turn an askew page upright and take edges, holes and ruling out of its ink."""
    ink = without_solids(page.ink)
    angle = find_skew(ink)
    if abs(angle) >= LEAST_SKEW:
        page = _turned(InkPage(page.grey, ink, page.angle), angle)
        ink = page.ink
    ink, rules = without_rules(ink)
    _, found, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8, ltype=cv2.CV_32S)
    labels, boxes = np.asarray(found, np.int32), np.asarray(stats, np.int32)
    keep = without_specks(boxes, stroke_width(ink))
    if not keep[1:].all():
        ink = keep.astype(np.uint8)[labels]
    letter = letter_height(boxes[1:][keep[1:]], ink.shape[0])
    return CleanPage(InkPage(page.grey, ink, page.angle), rules, letter or 0.0, labels, boxes)


def letter_height(boxes: npt.NDArray[np.int32], rows: int) -> float | None:
    """Return the median height of connected components in pixels, weighted by width; None without any.

    Args:
        boxes: [n, 5] left, top, width, height and area.
        rows: height of the page.
    """
    widths, heights, areas = boxes[:, 2], boxes[:, 3], boxes[:, 4]
    sound = (areas >= 40) & (heights >= 8) & (heights <= max(40, rows // 3))
    if not sound.any():
        return None
    heights, weights = heights[sound], np.minimum(widths[sound], 20 * heights[sound])
    order = np.argsort(heights, kind="stable")
    cumulated = np.cumsum(weights[order])
    return float(heights[order][np.searchsorted(cumulated, cumulated[-1] / 2)])


def stroke_width(ink: U8) -> float:
    """Return the typical width of strokes: the median length of the ink's runs, along rows or columns, in pixels."""
    return min(_median_run(ink[::4]), _median_run(ink[:, ::4].T))


def _median_run(ink: U8) -> float:
    edges = np.flatnonzero(np.diff(np.pad(ink, ((0, 0), (1, 1))).astype(np.int8).reshape(-1)))
    return float(np.median(edges[1::2] - edges[::2])) if edges.size else 0.0


def without_solids(ink: U8) -> U8:
    """Return the ink without solid areas much thicker than a stroke: black edges of the scan, punched holes, blots."""
    side = round(3 * stroke_width(ink)) | 1
    if side < 9:
        side = 9
    solid = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    if not solid.any():
        return ink
    number, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8, ltype=cv2.CV_32S)
    held = np.bincount(labels[solid > 0], minlength=number)
    # a component that is nearly all solid goes with its thin ends; else the solid part is cut out of it
    mostly = held >= 0.7 * stats[:, 4]
    mostly[0] = False
    solid = cv2.dilate(solid, np.ones((side // 2 | 1, side // 2 | 1), np.uint8))
    return u8(ink & (1 - (solid | mostly.astype(np.uint8)[labels])))


def without_specks(boxes: npt.NDArray[np.int32], stroke: float) -> npt.NDArray[np.bool_]:
    """Return which components [n, 5] are more than grain: not smaller than half a square of the stroke's width."""
    keep = np.asarray(boxes[:, 4] >= max(4.0, 0.5 * stroke * stroke))
    keep[0] = False
    return keep


def find_skew(ink: U8) -> float:
    """Return the angle in degrees by which lines fall from left to right (positive: turn counter-clockwise to mend).

    The angle at which the row profile of the sheared ink is most uneven, searched coarsely and then finely.
    """
    step = max(1, ink.shape[1] // 600)
    small = cv2.resize(ink * 255, (ink.shape[1] // step, ink.shape[0] // step), interpolation=cv2.INTER_AREA)
    rows, columns = np.nonzero(small > 48)
    if rows.size < 50:
        return 0.0
    angles = np.arange(-MAX_SKEW, MAX_SKEW + 0.25, 0.5)
    best = float(angles[np.argmax([_unevenness(rows, columns, angle) for angle in angles])])
    fine = best + np.arange(-0.5, 0.51, 0.1)
    scores = [_unevenness(rows, columns, angle) for angle in fine]
    level = _unevenness(rows, columns, 0.0)
    best = int(np.argmax(scores))
    # turning must pay: short or few lines have no clear direction
    return float(fine[best]) if scores[best] > 1.03 * level else 0.0


def _unevenness(rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], angle: float) -> float:
    sheared = np.round(rows - np.tan(np.radians(angle)) * columns).astype(np.int64)
    profile = np.bincount(sheared - sheared.min()).astype(np.float64)
    return float((profile * profile).sum())


def _turned(page: InkPage, angle: float) -> InkPage:
    height, width = page.grey.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    # removed ink must not come back with the grey page
    grey = np.where(cv2.dilate(page.ink, _BOX) > 0, page.grey, PAPER).astype(np.uint8)
    grey = u8(cv2.warpAffine(grey, turn, (width, height), flags=cv2.INTER_LINEAR, borderValue=PAPER))
    cover = cv2.warpAffine(page.ink * 255, turn, (width, height), flags=cv2.INTER_LINEAR, borderValue=0)
    return InkPage(grey, (cover > 127).astype(np.uint8), page.angle + angle)


def without_rules(ink: U8) -> tuple[U8, tuple[Rule, ...]]:
    """Return the ink without long straight horizontal and vertical lines, and the horizontal ones.

    Strokes that cross a line stay whole: only pixels in runs (across the line) as short as the line is thick are
    taken away.
    """
    height, width = ink.shape
    found = _long_runs(ink, max(60, width // 14))
    rules: tuple[Rule, ...] = ()
    if found.any():
        ink, rules = _without_runs(ink, found), _as_rules(found, width)
    upright = u8(np.ascontiguousarray(ink.T))
    found = _long_runs(upright, max(60, height // 14, width // 10))
    if found.any():
        ink = np.ascontiguousarray(_without_runs(upright, found).T)
    return ink, rules


def _long_runs(ink: U8, length: int) -> U8:
    """Return where the ink has straight horizontal lines: rows full of runs of ``length`` pixels or more.

    Gaps of a few pixels and slight slopes are allowed for. A long stroke of the pen alone is no line.
    """
    joined = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((3, 9), np.uint8))
    runs = u8(cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((1, length), np.uint8)))
    if not runs.any():
        return runs
    inked = _row_sums(runs & ink)
    # closing joins small print into runs, too: of a drawn line nearly every pixel is ink
    solid = inked >= 0.88 * _row_sums(runs)
    covered = np.convolve(inked * solid, np.ones(9), mode="same")
    thickness = cv2.countNonZero(runs) / max(1, int((np.diff(runs.astype(np.int8), axis=0, prepend=0) == 1).sum()))
    rows = (covered >= _RULE_SHARE * thickness * ink.shape[1])[:, None].astype(np.uint8)
    full = cv2.dilate(rows, np.ones((13, 1), np.uint8))
    near = u8(cv2.dilate(runs * full, np.ones((3, 15), np.uint8)))
    return near & ink


def _row_sums(mask: U8) -> npt.NDArray[np.int32]:
    return np.asarray(cv2.reduce(mask, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S), np.int32).reshape(-1)


def _without_runs(ink: U8, runs: U8) -> U8:
    """Take the runs out of the ink but for the strokes that cross them."""
    thickness = cv2.reduce(runs, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S).reshape(-1)
    starts = np.count_nonzero(np.diff(runs.astype(np.int8), axis=0, prepend=0) == 1, axis=0)
    inked = starts > 0
    typical = float(np.median(thickness[inked] / starts[inked])) if inked.any() else 1.0
    tall = u8(cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((round(1.5 * typical) + 3, 1), np.uint8)))
    return u8(ink & (1 - (runs & (1 - tall))))


def _as_rules(runs: U8, width: int) -> tuple[Rule, ...]:
    joined = cv2.morphologyEx(runs, cv2.MORPH_CLOSE, np.ones((5, max(31, width // 20)), np.uint8))
    number, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8, ltype=cv2.CV_32S)
    rules = [
        Rule(int(stats[i, 1] + stats[i, 3] // 2), int(stats[i, 0]), int(stats[i, 0] + stats[i, 2]))
        for i in range(1, number)
    ]
    return tuple(sorted(rules, key=lambda rule: rule.row))
