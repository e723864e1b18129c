"""Print and stamps beside, under and over a signature, handwriting that is none, and security print."""

from __future__ import annotations

import numpy as np

from sigkd.synthesis.disturbances.registry import Level, disturbance
from sigkd.synthesis.disturbances.scan import POINTS_PER_INCH, Scan
from sigkd.synthesis.disturbances.surface import extend, find_marks, imprint
from sigkd.synthesis.fonts import Font, choose_font, text_coverage
from sigkd.synthesis.handwriting import handwriting
from sigkd.synthesis.marks import (
    CAPTIONS,
    SECURITY_TINTS,
    STAMP_INKS,
    U8,
    any_figures,
    guilloche,
    luminance,
    seal_impression,
)

_POINTS = Level("pt", 8.0, 5.0, 14.0)


def words(rng: np.random.Generator, fonts: Font, scan: Scan, points: float) -> U8:
    """Return a line of print of a size in points as coverage."""
    captions = [caption for caption in CAPTIONS if fonts.writes(caption)]
    text = captions[int(rng.integers(len(captions)))]
    return text_coverage(text, fonts, points * scan.dpi[0] / POINTS_PER_INCH, scan.dpi[1] / scan.dpi[0])


def place(scan: Scan, coverage: U8, left: int, top: int, tone: int | tuple[int, int, int], layer: str,
          rng: np.random.Generator, *, grow: bool = True) -> Scan:  # fmt: skip
    """Print coverage at a place; paper is added where it reaches beyond the picture, or (``grow`` False) it is cut."""
    high, wide = coverage.shape
    if grow:
        height, width = scan.shape
        gap_x, gap_y = round(scan.across(1.0)), round(scan.down(1.0))
        scan = extend(scan, rng, left=gap_x - left if left < 0 else 0, top=gap_y - top if top < 0 else 0,
                      right=left + wide + gap_x - width if left + wide > width else 0,
                      bottom=top + high + gap_y - height if top + high > height else 0)  # fmt: skip
        left, top = (gap_x if left < 0 else left), (gap_y if top < 0 else top)
    height, width = scan.shape
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + wide, width), min(top + high, height)
    if x0 >= x1 or y0 >= y1:
        return scan
    part = coverage[y0 - top : y1 - top, x0 - left : x1 - left]
    return imprint(scan, part, tone, layer, (slice(y0, y1), slice(x0, x1)))


def _print_tone(rng: np.random.Generator) -> int:
    return int(rng.integers(15, 60) if rng.random() < 0.8 else rng.integers(60, 120))


@disturbance("caption", "a printed caption under the signature", _POINTS)
def caption(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Print one line, sometimes two, close under the ink."""
    font, tone = choose_font(rng, split=scan.split), _print_tone(rng)
    for row in range(1 + int(rng.random() < 0.3)):
        text = words(rng, font, scan, level)
        left, _, right, bottom = find_marks(scan).box
        x = left + (right - left - text.shape[1]) * rng.uniform(0, 1)
        y = bottom + scan.down(rng.uniform(0.5, 2.0)) + row * 1.3 * level * scan.dpi[1] / POINTS_PER_INCH
        scan = place(scan, text, round(x), round(y), tone, "print", rng)
    return scan


@disturbance("caption-beside", "a printed caption beside the signature", _POINTS)
def caption_beside(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Print one line left or (seldom) right of the ink, as forms do."""
    text = words(rng, choose_font(rng, split=scan.split), scan, level)
    left, top, right, bottom = find_marks(scan).box
    gap = scan.across(rng.uniform(1.0, 4.0))
    x = left - gap - text.shape[1] if rng.random() < 0.7 else right + gap
    y = top + (bottom - top) * rng.uniform(0.3, 0.95) - text.shape[0]
    return place(scan, text, round(x), round(y), _print_tone(rng), "print", rng)


@disturbance("caption-overlap", "print that the signature is written over", _POINTS)
def caption_overlap(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Print a typed name (sometimes with a title under it) where the lower strokes are."""
    font, tone = choose_font(rng, split=scan.split), _print_tone(rng)
    ink = find_marks(scan).box
    x = ink[0] + (ink[2] - ink[0]) * rng.uniform(0.0, 0.4)
    y = ink[1] + (ink[3] - ink[1]) * rng.uniform(0.5, 0.8)
    for _ in range(1 + int(rng.random() < 0.5)):
        text = words(rng, font, scan, level)
        before = scan.shape
        scan = place(scan, text, round(x), round(y), tone, "print", rng)
        x += (scan.shape[1] - before[1]) * (x < 0)
        y += 1.4 * level * scan.dpi[1] / POINTS_PER_INCH
    return scan


@disturbance("stamp", "a rubber stamp partly over the signature", Level("share of ink", 0.6, 0.2, 1.0))
def stamp(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Stamp a round or angular seal, unevenly inked, in blue, red, violet or black (grey scans: in grey)."""
    seal = seal_impression(scan.dpi, rng, level, scan.split)
    colour = STAMP_INKS[int(rng.integers(len(STAMP_INKS)))]
    tone = colour if scan.colour else luminance(colour)
    left, top, right, bottom = find_marks(scan).box
    x = left + (right - left) * rng.uniform(0.0, 1.0) - seal.shape[1] / 2
    y = top + (bottom - top) * rng.uniform(0.2, 0.9) - seal.shape[0] / 2
    return place(scan, seal, round(x), round(y), tone, "stamp", rng, grow=False)


@disturbance("security-print", "a pattern of fine waves, as on cheques", Level("share of ink", 0.25, 0.05, 0.6))
def security_print(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Print a guilloche under the signature: two families of waves a millimetre apart."""
    coverage = guilloche(scan.shape, scan.dpi, rng)
    tint = SECURITY_TINTS[int(rng.integers(len(SECURITY_TINTS)))]
    tone = tint if scan.colour else luminance(tint)
    return imprint(scan, (coverage * level).astype(np.uint8), tone, "background")


@disturbance("date", "a handwritten date or amount beside the signature", Level("mm high", 4.0, 2.0, 8.0))
def date(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Write figures in another hand right of the ink, on its line: handwriting that is no signature."""
    written = handwriting(any_figures(rng), level, scan.dpi, rng)
    _, top, right, bottom = find_marks(scan).box
    x = right + scan.across(rng.uniform(2.0, 6.0))
    y = top + (bottom - top) * rng.uniform(0.4, 0.9) - written.shape[0]
    return place(scan, written, round(x), round(y), int(rng.integers(20, 90)), "handwriting", rng)
