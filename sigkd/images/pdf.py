"""Pages of PDF files as pictures, by PDFium (``pypdfium2``): text, drawings, pictures and annotations alike."""

from __future__ import annotations

import ctypes
import threading
import time
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from sigkd.errors import ImageError
from sigkd.images.resolution import MM_PER_INCH

if TYPE_CHECKING:
    import pypdfium2

PDF_DPI = 300.0
"""Resolution that pages are drawn at."""
MOST_PAGES = 500
"""Pages of the largest file that is opened."""
SECONDS = 20.0
"""After which drawing a page is given up."""

_POINTS_PER_INCH = 72.0
_COLOUR = 8  # grey levels between the channels of a pixel that has a colour
_HEAD = 1024  # bytes within which the mark of a PDF may stand
_lock = threading.Lock()  # PDFium must not be used by two threads at a time


def is_pdf(content: bytes) -> bool:
    """Tell whether a file's content is a PDF's."""
    return b"%PDF-" in content[:_HEAD]


def draw_page(
    content: bytes, name: str, page: int, max_pixels: int, seconds: float = SECONDS
) -> tuple[Image.Image, int]:
    """Return a page at :data:`PDF_DPI`, grey where it has no colours, and the number of pages.

    Args:
        content: of the file.
        name: what messages call it.
        page: from 1.
        max_pixels: limit of the drawn page.
        seconds: limit of the drawing.

    Raises:
        ImageError: encrypted, damaged, too many pages, too large, too slow, or no such page; the message names it.
    """
    import pypdfium2 as pdfium

    with _lock:
        try:
            document = pdfium.PdfDocument(content)
        except pdfium.PdfiumError as error:
            if getattr(error, "err_code", None) == pdfium.raw.FPDF_ERR_PASSWORD or "password" in str(error).lower():
                raise ImageError(f"{name}: the PDF is encrypted: save it without a password") from None
            raise ImageError(f"{name}: the PDF is damaged ({error})") from None
        try:
            pages = len(document)
            document.init_forms()  # fields are drawn, too: a signature may be one
            if pages > MOST_PAGES:
                raise ImageError(f"{name}: {pages} pages are more than the limit of {MOST_PAGES}: split the file")
            if not 1 <= page <= pages:
                raise ImageError(f"{name}: there is no page {page}, the file has {pages}")
            return _drawn(document, name, page, max_pixels, seconds), pages
        except pdfium.PdfiumError as error:
            raise ImageError(f"{name}: page {page} of the PDF is damaged ({error})") from None
        finally:
            document.close()


def _drawn(document: pypdfium2.PdfDocument, name: str, number: int, max_pixels: int, seconds: float) -> Image.Image:
    import pypdfium2 as pdfium

    sheet = document[number - 1]
    points = sheet.get_size()
    width, height = (max(1, round(side * PDF_DPI / _POINTS_PER_INCH)) for side in points)
    if width * height > max_pixels:
        mm = " x ".join(f"{side / _POINTS_PER_INCH * MM_PER_INCH:.0f}" for side in points)
        raise ImageError(f"{name}: page {number} of {mm} mm has more pixels than the limit of {max_pixels}")
    bitmap = pdfium.PdfBitmap.new_native(width, height, pdfium.raw.FPDFBitmap_BGRx)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
    end = time.monotonic() + seconds
    pause = pdfium.raw.IFSDK_PAUSE(version=1)
    late = type(pause.NeedToPauseNow)(lambda _: time.monotonic() > end)
    pause.NeedToPauseNow = late
    status = pdfium.raw.FPDF_RenderPageBitmap_Start(
        bitmap, sheet, 0, 0, width, height, 0, pdfium.raw.FPDF_ANNOT, ctypes.byref(pause)
    )
    pdfium.raw.FPDF_RenderPage_Close(sheet)
    if status == pdfium.raw.FPDF_RENDER_TOBECONTINUED:
        raise ImageError(f"{name}: page {number} takes more than {seconds:.0f} s to draw: print it to an image")
    if status != pdfium.raw.FPDF_RENDER_DONE:
        raise ImageError(f"{name}: page {number} cannot be drawn")
    if document.formenv is not None:
        pdfium.raw.FPDF_FFLDraw(document.formenv, bitmap, sheet, 0, 0, width, height, 0, pdfium.raw.FPDF_ANNOT)
    pixels = np.array(bitmap.to_numpy()[..., 2::-1])
    bitmap.close()
    if np.ptp(pixels[::3, ::3], axis=2).max() <= _COLOUR:
        return Image.fromarray(np.ascontiguousarray(pixels[..., 1]))
    return Image.fromarray(pixels)
