"""What is printed and stamped on paper: words, lines, seals, security print, as coverage (0 none .. 255 full)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from sigkd.synthesis.fonts import Split, choose_font, text_coverage

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Resolution = tuple[float, float]
"""Pixels per inch across and down."""
Tone = int | tuple[int, int, int]
"""What full coverage leaves of white paper: grey, or red, green, blue."""
Segments = list[tuple[float, float, float, float]]

MM_PER_INCH = 25.4
STAMP_INKS = ((40, 60, 170), (190, 30, 50), (100, 50, 150), (40, 40, 40))
SECURITY_TINTS = ((90, 150, 190), (120, 170, 120), (190, 130, 120), (150, 130, 180))

CAPTIONS = (
    "Signature", "Unterschrift", "Handtekening", "Firma", "Signature of applicant", "Sign here", "Date, signature",
    "Authorised signatory", "Ort, Datum, Unterschrift", "Please sign within the box", "Signature du titulaire",
    "Account holder", "(Name in block letters)", "Voter's signature", "Witness", "X", "Lu et approuvé",
    "Geschäftsführer", "Managing Director", "Customer's signature 4711", "Podpis", "Assinatura", "Underskrift",
)  # fmt: skip
_STAMP_WORDS = (
    "PAID", "RECEIVED", "COPY", "APPROVED", "BEZAHLT", "EINGEGANGEN", "ORIGINAL", "POSTED", "CERTIFIED", "ENTWERTET",
)  # fmt: skip


def luminance(colour: tuple[int, int, int]) -> int:
    """Return the grey of a colour."""
    return round(0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2])


def any_figures(rng: np.random.Generator) -> str:
    """Return a date or an amount as people write them by hand."""
    day, month, year = rng.integers(1, 29), rng.integers(1, 13), rng.integers(1995, 2027)
    forms = (
        f"{day}.{month}.{year}",
        f"{day}/{month}/{year % 100:02d}",
        f"{rng.integers(1, 9999)}-",
        f"{rng.integers(10, 999)},{rng.integers(0, 99):02d}",
    )
    return forms[int(rng.integers(len(forms)))]


def smooth_noise(shape: tuple[int, int], sigma: float, rng: np.random.Generator) -> F32:
    """Return a smooth random field [H, W] of mean 0 and deviation 1, correlated over ``sigma`` pixels."""
    height, width = shape
    factor = max(int(sigma / 2), 1)
    small = rng.standard_normal((height // factor + 4, width // factor + 4), dtype=np.float32)
    small = np.asarray(cv2.GaussianBlur(small, (0, 0), max(sigma / factor, 0.3)), np.float32)
    small = (small - small.mean()) / max(float(small.std()), 1e-6)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def draw_lines(
    shape: tuple[int, int],
    dpi: Resolution,
    segments: Segments,
    thickness: float,
    dash: tuple[float, float] | None = None,
) -> U8:
    """Return straight lines as coverage [H, W].

    Args:
        shape: height and width in pixels.
        dpi: resolution across and down; where they differ, level and upright lines differ in pixels.
        segments: x, y of either end, in pixels.
        thickness: on paper, in mm.
        dash: mm of line and of gap.
    """
    height, width = shape
    pixel = np.array([MM_PER_INCH / dpi[0], MM_PER_INCH / dpi[1]])
    coverage = np.zeros((height, width), np.uint8)
    for x0, y0, x1, y1 in segments:
        start, end = np.array([x0, y0]) * pixel, np.array([x1, y1]) * pixel
        length = float(np.hypot(*(end - start)))
        if length == 0:
            continue
        run = (end - start) / length
        # coverage is the part of a pixel's shadow (in the line's frame) that the line covers: exact for level lines
        along_size, across_size = float(np.abs(run) @ pixel), float(np.abs(run[::-1]) @ pixel)
        reach = (thickness / 2 + across_size) / pixel
        left, top = np.maximum(np.floor(np.minimum([x0, y0], [x1, y1]) - reach), 0).astype(int)
        right, bottom = np.ceil(np.maximum([x0, y0], [x1, y1]) + reach).astype(int) + 1
        right, bottom = min(right, width), min(bottom, height)
        if left >= right or top >= bottom:
            continue
        x = (np.arange(left, right, dtype=np.float32) * pixel[0] - start[0])[None, :]
        y = (np.arange(top, bottom, dtype=np.float32) * pixel[1] - start[1])[:, None]
        along, across = x * run[0] + y * run[1], y * run[0] - x * run[1]
        part = _overlap(across, -thickness / 2, thickness / 2, across_size) * _overlap(along, 0.0, length, along_size)
        if dash:
            part *= _overlap(along % (dash[0] + dash[1]), 0.0, dash[0], along_size)
        place = coverage[top:bottom, left:right]
        np.maximum(place, np.rint(255 * part).astype(np.uint8), out=place)
    return coverage


def _overlap(centre: NDArray[np.floating], low: float, high: float, size: float) -> NDArray[np.floating]:
    """Return the share of an interval of a size about ``centre`` that lies within ``low`` .. ``high``."""
    inside = np.minimum(centre + size / 2, high) - np.maximum(centre - size / 2, low)
    return np.asarray(np.clip(inside / size, 0, 1))


def guilloche(shape: tuple[int, int], dpi: Resolution, rng: np.random.Generator) -> U8:
    """Return security print [H, W]: two families of waves, lines 0.12 mm thick and about a millimetre apart."""
    height, width = shape
    x = np.arange(width, dtype=np.float32)[None, :] * np.float32(MM_PER_INCH / dpi[0])
    y = np.arange(height, dtype=np.float32)[:, None] * np.float32(MM_PER_INCH / dpi[1])
    coverage = np.zeros((height, width), np.float32)
    soft = np.float32(MM_PER_INCH / 2 / min(dpi))
    for _ in range(2):
        wave, swing, pitch = rng.uniform(6, 16), rng.uniform(0.6, 2.2), rng.uniform(0.8, 1.3)
        phase = rng.uniform(0, 2 * np.pi, 3)
        bend = np.sin(2 * np.pi * x / wave + phase[0]) + 0.5 * np.sin(2 * np.pi * x / (0.37 * wave) + phase[1])
        swell = 1 + 0.3 * np.sin(2 * np.pi * y / (1.7 * wave) + phase[2])
        lead = (y + (swing * bend).astype(np.float32) * swell.astype(np.float32)) / np.float32(pitch)
        distance = np.abs(lead - np.rint(lead)) * np.float32(pitch)
        np.maximum(coverage, np.clip((0.06 + soft - distance) / (2 * soft), 0, 1), out=coverage)
    return np.asarray(coverage * 255, np.uint8)


def seal_impression(dpi: Resolution, rng: np.random.Generator, ink: float, split: Split | None = None) -> U8:
    """Return a rubber stamp, round or angular, turned a little, unevenly inked, as coverage [h, w].

    Args:
        dpi: resolution across and down.
        rng: chooses everything.
        ink: share of full coverage where the stamp is well inked.
        split: side of the split that its font is from.
    """
    seal = _clean_seal(dpi, rng, split)
    worn = smooth_noise(seal.shape, max(0.8 * dpi[0] / MM_PER_INCH, 0.5), rng)
    fine = smooth_noise(seal.shape, max(0.06 * dpi[0] / MM_PER_INCH, 0.3), rng)
    inked = np.clip(0.8 + 0.3 * worn, 0, 1) * np.clip(0.75 + 0.4 * fine, 0, 1)
    inked *= ink
    return np.asarray((seal * inked).astype(np.uint8))


def _clean_seal(dpi: Resolution, rng: np.random.Generator, split: Split | None) -> U8:
    """Draw a stamp at 300 dpi and bring it to the resolution."""
    unit = 300 / MM_PER_INCH
    font = choose_font(rng, split=split)
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
    turned = _turned(seal, rng.normal(0, 12))
    reach = len(turned)
    target = (max(round(reach * dpi[0] / 300), 1), max(round(reach * dpi[1] / 300), 1))
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
