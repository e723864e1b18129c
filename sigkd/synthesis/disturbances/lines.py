"""Printed lines: a rule under the signature, through it, broken, dotted; ruled paper; boxes and combs of forms."""

from __future__ import annotations

import numpy as np

from sigkd.synthesis.disturbances.registry import Level, disturbance
from sigkd.synthesis.disturbances.scan import Scan
from sigkd.synthesis.disturbances.surface import Ink, extend, find_marks, imprint
from sigkd.synthesis.marks import Segments, draw_lines

_MM = Level("mm thick", 0.17, 0.08, 0.8)


def _tone(rng: np.random.Generator) -> int:
    """Return how dark the print is: mostly black, sometimes grey."""
    return int(rng.integers(20, 70) if rng.random() < 0.7 else rng.integers(70, 130))


def _baseline(ink: Ink) -> float:
    """Return the row on which most of the ink stands: below it there is a tenth of the ink."""
    rows = np.cumsum(ink.mask.astype(np.float64).sum(axis=1))
    return float(np.searchsorted(rows, 0.88 * rows[-1])) if rows[-1] else ink.box[3]


def _rule(
    scan: Scan, y: float, level: float, rng: np.random.Generator, dash: tuple[float, float] | None = None
) -> Scan:
    """Print a line across the picture, as level as a scanned sheet is."""
    tilt = np.tan(np.radians(rng.normal(0, 0.25))) * scan.dpi[1] / scan.dpi[0]
    width = scan.shape[1]
    left = -2.0 if rng.random() < 0.5 else scan.across(rng.uniform(0.5, 2.5))
    right = width + 2.0 if rng.random() < 0.5 else width - scan.across(rng.uniform(0.5, 2.5))
    slope = [y + tilt * (x - width / 2) for x in (left, right)]
    return imprint(
        scan, draw_lines(scan.shape, scan.dpi, [(left, slope[0], right, slope[1])], level, dash), _tone(rng), "line"
    )


def _roomy(scan: Scan, rng: np.random.Generator, mm: float) -> Scan:
    """Return the scan with at least so much paper on every side of the ink."""
    left, top, right, bottom = find_marks(scan).box
    height, width = scan.shape
    across, down = scan.across(mm), scan.down(mm)
    return extend(
        scan,
        rng,
        left=round(across - left),
        top=round(down - top),
        right=round(across - (width - right)),
        bottom=round(down - (height - bottom)),
    )


@disturbance("line", "a printed line under the signature", _MM)
def line(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Print a line on which the signature stands: descenders cross it."""
    scan = _roomy(scan, rng, 1.0)
    ink = find_marks(scan)
    y = _baseline(ink) + scan.down(rng.uniform(0.0, 1.0))
    return _rule(scan, min(y, ink.box[3] + scan.down(0.5)), level, rng)


@disturbance("line-through", "a printed line through the middle of the signature", _MM)
def line_through(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Print a line that most strokes cross."""
    ink = find_marks(scan)
    top, bottom = ink.box[1], ink.box[3]
    return _rule(scan, top + (bottom - top) * rng.uniform(0.4, 0.65), level, rng)


@disturbance("line-broken", "a dashed or badly printed line under the signature", _MM)
def line_broken(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Print a dashed line where :func:`line` prints a whole one."""
    scan = _roomy(scan, rng, 1.0)
    y = _baseline(find_marks(scan)) + scan.down(rng.uniform(0.0, 1.0))
    return _rule(scan, y, level, rng, (rng.uniform(1.0, 4.0), rng.uniform(0.5, 1.5)))


@disturbance("line-dotted", "a dotted line under the signature", _MM)
def line_dotted(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Print a row of square dots, as leaders are."""
    scan = _roomy(scan, rng, 1.0)
    y = _baseline(find_marks(scan)) + scan.down(rng.uniform(0.0, 1.0))
    dot = max(level, 0.2)
    return _rule(scan, y, dot, rng, (dot, rng.uniform(0.6, 1.3)))


@disturbance("ruled", "ruled paper", Level("mm between lines", 8.0, 5.0, 12.0))
def ruled(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Print the pale blue or grey lines of writing paper."""
    height, width = scan.shape
    pitch = scan.down(level)
    tilt = np.tan(np.radians(rng.normal(0, 0.3))) * width
    first = (_baseline(find_marks(scan)) + scan.down(rng.uniform(0.0, 0.8))) % pitch
    segments: Segments = [
        (-2, y - tilt / 2, width + 2, y + tilt / 2) for y in np.arange(first - pitch, height + pitch, pitch)
    ]
    tone = (130, 160, 210) if scan.colour else int(rng.integers(140, 190))
    return imprint(scan, draw_lines(scan.shape, scan.dpi, segments, rng.uniform(0.12, 0.25)), tone, "line")


def _frame(left: float, top: float, right: float, bottom: float) -> Segments:
    return [
        (left, top, right, top),
        (left, bottom, right, bottom),
        (left, top, left, bottom),
        (right, top, right, bottom),
    ]


@disturbance("box", "a form's box around the signature", _MM)
def box(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Print a frame that leaves the ink free."""
    scan = _roomy(scan, rng, 4.0)
    left, top, right, bottom = find_marks(scan).box
    gap = [scan.length(rng.uniform(1.0, 3.0)) for _ in range(4)]
    sides = _frame(left - gap[0], top - gap[1], right + gap[2], bottom + gap[3])
    return imprint(scan, draw_lines(scan.shape, scan.dpi, sides, level), _tone(rng), "line")


@disturbance("box-tight", "a form's box that the signature overruns", _MM)
def box_tight(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Print a frame that strokes cross, by up to a sixth of the ink on each side."""
    scan = _roomy(scan, rng, 2.0)
    left, top, right, bottom = find_marks(scan).box
    wide, high = right - left, bottom - top
    over = rng.uniform(-0.05, 1 / 6, 4)
    sides = _frame(left + over[0] * wide, top + over[1] * high, right - over[2] * wide, bottom - over[3] * high)
    return imprint(scan, draw_lines(scan.shape, scan.dpi, sides, level), _tone(rng), "line")


@disturbance("comb", "a row of cells for single letters under the signature", _MM)
def comb(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Print a frame with short (comb) or whole (cells) partitions, 5 mm apart; the writer did not keep to it."""
    scan = _roomy(scan, rng, 3.0)
    left, _, right, bottom = find_marks(scan).box
    pitch = scan.across(rng.uniform(4.5, 6.0))
    base = bottom + scan.down(rng.uniform(-2.0, 1.5))
    head = base - scan.down(rng.uniform(6.0, 9.0))
    count = int(np.ceil((right - left) / pitch)) + 1
    first = left - rng.uniform(0.2, 0.8) * pitch
    short = head + (base - head) * (0.6 if rng.random() < 0.5 else 0.0)
    sides = _frame(first, head, first + count * pitch, base)
    sides += [(first + n * pitch, short, first + n * pitch, base) for n in range(1, count)]
    return imprint(scan, draw_lines(scan.shape, scan.dpi, sides, level), _tone(rng), "line")
