"""Pages as collections have them: scans of clean writing (ink dark on white) spoilt in the ways that real ones are."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np


def _paper(shape: tuple[int, int], random: np.random.Generator, level: float = 225.0) -> np.ndarray:
    """Grey paper: fibres, grain, and light that falls off towards one corner."""
    height, width = shape
    coarse = cv2.resize(random.normal(0, 3, (height // 40 + 2, width // 40 + 2)).astype(np.float32), (width, height))
    grain = random.normal(0, 2.5, shape).astype(np.float32)
    rows, columns = np.linspace(0, 1, height)[:, None], np.linspace(0, 1, width)[None, :]
    light = 1.0 - 0.28 * (rows * random.uniform(0.4, 1) + columns * random.uniform(0.4, 1)) / 2
    return (level + coarse + grain) * light


def _ink(page: np.ndarray) -> np.ndarray:
    """How much ink there is at every pixel, 0 to 1, with a scanner's soft edges."""
    return cv2.GaussianBlur(1 - page.astype(np.float32) / 255, (0, 0), 0.9)


def _finish(image: np.ndarray) -> np.ndarray:
    return np.clip(image, 0, 255).astype(np.uint8)


def uneven(page: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A grey scan on textured paper in uneven light."""
    return _finish(_paper(page.shape, random) * (1 - 0.65 * _ink(page)))


def pencil(page: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Faint writing on grey paper."""
    return _finish(_paper(page.shape, random, 205) * (1 - 0.3 * _ink(page)))


def colour(page: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Blue ink on cream paper, [H, W, 3]."""
    paper, ink = _paper(page.shape, random, 235)[..., None], _ink(page)[..., None]
    return _finish(paper * np.array([1.0, 0.98, 0.9]) * (1 - ink * np.array([0.85, 0.75, 0.35])))


def ruled(page: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Ruled paper with a red margin line, the ruling not under the writing, [H, W, 3]."""
    image = colour(page, random).astype(np.float32)
    pitch = round(page.shape[1] / 25)
    for row in range(pitch, page.shape[0], pitch):
        cv2.line(image, (0, row), (page.shape[1], row + round(random.uniform(-4, 4))), (140, 165, 210), 3)
    left = round(page.shape[1] * 0.09)
    cv2.line(image, (left, 0), (left + 5, page.shape[0]), (220, 120, 120), 3)
    return _finish(image)


def squared(page: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Squared paper, 5 mm at 300 dpi, in a grey scan."""
    image = uneven(page, random)
    pitch = round(page.shape[1] / 42)
    grid = np.zeros(page.shape, np.float32)
    grid[pitch // 2 :: pitch] = 1
    grid[:, pitch // 2 :: pitch] = 1
    grid = cv2.GaussianBlur(cv2.dilate(grid, np.ones((2, 2))), (0, 0), 0.8)
    return _finish(image * (1 - 0.25 * grid))


def _print_block(image: np.ndarray, top: int, left: int, width: int, rows: int, darkness: float) -> int:
    """Print rows of a plain typeface into the grey image and return the row below them."""
    words = [
        "Imagine",
        "a",
        "vast",
        "sheet",
        "of",
        "paper",
        "on",
        "which",
        "straight",
        "lines",
        "and",
        "triangles",
        "move",
        "freely",
        "about",
        "in",
        "the",
        "surface",
    ]
    size = image.shape[1] / 2000
    pitch = round(52 * size)
    for row in range(rows):
        text, number = "", row * 5
        while True:
            longer = f"{text} {words[number % len(words)]}".strip()
            if cv2.getTextSize(longer, cv2.FONT_HERSHEY_COMPLEX, 1.0 * size, 2)[0][0] > width:
                break
            text, number = longer, number + 1
        grey = 255 * (1 - darkness)
        where = (left, top + (row + 1) * pitch)
        cv2.putText(image, text, where, cv2.FONT_HERSHEY_COMPLEX, 1.0 * size, grey, 2, cv2.LINE_AA)
    return top + (rows + 1) * pitch


def header(page: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A form as IAM's and CVL's: printed head and text, writing, printed name field, parted by rules."""
    height, width = page.shape
    block = round(width * 0.28)
    form = np.full((height + block + width // 10, width), 255, np.uint8)
    form[block : block + height] = page
    left, inner, thick = round(width * 0.08), round(width * 0.84), max(2, width // 600)
    cv2.line(form, (left, round(0.06 * width)), (left + inner, round(0.06 * width)), 40, thick)
    _print_block(form, round(0.01 * width), left, inner // 3, 1, 0.85)
    _print_block(form, round(0.07 * width), left, inner, 5, 0.85)
    cv2.line(form, (left, block - 8), (left + inner, block - 8), 40, thick)
    cv2.line(form, (left, block + height + 8), (left + inner, block + height + 8), 40, thick)
    _print_block(form, block + height + 15, left, inner // 8, 1, 0.85)
    return uneven(form, random)


def skewed(page: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A page that lay askew by up to three degrees."""
    angle = float(random.choice([-1, 1]) * random.uniform(1.5, 3))
    height, width = page.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)
    wide = cv2.copyMakeBorder(page, 0, 0, 0, 0, cv2.BORDER_CONSTANT, value=255)
    return uneven(cv2.warpAffine(wide, turn, (width, height), flags=cv2.INTER_LINEAR, borderValue=255), random)


def bleeding(page: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The writing of the back shows through, mirrored, at a fifth of the darkness."""
    back = cv2.GaussianBlur(_ink(page)[:, ::-1], (0, 0), 2)
    shift = page.shape[0] // 23
    return _finish(uneven(page, random) * (1 - 0.18 * np.roll(back, shift, axis=0)))


def bordered(page: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Black edges of the scanner's lid, two punched holes, and a round stamp at the right edge."""
    image = uneven(page, random)
    height, width = page.shape
    edge = width // 40
    image[:, : edge + 5] = 15
    image[-edge // 2 :] = 20
    corner = np.array([[0, 0], [width // 3, 0], [0, edge]])
    cv2.fillPoly(image, [corner], 15)
    for row in (height // 3, 2 * height // 3):
        cv2.circle(image, (3 * edge, row), width // 60, 25, -1)
    center, radius = (width - width // 22, height // 5), width // 24
    cv2.circle(image, center, radius, 110, max(2, width // 400))
    cv2.circle(image, center, radius * 2 // 3, 110, max(2, width // 500))
    cv2.putText(image, "REC", (center[0] - radius // 2, center[1]), cv2.FONT_HERSHEY_DUPLEX, radius / 60, 110, 2)
    return image


def coarse(page: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A scan at half the resolution."""
    return cv2.resize(uneven(page, random), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def fine(page: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A scan at twice the resolution."""
    return cv2.resize(uneven(page, random), None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)


KINDS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    kind.__name__: kind
    for kind in (uneven, pencil, colour, ruled, squared, header, skewed, bleeding, bordered, coarse, fine)
}
