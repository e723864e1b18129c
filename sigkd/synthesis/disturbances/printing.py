"""Print and stamps beside, under and over a signature, handwriting that is none, and security print."""

from __future__ import annotations

import cv2
import numpy as np

from sigkd.synthesis.disturbances.light import smooth_noise
from sigkd.synthesis.disturbances.registry import Level, disturbance
from sigkd.synthesis.disturbances.scan import POINTS_PER_INCH, U8, Scan
from sigkd.synthesis.disturbances.surface import extend, find_marks, imprint
from sigkd.synthesis.fonts import Font, choose_font, text_coverage

CAPTIONS = (
    "Signature", "Unterschrift", "Handtekening", "Firma", "Signature of applicant", "Sign here", "Date, signature",
    "Authorised signatory", "Ort, Datum, Unterschrift", "Please sign within the box", "Signature du titulaire",
    "Account holder", "(Name in block letters)", "Voter's signature", "Witness", "X", "Lu et approuvé",
    "Geschäftsführer", "Managing Director", "Customer's signature 4711", "Podpis", "Assinatura", "Underskrift",
)  # fmt: skip
_POINTS = Level("pt", 8.0, 5.0, 14.0)
_STAMP_WORDS = (
    "PAID", "RECEIVED", "COPY", "APPROVED", "BEZAHLT", "EINGEGANGEN", "ORIGINAL", "POSTED", "CERTIFIED", "ENTWERTET",
)  # fmt: skip


def words(rng: np.random.Generator, fonts: Font, scan: Scan, points: float, text: str | None = None) -> U8:
    """Return a line of print of a size in points as coverage."""
    known = [caption for caption in CAPTIONS if fonts.writes(caption)]
    text = text or known[int(rng.integers(len(known)))]
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
    font, tone = choose_font(rng), _print_tone(rng)
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
    text = words(rng, choose_font(rng), scan, level)
    left, top, right, bottom = find_marks(scan).box
    gap = scan.across(rng.uniform(1.0, 4.0))
    x = left - gap - text.shape[1] if rng.random() < 0.7 else right + gap
    y = top + (bottom - top) * rng.uniform(0.3, 0.95) - text.shape[0]
    return place(scan, text, round(x), round(y), _print_tone(rng), "print", rng)


@disturbance("caption-overlap", "print that the signature is written over", _POINTS)
def caption_overlap(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Print a typed name (sometimes with a title under it) where the lower strokes are."""
    font, tone = choose_font(rng), _print_tone(rng)
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
    seal = _seal(scan, rng)
    worn = smooth_noise(seal.shape, max(scan.length(0.8), 0.5), rng)
    fine = smooth_noise(seal.shape, max(scan.length(0.06), 0.3), rng)
    inked = np.clip(0.8 + 0.3 * worn, 0, 1) * np.clip(0.75 + 0.4 * fine, 0, 1)
    seal = (seal * inked * level).astype(np.uint8)
    colours = ((40, 60, 170), (190, 30, 50), (100, 50, 150), (40, 40, 40))
    colour = colours[int(rng.integers(4))]
    tone: int | tuple[int, int, int] = (
        colour if scan.colour else round(0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2])
    )
    left, top, right, bottom = find_marks(scan).box
    x = left + (right - left) * rng.uniform(0.0, 1.0) - seal.shape[1] / 2
    y = top + (bottom - top) * rng.uniform(0.2, 0.9) - seal.shape[0] / 2
    return place(scan, seal, round(x), round(y), tone, "stamp", rng, grow=False)


def _seal(scan: Scan, rng: np.random.Generator) -> U8:
    """Return a stamp's clean impression, drawn at 300 dpi and brought to the scan's resolution, turned a little."""
    unit = 300 / 25.4
    font = choose_font(rng)
    if rng.random() < 0.5:
        radius = rng.uniform(12, 19) * unit
        size = int(2 * radius + 8)
        seal = np.zeros((size, size), np.uint8)
        centre = (size // 2, size // 2)
        for share, thick in ((1.0, 0.6), (0.66, 0.3)):
            cv2.circle(seal, centre, int(radius * share), 255, max(int(thick * unit), 1), cv2.LINE_AA)
        around = f"* {rng.choice(CAPTIONS)} * {rng.choice(_STAMP_WORDS)} "
        around = around.encode("ascii", "ignore").decode().upper()
        step = 2 * np.pi / max(len(around), 16)
        for number, letter in enumerate(around):
            if letter == " ":
                continue
            glyph = text_coverage(letter, font, radius * 0.22)
            angle = number * step
            _paste_turned(seal, glyph, centre, radius * 0.83, angle)
        word = text_coverage(str(rng.integers(1, 99)), font, radius * 0.6)
        _paste_turned(seal, word, centre, 0.0, 0.0)
    else:
        rows = [
            str(rng.choice(_STAMP_WORDS)),
            f"{rng.integers(1, 29):02d}. {rng.integers(1, 13):02d}. {rng.integers(1990, 2026)}",
        ]
        lines = [text_coverage(row, font, rng.uniform(4.5, 6.5) * unit) for row in rows]
        width = max(part.shape[1] for part in lines) + int(4 * unit)
        height = sum(part.shape[0] for part in lines) + int((2 + 1.5 * len(lines)) * unit)
        seal = np.zeros((height, width), np.uint8)
        cv2.rectangle(seal, (6, 6), (width - 7, height - 7), 255, max(int(0.5 * unit), 1), cv2.LINE_AA)
        y = int(1.8 * unit)
        for part in lines:
            x = (width - part.shape[1]) // 2
            seal[y : y + part.shape[0], x : x + part.shape[1]] = part
            y += part.shape[0] + int(1.2 * unit)
    angle = rng.normal(0, 12)
    height, width = seal.shape
    turned = _turned(seal, angle)
    reach = len(turned)
    target = (max(round(reach * scan.dpi[0] / 300), 1), max(round(reach * scan.dpi[1] / 300), 1))
    return np.asarray(cv2.resize(turned, target, interpolation=cv2.INTER_AREA), np.uint8)


def _turned(image: U8, degrees: float) -> U8:
    """Return a picture turned anticlockwise on a square that holds it."""
    height, width = image.shape
    reach = int(np.hypot(height, width)) + 3
    matrix = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0), np.float64)
    matrix[:, 2] += np.array([reach - width, reach - height]) / 2
    return np.asarray(cv2.warpAffine(image, matrix, (reach, reach), flags=cv2.INTER_LINEAR), np.uint8)


def _paste_turned(seal: U8, glyph: U8, centre: tuple[int, int], radius: float, angle: float) -> None:
    """Draw a glyph on a circle, its foot towards the centre, ``angle`` from the top."""
    turned = _turned(glyph, -np.degrees(angle))
    reach = len(turned)
    x = int(centre[0] + radius * np.sin(angle) - reach / 2)
    y = int(centre[1] - radius * np.cos(angle) - reach / 2)
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + reach, seal.shape[1]), min(y + reach, seal.shape[0])
    if x0 < x1 and y0 < y1:
        part = seal[y0:y1, x0:x1]
        np.maximum(part, turned[y0 - y : y1 - y, x0 - x : x1 - x], out=part)


@disturbance("security-print", "a pattern of fine waves, as on cheques", Level("share of ink", 0.25, 0.05, 0.6))
def security_print(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Print a guilloche under the signature: two families of waves a millimetre apart, and rosettes."""
    tints = ((90, 150, 190), (120, 170, 120), (190, 130, 120), (150, 130, 180))
    coverage = guilloche(scan, rng)
    tint = tints[int(rng.integers(4))]
    tone: int | tuple[int, int, int] = tint if scan.colour else 120
    return imprint(scan, (coverage * level).astype(np.uint8), tone, "background")


def guilloche(scan: Scan, rng: np.random.Generator) -> U8:
    """Return a pattern of waves over the whole scan as coverage [H, W], lines 0.12 mm thick."""
    height, width = scan.shape
    x = np.arange(width, dtype=np.float32)[None, :] / np.float32(scan.across(1.0))
    y = np.arange(height, dtype=np.float32)[:, None] / np.float32(scan.down(1.0))
    coverage = np.zeros((height, width), np.float32)
    for _ in range(2):
        wave, swing, pitch = rng.uniform(6, 16), rng.uniform(0.6, 2.2), rng.uniform(0.8, 1.3)
        phase = rng.uniform(0, 2 * np.pi, 3)
        bend = swing * np.sin(2 * np.pi * x / wave + phase[0]) + 0.5 * swing * np.sin(
            2 * np.pi * x / (wave * 0.37) + phase[1]
        )
        lead = (
            y + bend.astype(np.float32) * (1 + 0.3 * np.sin(2 * np.pi * y / (wave * 1.7) + phase[2]).astype(np.float32))
        ) / np.float32(pitch)
        distance = np.abs(lead - np.rint(lead)) * np.float32(pitch)  # mm
        soft = np.float32(12.7 / min(scan.dpi))
        np.maximum(coverage, np.clip((0.06 + soft - distance) / (2 * soft), 0, 1), out=coverage)
    return (coverage * 255).astype(np.uint8)


@disturbance("date", "a handwritten date or amount beside the signature", Level("mm high", 4.0, 2.0, 8.0))
def date(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Write figures in another hand right of the ink, on its line: handwriting that is no signature."""
    written = handwritten(scan, level, rng)
    _, top, right, bottom = find_marks(scan).box
    x = right + scan.across(rng.uniform(2.0, 6.0))
    y = top + (bottom - top) * rng.uniform(0.4, 0.9) - written.shape[0]
    return place(scan, written, round(x), round(y), int(rng.integers(20, 90)), "handwriting", rng)


def handwritten(scan: Scan, mm: float, rng: np.random.Generator, text: str | None = None) -> U8:
    """Return handwriting of a made-up writer as coverage; letters without strokes of their height are ``mm`` high."""
    from sigkd.synthesis.handwriting import written

    if text is None:
        day, month, year = rng.integers(1, 29), rng.integers(1, 13), rng.integers(1995, 2027)
        forms = (
            f"{day}.{month}.{year}",
            f"{day}/{month}/{year % 100:02d}",
            f"{rng.integers(1, 9999)}-",
            f"{rng.integers(10, 999)},{rng.integers(0, 99):02d}",
        )
        text = forms[int(rng.integers(len(forms)))]
    return written(text, mm, scan.dpi, rng)
