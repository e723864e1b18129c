"""Finding the signatures on the pages of a document and taking their ink off.

A page is brought to 75 dpi, where a network (:mod:`~sigkd.documents.detector`) tells where signatures are and which
strokes are theirs. Around each of them the scan is read as any scan is (:func:`sigkd.images.scan.read_scan`); of the
ink that is found what is another's (dates, names, amounts) is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import numpy.typing as npt

from sigkd.documents.detector import DETECTOR_DPI, Found, evened, find_signatures
from sigkd.documents.regions import Region
from sigkd.documents.registration import Placement, place_marks
from sigkd.documents.template import Template
from sigkd.documents.upright import how_turned
from sigkd.errors import ImageError, UsageError
from sigkd.images.formats import MAX_PIXELS
from sigkd.images.reader import ImageFile, ImageSource, read_file
from sigkd.images.remarks import Remark
from sigkd.images.resolution import MM_PER_INCH, Resolution, given_resolution
from sigkd.images.scale import DPI, reckoned_dpi, resized
from sigkd.images.scan import read_scan

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]
Box = tuple[int, int, int, int]

LEAST_SCORE = 0.65
"""Score from which something on a page counts as a signature."""
LEAST_SCORE_IN_REGION = 0.2
"""The same in a place where a signature is expected."""
LEAST_INK = 2.0
"""Square mm of pen's ink below which a place is unsigned; a short signature has 6."""

_LEAST_EXTENT = 4.0  # mm: what is smaller both ways is a tick or a dot
_LEAST_DENSITY = 0.15  # of pen's ink in what the network took for strokes: the rest is print, a stamp or a logo
_STRAIGHT = 1.2  # mm: what is narrower is a line
_AROUND = 9.0  # mm of the page around a signature that are read with it: lines are told from strokes by their length
_MARGIN = 2.0  # mm around a crop
_WHOLE, _NONE, _STROKE = 0.55, 0.25, 0.4  # shares of a body of ink that are a signature's strokes
_USUAL_SIZES = (310.0, 220.0, 155.0, 100.0)  # mm along the longer side, with some desk around
_USUAL_SIGNATURE, _VARIES = 45.0, 0.6  # mm from corner to corner; standard deviation of its logarithm
# what is said of the page around the signature, not of it
_OF_THE_PAGE = frozenset(
    {"cropped", "lines-removed", "print-removed", "print-over-ink", "background-line", "resolution-doubtful", "pages"}
)


@dataclass(frozen=True)
class Signature:
    """A signature on a page."""

    number: int
    """On its page, from 1, in reading order; of several regions, in theirs."""
    box: Box
    """Of its ink, pixels of the page as it is in the file: left, top, right, bottom, the last two exclusive."""
    score: float
    """How sure the network is, 0 .. 1."""
    role: str | None
    """Of the region that it is in; None: no regions were named."""
    ink: U8 = field(repr=False)
    """uint8 [h, w] at 300 dpi, upright: its ink alone, dark on pure white."""
    crop: U8 = field(repr=False)
    """uint8 [h, w] or [h, w, 3]: the page around it, upright, in the page's pixels."""
    resolution: Resolution
    """Of ``crop``, as the page states it."""
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True)
class Page:
    """A page and its signatures."""

    name: str
    """Of the file."""
    digest: str
    """SHA-256 of the file's content, with the page's number after later pages."""
    page: int
    """From 1."""
    pages: int
    """In the file."""
    size: tuple[int, int]
    """Width and height in pixels."""
    dpi: tuple[float, float]
    """The resolution (across, down) that was reckoned with."""
    resolution: Resolution
    """What the file states."""
    turned: int
    """By how many degrees the page lies turned counterclockwise: 0, 90, 180 or 270."""
    signatures: tuple[Signature, ...]
    unsigned: tuple[str, ...] = ()
    """Roles of the regions in which there is no signature."""

    def to_mm(self, box: Box) -> tuple[float, float, float, float]:
        """Return a box of the page in mm."""
        left, top, right, bottom = (round(value * MM_PER_INCH / self.dpi[n % 2], 1) for n, value in enumerate(box))
        return left, top, right, bottom


def locate(
    source: ImageSource | U8,
    *,
    page: int | None = None,
    dpi: float | tuple[float, float] | None = None,
    template: Template | None = None,
    regions: Sequence[Region] = (),
    least: float = LEAST_SCORE,
    max_pixels: int = MAX_PIXELS,
    name: str | None = None,
) -> list[Page]:
    """Find the signatures on the pages of a document.

    Args:
        source: an image, a PDF or a TIFF of several pages (``FILE.pdf#page=3``: one of them), its content, or a page
            as uint8 [H, W] or [H, W, 3].
        page: the only one to look at, from 1; None: all.
        dpi: resolution; None: what the file says, else an estimate.
        template: where people sign on such documents.
        regions: likewise, for pages that lie straight.
        least: score from which something is a signature; in regions, less is enough.
        max_pixels: largest page that is decoded.
        name: what messages call it; by default the path.

    Returns:
        The pages, also those without signatures. With a template of a file of several pages, those that are like it.

    Raises:
        ImageError: the file cannot be read, or no page of it is like the template; the message names it.
        UsageError: a template and regions.
    """
    if template is not None and regions:
        raise UsageError("`template` and `region` exclude each other")
    if isinstance(source, np.ndarray):
        return [_locate(_file_of(source, name), source, dpi, template, regions, least)]
    found: list[Page] = []
    refused: ImageError | None = None
    for file in pages_of(source, page=page, max_pixels=max_pixels, name=name):
        try:
            picture = file.rgb if file.has_colour else file.grey
            found.append(_locate(file, picture, dpi, template, regions, least))
        except UnlikeTemplateError as error:
            refused = error
    if not found and refused is not None:
        raise refused
    if regions and len(found) > 1:  # a place without a page: somebody signed there on one of them
        signed = {one.role for each in found for one in each.signatures}
        found = [
            replace(each, unsigned=() if number else tuple(role for role in each.unsigned if role not in signed))
            for number, each in enumerate(found)
        ]
    return found


class UnlikeTemplateError(ImageError):
    """A page is not one of the template's (exit code 4)."""


def pages_of(
    source: ImageSource, *, page: int | None = None, max_pixels: int = MAX_PIXELS, name: str | None = None
) -> Iterator[ImageFile]:
    """Yield the pages of a file, one after the other; ``page``, or ``#page=3`` after a path: that one alone.

    Raises:
        ImageError: a page cannot be read; the message names the file.
    """
    from sigkd.images.formats import split_page

    plain, named = split_page(source, page or 0)
    first = read_file(plain, page=named or 1, max_pixels=max_pixels, name=name)
    yield first
    if named:
        return
    for number in range(2, first.pages + 1):
        yield read_file(first.content, page=number, max_pixels=max_pixels, name=first.name)


def _file_of(picture: U8, name: str | None) -> ImageFile:
    from PIL import Image

    if picture.dtype != np.uint8 or picture.size == 0 or picture.ndim < 2 or picture.shape[2:] not in ((), (3,)):
        raise UsageError(f"a uint8 array [H, W] or [H, W, 3] is expected, not {picture.dtype} {list(picture.shape)}")
    content = np.ascontiguousarray(picture).tobytes()
    title = name or f"array {hashlib.sha256(content).hexdigest()[:8]}"
    return ImageFile(title, content, Image.fromarray(picture), Resolution())


def _locate(
    file: ImageFile, raw: U8, dpi: float | tuple[float, float] | None, template: Template | None,
    regions: Sequence[Region], least: float,
) -> Page:  # fmt: skip
    resolution = file.resolution if dpi is None else given_resolution(dpi)
    size = raw.shape[1], raw.shape[0]
    if raw.ndim == 3 and not _has_colour(raw):
        raw = np.asarray(cv2.cvtColor(raw, cv2.COLOR_RGB2GRAY), np.uint8)
    try:
        reckoned = page_dpi(raw, resolution)
    except ImageError as error:
        raise ImageError(f"{file.name}: {error}") from None
    picture = evened(resized(raw, (DETECTOR_DPI / reckoned[0], DETECTOR_DPI / reckoned[1])))
    lowest = min(least, LEAST_SCORE_IN_REGION) if template or regions else least
    found = find_signatures(picture, lowest)
    sheet = _Sheet(file.name, raw, reckoned, resolution)
    turn = how_turned(raw, reckoned, found.turns)
    if turn:
        sheet, picture = sheet.turned(-turn), np.ascontiguousarray(np.rot90(picture, -turn))
        found = find_signatures(picture, lowest)
    places: list[tuple[str | None, F32 | None]] = [(None, None)]
    if template is not None:
        placement = place_marks(template.marks(), picture)
        if placement is None:
            raise UnlikeTemplateError(f"{file.name}: page {file.page} is not like the template '{template.name}'")
        places = [(region.role, _corners(region, template, placement)) for region in template.regions]
    elif regions:
        mm = sheet.size_mm
        places = [(region.role, _rectangle(region.in_mm(mm)) * (DETECTOR_DPI / MM_PER_INCH)) for region in regions]
    taken: list[_Taken] = []
    unsigned: list[str] = []
    for role, corners in places:
        chosen = range(len(found.boxes)) if corners is None else _inside(found.boxes, corners)
        here = [one for one in (_take(sheet, found, number) for number in chosen) if one is not None]
        if corners is None:
            here.sort(key=lambda one: (round(one.box[3] / (12 * sheet.dpi[1] / MM_PER_INCH)), one.box[0]))
        elif not here and (rest := _take_region(sheet, found, corners)) is not None:
            here = [rest]
        if corners is not None and not here and role is not None:
            unsigned.append(role)
        taken += [replace(one, role=role) for one in here]
    signatures = tuple(one.signature(number, sheet, size, turn) for number, one in enumerate(taken, 1))
    return Page(
        file.name, file.digest, file.page, file.pages, size, reckoned, resolution, 90 * turn, signatures,
        tuple(unsigned),
    )  # fmt: skip


@dataclass(frozen=True)
class _Sheet:
    """An upright page."""

    name: str
    raw: U8
    dpi: tuple[float, float]
    resolution: Resolution

    def turned(self, quarters: int) -> _Sheet:
        raw = np.ascontiguousarray(np.rot90(self.raw, quarters))
        if quarters % 2 == 0:
            return replace(self, raw=raw)
        return replace(self, raw=raw, dpi=self.dpi[::-1], resolution=self.resolution.turned())

    @property
    def size_mm(self) -> tuple[float, float]:
        height, width = self.raw.shape[:2]
        return width / self.dpi[0] * MM_PER_INCH, height / self.dpi[1] * MM_PER_INCH

    @property
    def scale(self) -> npt.NDArray[np.float64]:
        """Pixels of the page (across, down) for one of the network's."""
        return np.array(self.dpi) / DETECTOR_DPI

    def around(self, box: npt.NDArray[np.floating], mm: float) -> Box:
        """Return the pixels of a box and so many mm around it that are on the page."""
        height, width = self.raw.shape[:2]
        x, y = (mm / MM_PER_INCH * value for value in self.dpi)
        left, top = max(0, int(box[0] - x)), max(0, int(box[1] - y))
        return (
            left,
            top,
            max(left + 1, min(width, int(np.ceil(box[2] + x)))),
            max(top + 1, min(height, int(np.ceil(box[3] + y)))),
        )


@dataclass(frozen=True)
class _Taken:
    """A signature taken off an upright page."""

    box: Box
    score: float
    ink: U8
    remarks: tuple[Remark, ...]
    role: str | None = None

    def signature(self, number: int, sheet: _Sheet, size: tuple[int, int], turn: int) -> Signature:
        left, top, right, bottom = sheet.around(np.array(self.box, float), _MARGIN)
        crop = np.ascontiguousarray(sheet.raw[top:bottom, left:right])
        box = _turned_back(self.box, size, turn)
        return Signature(number, box, round(self.score, 4), self.role, self.ink, crop, sheet.resolution, self.remarks)


def page_dpi(raw: U8, resolution: Resolution) -> tuple[float, float]:
    """Return the resolution (across, down) of a page to reckon with: the known one, else an estimate.

    Where it is unknown the page may be of any usual size, from a card to A4: the size is taken at which the network is
    surest of a signature of a usual size.

    Args:
        raw: the page, uint8 [H, W] or [H, W, 3].
        resolution: what is known.

    Raises:
        ImageError: the sheet would be larger than A3.
    """
    if resolution.known:
        return reckoned_dpi(raw, resolution)
    longest = max(raw.shape[0], raw.shape[1] / resolution.aspect)
    best, surest = 0.0, 0.0
    for size in _USUAL_SIZES:
        down = longest / size * MM_PER_INCH
        share = DETECTOR_DPI / down
        found = find_signatures(evened(resized(raw, (share / resolution.aspect, share))), LEAST_SCORE_IN_REGION)
        sides = found.boxes[:, 2:] - found.boxes[:, :2]
        extent = np.log(np.hypot(*sides.T) / DETECTOR_DPI * MM_PER_INCH / _USUAL_SIGNATURE)
        sure = float((found.scores * np.exp(-0.5 * (extent / _VARIES) ** 2)).max(initial=0.0))
        if sure > surest or not best:
            best, surest = down, sure
    return best * resolution.aspect, best


def _has_colour(raw: U8) -> bool:
    sample = raw[:: max(1, raw.shape[0] // 400), :: max(1, raw.shape[1] // 400)].astype(np.int16)
    return bool(np.percentile(sample.max(axis=2) - sample.min(axis=2), 99.8) >= 16)


def _rectangle(edges: Sequence[float]) -> F32:
    left, top, right, bottom = edges
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def _corners(region: Region, template: Template, placement: Placement) -> F32:
    return placement.on_page(_rectangle(region.in_mm(template.size_mm)))


def _inside(boxes: F32, corners: F32) -> list[int]:
    """Return which boxes have their middle in a region, or more than half of themselves."""
    left, top = corners.min(axis=0)
    right, bottom = corners.max(axis=0)
    chosen = []
    for number, box in enumerate(boxes):
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        wide = min(box[2], right) - max(box[0], left)
        high = min(box[3], bottom) - max(box[1], top)
        share = max(wide, 0) * max(high, 0) / max((box[2] - box[0]) * (box[3] - box[1]), 1)
        if (left <= x <= right and top <= y <= bottom) or share > 0.5:
            chosen.append(number)
    return chosen


def _take(sheet: _Sheet, found: Found, number: int) -> _Taken | None:
    """Take a signature that the network found; None: there is no pen's ink."""
    box = found.boxes[number].astype(float) * np.tile(sheet.scale, 2)
    strokes = np.where(found.owners == number + 1, found.strokes, np.float32(0))
    return _ink_of(sheet, box, _AROUND, strokes, float(found.scores[number]))


def _take_region(sheet: _Sheet, found: Found, corners: F32) -> _Taken | None:
    """Take whatever a pen wrote in a region in which the network found nothing; None: the region is empty."""
    inside = np.zeros(found.strokes.shape, np.float32)
    cv2.fillConvexPoly(inside, np.rint(corners / 2).astype(np.int32), 1.0)
    box = np.concatenate([corners.min(axis=0), corners.max(axis=0)]) * np.tile(sheet.scale, 2)
    score = float((found.strokes * inside).max(initial=0.0))
    return _ink_of(sheet, box, 0.0, inside, min(score, LEAST_SCORE_IN_REGION))


def _ink_of(sheet: _Sheet, box: npt.NDArray[np.floating], around: float, strokes: F32, score: float) -> _Taken | None:
    left, top, right, bottom = sheet.around(box, around)
    window = sheet.raw[top:bottom, left:right]
    if min(window.shape[:2]) < 8:
        return None
    try:
        scan = read_scan(window, dpi=sheet.resolution if sheet.resolution.known else _as_known(sheet.dpi), judge=False)
    except ImageError:
        return None
    first, _, start, _ = scan.box
    step = scan.dpi[0] / DPI, scan.dpi[1] / DPI  # pixels of the page for one of the ink's
    share = step[0] / (2 * sheet.scale[0]), step[1] / (2 * sheet.scale[1])  # likewise, of the strokes'
    offset = (left + start) / (2 * sheet.scale[0]), (top + first) / (2 * sheet.scale[1])
    matrix = np.array([[share[0], 0, offset[0] - 0.5 + share[0] / 2], [0, share[1], offset[1] - 0.5 + share[1] / 2]])
    height, width = scan.ink.shape
    likely = cv2.warpAffine(
        strokes, matrix, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderValue=0
    )
    mask = _of_signature((scan.ink < 255).view(np.uint8), np.asarray(likely, np.float32))
    unit = DPI / MM_PER_INCH
    if around and cv2.countNonZero(mask) < _LEAST_DENSITY * np.count_nonzero(likely >= _STROKE):
        return None
    x, y, wide, high = cv2.boundingRect(mask)
    if cv2.countNonZero(mask) < LEAST_INK * unit**2 or max(wide, high) < _LEAST_EXTENT * unit:
        return None
    if min(cv2.minAreaRect(cv2.findNonZero(mask))[1]) < _STRAIGHT * unit:
        return None
    ink = np.where(mask, scan.ink, np.uint8(255))[y : y + high, x : x + wide]
    on_page = (
        int(left + start + x * step[0]),
        int(top + first + y * step[1]),
        int(np.ceil(left + start + (x + wide) * step[0])),
        int(np.ceil(top + first + (y + high) * step[1])),
    )
    remarks = tuple(one for one in scan.remarks if one.code not in _OF_THE_PAGE)
    return _Taken(on_page, score, np.ascontiguousarray(ink), remarks)


def _as_known(dpi: tuple[float, float]) -> Resolution:
    return Resolution(dpi[0], dpi[1], "estimate", dpi[0] / dpi[1])


def _of_signature(mask: U8, likely: F32) -> U8:
    """Return the ink [h, w] that is the signature's: whole bodies of ink, and of mixed ones the parts that are."""
    number, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    strokes = likely >= _STROKE
    area = np.maximum(stats[:, cv2.CC_STAT_AREA], 1)
    share = np.bincount(labels[strokes], minlength=number) / area
    share[0] = 0
    keep = share >= _WHOLE
    mixed = (share > _NONE) & ~keep
    result = keep[labels]
    if mixed.any():
        result |= mixed[labels] & strokes
    return np.asarray(result).view(np.uint8) & mask


def _turned_back(box: Box, size: tuple[int, int], turn: int) -> Box:
    """Return a box of the upright page on the page of ``size`` as it lay, turned counterclockwise ``turn`` times."""
    width, height = size
    left, top, right, bottom = box
    if turn == 1:
        return top, height - right, bottom, height - left
    if turn == 2:
        return width - right, height - bottom, width - left, height - top
    if turn == 3:
        return width - bottom, left, width - top, right
    return box
