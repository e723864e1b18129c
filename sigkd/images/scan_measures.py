"""Measures of a scan as it was read: what an examiner looks at before comparing, in units of the paper."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import cv2
import numpy as np
import numpy.typing as npt

from sigkd.images.ink_network import LINE, NETWORK_DPI, PAPER, PRINT
from sigkd.images.reading import Ground
from sigkd.images.resolution import MM_PER_INCH
from sigkd.images.scale import DPI
from sigkd.images.writing import Writing, count_kinds

U8 = npt.NDArray[np.uint8]

_MM = DPI / MM_PER_INCH
_COARSE = 4  # pixels of 300 dpi that become one where shapes count and strokes do not
_COARSE_MM = _MM / _COARSE


@dataclass(frozen=True)
class ScanMeasures:
    """Lengths in mm, areas in square mm, shares from 0 to 1."""

    dpi: float
    """Pixels an inch (geometric mean of both axes), known or estimated."""
    width: float
    height: float
    """Of the ink box."""
    area: float
    """Of the ink."""
    stroke: float
    """Mean width of strokes: twice the ink's area over the length of its edges."""
    density: float
    """Darkness of the ink: 0 as the paper, 1 black."""
    contrast: float
    """Grey levels between paper and ink in the scan."""
    edge: float
    """Width of the strokes' edges: how soft the scan is."""
    levels: int
    """Grey levels that occur in the scan."""
    colour: float
    """How far the ink's colour is from grey, grey levels between the channels."""
    lines: float
    """Of what is dark: printed lines, boxes, combs."""
    print: float
    """Of what is dark: print, stamps, patterns."""
    letters: int
    """Separate pieces of print."""
    bodies: int
    """Separate bodies of ink, gaps up to 1.5 mm bridged."""
    clusters: float
    """How many groups of ink more than 10 mm apart there are: 1 over the sum of their squared shares."""
    rows: int
    """Lines of writing above each other."""
    straight: float
    """Share of the ink on straight stretches of more than 8 mm."""
    solid: float
    """Share of the ink that is in areas wider than 2 mm."""
    ground: float
    """How uneven the ground is over a few mm, as a share of its brightness: a photograph's tones."""
    blot: float
    """Dark areas wider than any stroke."""
    dark: float
    """Share of the picture that is darker than paper."""


USUAL: dict[str, tuple[float, float]] = {
    "dpi": (150, 1200), "width": (10, 100), "height": (4, 60), "area": (10, 250), "stroke": (0.25, 0.9),
    "density": (0.3, 1.0), "contrast": (60, 255), "edge": (0.1, 0.3), "levels": (2, 256), "colour": (0, 200),
    "lines": (0, 0.3), "print": (0, 0.3), "letters": (0, 20), "bodies": (1, 10), "clusters": (1, 1.5), "rows": (1, 2),
    "straight": (0, 0.6), "solid": (0, 0.1), "ground": (0, 0.02), "blot": (0, 5), "dark": (0, 0.2),
}  # fmt: skip
"""Between which values each measure of 98 of 100 signatures lies (sigcomp2011_dutch and sigcomp2009_nfi)."""


def measure(
    ink: U8, writing: Writing, dpi: tuple[float, float], ground: Ground, levels: int, colour: float, dark: float
) -> ScanMeasures:
    """Measure a scan.

    Args:
        ink: uint8 [h, w] at 300 dpi, dark on white, cut to its box.
        writing: what is on the sheet.
        dpi: resolution of the scan.
        levels: grey levels in the scan.
        colour: of the ink, grey levels.
        ground: what the ink is on.
        dark: share of the picture that is darker than paper.
    """
    shape = (ink < 255).astype(np.uint8)
    height, width = shape.shape
    area = cv2.countNonZero(shape)
    count = count_kinds(writing.kinds)
    every = max(int(count[PAPER + 1 :].sum()), 1)
    coarse = _coarse(shape)
    return ScanMeasures(
        dpi=float(np.sqrt(dpi[0] * dpi[1])),
        width=width / _MM,
        height=height / _MM,
        area=area / _MM**2,
        stroke=2.0 * area / max(_rim(shape), 1) / _MM,
        density=writing.darkness / 255,
        contrast=writing.darkness / 255 * ground.bright,
        edge=_edge_width(ink, writing.darkness) / _MM,
        levels=levels,
        colour=colour,
        lines=float(count[LINE] / every),
        print=float(count[PRINT] / every),
        letters=_letters(writing.kinds),
        bodies=_bodies(coarse),
        clusters=_clusters(coarse),
        rows=_rows(coarse),
        straight=_straight(coarse),
        solid=_solid(shape),
        ground=ground.uneven,
        blot=ground.blot,
        dark=dark,
    )


def _coarse(shape: U8) -> U8:
    """Return the mask at a quarter of its resolution: 1 where there is any ink."""
    height, width = shape.shape
    padded = cv2.copyMakeBorder(shape, 0, -height % _COARSE, 0, -width % _COARSE, cv2.BORDER_CONSTANT, value=0)
    rows = reduce(np.bitwise_or, [padded[row::_COARSE] for row in range(_COARSE)])
    return np.asarray(reduce(np.bitwise_or, [rows[:, column::_COARSE] for column in range(_COARSE)]), np.uint8)


def _rim(shape: U8) -> int:
    """Return the number of ink pixels with paper beside them: along a stroke of width w that is 2 of w pixels."""
    padded = cv2.copyMakeBorder(shape, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    return int(cv2.countNonZero(padded) - cv2.countNonZero(cv2.erode(padded, cross)))


def _edge_width(ink: U8, darkness: float) -> float:
    """Return the width of edges in pixels: the ink's darkness over the steepest slopes."""
    slope = np.asarray(cv2.morphologyEx(ink, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)), np.uint8)
    steep = slope[slope > 0]
    # a gradient over 3 x 3 pixels spans two steps
    return 2.0 * darkness / max(float(np.percentile(steep, 80)), 1.0) if steep.size else 0.0


def _letters(kinds: U8) -> int:
    """Return the number of separate pieces of print of 0.5 to 12 mm."""
    number, _, stats, _ = cv2.connectedComponentsWithStats((kinds == PRINT).astype(np.uint8), connectivity=8)
    unit = NETWORK_DPI / MM_PER_INCH
    size = stats[1:number, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1, initial=0) / unit
    return int(((size >= 0.5) & (size <= 12)).sum())


def _joined(coarse: U8, mm: float) -> tuple[int, npt.NDArray[np.int32]]:
    """Return the number of groups of ink at most ``mm`` apart, and each pixel's group from 1."""
    reach = 2 * round(mm / 2 * _COARSE_MM) + 1
    room = reach // 2 + 1
    wide = cv2.copyMakeBorder(coarse, room, room, room, room, cv2.BORDER_CONSTANT, value=0)
    joined = cv2.dilate(wide, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    number, labels = cv2.connectedComponents(joined, connectivity=8, ltype=cv2.CV_32S)
    inner = np.asarray(labels[room:-room, room:-room], np.int32)
    return number - 1, inner


def _bodies(coarse: U8) -> int:
    return _joined(coarse, 1.5)[0]


def _clusters(coarse: U8) -> float:
    number, labels = _joined(coarse, 10.0)
    amounts = np.bincount(labels[coarse > 0], minlength=number + 1)[1:]
    shares = amounts / max(amounts.sum(), 1)
    return float(1.0 / max((shares**2).sum(), 1e-9))


def _rows(coarse: U8) -> int:
    """Return the number of bands of rows that hold more ink than what is between them."""
    profile = coarse.sum(axis=1).astype(np.float64)
    size = max(1, round(1.5 * _COARSE_MM))
    smooth = np.convolve(profile, np.ones(size) / size, mode="same")
    high = smooth > 0.5 * np.percentile(smooth, 90)
    low = smooth < 0.2 * np.percentile(smooth, 90)
    count, between = 0, True
    for is_high, is_low in zip(high, low, strict=True):
        if is_high and between:
            count, between = count + 1, False
        elif is_low:
            between = True
    return count


def _straight(coarse: U8) -> float:
    """Return the share of ink under straight lines of at least 8 mm."""
    thin = np.asarray(coarse * 255, np.uint8)
    found = cv2.HoughLinesP(thin, 1, np.pi / 180, 30, minLineLength=8 * _COARSE_MM, maxLineGap=1.0)
    if found is None:
        return 0.0
    drawn = np.zeros_like(coarse)
    for x0, y0, x1, y1 in found.reshape(-1, 4):
        cv2.line(drawn, (int(x0), int(y0)), (int(x1), int(y1)), 1, 1)
    return float(cv2.countNonZero(drawn & coarse) / max(cv2.countNonZero(coarse), 1))


def _solid(shape: U8) -> float:
    side = round(2.0 * _MM)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    inner = int(side / np.sqrt(2)) // _COARSE  # the square within the disc, less what does not fill coarse pixels
    blocks = cv2.copyMakeBorder(_coarse(shape), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    left, top, width, height = (_COARSE * edge for edge in cv2.boundingRect(cv2.erode(blocks, np.ones((inner, inner)))))
    if not width:
        return 0.0
    top, left, height, width = top - 2 * side, left - 2 * side, height + 4 * side, width + 4 * side
    part = shape[max(top, 0) : top + height, max(left, 0) : left + width]  # elsewhere no disc fits
    core = cv2.erode(cv2.copyMakeBorder(part, side, side, side, side, cv2.BORDER_CONSTANT, value=0), disc)
    if not core.any():  # as in nearly every signature
        return 0.0
    core = cv2.dilate(core, disc)
    return float(cv2.countNonZero(core) / max(cv2.countNonZero(shape), 1))
