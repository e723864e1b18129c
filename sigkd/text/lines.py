"""Text lines of a page: the paper's rows with ink, and a finder that follows the lines and keeps their strokes whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sigkd.registry import Registry
from sigkd.text.ink import U8, InkPage

MIN_LINE_HEIGHT = 20
"""Lines lower than this many pixels are dropped (the paper's)."""

OUTLYING_INK = 0.01
"""Share of a line's ink above, and below, the height that its crops are measured by."""

PAPER = 255


@dataclass(frozen=True)
class Line:
    """A text line cut from a page."""

    image: U8
    """[h, w], ink dark on paper 255; other lines' ink painted over."""
    top: int
    """Row of the page where ``image`` starts."""
    left: int
    """Column of the page where ``image`` starts."""
    height: int
    """Height that a crop's width is reckoned from: all rows for the paper's finder, else without the last ascenders and descenders."""


LINE_FINDERS: Registry[Callable[[InkPage], list[Line]]] = Registry("line finder")


def runs(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return [start, end) of every run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


@LINE_FINDERS.register("paper")
def rows_with_ink(page: InkPage) -> list[Line]:
    """The paper's: every run of at least 20 rows with ink is a line as wide as the page."""
    return [
        Line(page.grey[start:end], start, 0, end - start)
        for start, end in runs(page.ink.any(axis=1))
        if end - start >= MIN_LINE_HEIGHT
    ]


@LINE_FINDERS.register("seams")
def follow_seams(page: InkPage) -> list[Line]:
    """Find the lines by their smoothed ink profile, part them by paths through the least ink, and keep strokes whole.

    1. The letter height is the median height of the connected components, weighted by their width.
    2. Peaks of the row profile, smoothed over a third of that height, are lines.
    3. Between two peaks the path from left to right that crosses the least ink parts the lines.
    4. A connected component belongs to the line that holds most of it; one that fills two lines (touching strokes) is cut
       along the path.
    """
    height = letter_height(page.ink)
    if height is None:
        return []
    centers = line_centers(page.ink, height)
    if not centers:
        return []
    band = _bands(page.ink, centers, height)
    owner = _owners(page.ink, band, len(centers), height)
    lines = []
    for index in range(len(centers)):
        line = _cut(page, owner == index)
        if line is not None:
            lines.append(line)
    return lines


def letter_height(ink: U8) -> float | None:
    """Return the median height of the ink's components in pixels, weighted by width; None without any."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8, ltype=cv2.CV_32S)
    widths, heights, areas = stats[1:, 2], stats[1:, 3], stats[1:, 4]
    sound = (areas >= 60) & (heights >= 8) & (heights <= ink.shape[0] // 3)
    if not sound.any():
        return None
    heights, weights = heights[sound], np.minimum(widths[sound], 20 * heights[sound])
    order = np.argsort(heights, kind="stable")
    cumulated = np.cumsum(weights[order])
    return float(heights[order][np.searchsorted(cumulated, cumulated[-1] / 2)])


def line_centers(ink: U8, height: float) -> list[int]:
    """Return the rows of the page's lines, top to bottom."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    profile = cv2.reduce(ink, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).reshape(-1).astype(np.float64)
    smooth = gaussian_filter1d(profile, 0.35 * height, mode="constant")
    peaks, _ = find_peaks(smooth, height=smooth.max() * 0.06, prominence=smooth.max() * 0.04)
    return [int(peak) for peak in peaks]


def _bands(ink: U8, centers: list[int], height: float) -> npt.NDArray[np.int32]:
    """Return [H, W] int32: the number of the line whose band a pixel is in."""
    rows, columns = ink.shape
    step = max(1, round(height / 12))
    small = cv2.resize(ink * 255, (-(-columns // step), -(-rows // step)), interpolation=cv2.INTER_AREA)
    cost = small.astype(np.float32) / 255
    band = np.zeros((rows, columns), np.int32)
    row_numbers = np.arange(rows)[:, None]
    for above, below in zip(centers, centers[1:], strict=False):
        first, last = above // step, max(above // step + 1, below // step)
        path = _least_path(cost[first : last + 1])
        path_rows = (first + np.repeat(path, step)[:columns] + 0.5) * step
        band += row_numbers > path_rows[None, :]
    return band


def _least_path(cost: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Return for every column the row of the left-to-right path of least cost, moving at most one row a column."""
    rows, columns = cost.shape
    middle = np.abs(np.arange(rows, dtype=np.float32) - (rows - 1) / 2) / max(rows, 1)
    # blank paper: keep to the middle between the lines; a move costs a little, so that the path stays straight
    cost = cost + 0.02 * middle[:, None]
    total = cost[:, 0].copy()
    moves = np.zeros((columns, rows), np.int8)
    padded = np.full(rows + 2, np.inf, np.float32)
    for column in range(1, columns):
        padded[1:-1] = total
        options = np.stack((padded[1:-1], padded[:-2] + 0.004, padded[2:] + 0.004))
        best = options.argmin(axis=0)
        moves[column] = best
        total = options[best, np.arange(rows)] + cost[:, column]
    path = np.empty(columns, np.int64)
    row = int(total.argmin())
    for column in range(columns - 1, -1, -1):
        path[column] = row
        move = moves[column, row]
        row += -1 if move == 1 else (1 if move == 2 else 0)
    return path


def _owners(ink: U8, band: npt.NDArray[np.int32], lines: int, height: float) -> npt.NDArray[np.int32]:
    """Return [H, W] int32: the line that an ink pixel belongs to, -1 for paper."""
    number, labels, _, _ = cv2.connectedComponentsWithStats(ink, connectivity=8, ltype=cv2.CV_32S)
    where = np.flatnonzero(ink)
    component = labels.reshape(-1)[where]
    inside = band.reshape(-1)[where]
    shares = np.bincount(component * lines + inside, minlength=number * lines).reshape(number, lines)
    total = np.maximum(shares.sum(axis=1), 1)
    main = shares.argmax(axis=1)
    # a component is cut where another line holds much of it: two lines that touch
    second = np.sort(shares, axis=1)[:, -2] if lines > 1 else np.zeros(number)
    touching = second > 0.3 * total
    owner = np.full(ink.size, -1, np.int32)
    owner[where] = np.where(touching[component], inside, main[component])
    return owner.reshape(ink.shape)


def _cut(page: InkPage, member: npt.NDArray[np.bool_]) -> Line | None:
    """Return the line made of the member pixels, on clean paper; None if it is too low."""
    rows = np.flatnonzero(member.any(axis=1))
    if rows.size == 0 or rows[-1] + 1 - rows[0] < MIN_LINE_HEIGHT:
        return None
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(member[top:bottom].any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    # one long descender must not make every crop of the line wider: leave out 1 % of the ink above and below
    share = np.cumsum(member[top:bottom].sum(axis=1)) / member[top:bottom].sum()
    height = int(np.searchsorted(share, 1 - OUTLYING_INK) - np.searchsorted(share, OUTLYING_INK)) + 1
    near = cv2.dilate(member[top:bottom, left:right].astype(np.uint8), np.ones((3, 3), np.uint8))
    image = np.where(near > 0, page.grey[top:bottom, left:right], PAPER).astype(np.uint8)
    return Line(image, top, left, height)
