"""Telling printed lines from straight strokes of the pen: the network sees but a part of a line, its whole tells more.

A printed line is straight to a fraction of a pixel, and level or upright, or it crosses much of the scan, or it is
paler or darker than the writing; strokes of a pen bend.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]

_REACH, _GAP = 3.0, 30  # pixels at 150 dpi: off a line's axis, and without any of it
_SEGMENT, _SEGMENT_GAP, _VOTES = 20, 25, 18
_FEWEST, _MOST_TRACKS = 10, 120
_ROUGH, _SAG = 0.25, 0.4  # pixels off the straight, as root of the mean square and as a bow
_ROUGH_WHOLE, _SAG_WHOLE = 0.45, 1.0  # likewise of lines that cross the whole scan: paper is not flat
_LONG, _SHORT = 59.0, 24.0  # pixels: 10 and 4 mm
_LEVEL = 0.7  # degrees
_CROSSING, _WHOLE, _PART = 0.5, 0.8, 0.25  # of the scan's extent in the line's direction
_PALER, _DARKER, _MUCH_PALER = 0.7, 1.4, 0.65  # of the ink's darkness
_JOINT, _TOOTH, _SQUARE = 5, 48, 3.0  # pixels, pixels, degrees


@dataclass(frozen=True)
class Track:
    """Pixels in one straight row."""

    rows: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]
    length: float
    """Pixels."""
    rough: float
    """Root mean square of the distance from the straight, of the nine tenths that are nearest to it, in pixels."""
    sag: float
    """How far its middle lies off the straight between its ends, pixels."""
    angle: float
    """Degrees from level, -90 to 90."""
    span: float
    """Share of the picture's extent in its direction."""
    darkness: float
    """Mean grey levels below white."""

    @property
    def tilt(self) -> float:
        """Degrees from level or upright, whichever is nearer."""
        return min(abs(self.angle), 90.0 - abs(self.angle))

    @property
    def straight(self) -> bool:
        """Whether it is as straight as print is."""
        rough, sag = (_ROUGH_WHOLE, _SAG_WHOLE) if self.span >= _WHOLE else (_ROUGH, _SAG)
        return self.rough <= rough and self.sag <= sag


def printed_lines(lines: U8, darkness: npt.NDArray[np.float32], ink_darkness: float) -> Bools:
    """Return which pixels [h, w] of ``lines`` are printed; the others belong to strokes.

    Args:
        lines: uint8 [h, w] at 150 dpi, 1 where a line may be.
        darkness: float32 [h, w] grey levels below white.
        ink_darkness: of the writing.
    """
    printed: list[Track] = []
    rest: list[Track] = []
    for track in tracks(lines, darkness):
        (printed if _is_printed(track, ink_darkness) else rest).append(track)
    result = np.zeros(lines.shape, np.uint8)
    for track in printed:
        result[track.rows, track.columns] = 1
    grows = bool(printed)
    while grows:  # sides of boxes and teeth of combs hang on printed lines
        near = _grown(result, _JOINT)
        apart: list[Track] = []
        for track in rest:
            if track.straight and near[track.rows, track.columns].any() and _squarely(track, printed):
                result[track.rows, track.columns] = 1
                printed.append(track)
            else:
                apart.append(track)
        rest, grows = apart, len(apart) < len(rest)
    return (result | _hanging(lines, result)).astype(bool)


def _hanging(lines: U8, printed: U8) -> U8:
    """Return what else of the lines hangs on printed ones: their rims, short teeth, corners."""
    rest = np.asarray(lines & (1 - printed), np.uint8)
    number, labels, stats, _ = cv2.connectedComponentsWithStats(rest, connectivity=8)
    hangs = np.zeros(number, bool)
    hangs[np.unique(labels[_grown(printed, _JOINT // 2) > 0])] = True
    hangs &= stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1) <= _TOOTH
    hangs[0] = False
    return np.asarray(hangs[labels], np.uint8)


def _is_printed(track: Track, ink_darkness: float) -> bool:
    if not track.straight:
        return False
    share = track.darkness / max(ink_darkness, 1.0)
    if track.length >= _LONG and (track.tilt <= _LEVEL or track.span >= _CROSSING or not _PALER < share < _DARKER):
        return True
    if track.length >= _SHORT and share < _MUCH_PALER:
        return True
    return track.tilt <= _LEVEL / 2 and track.span > _PART


def _squarely(track: Track, printed: list[Track]) -> bool:
    """Whether a line is parallel with or square to one of the printed ones."""
    return any((track.angle - one.angle + _SQUARE) % 90.0 <= 2 * _SQUARE for one in printed)


def tracks(lines: U8, darkness: npt.NDArray[np.float32]) -> list[Track]:
    """Return the straight rows of pixels of a mask, the longest first; each pixel is in at most one."""
    segments = cv2.HoughLinesP(lines * 255, 1, np.pi / 360, _VOTES, minLineLength=_SEGMENT, maxLineGap=_SEGMENT_GAP)
    if segments is None:
        return []
    ends = segments.reshape(-1, 2, 2).astype(np.float64)
    order = np.argsort(-np.hypot(*(ends[:, 1] - ends[:, 0]).T), kind="stable")
    rows, columns = np.divmod(np.flatnonzero(lines), lines.shape[1])
    points = np.stack([columns, rows]).astype(np.float64)
    result: list[Track] = []
    for start, stop in ends[order[:_MOST_TRACKS]]:
        chosen = _along(points, start, stop)
        if chosen.size < _FEWEST:
            continue
        result.append(_measured(points[:, chosen], darkness))
        left = np.ones(points.shape[1], bool)
        left[chosen] = False
        points = points[:, left]  # each pixel is in one track
    return result


def _along(
    points: npt.NDArray[np.float64], start: npt.NDArray[np.float64], stop: npt.NDArray[np.float64]
) -> npt.NDArray[np.intp]:
    """Return which points [2, n] are on a segment and its straight continuation, as far as there are no wide gaps."""
    centre, direction = (start + stop) / 2, (stop - start) / max(float(np.hypot(*(stop - start))), 1e-9)
    chosen = np.empty(0, np.intp)
    for _ in range(3):  # the axis turns with the points that are found
        across = points[1] * direction[0]
        across -= points[0] * direction[1]
        across -= centre[1] * direction[0] - centre[0] * direction[1]
        near = np.flatnonzero(np.abs(across, out=across) < _REACH)
        if near.size < _FEWEST:
            return near[:0]
        along = direction @ (points[:, near] - centre[:, None])
        order = np.argsort(along, kind="stable")
        near, along = near[order], along[order]
        first = np.concatenate([[0], np.flatnonzero(np.diff(along) > _GAP) + 1])
        last = np.append(first[1:], near.size) - 1
        nearest = int(np.argmin(np.maximum(np.maximum(along[first], -along[last]), 0.0)))
        chosen = near[first[nearest] : last[nearest] + 1]
        if chosen.size < _FEWEST:
            return chosen[:0]
        centre, direction = _axis(points[:, chosen])
    return chosen


def _axis(points: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the centre [2] of points [2, n] and the direction [2] in which they spread most, to the right."""
    centre = points.mean(axis=1)
    apart = points - centre[:, None]
    angle = 0.5 * np.arctan2(2 * (apart[0] @ apart[1]), apart[0] @ apart[0] - apart[1] @ apart[1])
    return centre, np.array([np.cos(angle), np.sin(angle)])


def _measured(points: npt.NDArray[np.float64], darkness: npt.NDArray[np.float32]) -> Track:
    centre, direction = _axis(points)
    apart = points - centre[:, None]
    along = direction @ apart
    across = np.array([-direction[1], direction[0]]) @ apart
    columns, rows = points.astype(np.intp)
    dark = np.maximum(darkness[rows, columns], 1.0).astype(np.float64)
    step = (along - along.min()).astype(np.intp)
    weight = np.bincount(step, dark)
    at = np.flatnonzero(weight)
    middle = np.bincount(step, across * dark)[at] / weight[at]
    length = float(along.max() - along.min()) + 1.0
    place = at / length - 0.5
    near = np.ones(at.size, bool)
    for _ in range(3):
        x, y = place[near], middle[near]
        x_mean, y_mean = x.mean(), y.mean()
        slope = ((x - x_mean) @ (y - y_mean)) / max(float((x - x_mean) @ (x - x_mean)), 1e-9)
        off = np.abs(middle - y_mean - slope * (place - x_mean))
        near = off <= np.quantile(off, 0.9)
    bow = np.polyfit(place[near], middle[near], 2)[0] if near.sum() > 5 else 0.0
    height, width = darkness.shape
    reach = [side / share for side, share in zip((width, height), np.abs(direction), strict=True) if share > 1e-6]
    return Track(
        rows=rows,
        columns=columns,
        length=length,
        rough=float(np.sqrt(np.mean(off[near] ** 2))),
        sag=abs(float(bow)) / 4,
        angle=float(np.degrees(np.arctan2(direction[1], direction[0]))),
        span=min(length / min(reach), 1.0),
        darkness=float(dark.mean()),
    )


def _grown(mask: U8, by: int) -> U8:
    return np.asarray(cv2.dilate(mask, np.ones((2 * by + 1, 2 * by + 1), np.uint8)), np.uint8)
