"""The line finder ``seams``: clean the page, find the lines' middles, part them by paths through the least ink.

1. The page is turned upright; edges, holes, ruling and grain leave the ink (:mod:`sigkd.text.cleaning`).
2. A form's few long rules part it into zones; the zone with the writing is kept.
3. Peaks of the row profile, smoothed over a third of the letter height, are lines.
4. Between two peaks the left-to-right path that crosses the least ink parts the lines.
5. A connected component belongs to the line that holds most of it; one that fills two lines (touching strokes) is cut
   along the path.
6. Print, and marks in the margin far from the writing, are left out.
7. Where much of the ink is far paler than the lines (ruling away from writing, the back shining through), all of this
   is done again without it.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from sigkd.images.light import PAPER
from sigkd.text.cleaning import CleanPage, clean_page, letter_height
from sigkd.text.finders import LINE_FINDERS
from sigkd.text.ink import U8, InkPage
from sigkd.text.lines import MIN_LINE_HEIGHT, FoundLines, Line
from sigkd.text.printed import Boxes, is_printed, printed_block

OUTLYING_INK = 0.01
"""Share of a line's ink above, and below, the height that its crops are measured by."""

TOUCHING = 0.3
"""A component is cut where a second line holds more than this share of it."""

_FORM_RULES = 4
_PALE = 0.45  # of the lines' darkness
_PALE_INK = 0.03
_BOX = np.ones((3, 3), np.uint8)


class _Row(NamedTuple):
    """A line before it is cut out."""

    owner: int
    boxes: Boxes
    printed: bool
    zone: int


@LINE_FINDERS.register("seams")
def follow_seams(page: InkPage) -> FoundLines:
    """Find the lines of a page as the module describes."""
    found = _follow(page)
    darkness = _darkness(found.lines)
    dark = (PAPER - page.grey.astype(np.int16) >= _PALE * darkness).astype(np.uint8) & page.ink
    if cv2.countNonZero(dark) >= (1 - _PALE_INK) * cv2.countNonZero(page.ink):
        return found
    return _follow(InkPage(page.grey, dark, page.angle))


def _darkness(lines: list[Line]) -> float:
    """Return how dark (255 - grey) the strokes of most lines are, 0 without lines."""
    cores = [np.percentile(PAPER - line.image[line.image < PAPER - 5].astype(np.float32), 70) for line in lines]
    return float(np.median(cores)) if cores else 0.0


def _follow(page: InkPage) -> FoundLines:
    clean = clean_page(page)
    page = clean.page
    if clean.letter == 0:
        return FoundLines(page, [])
    zones = _zones(clean)
    centers = [(row, zone) for zone, (top, end) in enumerate(zones) for row in _zone_centers(clean, top, end)]
    if not centers:
        return FoundLines(page, [])
    rows = [row for row, _ in centers]
    band = _bands(page.ink, rows, clean.letter)
    owner, boxes = _owners(clean, band, len(rows))
    found = [_Row(i, boxes[i], is_printed(boxes[i]), zone) for i, (_, zone) in enumerate(centers)]
    kept = _writing(found)
    numbers = {row.owner for row in kept}
    left_out = {"printed line": sum(row.printed and row.owner not in numbers for row in found)}
    left_out["line outside the form's writing"] = len(found) - len(kept) - left_out["printed line"]
    block = _block(kept, clean.letter)
    lines = [_cut(page, owner == row.owner, _within(row.boxes, block, clean.letter)) for row in kept]
    left_out["line lower than 20 px"] = sum(line is None for line in lines)
    return FoundLines(page, [x for x in lines if x is not None], {k: v for k, v in left_out.items() if v})


def _zones(clean: CleanPage) -> list[tuple[int, int]]:
    """Return the [top, end) rows between a form's long rules; the whole page if it has none, or is ruled paper."""
    height, width = clean.page.ink.shape
    long = [rule.row for rule in clean.rules if rule.right - rule.left >= 0.5 * width]
    if not 1 <= len(long) <= _FORM_RULES:
        return [(0, height)]
    edges = [0, *long, height]
    return [(top, end) for top, end in itertools.pairwise(edges) if end - top >= MIN_LINE_HEIGHT]


def _zone_centers(clean: CleanPage, top: int, end: int) -> list[int]:
    """Return the rows of the lines in the page's rows [top, end), with the letter height of these rows."""
    boxes = clean.boxes[1:]
    inside = boxes[(boxes[:, 1] >= top) & (boxes[:, 1] < end)]
    height = letter_height(inside, clean.page.ink.shape[0])
    return [] if height is None else [top + row for row in line_centers(clean.page.ink[top:end], height)]


def line_centers(ink: U8, height: float) -> list[int]:
    """Return the rows of the lines in an ink mask of the given letter height, from above."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    if not ink.any():
        return []
    profile = cv2.reduce(ink, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).reshape(-1).astype(np.float64)
    smooth = gaussian_filter1d(profile, 0.35 * height, mode="constant")
    padded = np.concatenate(([0.0], smooth, [0.0]))  # a line cut off by the page's edge peaks at the edge
    peaks, _ = find_peaks(padded, height=smooth.max() * 0.06, prominence=smooth.max() * 0.04)
    return [int(peak) - 1 for peak in peaks]


def _bands(ink: U8, centers: list[int], letter: float) -> npt.NDArray[np.int16]:
    """Return [H, W] int16: the number of the line whose band a pixel is in."""
    rows, columns = ink.shape
    step = max(1, round(letter / 12))
    small = cv2.resize(ink * 255, (-(-columns // step), -(-rows // step)), interpolation=cv2.INTER_AREA)
    cost = np.asarray(small, np.float32) / np.float32(255)
    between = [
        (above // step, max(above // step + 1, below // step) + 1) for above, below in itertools.pairwise(centers)
    ]
    paths = least_paths([cost[first:end] for first, end in between])
    band = np.zeros((rows, columns), np.int16)
    for (first, _), path in zip(between, paths, strict=True):
        row = (first + np.repeat(path, step)[:columns] + 0.5) * step
        low, high = int(row.min()), min(rows, int(row.max()) + 1)
        band[low:high] += np.arange(low, high)[:, None] > row
        band[high:] += 1
    return band


def least_paths(costs: list[npt.NDArray[np.float32]]) -> list[npt.NDArray[np.int64]]:
    """Return, for each cost, the row in every column of the left-to-right path of least cost, one row a column at most.

    Args:
        costs: float32 [rows, columns] each, the ink that a path would cross; the columns are the same for all.
    """
    if not costs:
        return []
    rows, columns = max(len(cost) for cost in costs), costs[0].shape[1]
    joint = np.full((columns, len(costs), rows), np.inf, np.float32)
    for number, cost in enumerate(costs):
        own = len(cost)
        # blank paper: keep to the middle between the lines; a move costs a little, so that the path stays straight
        middle = np.abs(np.arange(own, dtype=np.float32) - (own - 1) / 2) / own
        joint[:, number, :own] = (cost + 0.02 * middle[:, None]).T
    total = joint[0].copy()
    moves = np.zeros((columns, len(costs), rows), np.int8)
    padded = np.full((len(costs), rows + 2), np.inf, np.float32)
    options = np.empty((3, len(costs), rows), np.float32)
    for column in range(1, columns):
        padded[:, 1:-1] = total
        options[0] = total
        np.add(padded[:, :-2], 0.004, out=options[1])
        np.add(padded[:, 2:], 0.004, out=options[2])
        moves[column] = options.argmin(axis=0)
        total = options.min(axis=0) + joint[column]
    paths = np.empty((len(costs), columns), np.int64)
    row, every = total.argmin(axis=1), np.arange(len(costs))
    for column in range(columns - 1, -1, -1):
        paths[:, column] = row
        row = row + np.array([0, -1, 1])[moves[column, every, row]]
    return list(paths)


def _owners(clean: CleanPage, band: npt.NDArray[np.int16], lines: int) -> tuple[npt.NDArray[np.int16], list[Boxes]]:
    """Return which line an ink pixel belongs to (-1: paper), int16 [H, W], and the boxes of each line's components."""
    ink, labels, stats, number = clean.page.ink, clean.labels, clean.boxes, len(clean.boxes)
    where = np.flatnonzero(ink)
    component = labels.reshape(-1)[where]
    inside = band.reshape(-1)[where]
    shares = np.bincount(component * lines + inside, minlength=number * lines).reshape(number, lines)
    main = shares.argmax(axis=1).astype(np.int16)
    second = np.sort(shares, axis=1)[:, -2] if lines > 1 else np.zeros(number, np.int64)
    touching = second > TOUCHING * np.maximum(shares.sum(axis=1), 1)
    owner = np.full(ink.size, -1, np.int16)
    owner[where] = np.where(touching[component], inside, main[component])
    held = shares.sum(axis=1) > 0  # grain was taken away
    boxes = [np.asarray(stats[held & (main == line), :4], np.int32) for line in range(lines)]
    return owner.reshape(ink.shape), boxes


def _writing(found: list[_Row]) -> list[_Row]:
    """Return the written lines: no blocks of print, and of a form's zones only those with writing in earnest."""
    zones = [[row for row in found if row.zone == zone] for zone in sorted({row.zone for row in found})]
    written: list[list[_Row]] = []
    for rows in zones:
        start, end = printed_block([row.printed for row in rows])
        kept = rows[start:end]
        # one neat line is no print, unless it is all that a zone of a form holds
        all_print = len(zones) > 1 and all(row.printed for row in rows)
        written.append([] if all_print else kept)
    most = max(len(rows) for rows in written)
    return [row for rows in written for row in rows if len(rows) == most or len(rows) >= 3]


def _block(rows: list[_Row], letter: float) -> tuple[float, float] | None:
    """Return the columns between which most lines have their ink; None with too few lines to tell."""
    rows = [row for row in rows if len(row.boxes) >= 3]
    if len(rows) < 4:
        return None
    step = max(1.0, letter / 4)
    bins = int(max(row.boxes[:, 0].max() + row.boxes[:, 2].max() for row in rows) / step) + 2
    covered = np.zeros(bins)
    for row in rows:
        own = np.zeros(bins, bool)
        for left, width in row.boxes[:, [0, 2]]:
            own[int(left / step) : int((left + width) / step) + 1] = True
        covered += own
    inside = np.flatnonzero(covered >= 0.35 * len(rows))
    if inside.size == 0:
        return None
    # gaps between words are bridged; the widest stretch is the block
    breaks = np.flatnonzero(np.diff(inside) > 4 * letter / step)
    starts, ends = np.r_[0, breaks + 1], np.r_[breaks, inside.size - 1]
    widest = int(np.argmax(inside[ends] - inside[starts]))
    return float(inside[starts[widest]] * step), float((inside[ends[widest]] + 1) * step)


def _within(boxes: Boxes, block: tuple[float, float] | None, letter: float) -> tuple[int, int]:
    """Return the [left, right) columns of a line's writing: without what lies outside the block behind a wide gap."""
    if len(boxes) == 0:
        return 0, 0
    lefts, rights = boxes[:, 0], boxes[:, 0] + boxes[:, 2]
    left, right = int(lefts.min()), int(rights.max())
    if block is None:
        return left, right
    order = np.argsort(lefts, kind="stable")
    reach = np.maximum.accumulate(rights[order])
    gaps = np.flatnonzero(lefts[order][1:] - reach[:-1] > 2.5 * letter)
    for gap in gaps:
        before, after = int(reach[gap]), int(lefts[order][gap + 1])
        if before < block[0]:
            left = after
        elif after > block[1]:
            right = before
            break
    return left, right


def _cut(page: InkPage, member: npt.NDArray[np.bool_], within: tuple[int, int]) -> Line | None:
    """Return the line made of the member pixels in the given columns, on clean paper; None if it is too low."""
    offset = within[0]
    member = member[:, offset : within[1]]
    rows = np.flatnonzero(member.any(axis=1))
    if rows.size == 0 or rows[-1] + 1 - rows[0] < MIN_LINE_HEIGHT:
        return None
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(member[top:bottom].any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    # one long descender must not make every crop of the line wider
    share = np.cumsum(member[top:bottom].sum(axis=1)) / member[top:bottom].sum()
    height = int(np.searchsorted(share, 1 - OUTLYING_INK) - np.searchsorted(share, OUTLYING_INK)) + 1
    near = cv2.dilate(member[top:bottom, left:right].astype(np.uint8), _BOX)
    grey = page.grey[top:bottom, offset + left : offset + right]
    image = np.where(near > 0, grey, PAPER).astype(np.uint8)
    return Line(image, top, offset + left, height)
