"""Small pictures of scans, for lists: the signature with a little paper around it, all at one scale."""

from __future__ import annotations

import io

from PIL import Image

from sigkd.errors import ImageError
from sigkd.images.reader import ImageFile
from sigkd.images.resolution import MM_PER_INCH, Resolution
from sigkd.images.scan import read_scan

Box = tuple[int, int, int, int]

SCALE = 4.0
"""Pixels a mm, where the scan's resolution is known."""
LARGEST = (280, 120)
"""Columns and rows of the largest one; what is larger is shown smaller."""
_MARGIN = 3.0  # mm of paper
_SHARE = 0.12  # of the ink's width: the margin where the scale is not known
_TIGHT = (110.0, 60.0)  # mm, columns and rows: a scan of this size is the signature's alone
_TIGHT_PIXELS = 1_500_000  # likewise, where the resolution is not known
_QUALITY = 60


def thumbnail(image: Image.Image, box: Box | None, dpi: tuple[float, float] | None) -> bytes:
    """Return a JPEG file of a part of an image.

    Args:
        image: as :attr:`ImageFile.image` is.
        box: the ink: first row, end row, first column, end column; None: the whole image.
        dpi: pixels an inch, across and down; None: not known, the picture is as large as may be.
    """
    width, height = image.size
    if box is not None:
        top, end, left, stop = box
        share = (stop - left) * _SHARE
        across, down = (share, share) if dpi is None else (round(_MARGIN * one / MM_PER_INCH) for one in dpi)
        first = max(round(left - across), 0), max(round(top - down), 0)
        last = round(stop + across), round(end + down)
        image = image.crop((*first, min(last[0], width), min(last[1], height)))
        width, height = image.size
    x, y = (1.0, 1.0) if dpi is None else (SCALE * MM_PER_INCH / one for one in dpi)
    most = min(LARGEST[0] / (x * width), LARGEST[1] / (y * height))
    share = most if dpi is None else min(most, 1.0)
    size = max(1, round(share * x * width)), max(1, round(share * y * height))
    plain = image.convert("L" if image.mode in ("1", "L") else "RGB")
    buffer = io.BytesIO()
    plain.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0).save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return buffer.getvalue()


def thumbnail_of_file(file: ImageFile, told: Resolution | None = None) -> bytes:
    """Return a picture of the signature in a file that was read; of the whole of it where none is found, or it fits.

    Args:
        file: that was read.
        told: the resolution that was reckoned with; None, or one that is not known: the file's.
    """
    told = told if told is not None and told.known else file.resolution
    dpi = None if told.x is None or told.y is None or not told.known else (told.x, told.y)
    width, height = file.image.size
    if dpi is None:
        tight = width * height <= _TIGHT_PIXELS
    else:
        tight = width / dpi[0] * MM_PER_INCH <= _TIGHT[0] and height / dpi[1] * MM_PER_INCH <= _TIGHT[1]
    if not tight:
        try:
            return thumbnail(file.image, read_scan(file, dpi=told if told.known else None, judge=False).box, dpi)
        except ImageError:
            pass
    return thumbnail(file.image, None, dpi)
