"""Reading untrusted image files: by content, not by suffix; once; the size is checked before decoding."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import threading
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from sigkd.errors import ImageError
from sigkd.images.formats import FORMATS, MAX_PIXELS, READABLE, split_page
from sigkd.images.pdf import PDF_DPI, draw_page, is_pdf
from sigkd.images.resolution import Resolution, read_resolution

U8 = npt.NDArray[np.uint8]
ImageSource: TypeAlias = "str | os.PathLike[str] | bytes | BinaryIO"
"""A file (also a pipe; ``FILE#page=3`` is a page of it), the content of one, or an open binary stream."""

_BIT_DEPTHS = (8, 10, 12, 14, 16)
_LIGHT_INK, _LEAST_HOLES = 160, 0.2
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")

MAX_BYTES = 512 * 2**20
"""Largest file that is read: more than an uncompressed image of :data:`MAX_PIXELS` in 16-bit colour."""

_open_lock = threading.Lock()


def _silence_libtiff() -> None:
    """Keep libtiff's own lines about damaged files off stderr; Pillow's error says what matters."""
    import ctypes

    from PIL import _imaging

    with suppress(AttributeError, OSError):  # a Pillow that is built in another way
        library = ctypes.CDLL(_imaging.__file__)
        for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
            setter = getattr(library, name)
            setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
            setter(None)


_silence_libtiff()
# Pillow logs what it then raises; where nobody listens, Python would print it.
logging.getLogger("PIL").addHandler(logging.NullHandler())

# What Pillow remarks on odd metadata; what matters becomes an error.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@dataclass(frozen=True)
class ImageFile:
    """An image file that was read once: pixels and hash are of the same bytes, also where the file was a pipe."""

    name: str
    """The path as given; for content without a file, the caller's name or a part of the digest."""
    content: bytes = field(repr=False)
    image: Image.Image = field(repr=False)
    """Upright, opaque, 8 bits a channel; grey, colour or palette."""
    resolution: Resolution
    """Of the upright image."""
    pages: int = 1
    """Pages in the file (1 but for TIFF and PDF)."""
    page: int = 1
    """Which of them ``image`` is."""
    format: str = ""
    """Of the file, as Pillow calls it (:data:`sigkd.images.formats.FORMATS`, or ``HEIF``), or ``PDF``."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content; of a later page, of the content with ``#page=N`` after it."""
        return hashlib.sha256(self.content + (b"" if self.page == 1 else b"#page=%d" % self.page)).hexdigest()

    @property
    def title(self) -> str:
        """What to call it: the file's name without folders, and which page, where it is not the first."""
        name = "standard input" if self.name == "/dev/stdin" else Path(self.name).name
        return name + (f", page {self.page}" if self.page > 1 else "")

    @property
    def grey(self) -> U8:
        """uint8 [H, W]: 0 black ink .. 255 white paper."""
        return np.array(self.image.convert("L"), dtype=np.uint8)

    @property
    def rgb(self) -> U8:
        """uint8 [H, W, 3]."""
        return np.array(self.image.convert("RGB"), dtype=np.uint8)

    @property
    def has_colour(self) -> bool:
        """Whether the file's pixels have a colour at all (grey pixels in a colour file count as colour)."""
        return self.image.mode not in ("1", "L")


def read_file(
    source: ImageSource, *, page: int = 1, max_pixels: int = MAX_PIXELS, name: str | None = None
) -> ImageFile:
    """Read and decode an image file; its bytes are read once and written nowhere.

    1-bit, palette, grey, 10- to 16-bit, floating-point (0..1), RGB and CMYK images are read; transparency is laid over
    white paper, but of light ink on a transparent ground the opacity is taken for the ink; the EXIF orientation is
    applied. Pages of PDF files are drawn at 300 dpi.

    Args:
        source: a file whatever its suffix, its content, or a binary stream (read to its end).
        page: of a TIFF or PDF of several, from 1; what a path says after ``#page=`` goes before it.
        max_pixels: limit of width x height, checked before decoding.
        name: what messages call it; by default the path.

    Raises:
        ImageError: if the file is absent, undecodable, damaged or too large, or has no such page. The message names it.
    """
    source, page = split_page(source, page)
    content, name = _content(source, name)
    if is_pdf(content):
        drawn, pages = draw_page(content, name, page, max_pixels)
        return ImageFile(name, content, drawn, Resolution(PDF_DPI, PDF_DPI, "tag"), pages, page, "PDF")
    try:
        with _open(content, name, max_pixels) as opened:
            pages = int(getattr(opened, "n_frames", 1)) if opened.format == "TIFF" else 1
            if not 1 <= page <= pages:
                raise ImageError(f"{name}: there is no page {page}, the file has {pages}")
            if page > 1:
                opened.seek(page - 1)
                _check_size(opened, name, max_pixels)
            resolution = read_resolution(opened)
            turned = opened.getexif().get(ExifTags.Base.Orientation, 1) >= 5
            upright = _opaque(ImageOps.exif_transpose(_eight_bit(opened)))
            upright.load()
            resolution = resolution.turned() if turned else resolution
            return ImageFile(name, content, upright, resolution, pages, page, opened.format or "")
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(f"{name}: not enough memory to decode the image") from error
    except OSError as error:
        raise ImageError(f"{name}: the image is damaged or cut off ({_first_line(error)})") from error
    except Exception as error:  # a decoder fed with a hostile file may raise anything
        raise ImageError(f"{name}: cannot be decoded ({type(error).__name__}: {_first_line(error)})") from error


def read_header(source: ImageSource, *, max_pixels: int = MAX_PIXELS) -> tuple[tuple[int, int], Resolution]:
    """Return width and height in pixels of an image (no PDF) as it lies in the file, and its resolution, undecoded.

    Raises:
        ImageError: as :func:`read_file`.
    """
    source, page = split_page(source)
    content, name = _content(source, None)
    try:
        with _open(content, name, max_pixels) as opened:
            opened.seek(page - 1)
            return opened.size, read_resolution(opened)
    except ImageError:
        raise
    except Exception as error:  # as in read_file
        raise ImageError(f"{name}: cannot be read ({type(error).__name__}: {_first_line(error)})") from error


def read_image(source: ImageSource, *, max_pixels: int = MAX_PIXELS) -> U8:
    """Return the file (its first page) as grey, uint8 [H, W], 0 ink .. 255 paper; see :func:`read_file`."""
    return read_file(source, max_pixels=max_pixels).grey


def _content(source: ImageSource, name: str | None) -> tuple[bytes, str]:
    """Return the bytes, read once, and what to call them."""
    if isinstance(source, bytes):
        content, place = source, ""
    elif isinstance(source, (str, os.PathLike)):
        place = os.fspath(source)
        try:
            with Path(source).open("rb") as stream:
                content = stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise ImageError(f"{name or place}: {error.strerror or error}") from error
    else:
        content, place = source.read(MAX_BYTES + 1), str(getattr(source, "name", ""))
    title = name or place or f"image {hashlib.sha256(content).hexdigest()[:8]}"
    if len(content) > MAX_BYTES:
        raise ImageError(f"{title}: more than {MAX_BYTES // 2**20} MiB, the largest file that is read")
    return content, title


def _open(content: bytes, name: str, max_pixels: int) -> Image.Image:
    """Read the header only and check the number of pixels."""
    heif = content[4:8] == b"ftyp" and content[8:12] in _HEIF_BRANDS
    if heif:
        _register_heif(name)
    with _open_lock:  # Pillow's own limit is global; ours replaces it for the moment of opening
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            image = Image.open(io.BytesIO(content), formats=("HEIF",) if heif else tuple(FORMATS))
        except UnidentifiedImageError as error:
            raise ImageError(f"{name}: not an image that can be read ({READABLE})") from error
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    _check_size(image, name, max_pixels)
    return image


def _check_size(image: Image.Image, name: str, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(f"{name}: {width}x{height} pixels are more than the limit of {max_pixels}")
    if width * height == 0:
        raise ImageError(f"{name}: the image has no pixels")


def _register_heif(name: str) -> None:
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise ImageError(f"{name}: HEIC images need the extra: pip install 'sigkd[heic]'") from None
    register_heif_opener()


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale deeper grey images to 8 bits, keeping the metadata (orientation)."""
    if image.mode != "F" and not image.mode.startswith("I"):
        image.load()
        return image
    white_is_zero = getattr(image, "tag_v2", {}).get(262) == 0  # 262: TIFF's photometric interpretation
    values = np.asarray(image)
    if image.mode == "F":
        grey = Image.fromarray(_from_floats(values))
    else:
        deep = np.clip(values, 0, 65535).astype(np.uint16)
        # 10, 12 or 14 bits are stored in 16: the brightest pixel, the paper, tells which
        bits = next(depth for depth in _BIT_DEPTHS if int(deep.max()) < 1 << depth)
        table = np.clip(np.rint(np.arange(65536) * (255 / ((1 << bits) - 1))), 0, 255).astype(np.uint8)
        grey = Image.fromarray((255 - table if white_is_zero else table)[deep])
    grey.info = image.info
    orientation = image.getexif().get(ExifTags.Base.Orientation)
    if orientation:
        grey.getexif()[ExifTags.Base.Orientation] = orientation
    return grey


def _from_floats(values: npt.NDArray[np.float32]) -> U8:
    values = np.nan_to_num(values, nan=1.0, posinf=1.0, neginf=0.0)
    top = float(values.max())
    values *= 255.0 if top <= 1 else 1.0 if top <= 255 else 255 / 65535
    return np.clip(np.rint(values, out=values), 0, 255, out=values).astype(np.uint8)


def _opaque(image: Image.Image) -> Image.Image:
    """Lay a transparent image over white paper; of light ink on a transparent ground the opacity is the ink."""
    if not image.has_transparency_data:
        return image
    layer = image.convert("RGBA")
    alpha = layer.getchannel("A")
    opaque = np.asarray(alpha) >= 128
    if 0 < opaque.mean() <= 1 - _LEAST_HOLES and np.percentile(np.asarray(layer.convert("L"))[opaque], 2) >= _LIGHT_INK:
        return ImageOps.invert(alpha)
    paper = Image.new("RGBA", layer.size, (255, 255, 255, 255))
    return Image.alpha_composite(paper, layer)


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
