"""One page through all stages: what a worker process does."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from sigkd.errors import SigkdError
from sigkd.images.canvas import SIZE
from sigkd.images.reader import read_image
from sigkd.text.crops import Crop, cut_crops, stripe_random
from sigkd.text.ink import U8, separate_ink
from sigkd.text.layouts import Page
from sigkd.text.lines import Line, find_lines
from sigkd.text.matching import Pen, cut_matched
from sigkd.text.options import TextOptions
from sigkd.text.stripes import MIN_STRIPE_WIDTH, solid_stripe

INDEX_DTYPE = np.dtype(
    [
        ("page", "<i4"),
        ("line", "<i2"),
        ("position", "<i2"),
        ("canvas", "u1"),
        ("aspect", "<f4"),
        ("scale", "<f4"),
        ("blur", "<f4"),
        ("start", "<i4"),
        ("end", "<i4"),
        ("top", "<i4"),
        ("bottom", "<i4"),
        ("left", "<i4"),
        ("right", "<i4"),
    ]
)
"""One row a crop: page number, line on the page, stripe position, canvas, aspect, canvas factor, blur (page pixels),
columns [start, end) of the stripe, and the rows and columns [top, bottom) x [left, right) of the page that hold it."""


@dataclass
class PageResult:
    """What became of one page."""

    lines: int = 0
    stripes: int = 0
    angle: float = 0.0
    """Degrees by which the scan was turned; rows and columns of the index count on the turned page."""
    skipped: dict[str, int] = field(default_factory=dict)
    """Reason -> how many lines, stripes or crops were left out."""
    problem: str | None = None
    """Why the whole page gave nothing."""
    images: U8 = field(default_factory=lambda: np.zeros((0, *SIZE), np.uint8))
    """[crops, 170, 242]"""
    index: npt.NDArray[np.void] = field(default_factory=lambda: np.zeros(0, INDEX_DTYPE))
    """[crops] rows of :data:`INDEX_DTYPE`; the page number is filled in by whoever numbers the pages."""

    def skip(self, reason: str) -> None:
        """Count one more thing that was left out."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1


def process_page(page: Page, options: TextOptions) -> PageResult:
    """Turn one page into crops; a page that cannot be used gives a result that says why."""
    result = PageResult()
    try:
        grey = read_image(page.path)
    except (SigkdError, OSError) as error:
        result.problem = str(error)
        return result
    if page.kind == "ready":
        return _take_ready(grey, result)
    found = find_lines(separate_ink(grey), options.lines, is_line=page.kind == "line")
    result.angle = found.page.angle
    result.skipped.update(found.left_out)
    lines = found.lines
    result.lines = len(lines)
    if not lines:
        result.problem = "no text found"
        return result
    images: list[U8] = []
    rows: list[tuple[float, ...]] = []
    pen = Pen.drawn(stripe_random(options.seed, f"{page.name} pen", 0))
    for number, line in enumerate(lines):
        stripe = solid_stripe(line.image)
        if stripe.image.shape[1] < MIN_STRIPE_WIDTH:
            result.skip("stripe narrower than 220 px")
            continue
        result.stripes += 1
        random = stripe_random(options.seed, page.name, number)
        crops = cut_matched(line, pen, options, random) if options.matched else cut_crops(line, stripe, options, random)
        for crop in crops:
            if isinstance(crop, str):
                result.skip(crop)
                continue
            images.append(crop.image)
            rows.append(_row(number, line, crop))
    if images:
        result.images = np.stack(images)
        result.index = np.array(rows, dtype=INDEX_DTYPE)
    else:
        result.problem = "no stripe of text wide enough"
    return result


def _take_ready(image: U8, result: PageResult) -> PageResult:
    """Return a finished crop as it is, if it is one."""
    if image.shape != SIZE:
        result.problem = f"{image.shape[0]} x {image.shape[1]} pixels, where a ready image has {SIZE[0]} x {SIZE[1]}"
    elif not image.any():
        result.problem = "no ink"
    elif (paper := int(np.median(image))) > 127:
        result.problem = "dark ink on light paper, where a ready image has bright ink on black"
    elif paper:
        result.problem = f"its paper has the grey level {paper}, where a ready image has 0"
    else:
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        aspect = (columns[-1] - columns[0] + 1) / (rows[-1] - rows[0] + 1)
        result.images = image[None]
        whole = (0, SIZE[1], 0, SIZE[0], 0, SIZE[1])
        result.index = np.array([(-1, 0, 0, 0, aspect, 1.0, 0.0, *whole)], dtype=INDEX_DTYPE)
    return result


def _row(number: int, line: Line, crop: Crop) -> tuple[float, ...]:
    return (
        -1,
        number,
        crop.position,
        crop.canvas,
        crop.aspect,
        crop.scale,
        crop.blur,
        crop.start,
        crop.end,
        line.top,
        line.top + line.image.shape[0],
        line.left + crop.left,
        line.left + crop.right,
    )
