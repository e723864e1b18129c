"""Colours, type and encoding of the report's pictures."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sigkd.verification.report.blocks import Picture

if TYPE_CHECKING:
    from PIL import ImageFont

QUESTIONED, REFERENCE = (200, 80, 0), (0, 90, 181)
"""Vermilion and blue: told apart by colour-blind readers, and as dark and less dark grey in print."""
SUPPORTS, OPPOSES = REFERENCE, QUESTIONED
"""Of ink that is like the references, and unlike."""


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the type of what is written into pictures."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


def encoded(image: NDArray[np.uint8], *, lossy: bool) -> Picture:
    """Return an image, uint8 [H, W] or [H, W, 3], as JPEG for scans or PNG for drawings."""
    from PIL import Image

    buffer, picture = io.BytesIO(), Image.fromarray(image)
    if lossy:
        picture.save(buffer, format="JPEG", quality=88, optimize=True)
    else:
        picture.quantize(64, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(buffer, format="PNG")
    return Picture(buffer.getvalue(), picture.width, picture.height)
