"""Crops whose size, shape, stroke width and ink level are distributed as those of signatures (``--match signatures``).

The paper's crops of 300 dpi pages are several times smaller than signatures on the same canvas, and enlarging them
makes their strokes as much too thick. Here the strokes are drawn anew: every ink pixel's distance from the stroke's
middle line decides, so that a stroke of any width follows the writer's movement, its thick and thin parts in
proportion.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sigkd.errors import ImageError
from sigkd.images.canvas import CANVAS, SIZE
from sigkd.images.preprocess import normalize_signature
from sigkd.text.crops import ROOM, Crop
from sigkd.text.ink import U8, u8
from sigkd.text.lines import Line
from sigkd.text.options import CANVAS_NAMES, FITTED, TextOptions

F32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class SignatureStatistics:
    """What signatures look like on the 952 x 1360 canvas: each field's 0, 5, 25, 50, 75, 95 and 100 % quantiles."""

    size: tuple[float, ...]
    """Square root of the ink box's height x width, canvas pixels."""
    aspect: tuple[float, ...]
    """Width / height of the ink box."""
    stroke: tuple[float, ...]
    """Mean stroke width, canvas pixels."""
    ink: tuple[float, ...]
    """Median darkness (255 - grey) along the middle of the strokes."""
    ink_variation: float
    """Standard deviation of that darkness inside a signature, as a share of it."""


QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)

SIGNATURES = SignatureStatistics(
    size=(195.1, 226.2, 296.6, 376.3, 472.5, 589.4, 675.4),
    aspect=(0.87, 1.36, 1.91, 2.32, 3.34, 5.41, 6.88),
    stroke=(4.42, 4.93, 5.44, 5.76, 6.18, 6.96, 8.20),
    ink=(78.0, 94.0, 105.0, 114.0, 121.0, 139.0, 148.0),
    ink_variation=0.18,
)
"""Measured over genuine signatures of 43 Dutch writers (SigComp 2011) with ``benchmarks/bench_text.py
--statistics``."""

SPREAD = 1.25
"""Drawn sizes, stroke widths and ink levels vary by up to this factor beyond the table: it describes one collection."""

ENLARGED = 2
"""Strokes are drawn at this multiple of the page's resolution."""

_VARIATION = (0.2, 0.1, 0.1)
"""Standard deviations, in ranks, of the crops of one page around its size, stroke width and ink."""

FITTED_BOX = (140, 208)
"""Rows and columns of the network's 150 x 220 input that the ink of a ``fitted`` crop fills in one direction."""

_STEPS_PER_OCTAVE = 8
_GAP = 0.3
_SQUEEZE = (1.2, 2.2)
_SMALLEST = 0.6  # a crop's ink counts as at least this share of its line's height and width
_ASPECT_FIT = 0.87  # few crops hold the line's highest and its lowest stroke: their boxes are wider than what is cut


def draw(quantiles: tuple[float, ...], rank: float, spread: float = 1.0, stretch: float = 0.0) -> float:
    """Return the value of a distribution at ``rank`` (0 to 1), times ``spread`` to the power ``stretch`` (-1 to 1)."""
    return float(np.interp(rank, QUANTILES, quantiles) * spread**stretch)


@dataclass(frozen=True)
class Pen:
    """What stays alike over a page: size, pen and darkness of the writing, as ranks among signatures."""

    size: float
    stroke: float
    ink: float
    stretch: tuple[float, float, float]
    """Positions of the three within :data:`SPREAD`, -1 to 1."""

    @classmethod
    def drawn(cls, random: np.random.Generator) -> Pen:
        """Return a pen drawn at random."""
        size, stroke, ink = random.uniform(size=3)
        return cls(size, stroke, ink, tuple(random.uniform(-1, 1, 3)))

    def taken_up(self, random: np.random.Generator) -> Pen:
        """Return the pen as it is in one crop: a person's own writing varies less than people do."""
        size, stroke, ink = (
            abs((rank + random.normal(0, spread) + 1) % 2 - 1)  # reflected at 0 and 1: stays uniform over pages
            for rank, spread in ((self.size, _VARIATION[0]), (self.stroke, _VARIATION[1]), (self.ink, _VARIATION[2]))
        )
        return Pen(size, stroke, ink, self.stretch)


@dataclass(frozen=True)
class Strokes:
    """A stretch of text as strokes, at :data:`ENLARGED` times the page's resolution."""

    distance: F32
    """[h, w] distance from the nearest middle line, pixels."""
    thickness: F32
    """[h, w] thickness of the stroke there, relative to the stretch's median."""
    middle: npt.NDArray[np.bool_]
    """[h, w] the middle lines."""
    columns: npt.NDArray[np.int64]
    """[w] the line's column that each column came from."""


def close_gaps(line: U8, widest: int) -> npt.NDArray[np.int64]:
    """Return the columns of a line with blank stretches shortened to at most ``widest`` columns."""
    inked = np.flatnonzero((line < 128).any(axis=0))
    if inked.size == 0:
        return inked
    parts = []
    for first, second in zip(inked, np.append(inked[1:], inked[-1] + 1), strict=True):
        parts.append(np.arange(first, min(second, first + 1 + widest)))
    return np.concatenate(parts)


def find_strokes(line: U8, columns: npt.NDArray[np.int64], squeeze: float, blur: float) -> Strokes | None:
    """Return the strokes of a line's columns, narrowed by ``squeeze``; None if there are none.

    ``blur`` (page pixels) smooths the stairs of a binarised page first.
    """
    from skimage.morphology import skeletonize

    image = np.ascontiguousarray(line[:, columns])
    size = max(1, round(image.shape[1] * ENLARGED / squeeze)), image.shape[0] * ENLARGED
    image = u8(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR))
    image = u8(cv2.GaussianBlur(image, (0, 0), max(0.8, blur) * ENLARGED, borderType=cv2.BORDER_REPLICATE))
    level, _ = cv2.threshold(image, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    ink = (image <= level).astype(np.uint8)
    middle: npt.NDArray[np.bool_] = skeletonize(ink > 0)  # type: ignore[no-untyped-call]
    if not middle.any():
        return None
    radius = cv2.distanceTransform(ink, cv2.DIST_L2, 5)
    distance, nearest = cv2.distanceTransformWithLabels(
        (~middle).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    by_label = np.zeros(int(nearest.max()) + 1, np.float32)
    by_label[nearest[middle]] = radius[middle] / np.median(radius[middle])
    source = np.minimum((np.arange(size[0]) + 0.5) * len(columns) / size[0], len(columns) - 1).astype(np.int64)
    return Strokes(np.asarray(distance, np.float32), by_label[nearest], middle, columns[source])


def cut_points(strokes: Strokes, height: float, random: np.random.Generator) -> list[tuple[int, int, float]]:
    """Return [start, end) and wanted aspect of the crops, cut where least ink is crossed near that aspect."""
    crossed = strokes.middle.sum(axis=0).astype(np.float64)
    width = crossed.size
    cuts: list[tuple[int, int, float]] = []
    start = 0
    while True:
        aspect = draw(SIGNATURES.aspect, random.uniform()) * _ASPECT_FIT
        wanted = max(24.0, aspect * height)
        if width - start < 0.5 * wanted:
            break
        low, high = start + int(0.75 * wanted), min(width, start + int(1.25 * wanted) + 1)
        end = width
        if high < width:
            away = np.abs(np.arange(low, high) - start - wanted) / wanted
            end = low + int(np.argmin(crossed[low:high] + away))
        cuts.append((start, end, aspect))
        start = end
    return cuts


def draw_strokes(strokes: Strokes, start: int, end: int, width: float, ink: float, random: np.random.Generator) -> U8:
    """Return columns [start, end) drawn with strokes of ``width`` pixels and darkness ``ink`` (0 to 255)."""
    half = 0.5 * width * np.sqrt(strokes.thickness[:, start:end])
    cover = np.clip(half - strokes.distance[:, start:end] + 0.5, 0, 1)
    rows, columns = cover.shape
    grain = random.normal(1, 1.5 * SIGNATURES.ink_variation, (rows // 12 + 2, columns // 12 + 2)).astype(np.float32)
    grain = np.asarray(cv2.resize(grain, (columns, rows), interpolation=cv2.INTER_LINEAR), np.float32)
    return np.clip(255 - ink * cover * grain, 0, 255).astype(np.uint8)


def cut_matched(line: Line, pen: Pen, options: TextOptions, random: np.random.Generator) -> Iterator[Crop | str]:
    """Yield crops of a line whose size, shape, stroke width and ink level follow :data:`SIGNATURES`.

    The line is gone over ``options.per_position`` times, each time with other letter widths, gaps and cuts. ``pen``
    is the page's (with ``options.pen`` "crop" every crop has its own).
    """
    position = 0
    for _ in range(options.per_position):
        squeeze = float(random.uniform(*_SQUEEZE))
        blur = float(random.uniform(*options.blurs))
        columns = close_gaps(line.image, round(_GAP * line.height * random.uniform()))
        strokes = find_strokes(line.image, columns, squeeze, blur) if columns.size else None
        if strokes is None:
            yield "blank crop"
            continue
        height = float(line.height * ENLARGED)
        for start, end, aspect in cut_points(strokes, height, random):
            own = Pen.drawn(random) if options.pen == "crop" else pen.taken_up(random)
            view = (
                options.views[int(random.integers(len(options.views)))] if len(options.views) > 1 else options.views[0]
            )
            finished, factor = _finish(strokes, start, end, height * math.sqrt(aspect), own, view, random)
            if finished is None:
                yield "blank crop"
                continue
            left, right = int(strokes.columns[start]), int(strokes.columns[end - 1]) + 1
            name = CANVAS_NAMES.index("gpds")
            yield Crop(finished, position, start, end, left, right, name, aspect, ENLARGED / factor, blur)
            position += 1


def _finish(
    strokes: Strokes,
    start: int,
    end: int,
    nominal: float,
    pen: Pen,
    view: str,
    random: np.random.Generator,
) -> tuple[U8 | None, float]:
    """Return columns [start, end) drawn and normalised (None if there is too little of them), and the canvas factor.

    ``nominal`` is the size that a crop of this line and aspect should have; a comma is not blown up to a signature.
    The factor is pixels of the drawing to one of the 952 x 1360 canvas.
    """
    size = draw(SIGNATURES.size, pen.size, SPREAD, pen.stretch[0])
    width = draw(SIGNATURES.stroke, pen.stroke, SPREAD, pen.stretch[1])
    ink = min(255.0, draw(SIGNATURES.ink, pen.ink, SPREAD, pen.stretch[2]))
    middle = strokes.middle[:, start:end]
    if np.count_nonzero(middle) < nominal:
        return None, 1.0
    rows, columns = np.flatnonzero(middle.any(axis=1)), np.flatnonzero(middle.any(axis=0))
    box = float(rows[-1] - rows[0] + 1), float(columns[-1] - columns[0] + 1)
    full = CANVAS
    canvas = full if view == FITTED else (int(view), round(int(view) * full[1] / full[0]))
    wanted = max(math.sqrt(box[0] * box[1]), _SMALLEST * nominal)
    factor = _stepped(max(wanted / size, box[0] / (ROOM * canvas[0]), box[1] / (ROOM * canvas[1])))
    image = draw_strokes(strokes, start, end, width * factor, ink, random)
    on = factor
    if view == FITTED:
        stroke = width * factor
        on = _stepped(
            max((box[0] + stroke) / FITTED_BOX[0] * SIZE[0], (box[1] + stroke) / FITTED_BOX[1] * SIZE[0]) / full[0]
        )
    try:
        return normalize_signature(image, (round(canvas[0] * on), round(canvas[1] * on)), SIZE), on * canvas[0] / full[
            0
        ]
    except ImageError:
        return None, 1.0


def _stepped(factor: float) -> float:
    """Return the next larger of few factors, so that few resampling operators are needed."""
    return float(2.0 ** (math.ceil(math.log2(factor) * _STEPS_PER_OCTAVE) / _STEPS_PER_OCTAVE))
