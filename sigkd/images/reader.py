"""Reading untrusted image files as 8-bit grey: by content, not by suffix; the size is checked before decoding."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from sigkd.errors import ImageError
from sigkd.images.formats import FORMATS, SUFFIXES

__all__ = ["FORMATS", "MAX_PIXELS", "SUFFIXES", "read_image", "read_rgb"]

U8 = npt.NDArray[np.uint8]

MAX_PIXELS = 80_000_000
"""Largest image that is decoded, in pixels, unless the caller says otherwise: an A4 page at 900 dpi."""

_open_lock = threading.Lock()

# What Pillow remarks on odd metadata; what matters becomes an error.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def read_image(path: Path | str, *, max_pixels: int = MAX_PIXELS) -> U8:
    """Read an image as grey.

    1-bit, palette, grey, 16-bit (scaled, 65535 -> 255), floating-point (0..1), RGB and CMYK images are read;
    transparency is laid over white paper; the EXIF orientation is applied; of several pages the first is taken.

    Args:
        path: a PNG, JPEG, TIFF or BMP file, whatever its suffix.
        max_pixels: limit of width x height, checked before decoding.

    Returns:
        uint8 [H, W]: 0 black ink .. 255 white paper.

    Raises:
        ImageError: if the file is absent, undecodable, damaged or too large. The message names it.
    """
    return _read(Path(path), "L", max_pixels)


def read_rgb(path: Path | str, *, max_pixels: int = MAX_PIXELS) -> U8:
    """Read an image in colour, uint8 [H, W, 3]; otherwise as :func:`read_image`."""
    return _read(Path(path), "RGB", max_pixels)


def _read(path: Path, mode: str, max_pixels: int) -> U8:
    try:
        with path.open("rb") as stream, _open(stream, path, max_pixels) as image:
            upright = ImageOps.exif_transpose(_eight_bit(image))
            return np.array(_opaque(upright).convert(mode), dtype=np.uint8)
    except ImageError:
        raise
    except OSError as error:
        if error.errno is not None:  # of the file system
            raise ImageError(f"{path}: {error.strerror}") from error
        raise ImageError(f"{path}: the image is damaged or cut off ({_first_line(error)})") from error
    except MemoryError as error:
        raise ImageError(f"{path}: not enough memory to decode the image") from error
    except Exception as error:  # a decoder fed with a hostile file may raise anything
        raise ImageError(f"{path}: cannot be decoded ({type(error).__name__}: {_first_line(error)})") from error


def _open(stream: object, path: Path, max_pixels: int) -> Image.Image:
    """Read the header only and check the number of pixels."""
    with _open_lock:  # Pillow's own limit is global; ours replaces it for the moment of opening
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            image = Image.open(stream, formats=FORMATS)  # type: ignore[arg-type]
        except UnidentifiedImageError as error:
            raise ImageError(f"{path}: not an image that can be read (PNG, JPEG, TIFF or BMP)") from error
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(f"{path}: {width}x{height} pixels are more than the limit of {max_pixels}")
    if width * height == 0:
        raise ImageError(f"{path}: the image has no pixels")
    return image


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale deeper grey images to 8 bits, keeping the metadata (orientation)."""
    if image.mode != "F" and not image.mode.startswith("I"):
        image.load()
        return image
    values = np.asarray(image).astype(np.float64)
    values = np.nan_to_num(values, nan=1.0 if image.mode == "F" else 0.0)
    if image.mode == "F":
        scale = 255.0 if values.max() <= 1 else 1.0 if values.max() <= 255 else 255 / 65535
    else:
        scale = 255 / 65535
    white_is_zero = getattr(image, "tag_v2", {}).get(262) == 0  # 262: TIFF's photometric interpretation
    scaled = np.clip(np.rint(values * scale), 0, 255).astype(np.uint8)
    grey = Image.fromarray(255 - scaled if white_is_zero and image.mode != "F" else scaled)
    grey.info = image.info
    orientation = image.getexif().get(0x0112)
    if orientation:
        grey.getexif()[0x0112] = orientation
    return grey


def _opaque(image: Image.Image) -> Image.Image:
    """Lay a transparent image over white paper."""
    if not image.has_transparency_data:
        return image
    layer = image.convert("RGBA")
    paper = Image.new("RGBA", layer.size, (255, 255, 255, 255))
    return Image.alpha_composite(paper, layer)


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
