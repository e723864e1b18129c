"""Portraits, logos and bar codes: what is neither writing nor print of words."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np

from sigkd.synthesis.fonts import Font, text_coverage
from sigkd.synthesis.marks import U8, smooth_noise

_SKINS = ((236, 200, 176), (222, 178, 148), (198, 150, 116), (150, 105, 78), (105, 72, 54))
_HAIRS = ((40, 30, 26), (75, 52, 36), (130, 95, 60), (185, 150, 100), (120, 118, 115))


def portrait(height: int, width: int, rng: np.random.Generator) -> U8:
    """Return a drawn head and shoulders as a photo, uint8 [height, width, 3]: nobody's face."""
    h, w = height, width
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    back = np.array(rng.uniform(150, 235, 3), np.float32)
    image = back * (1.05 - 0.25 * (y / h))[..., None] * np.ones((h, w, 3), np.float32)
    skin = np.array(_SKINS[int(rng.integers(5))], np.float32)
    hair = np.array(_HAIRS[int(rng.integers(5))], np.float32)
    cloth = np.array(
        [255 * c for c in colorsys.hsv_to_rgb(rng.uniform(), rng.uniform(0.1, 0.7), rng.uniform(0.2, 0.8))]
    )
    cx, cy = w * rng.uniform(0.46, 0.54), h * rng.uniform(0.42, 0.48)
    rx, ry = w * rng.uniform(0.2, 0.25), h * rng.uniform(0.24, 0.28)

    def paint(mask: np.ndarray, colour: np.ndarray) -> None:
        weight = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), max(w / 160, 0.6))
        left, top, wide, high = cv2.boundingRect((weight > 0.004).astype(np.uint8))
        place = (slice(top, top + high), slice(left, left + wide))
        part, over = image[place], colour if colour.ndim == 1 else colour[place]
        part += weight[place][..., None] * (over - part)

    def ellipse(x0: float, y0: float, a: float, b: float) -> np.ndarray:
        return np.asarray(((x - x0) / a) ** 2 + ((y - y0) / b) ** 2 <= 1)

    light = 1 + np.float32(0.18) * np.tanh((cx - x) / rx * (1 if rng.random() < 0.5 else -1))[..., None]
    long = rng.uniform(1.0, 1.9)
    paint(ellipse(cx, cy - 0.1 * ry, 1.25 * rx, 1.2 * ry * long) & (y < cy + ry * (long - 0.4)), hair)
    paint(ellipse(cx, h * 1.12, w * 0.48, h * 0.34), cloth * light)
    paint((np.abs(x - cx) < 0.45 * rx) & (y > cy) & (y < cy + 1.45 * ry), skin * 0.85 * light)
    paint(ellipse(cx, cy, rx, ry), skin * light)
    paint(ellipse(cx, cy - 0.75 * ry, 1.02 * rx, rng.uniform(0.35, 0.6) * ry) & (y < cy - 0.42 * ry), hair)
    for side in (-1, 1):
        ex, ey = cx + side * 0.4 * rx, cy - 0.08 * ry
        paint(ellipse(ex, ey, 0.17 * rx, 0.07 * ry), np.array([240.0, 238, 235]))
        paint(ellipse(ex, ey, 0.08 * rx, 0.07 * ry), np.array(rng.uniform(30, 90, 3)))
        paint(ellipse(ex, ey - 0.16 * ry, 0.24 * rx, 0.03 * ry), hair * 0.9)
    paint(ellipse(cx, cy + 0.26 * ry, 0.14 * rx, 0.06 * ry), skin * 0.78)
    paint(ellipse(cx, cy + 0.55 * ry, 0.34 * rx, 0.06 * ry), skin * np.array([0.85, 0.55, 0.55]))
    image = image + 5 * smooth_noise((h, w), 1.0, rng)[..., None]
    return np.asarray(np.clip(image, 0, 255), np.uint8)


def logo(size: int, rng: np.random.Generator, font: Font) -> tuple[U8, U8]:
    """Return a made-up emblem, uint8 [size, size, 3], and where it is, uint8 [size, size]."""
    scale = 3
    full = size * scale
    image = np.full((full, full, 3), 255, np.uint8)
    mask = np.zeros((full, full), np.uint8)
    hue = rng.uniform()
    colours = [tuple(int(255 * c) for c in colorsys.hsv_to_rgb((hue + shift) % 1, 0.75, v)) for shift, v in
               ((0, 0.6), (0.5, 0.7), (0.08, 0.9))]  # fmt: skip
    centre = np.array([full / 2, full / 2])
    kind = int(rng.integers(4))
    reach = full * 0.46
    if kind == 0:  # a ring with a bar
        for target, value in ((image, colours[0]), (mask, 255)):
            cv2.circle(target, (full // 2, full // 2), int(reach * 0.85), value, int(reach * 0.28))
            cv2.rectangle(target, (int(full * 0.1), int(full * 0.44)), (int(full * 0.9), int(full * 0.56)), value, -1)
    elif kind == 1:  # a polygon or star
        count, inner = int(rng.integers(5, 9)), rng.uniform(0.45, 1.0)
        angles = np.arange(2 * count) * np.pi / count + rng.uniform(0, np.pi)
        radii = np.where(np.arange(2 * count) % 2, inner, 1.0) * reach
        points = (centre + np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii[:, None]).astype(np.int32)
        cv2.fillPoly(image, [points], colours[0])
        cv2.fillPoly(mask, [points], 255)
        cv2.circle(image, (full // 2, full // 2), int(reach * 0.4), colours[2], -1)
    elif kind == 2:  # swooshes
        for n in range(3):
            start = rng.uniform(0, 360)
            for target, value in ((image, colours[n]), (mask, 255)):
                axes = (int(reach * (1 - 0.25 * n)), int(reach * (0.55 - 0.1 * n)))
                cv2.ellipse(target, (full // 2, full // 2), axes, 20 * n, start, start + 200, value, full // 12)
    else:  # a shield of stripes
        for n in range(5):
            top, bottom = int(full * (0.08 + 0.17 * n)), int(full * (0.2 + 0.17 * n))
            for target, value in ((image, colours[n % 2]), (mask, 255)):
                cv2.rectangle(target, (int(full * 0.12), top), (int(full * 0.88), bottom), value, -1)
    letter = text_coverage("ABEKMRSTX"[int(rng.integers(9))], font, full * 0.38)
    top, left = (full - letter.shape[0]) // 2, (full - letter.shape[1]) // 2
    place = (slice(top, top + letter.shape[0]), slice(left, left + letter.shape[1]))
    image[place] = np.where(letter[..., None] > 127, np.uint8(250), image[place])
    method = cv2.INTER_AREA
    return (
        np.asarray(cv2.resize(image, (size, size), interpolation=method), np.uint8),
        np.asarray(cv2.resize(mask, (size, size), interpolation=method), np.uint8),
    )


def bar_code(height: int, width: int, rng: np.random.Generator) -> U8:
    """Return a bar code (or a square one, where it is nearly square), uint8 [height, width], black on white."""
    if width < 1.5 * height:
        cells = rng.random((29, 29)) < 0.5
        for corner in ((0, 0), (0, 22), (22, 0)):
            finder = np.ones((7, 7), bool)
            finder[1:6, 1:6] = False
            finder[2:5, 2:5] = True
            cells[corner[0] : corner[0] + 7, corner[1] : corner[1] + 7] = finder
        code = np.where(cells, np.uint8(0), np.uint8(255))
    else:
        widths = rng.integers(1, 5, 90)
        code = np.repeat(np.where(np.arange(90) % 2, np.uint8(255), np.uint8(0)), widths)[None, :]
    return np.asarray(cv2.resize(code, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)
