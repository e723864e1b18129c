"""One signature on its way through verification: the scan, as the network sees it, and what is wrong with the scan."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sigkd.errors import ImageError
from sigkd.images.formats import split_page
from sigkd.images.ink_measures import InkMeasures, measure_ink
from sigkd.images.placing import Placing, place_all
from sigkd.images.reader import ImageFile, ImageSource, read_file
from sigkd.images.remarks import Remark, page_remarks, scan_remarks
from sigkd.images.resolution import MM_PER_INCH, Resolution
from sigkd.images.scale import DPI
from sigkd.images.scan import Scan, read_scan
from sigkd.images.scan_facts import ScanFacts
from sigkd.images.thumbnails import thumbnail as small_picture

ImageInput: TypeAlias = "ImageSource | NDArray[np.uint8]"
"""A file, the content of one, a binary stream, or a grey scan uint8 [H, W] (0 ink, 255 paper)."""


@dataclass(frozen=True)
class Sample:
    """A signature ready for the network."""

    name: str
    """The file's name, for people."""
    digest: str
    """SHA-256 of the file's content (of the pixels, for an array; see :attr:`ImageFile.digest` for later pages)."""
    image: NDArray[np.uint8]
    """uint8 [170, 242], [V, 170, 242] in V views; ink bright on black."""
    ink: InkMeasures
    """In pixels of the scan; of 300 dpi for a scan that was read at one scale."""
    remarks: tuple[Remark, ...] = ()
    content: bytes | None = field(default=None, repr=False)
    """The file's content, kept only where asked for."""
    scan: ScanFacts | None = None
    """Of a scan that was read at one scale."""
    kept_ink: NDArray[np.uint8] | None = field(default=None, repr=False)
    """The ink as it was read, dark on white at 300 dpi, for pictures."""
    format: str = ""
    """Of the file, see :data:`sigkd.images.formats.FORMATS`; empty for an array."""
    file: str = ""
    """Where the file lies, with its whole path; empty for what is none."""
    page: int = 1
    box: tuple[int, int, int, int] | None = None
    """Of the ink on a document's page, pixels: left, top, right, bottom; None: the scan is the signature's alone."""
    thumbnail: bytes | None = field(default=None, repr=False)
    """A small picture of the scan (JPEG), made only where asked for."""


def read_sample(
    source: ImageInput,
    placing: Placing | tuple[int, int],
    *,
    name: str | None = None,
    keep: bool = False,
    page: int = 1,
    dpi: Resolution | None = None,
    presumed: Resolution | None = None,
    thumbnail: bool = False,
) -> Sample:
    """Read and normalise a signature.

    Args:
        source: a file, its content, a binary stream, or a grey scan.
        placing: the model's, or the height and width in pixels of its canvas.
        name: what to call it; by default the file's name, or a part of its hash.
        keep: keep the content (an array and a later page of a TIFF are kept as PNG).
        page: of a TIFF or PDF of several, from 1; what a path says after ``#page=`` goes before it.
        dpi: the resolution, whatever the file says; for models of views.
        presumed: the resolution of a scan that does not tell its own; likewise.
        thumbnail: make a small picture of the scan, too.

    Raises:
        ImageError: it cannot be read, or there is no signature in it; the message names it.
    """
    placing = placing if isinstance(placing, Placing) else Placing(placing)
    content: bytes | None = None
    read: ImageFile | NDArray[np.uint8]
    if isinstance(source, np.ndarray):
        if source.dtype != np.uint8 or source.ndim != 2:
            shape = f"{source.dtype} {list(source.shape)}"
            raise ImageError(f"{name or 'image'}: a uint8 array [H, W] is expected, not {shape}")
        read = np.ascontiguousarray(source)
        content = _png(Image.fromarray(read)) if keep else None
        title = where = name
    else:  # once: the hash, the pixels and what is kept are of the same bytes
        read = read_file(source, page=page, max_pixels=placing.max_pixels, name=name)
        page = read.page  # the path may name one
        if keep:
            # Another page: kept alone, and with its resolution, or it would be read again as page 1.
            content = read.content if page == 1 else _png(read.image, read.resolution)
        title, where = read.title if name is None else name, read.name
    kind = read.format if isinstance(read, ImageFile) else ""
    file = _place(source)
    if placing.views:
        scan = read_scan(read, dpi=dpi, presumed=presumed, max_pixels=placing.max_pixels, name=where)
        scale = scan.dpi if scan.resolution.known else None
        small = small_picture(_picture(read), scan.box, scale) if thumbnail else None
        found = _of_views(scan, title or scan.name, placing, content)
        return replace(found, format=kind, file=file, page=page, thumbnail=small)
    # scikit-image comes with it, which models of views do not need
    from sigkd.images.preprocess import LARGER_THAN_CANVAS, normalize

    if isinstance(read, np.ndarray):
        # With the shape: the same bytes in other rows are another picture.
        grey, pages, digest = read, 1, hashlib.sha256(repr(read.shape).encode() + read.tobytes()).hexdigest()
        title = where = name or f"array {digest[:8]}"
    else:
        grey, pages, digest = read.grey, read.pages, read.digest
    try:
        normal = normalize(grey, placing.canvas)
    except ImageError as error:
        raise ImageError(f"{where}: {error}") from None
    ink = measure_ink(grey, normal.box, normal.threshold)
    remarks = scan_remarks(grey, ink, larger_than_canvas=LARGER_THAN_CANVAS in normal.warnings)
    notes = (*page_remarks(page, pages), *remarks)
    small = small_picture(_picture(read), None, None) if thumbnail else None
    found = Sample(title or digest[:8], digest, normal.image, ink, notes, content, format=kind)
    return replace(found, file=file, page=page, thumbnail=small)


def digest_on_page(digest: str, box: tuple[int, int, int, int]) -> str:
    """Return the SHA-256 that a signature on a page has: of the page's own and its place there."""
    return hashlib.sha256(f"{digest}#{box}".encode()).hexdigest()


def cropped(page: ImageFile, box: tuple[int, int, int, int]) -> ImageFile:
    """Return the part of a page that has a signature, with some paper around it."""
    left, top, right, bottom = box
    margin, (width, height) = (right - left) // 8, page.image.size
    kept = max(left - margin, 0), max(top - margin, 0), min(right + margin, width), min(bottom + margin, height)
    return replace(page, image=page.image.crop(kept))


def _picture(read: ImageFile | NDArray[np.uint8]) -> Image.Image:
    return read.image if isinstance(read, ImageFile) else Image.fromarray(read)


def _place(source: ImageInput) -> str:
    """Return where a file lies; empty for a pipe, and for what is no file."""
    source, _ = split_page(source)
    path = Path(source) if isinstance(source, (str, os.PathLike)) else None
    return str(path.absolute()) if path is not None and path.is_file() else ""


def _of_views(scan: Scan, title: str, placing: Placing, content: bytes | None) -> Sample:
    height, width = scan.ink.shape
    # In the pixels of the ink, as of all scans: the remarks compare references and queries by it.
    stroke = scan.measures.stroke * DPI / MM_PER_INCH
    ink = InkMeasures(height, width, stroke, scan.measures.contrast, 0, False, scan.measures.levels)
    image = place_all(scan.ink, placing.views)
    return Sample(title, scan.digest, image, ink, scan.remarks, content, ScanFacts.of(scan), scan.ink)


def _png(image: Image.Image, resolution: Resolution | None = None) -> bytes:
    buffer = io.BytesIO()
    told = resolution is not None and resolution.known
    image.save(buffer, format="PNG", **({"dpi": (resolution.x, resolution.y)} if resolution and told else {}))
    return buffer.getvalue()
