"""One signature on its way through verification: the scan, as the network sees it, and what is wrong with the scan."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sigkd.errors import ImageError
from sigkd.images.ink_measures import InkMeasures, measure_ink
from sigkd.images.placing import Placing, place_all
from sigkd.images.preprocess import LARGER_THAN_CANVAS, normalize
from sigkd.images.reader import ImageSource, read_file
from sigkd.images.remarks import Remark, scan_remarks
from sigkd.images.resolution import MM_PER_INCH
from sigkd.images.scale import DPI
from sigkd.images.scan_facts import ScanFacts

ImageInput: TypeAlias = "ImageSource | NDArray[np.uint8]"
"""A file, the content of one, a binary stream, or a grey scan uint8 [H, W] (0 ink, 255 paper)."""


@dataclass(frozen=True)
class Sample:
    """A signature ready for the network."""

    name: str
    """The file's name, for people."""
    digest: str
    """SHA-256 of the file's content (of the pixels, for an array)."""
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


def read_sample(
    source: ImageInput, placing: Placing | tuple[int, int], *, name: str | None = None, keep: bool = False
) -> Sample:
    """Read and normalise a signature.

    Args:
        source: a file, its content, a binary stream, or a grey scan.
        placing: the model's, or the height and width in pixels of its canvas.
        name: what to call it; by default the file's name, or a part of its hash.
        keep: keep the content (an array is kept as PNG).

    Raises:
        ImageError: it cannot be read, or there is no signature in it; the message names it.
    """
    placing = placing if isinstance(placing, Placing) else Placing(placing)
    if placing.views:
        return _read_views(source, placing, name, keep)
    content: bytes | None = None
    if isinstance(source, np.ndarray):
        scan = np.ascontiguousarray(source)
        if scan.dtype != np.uint8 or scan.ndim != 2:
            raise ImageError(
                f"{name or 'image'}: a uint8 array [H, W] is expected, not {scan.dtype} {list(scan.shape)}"
            )
        digest = hashlib.sha256(repr(scan.shape).encode() + scan.tobytes()).hexdigest()
        content = _png(scan) if keep else None
        where = title = name or f"array {digest[:8]}"
    else:
        file = read_file(source, name=name)
        scan, digest, where = file.grey, file.digest, file.name
        title = name or (where if isinstance(source, bytes) else Path(where).name)
        content = file.content if keep else None
    try:
        normal = normalize(scan, placing.canvas)
    except ImageError as error:
        raise ImageError(f"{where}: {error}") from None
    ink = measure_ink(scan, normal.box, normal.threshold)
    remarks = scan_remarks(scan, ink, larger_than_canvas=LARGER_THAN_CANVAS in normal.warnings)
    return Sample(title, digest, normal.image, ink, tuple(remarks), content)


def _read_views(source: ImageInput, placing: Placing, name: str | None, keep: bool) -> Sample:
    from sigkd.images.scan import read_scan

    content, title, where = None, name, name
    if isinstance(source, np.ndarray):
        content = _png(source) if keep else None
    else:
        file = read_file(source, name=name)  # once: the hash, the pixels and what is kept are of the same bytes
        source, content, where = file.content, file.content if keep else None, file.name
        title = name or Path(where).name
    scan = read_scan(source, dpi=placing.dpi, max_pixels=placing.max_pixels, name=where)
    height, width = scan.ink.shape
    stroke = scan.measures.stroke * DPI / MM_PER_INCH
    ink = InkMeasures(height, width, stroke, scan.measures.contrast, 0, False, scan.measures.levels)
    image = place_all(scan.ink, placing.views)
    return Sample(title or scan.name, scan.digest, image, ink, scan.remarks, content, ScanFacts.of(scan), scan.ink)


def _png(scan: NDArray[np.uint8]) -> bytes:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(scan).save(buffer, format="PNG")
    return buffer.getvalue()
