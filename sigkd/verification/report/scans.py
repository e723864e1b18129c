"""The scans as they were given, for the eye: level, at one scale, with a ruler, and laid on each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sigkd.errors import ImageError
from sigkd.images.formats import LEAST_DPI, MOST_DPI
from sigkd.images.ink_network import LINE
from sigkd.images.placing import Placing
from sigkd.images.preprocess import normalize
from sigkd.images.reader import ImageFile, read_file
from sigkd.images.resolution import MM_PER_INCH, Resolution
from sigkd.images.scale import USUAL_STROKE, grey, resized, stroke_width
from sigkd.images.scan import Scan, read_scan
from sigkd.images.scan_measures import ScanMeasures
from sigkd.verification.report.blocks import Picture
from sigkd.verification.report.drawing import QUESTIONED, REFERENCE, encoded, font
from sigkd.verification.samples import Sample

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

MARGIN = 4.0
"""mm of paper around the ink."""
LARGEST = (80.0, 160.0)
"""Height and width in mm of the largest frame; larger signatures are shown smaller, all of them."""
_PIXELS = 640  # width of a picture
_FINEST = 300 / MM_PER_INCH  # pixels a mm
_RULER = 6.0  # mm of height, at the usual scale
_LEVEL = 15.0  # degrees; steeper lines are no lines to write on
_LEAST_LINE = 15.0  # mm


@dataclass(frozen=True)
class Original:
    """A scan, and where its signature is."""

    name: str
    pixels: U8
    """[H, W] or [H, W, 3], as decoded."""
    box: tuple[int, int, int, int]
    """Of the ink: first row, end row, first column, end column."""
    dpi: tuple[float, float]
    """Across and down: stated, or estimated by the width of the strokes."""
    scale_known: bool
    seen: tuple[float, float, float, float]
    """What the network's ink box is in the scan: first row, end row, first column, end column."""
    ink: U8 | None = None
    """[h, w] at 300 dpi, dark on white: the writer's ink alone; None where it could not be told from the rest."""
    measures: ScanMeasures | None = None
    tilt: float | None = None
    """Degrees by which the form's lines rise to the right; None: nothing on the paper tells."""


@dataclass(frozen=True)
class Frame:
    """The common frame of all pictures."""

    width: float
    height: float
    """mm."""
    unit: float
    """Pixels a mm."""

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows of a picture, without the ruler."""
        return round(self.width * self.unit), round(self.height * self.unit)

    @classmethod
    def around(cls, originals: Sequence[Original]) -> Frame:
        """Return the frame that holds the ink of all of them."""
        heights = [(one.box[1] - one.box[0]) / one.dpi[1] * MM_PER_INCH for one in originals]
        widths = [(one.box[3] - one.box[2]) / one.dpi[0] * MM_PER_INCH for one in originals]
        height, width = min(max(heights) + 2 * MARGIN, LARGEST[0]), min(max(widths) + 2 * MARGIN, LARGEST[1])
        width = max(width, 1.6 * height)  # a column of tall pictures would leave half of the page empty
        return cls(width, height, min(_FINEST, _PIXELS / width))


def read_original(sample: Sample, placing: Placing) -> Original:
    """Look again at the scan of a sample whose content was kept; else at the picture of it that the network got."""
    if sample.content is None:
        seen = 255 - np.asarray(sample.image[0] if sample.image.ndim == 3 else sample.image, np.uint8)
        return _unread(sample.name, seen, Placing(canvas=(seen.shape[0], seen.shape[1])))
    dpi = placing.dpi if sample.scan is None or not sample.scan.scale_known else sample.scan.resolution
    return read_again(sample.name, sample.content, placing, dpi)


def read_again(
    name: str, source: bytes | ImageFile, placing: Placing, dpi: Resolution | float | None = None
) -> Original:
    """Read a scan for the eye; one without a signature that can be told from the rest is shown as it is.

    Args:
        name: what to call it.
        source: the file's content, or the file as it was read.
        placing: the model's.
        dpi: the resolution, whatever the file says.

    Raises:
        ImageError: it cannot be decoded.
    """
    try:
        scan = read_scan(source, dpi=dpi, max_pixels=placing.max_pixels, explain=True, judge=False)
    except ImageError:
        read = source if isinstance(source, ImageFile) else read_file(source, max_pixels=placing.max_pixels)
        return _unread(name, read.grey, placing)
    pixels = scan.steps[0].picture
    assert pixels is not None  # noqa: S101 - they were asked for
    return Original(
        name,
        pixels,
        scan.box,
        scan.dpi,
        scan.resolution.known,
        scan.box if placing.views else _seen(grey(pixels), placing),
        scan.ink,
        scan.measures,
        _tilt(scan),
    )


def _unread(name: str, pixels: U8, placing: Placing) -> Original:
    down = float(np.clip(stroke_width(pixels) / USUAL_STROKE * MM_PER_INCH, LEAST_DPI, MOST_DPI))
    box = normalize(pixels, placing.canvas).box
    return Original(name, pixels, box, (down, down), False, _seen(pixels, placing))


def _seen(scan: U8, placing: Placing) -> tuple[float, float, float, float]:
    """Return the part of the ink box that is on the canvas."""
    box = normalize(scan, placing.canvas).box
    edges: list[float] = []
    for first, end, room in ((*box[:2], placing.canvas[0]), (*box[2:], placing.canvas[1])):
        cut = max(0, end - first - room) // 2
        edges += [first + cut, min(end, first + cut + room)]
    return edges[0], edges[1], edges[2], edges[3]


def _tilt(scan: Scan) -> float | None:
    """Return how much the lines of a form rise to the right, in degrees."""
    taken = next(step.taken for step in scan.steps if step.name == "writing")
    if taken is None:
        return None
    lines = (taken == LINE).astype(np.uint8)
    least = round(_LEAST_LINE * _FINEST)
    found = cv2.HoughLinesP(lines, 1, np.pi / 720, least // 2, minLineLength=least, maxLineGap=_FINEST)
    if found is None:
        return None
    steps = found.reshape(-1, 4).astype(np.float64)
    across, down = steps[:, 2] - steps[:, 0], steps[:, 3] - steps[:, 1]
    angles = -np.degrees(np.arctan2(down * np.sign(across), np.abs(across)))
    flat = np.abs(angles) <= _LEVEL
    return float(np.median(angles[flat])) if flat.any() else None


def placement(original: Original, frame: Frame) -> F64:
    """Return the map [2, 3] from the scan's pixels to those of the frame: scaled, level, the ink in the middle."""
    scale = frame.unit * MM_PER_INCH / original.dpi[0], frame.unit * MM_PER_INCH / original.dpi[1]
    turn = np.radians(original.tilt or 0.0)
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.diag(scale)
    top, end, left, stop = original.box
    middle = turned @ np.array([(left + stop - 1) / 2, (top + end - 1) / 2])
    columns, rows = frame.size
    shift = np.array([(columns - 1) / 2, (rows - 1) / 2]) - middle
    return np.column_stack([turned, shift])


def shown(original: Original, frame: Frame) -> U8:
    """Return the scan in the frame, [rows, columns] or [rows, columns, 3]; beyond its edge is white."""
    to_frame = placement(original, frame)
    pixels, first = _shrunk(original, frame)
    to_frame[:, 2] += to_frame[:, :2] @ first[1]
    to_frame[:, :2] = to_frame[:, :2] / first[0]
    white = (255, 255, 255)
    return np.asarray(cv2.warpAffine(pixels, to_frame, frame.size, flags=cv2.INTER_LINEAR, borderValue=white), np.uint8)


def _shrunk(original: Original, frame: Frame) -> tuple[U8, tuple[F64, F64]]:
    """Return the part around the frame, averaged down to about its scale, with that factor and its corner."""
    reach = np.hypot(frame.width, frame.height) / MM_PER_INCH * np.array(original.dpi) / 2
    top, end, left, stop = original.box
    middle = np.array([(left + stop) / 2, (top + end) / 2])
    height, width = original.pixels.shape[:2]
    first = np.clip((middle - reach).astype(int), 0, [width - 1, height - 1])
    last = np.clip((middle + reach).astype(int) + 1, first + 1, [width, height])
    part = original.pixels[first[1] : last[1], first[0] : last[0]]
    factor = np.minimum(frame.unit * MM_PER_INCH / np.array(original.dpi), 1.0)
    small = resized(np.ascontiguousarray(part), (float(factor[0]), float(factor[1])))
    exact = np.array([small.shape[1] / part.shape[1], small.shape[0] / part.shape[0]])
    corner = first + 0.5 - 0.5 / exact  # centres of pixels stay where they are
    return small, (exact, corner)


def with_ruler(picture: U8, frame: Frame, unknown: str | None) -> Picture:
    """Return a picture of the frame over a ruler in mm; ``unknown`` says instead why there is none."""
    from PIL import Image, ImageDraw

    columns, rows = frame.size
    strip = round(_RULER * _PIXELS / 73.0)
    sheet = Image.new("RGB", (columns, rows + strip), "white")
    sheet.paste(Image.fromarray(picture).convert("RGB"), (0, 0))
    draw, text = ImageDraw.Draw(sheet), font(round(0.42 * strip))
    draw.line([(0, rows), (columns, rows)], fill="#555555")
    if unknown is not None:
        draw.text((columns / 2, rows + strip / 2), unknown, fill="#333333", font=text, anchor="mm")
        return encoded(np.asarray(sheet), lossy=True)
    every = 1 if frame.unit >= 4 else 5
    for mm in range(0, int(frame.width) + 1, every):
        place = mm * frame.unit
        length = 0.45 if mm % 10 == 0 else 0.32 if mm % 5 == 0 else 0.18
        draw.line([(place, rows), (place, rows + length * strip)], fill="#333333", width=2 if mm % 10 == 0 else 1)
        if mm % 10 == 0 and 0 < mm < frame.width - 6:
            draw.text((place, rows + strip), str(mm), fill="#333333", font=text, anchor="ms")
    draw.text((columns - 4, rows + strip), "mm", fill="#333333", font=text, anchor="rs")
    return encoded(np.asarray(sheet), lossy=True)


def ink_in(original: Original, frame: Frame) -> U8:
    """Return the ink alone in the frame, uint8 [rows, columns], bright on black."""
    columns, rows = frame.size
    if original.ink is None:
        paper = grey(shown(original, frame))
        dark = 255 - paper
        return np.where(dark > 0.35 * max(int(dark.max()), 1), dark, 0).astype(np.uint8)
    factor = frame.unit / _FINEST
    ink = 255 - resized(original.ink, (factor, factor))
    turn = cv2.getRotationMatrix2D(((ink.shape[1] - 1) / 2, (ink.shape[0] - 1) / 2), -(original.tilt or 0.0), 1.0)
    turn[:, 2] += (columns - ink.shape[1]) / 2, (rows - ink.shape[0]) / 2
    return np.asarray(cv2.warpAffine(ink, turn, frame.size, flags=cv2.INTER_LINEAR), np.uint8)


def overlay(query: U8, reference: U8, *, scaled: bool) -> tuple[Picture, float]:
    """Lay the query's ink on a reference's.

    Args:
        query: uint8 [rows, columns], ink bright on black.
        reference: likewise.
        scaled: bring both to one size first: the scale of one is not known.

    Returns:
        The picture (the query vermilion, the reference blue, dark where both are), and by how many degrees the query
        was turned.
    """
    start = _centred(query, reference, scaled)
    warp = _registered(query, reference, start)
    columns, rows = reference.shape[1], reference.shape[0]
    moved = cv2.warpAffine(query, warp, (columns, rows), flags=cv2.INTER_LINEAR)
    paper = np.full((rows, columns, 3), 255.0)
    for ink, colour in ((moved, QUESTIONED), (reference, REFERENCE)):
        amount = (ink.astype(np.float64) / max(int(ink.max()), 1))[..., None]
        paper *= 1.0 - amount * (1.0 - np.array(colour) / 255.0)
    turn = float(np.degrees(np.arctan2(warp[1, 0], warp[0, 0])))
    return encoded(np.rint(paper).astype(np.uint8), lossy=False), turn


def _centred(query: U8, reference: U8, scaled: bool) -> F64:
    """Return the map that brings the centres of mass together, and the spreads too where the scale is unknown."""
    (x, y, spread), (u, v, wide) = _moments(query), _moments(reference)
    scale = wide / spread if scaled else 1.0
    return np.array([[scale, 0.0, u - scale * x], [0.0, scale, v - scale * y]])


def _moments(ink: U8) -> tuple[float, float, float]:
    moments = cv2.moments(ink)
    mass = max(moments["m00"], 1.0)
    spread = np.sqrt(max((moments["mu20"] + moments["mu02"]) / mass, 1.0))
    return moments["m10"] / mass, moments["m01"] / mass, float(spread)


def _registered(query: U8, reference: U8, start: F64) -> F64:
    """Return a better map, turned and shifted, found on soft pictures; the start where nothing better is found."""
    small = max(1.0, query.shape[1] / 300)
    moved = np.asarray(cv2.warpAffine(query, start, query.shape[::-1]), np.uint8)
    pair = [
        cv2.GaussianBlur(resized(one, (1 / small, 1 / small)).astype(np.float32), (0, 0), 2.5)
        for one in (moved, reference)
    ]
    warp = np.eye(2, 3, dtype=np.float32)
    steps = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-5)
    everything = np.full(pair[0].shape, 255, np.uint8)
    try:
        _, better = cv2.findTransformECC(pair[1], pair[0], warp, cv2.MOTION_EUCLIDEAN, steps, everything, 1)
    except cv2.error:  # too unlike for it
        return start
    found = np.asarray(better, np.float64)
    if abs(np.degrees(np.arctan2(found[1, 0], found[0, 0]))) > _LEVEL:
        return start
    found[:, 2] *= small
    back = np.vstack([found, [0.0, 0.0, 1.0]])  # from the reference to the query: the other way round is wanted
    whole = np.linalg.inv(back) @ np.vstack([start, [0.0, 0.0, 1.0]])
    return np.asarray(whole[:2], np.float64)
