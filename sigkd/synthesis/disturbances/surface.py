"""What the families share: where paper and ink are, adding print, adding paper, moving picture and truth together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from sigkd.synthesis.disturbances.scan import FIELDS, NUMBERS, Scan, signature_mask
from sigkd.synthesis.marks import U8, Resolution

_PAPER_SCALE_DPI = 75.0
_PAPER_KERNEL_MM = 2.5
_LEAST_CONTRAST = 24.0
_TILE = 311
"""Side of the piece of noise that added paper repeats, pixels."""


def grey(image: U8) -> U8:
    """Return the picture in grey [H, W]."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8) if image.ndim == 3 else image


def coloured(scan: Scan) -> Scan:
    """Return the scan in colour."""
    return scan if scan.colour else scan.with_image(np.asarray(cv2.cvtColor(scan.image, cv2.COLOR_GRAY2RGB), np.uint8))


def is_bilevel(image: U8) -> bool:
    """Return whether the picture is black and white (but for a trace, such as JPEG leaves)."""
    histogram = np.bincount(grey(image).reshape(-1)[::7], minlength=256)
    return bool(histogram[48:208].sum() <= 0.002 * histogram.sum() and histogram[:48].any())


def as_before(image: U8, bilevel: bool) -> U8:
    """Return black and white again what was: a scanner set to black and white delivers nothing else."""
    return np.asarray(cv2.threshold(image, 127, 255, cv2.THRESH_BINARY)[1], np.uint8) if bilevel else image


def paper_level(scan: Scan) -> U8:
    """Return what the picture would be without ink, [H, W] or [H, W, 3]: closed over the width of strokes, smoothed."""
    height, width = scan.shape
    factor = min(_PAPER_SCALE_DPI / min(scan.dpi), 1.0)
    small = (max(round(width * factor), 1), max(round(height * factor), 1))
    size = 2 * max(round(_PAPER_KERNEL_MM / 25.4 * min(scan.dpi) * factor / 2), 1) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    closed = cv2.morphologyEx(cv2.resize(scan.image, small, interpolation=cv2.INTER_AREA), cv2.MORPH_CLOSE, kernel)
    smooth = cv2.GaussianBlur(closed, (0, 0), size / 2)
    return np.asarray(cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


@dataclass(frozen=True)
class Ink:
    """The dark marks of a scan."""

    mask: U8
    """uint8 [H, W], 255 where there is ink."""
    box: tuple[int, int, int, int]
    """Left, top, right, bottom in pixels, the last two exclusive; the whole picture where there is no ink."""
    darkness: float
    """Middling darkness of the ink under its paper, grey levels."""


def find_marks(scan: Scan) -> Ink:
    """Return the ink of a scan: the signature's true layer where there is one, else what is darker than its paper."""
    image = grey(scan.image)
    height, width = image.shape
    contrast = cv2.subtract(paper_level(scan.with_image(image)), image)
    if "signature" in scan.layers:
        mask = np.asarray(signature_mask(scan))
    else:
        level, _ = cv2.threshold(contrast, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
        mask = np.asarray((contrast > max(0.7 * level, _LEAST_CONTRAST)).astype(np.uint8) * 255)
        mask = _without_dust(mask, scan)
    if not mask.any():
        return Ink(mask, (0, 0, width, height), _LEAST_CONTRAST)
    left, top, wide, high = cv2.boundingRect(mask)
    darkness = float(np.percentile(contrast[mask > 0], 60))
    return Ink(mask, (left, top, left + wide, top + high), max(darkness, 1.0))


def _without_dust(mask: U8, scan: Scan) -> U8:
    number, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    small = stats[:, cv2.CC_STAT_AREA] < max(scan.length(0.15) ** 2, 3)
    small[0] = True
    if number <= 1 or small.all():
        return mask
    return np.asarray((~small).astype(np.uint8)[labels] * 255, np.uint8)


def add_truth(scan: Scan, layer: str, coverage: U8) -> Scan:
    """Return the scan with coverage [H, W] added to one layer of the truth."""
    present = scan.layers.get(layer)
    return replace(scan, layers={**scan.layers, layer: coverage if present is None else np.maximum(present, coverage)})


def imprint(
    scan: Scan, coverage: U8, tone: int | tuple[int, int, int], layer: str, region: tuple[slice, slice] | None = None
) -> Scan:
    """Return the scan with something printed or drawn on it, as inks do: what is beneath shines through its tone.

    Args:
        scan: the scan.
        coverage: uint8 [H, W], or of the region's size: 0 none .. 255 full.
        tone: what full coverage leaves of white paper, grey or (red, green, blue).
        layer: where the truth is kept.
        region: rows and columns, whole within the picture.
    """
    if not isinstance(tone, int) and len(set(tone)) == 1:
        tone = tone[0]
    if not isinstance(tone, int):
        scan = coloured(scan)
    rows, columns = region or (slice(None), slice(None))
    bilevel = is_bilevel(scan.image)
    if bilevel:
        coverage, tone = as_before(coverage, True), 0
    image = scan.image.copy()
    image[rows, columns] = multiply(image[rows, columns], coverage, tone)
    truth = np.zeros(scan.shape, np.uint8)
    truth[rows, columns] = coverage
    return add_truth(scan.with_image(image), layer, truth)


def multiply(image: U8, coverage: U8, tone: int | tuple[int, int, int]) -> U8:
    """Return ``image * (1 - coverage * (1 - tone))``, all as shares of 255."""
    tones = [tone] if isinstance(tone, int) else list(tone)
    steps = np.arange(256)
    factors = [cv2.LUT(coverage, np.rint(255 - steps * (255 - value) / 255).astype(np.uint8)) for value in tones]
    if image.ndim == 3 and len(factors) == 1:
        factors *= 3
    factor = factors[0] if image.ndim == 2 else cv2.merge(factors)
    return np.asarray(cv2.multiply(image, factor, scale=1 / 255), np.uint8)


def grain(image: U8, shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return noise [h, w] as the paper of a grey picture has it: of its deviation and its likeness of neighbours."""
    rows = image[:: max(len(image) // 120, 1)].astype(np.float32)
    residual = rows - cv2.blur(rows, (9, 1))
    size = np.abs(residual)
    paper = size < 4 * float(np.median(size)) + 1
    deviation = float(residual[paper].std())
    if deviation < 0.3:
        return np.zeros(shape, np.float32)
    products = (residual[:, 1:] * residual[:, :-1])[paper[:, 1:] & paper[:, :-1]]
    likeness = float(np.clip(products.mean() / deviation**2 if products.size else 0.0, 0.0, 0.85))
    noise = rng.standard_normal((_TILE, _TILE), dtype=np.float32)
    if likeness > 0.05:  # Gaussian smoothing by sigma makes neighbours alike by exp(-1 / (4 sigma^2))
        sigma = float(np.sqrt(-1 / (4 * np.log(likeness))))
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), sigma), np.float32)
    noise *= deviation / max(float(noise.std()), 1e-6)
    return np.tile(noise, (shape[0] // _TILE + 1, shape[1] // _TILE + 1))[: shape[0], : shape[1]]


def add_noise(image: U8, noise: NDArray[np.float32]) -> U8:
    """Return the picture plus noise [H, W], the same in every channel."""
    same = noise if image.ndim == 2 else cv2.merge([noise] * 3)
    return np.asarray(cv2.add(image, same, dtype=cv2.CV_8U), np.uint8)


def blend(one: U8, other: U8, mask: U8) -> U8:
    """Return ``other`` where the mask [H, W] is 255, ``one`` where it is 0."""
    weight = mask if one.ndim == 2 else cv2.merge([mask] * 3)
    rest = cv2.multiply(one, cv2.bitwise_not(weight), scale=1 / 255)
    return np.asarray(cv2.add(rest, cv2.multiply(other, weight, scale=1 / 255)), np.uint8)


def extend(
    scan: Scan, rng: np.random.Generator, *, left: int = 0, top: int = 0, right: int = 0, bottom: int = 0
) -> Scan:
    """Return the scan with more paper around it, in pixels: the level at its edges goes on, with its grain."""
    left, top, right, bottom = (max(int(side), 0) for side in (left, top, right, bottom))
    if not left + top + right + bottom:
        return scan
    height, width = scan.shape
    shape = (height + top + bottom, width + left + right)
    sheet = np.asarray(cv2.copyMakeBorder(paper_level(scan), top, bottom, left, right, cv2.BORDER_REPLICATE), np.uint8)
    sheet = as_before(add_noise(sheet, grain(grey(scan.image), shape, rng)), is_bilevel(scan.image))
    place = (slice(top, top + height), slice(left, left + width))
    sheet[place] = scan.image
    layers = {}
    for name, layer in scan.layers.items():
        layers[name] = np.zeros(shape, np.uint8)
        layers[name][place] = layer
    return replace(scan, image=sheet, layers=layers)


def crop(scan: Scan, left: int, top: int, right: int, bottom: int) -> Scan:
    """Return a part of the scan: left, top inclusive, right, bottom exclusive, within the picture and not empty."""
    height, width = scan.shape
    left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    right, bottom = max(min(right, width), left + 1), max(min(bottom, height), top + 1)
    place = (slice(top, bottom), slice(left, right))
    layers = {name: layer[place].copy() for name, layer in scan.layers.items()}
    return replace(scan, image=scan.image[place].copy(), layers=layers)


def warp(scan: Scan, matrix: NDArray[np.float64], size: tuple[int, int]) -> Scan:
    """Return picture and truth moved by a projective map; what lies outside of the picture is white.

    Args:
        scan: the scan.
        matrix: [3, 3]: where pixel (x, y, 1) goes.
        size: height and width of the result.
    """

    def moved(image: U8, method: int, border: int) -> U8:
        result = cv2.warpPerspective(
            image, matrix, size[::-1], flags=method, borderMode=cv2.BORDER_CONSTANT, borderValue=(border,) * 3
        )
        return np.asarray(result, np.uint8)

    layers = {
        name: moved(layer, cv2.INTER_NEAREST if name in (NUMBERS, FIELDS) else cv2.INTER_LINEAR, 0)
        for name, layer in scan.layers.items()
    }
    image = moved(scan.image, cv2.INTER_CUBIC, 255)
    return replace(scan, image=as_before(image, is_bilevel(scan.image)), layers=layers)


def resample(scan: Scan, dpi: Resolution) -> Scan:
    """Return the scan at another true resolution; the tag stays as it was."""
    height, width = scan.shape
    size = (max(round(width * dpi[0] / scan.dpi[0]), 1), max(round(height * dpi[1] / scan.dpi[1]), 1))
    bilevel = is_bilevel(scan.image)
    layers = {
        name: np.asarray(_resized(layer, size, nearest=name in (NUMBERS, FIELDS)), np.uint8)
        for name, layer in scan.layers.items()
    }
    return replace(scan, image=as_before(_resized(scan.image, size), bilevel), dpi=dpi, layers=layers)


def _resized(image: U8, size: tuple[int, int], nearest: bool = False) -> U8:
    """Average over pixels' areas where pixels get larger, interpolate where they get smaller, each way by itself."""
    for target in ((size[0], image.shape[0]), size):
        if nearest:
            method = cv2.INTER_NEAREST
        else:
            smaller = target[0] < image.shape[1] or target[1] < image.shape[0]
            method = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
        if (image.shape[1], image.shape[0]) != target:
            image = np.asarray(cv2.resize(image, target, interpolation=method), np.uint8)
    return image
