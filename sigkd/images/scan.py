"""Reading a scan of a signature, version 2: the writer's ink at one scale, on white, and what was taken away for it.

A chain of small steps, each of which says what it did: decode, scale, light, surroundings, writing, box.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from sigkd.errors import ImageError
from sigkd.images.formats import MAX_PIXELS
from sigkd.images.ink_network import INK, LINE, PAPER, PRINT
from sigkd.images.light import divide_by, paper_in_shadow
from sigkd.images.reader import ImageFile, ImageSource, read_file
from sigkd.images.reading import Ground, Log, Step
from sigkd.images.refusal import NotASignatureError, reason_against
from sigkd.images.remarks import Remark, page_remarks, reading_remarks
from sigkd.images.resolution import MM_PER_INCH, Resolution, given_resolution
from sigkd.images.scale import DPI, grey, reckoned_dpi, resized
from sigkd.images.scan_measures import ScanMeasures, measure
from sigkd.images.writing import Writing, count_kinds, find_writing

U8 = npt.NDArray[np.uint8]

SCAN_VERSION = "2"
"""Preprocessing version of features made from scans that were read in this way."""

_SHEET = 0.35  # where the ground is darker than this share of the paper, there is no paper
_SHADOW = 0.6  # darker ground within the paper is a solid area; shadows come from the picture's edge
_LIGHT_DPI = 75.0
_RIM = 5  # around what is no paper, pixels at 75 dpi
_COLOUR = 20  # grey levels between the channels of a pixel that has a colour
_DARK = 200  # evened grey levels below which a pixel is no paper
_SPECK, _DUST, _ALONE = 0.2, 0.4, 5.0  # mm
_TILE = 512  # pixels
_LEAST_INK = 1.5  # mm2
_MOSTLY = 0.6  # of the picture is beyond the paper: it has no paper at all
_SOMETHING = 100  # pixels at 150 dpi


@dataclass(frozen=True)
class Scan:
    """A signature as it was read."""

    name: str
    digest: str
    """SHA-256 of the file's content (of the pixels, for an array)."""
    ink: U8
    """uint8 [h, w]: the ink and nothing else, dark on pure white (255), at :data:`DPI`, cut to its box."""
    resolution: Resolution
    """The scan's own."""
    dpi: tuple[float, float]
    """The resolution that was reckoned with: the scan's, or estimated by the width of the strokes."""
    box: tuple[int, int, int, int]
    """Ink box in the scan's pixels: first row, end row, first column, end column (ends exclusive)."""
    measures: ScanMeasures
    remarks: tuple[Remark, ...]
    steps: tuple[Step, ...]


def read_scan(
    source: ImageSource | ImageFile | U8,
    *,
    dpi: float | tuple[float, float] | Resolution | None = None,
    presumed: Resolution | None = None,
    page: int = 1,
    max_pixels: int = MAX_PIXELS,
    name: str | None = None,
    explain: bool = False,
    judge: bool = True,
) -> Scan:
    """Read a signature's ink.

    Args:
        source: a file, its content, one that was read, or an array uint8 [H, W] or [H, W, 3] (0 ink, 255 paper).
        dpi: the resolution (across, down); None: what the file says, else an estimate by the width of the strokes.
        presumed: the resolution of files that do not tell theirs; not of a camera's photos, which have none.
        page: of a multi-page TIFF, from 1.
        max_pixels: largest image that is decoded.
        name: what messages call it; by default the path.
        explain: keep the pictures of every step.
        judge: refuse what is no signature; else only what has no ink at all.

    Raises:
        ImageError: it cannot be read; the message names it.
        NotASignatureError: it is something else than one signature; likewise.
    """
    if isinstance(source, np.ndarray):
        if source.dtype != np.uint8 or source.ndim not in (2, 3):
            raise ValueError(f"a uint8 array [H, W] or [H, W, 3] is expected, not {source.dtype} {list(source.shape)}")
        raw = np.ascontiguousarray(source)
        content = hashlib.sha256(repr(raw.shape).encode())
        content.update(raw.reshape(-1).data)
        digest = content.hexdigest()
        title, resolution, pages = name or f"array {digest[:8]}", Resolution(), 1
    else:
        if isinstance(source, ImageFile):
            file = source
        else:
            file = read_file(source, page=page, max_pixels=max_pixels, name=name)
        raw, digest, title, pages = file.rgb if file.has_colour else file.grey, file.digest, file.name, file.pages
        resolution, page = file.resolution, file.page
    if dpi is not None:
        resolution = dpi if isinstance(dpi, Resolution) else given_resolution(dpi)
    elif presumed is not None and not resolution.known and resolution.source != "camera":
        resolution = presumed
    log = Log(explain)
    try:
        scan = _read(raw, resolution, title, digest, log)
        against = reason_against(scan.measures) if judge else None
        if against is not None:
            raise against
    except NotASignatureError as error:
        raise NotASignatureError(error.reason, f"{title}: {error}", tuple(log.steps)) from None
    except ImageError as error:
        raise ImageError(f"{title}: {error}") from None
    return replace(scan, remarks=(*page_remarks(page, pages), *scan.remarks))


def _read(raw: U8, resolution: Resolution, name: str, digest: str, log: Log) -> Scan:
    log.add("decode", f"{raw.shape[1]} x {raw.shape[0]} pixels, {_said_of(resolution)}", raw)
    dpi = reckoned_dpi(raw, resolution)
    factor = DPI / dpi[0], DPI / dpi[1]
    sheet = _at_scale(raw, factor, resolution.known, log)
    sheet, ground = _evened(sheet, log)
    writing = find_writing(sheet.grey, sheet.small)
    mask = _without_dust(writing.mask) if writing is not None else None
    if writing is None or mask is None or cv2.countNonZero(mask) < _LEAST_INK * (DPI / MM_PER_INCH) ** 2:
        raise _no_ink(ground, writing)
    shown = (np.where(mask, writing.grey, np.uint8(255)), _taken(writing, mask)) if log.explain else (None, None)
    log.add("writing", _said_of_writing(writing), *shown)
    left, top, width, height = cv2.boundingRect(mask)
    inside = slice(top, top + height), slice(left, left + width)
    ink = np.where(mask[inside], writing.grey[inside], np.uint8(255))
    log.add("box", f"{width / DPI * MM_PER_INCH:.1f} x {height / DPI * MM_PER_INCH:.1f} mm of ink", ink)
    top, left = top + writing.top, left + writing.left
    box = (top / factor[1], (top + height) / factor[1], left / factor[0], (left + width) / factor[0])
    first, end, start, stop = (round(edge) for edge in box)
    small = grey(sheet.small)
    dark = np.count_nonzero(small < _DARK) / small.size
    levels = int(np.count_nonzero(cv2.calcHist([sheet.raw], [0], None, [256], [0, 256])))
    colour = _colour(sheet.small, writing)
    measures = measure(ink, writing, dpi, ground, levels, colour, dark)
    at_edge = _at_edge(mask, writing, sheet.grey.shape)
    remarks = tuple(reading_remarks(measures, resolution, at_edge, _overprinted(writing.kinds)))
    return Scan(name, digest, ink, resolution, dpi, (first, end, start, stop), measures, remarks, tuple(log.steps))


def _at_edge(mask: U8, writing: Writing, shape: tuple[int, ...]) -> float:
    """Return the mm of ink along the edge of the scan that has most of it."""
    edges = []
    if writing.top == 0:
        edges.append(mask[0])
    if writing.left == 0:
        edges.append(mask[:, 0])
    if writing.top + mask.shape[0] >= shape[0]:
        edges.append(mask[-1])
    if writing.left + mask.shape[1] >= shape[1]:
        edges.append(mask[:, -1])
    return max((int(np.count_nonzero(edge)) for edge in edges), default=0) / DPI * MM_PER_INCH


def _overprinted(kinds: U8) -> float:
    """Return the share of the ink that has print within 0.3 mm."""
    ink = kinds == INK
    near = cv2.dilate((kinds == PRINT).astype(np.uint8), np.ones((5, 5), np.uint8))
    return int(np.count_nonzero(near[ink])) / max(int(np.count_nonzero(ink)), 1)


def _colour(small: U8, writing: Writing) -> float:
    """Return how far the ink's colour is from grey."""
    if small.ndim == 2:
        return 0.0
    top, left = writing.top // 2, writing.left // 2
    height, width = writing.kinds.shape
    inked = small[top : top + height, left : left + width][writing.kinds == INK].astype(np.int16)
    return float(np.median(inked.max(axis=1) - inked.min(axis=1))) if inked.size else 0.0


@dataclass(frozen=True)
class _Sheet:
    """A scan on its way through the chain."""

    raw: U8
    """[H, W] as it came, in grey."""
    grey: U8
    """[H, W] at 300 dpi."""
    small: U8
    """[H / 2, W / 2], or with three colours where the scan has any."""


def _said_of(resolution: Resolution) -> str:
    if resolution.known:
        return str(resolution)
    why = {"none": "the file states none", "screen": "its tag is one of a screen"}
    return f"resolution unknown ({why.get(resolution.source, resolution.source)})"


def _at_scale(raw: U8, factor: tuple[float, float], known: bool, log: Log) -> _Sheet:
    """Bring the scan to 300 dpi, and to 150 for the network."""
    plain = grey(raw)
    if raw.ndim == 3 and not _has_colour(raw):
        raw = plain
    large = resized(plain, factor)
    height, width = large.shape
    if raw.ndim == 2:
        half = cv2.resize(large, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)
    else:
        share = (width + 1) // 2 / raw.shape[1], (height + 1) // 2 / raw.shape[0]
        half = resized(raw, share)
    by = "" if known else ", estimated by the width of the strokes"
    log.add("scale", f"brought to {DPI:.0f} dpi: times {factor[0]:.2f} x {factor[1]:.2f}{by}", large)
    return _Sheet(plain, large, np.asarray(half, np.uint8))


def _has_colour(raw: U8) -> bool:
    """Whether more than a few pixels have a colour."""
    sample = raw[:: max(1, raw.shape[0] // 200), :: max(1, raw.shape[1] // 400)].astype(np.int16)
    return bool(np.percentile(sample.max(axis=2) - sample.min(axis=2), 99.5) >= _COLOUR)


def _evened(sheet: _Sheet, log: Log) -> tuple[_Sheet, Ground]:
    """Divide by the paper's brightness and whiten what is beyond the paper."""
    smooth, paper = paper_in_shadow(sheet.small, 2.0)
    light = grey(paper)
    flat, small = divide_by(sheet.grey, light), divide_by(sheet.small, paper)
    bright = float(np.percentile(light, 95))
    did = f"paper of {np.percentile(light, 5):.0f} to {bright:.0f} grey levels brought to 255"
    log.add("light", did, flat)
    shadows = light < _SHADOW * bright
    blot = float((shadows & (_beyond(shadows, 0) == 0)).sum() / (_LIGHT_DPI / MM_PER_INCH) ** 2)
    dark = _beyond(light < _SHEET * bright, _RIM)
    uneven = _unevenness(grey(smooth), dark == 0) / max(bright, 1.0)
    ground = Ground(bright, uneven, float(dark.mean()), blot)
    if not dark.any():
        return replace(sheet, grey=flat, small=small), ground
    for picture in (small, flat):
        away = cv2.resize(dark, (picture.shape[1], picture.shape[0]), interpolation=cv2.INTER_NEAREST)
        picture[away > 0] = 255
    log.add("surroundings", f"{dark.mean():.0%} of the picture is no paper", flat, np.asarray(away, np.uint8))
    return replace(sheet, grey=flat, small=small), ground


def _unevenness(light: U8, inside: npt.NDArray[np.bool_]) -> float:
    """Return the mean difference of the paper's brightness from its mean over 14 mm, on the paper alone."""
    if not inside.any():
        return 0.0
    share = np.asarray(cv2.blur(inside.astype(np.float32), (41, 41)))
    around = np.asarray(cv2.blur(np.where(inside, light, 0).astype(np.float32), (41, 41))) / np.maximum(share, 1e-3)
    return float(np.abs(light - around)[inside].mean())


def _beyond(dark: npt.NDArray[np.bool_], rim: int) -> U8:
    """Return the parts of a mask that touch the picture's edge, grown by ``rim`` pixels."""
    _, labels = cv2.connectedComponents(dark.astype(np.uint8), connectivity=4)
    edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    beyond = np.isin(labels, edge[edge > 0]).astype(np.uint8)
    return np.asarray(cv2.dilate(beyond, np.ones((2 * rim + 1, 2 * rim + 1), np.uint8)), np.uint8)


def _no_ink(ground: Ground, writing: Writing | None) -> NotASignatureError:
    """Return what a scan without ink is."""
    if ground.outside > _MOSTLY:
        return NotASignatureError("inverted", "more dark than paper: dark ink on light paper is needed (inverted?)")
    count = count_kinds(writing.kinds) if writing is not None else np.zeros(4, int)
    if count[PRINT] > max(count[LINE], _SOMETHING):
        return NotASignatureError("print", "print, but no handwriting: there is no signature in it")
    if count[LINE] > _SOMETHING:
        return NotASignatureError("empty-form", "an empty line or box of a form: there is no signature in it")
    return NotASignatureError("blank", "blank paper: there is no signature in it")


def _without_dust(mask: U8) -> U8:
    """Return the mask without specks, and without dots that lie alone."""
    unit = DPI / MM_PER_INCH
    result = np.zeros_like(mask)
    left, top, width, height = cv2.boundingRect(mask)
    if not width:  # OpenCV ends the process when it is given an empty picture
        return result
    inside = slice(top, top + height), slice(left, left + width)
    _, labels, stats, centres = cv2.connectedComponentsWithStats(mask[inside], connectivity=8)
    area = stats[:, cv2.CC_STAT_AREA]
    keep = area >= (_DUST * unit) ** 2
    keep[0] = False
    dots = np.flatnonzero((area >= (_SPECK * unit) ** 2) & ~keep)
    dots = dots[dots > 0]
    inked = np.flatnonzero(mask[inside] > 0)
    numbers = labels.reshape(-1)[inked]
    clean = np.zeros(labels.shape, np.uint8)
    clean.reshape(-1)[inked] = keep[numbers]
    if dots.size:
        keep[dots] = _near(clean, centres[dots].astype(np.intp), _ALONE * unit)
        clean.reshape(-1)[inked] = keep[numbers]
    result[inside] = clean
    return result


def _near(mask: U8, places: npt.NDArray[np.intp], most: float) -> npt.NDArray[np.bool_]:
    """Return which places [n, 2] (column, row) are at most so many pixels from what the mask holds."""
    result = np.zeros(len(places), bool)
    reach = int(most / 0.9) + 1  # the distance that OpenCV reckons is up to 5 % less than the true one
    tiles = places // _TILE
    for tile in np.unique(tiles, axis=0):  # dots are few: most of a page is not looked at
        ours = (tiles == tile).all(axis=1)
        left, top = np.maximum(tile * _TILE - reach, 0)
        right, bottom = (tile + 1) * _TILE + reach
        paper = (mask[top:bottom, left:right] == 0).view(np.uint8)
        columns, rows = (places[ours] - (left, top)).T
        result[ours] = cv2.distanceTransform(paper, cv2.DIST_L2, 3)[rows, columns] <= most
    return result


def _taken(writing: Writing, mask: U8) -> U8:
    """Return what is dark and was not kept, numbered by its kind."""
    kinds = np.repeat(np.repeat(writing.kinds, 2, axis=0), 2, axis=1)[: mask.shape[0], : mask.shape[1]]
    dark = writing.grey < 255 - max(writing.noise, 32)
    return np.where(dark & (mask == 0), np.maximum(kinds, 1), 0).astype(np.uint8)


def _said_of_writing(writing: Writing) -> str:
    count = count_kinds(writing.kinds)
    every = max(int(count[PAPER + 1 :].sum()), 1)
    return f"of what is dark {count[LINE] / every:.0%} is lines, {count[PRINT] / every:.0%} print"
