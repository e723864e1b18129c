"""Contact sheets: many small images on one picture, to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from sigkd.files import atomic_path
from sigkd.images.formats import check_picture

U8 = npt.NDArray[np.uint8]

_GAP, _LABEL = 6, 14
_PAPER, _INK, _FRAME = "#ffffff", "#3c3c3c", "#c8c8c8"


def contact_sheet(
    images: Sequence[U8] | U8,
    labels: Sequence[str] | None = None,
    columns: int = 8,
    cell: tuple[int, int] | None = None,
    invert: bool = False,
) -> Image.Image:
    """Arrange images row by row on white paper.

    Args:
        images: uint8 [H, W] grey or [H, W, 3] each, of any sizes; larger ones are shrunk to the cell, none is enlarged.
        labels: a caption for each, cut to the width of its cell.
        columns: images in a row.
        cell: height and width of a cell in pixels; default: the first image's size.
        invert: show 0 as white (for normalised signatures, whose ink is bright).

    Returns:
        A grey picture; one in colour where an image is.

    Raises:
        ValueError: if there are no images, or not a label for each.
    """
    if len(images) == 0:
        raise ValueError("a contact sheet needs at least one image")
    if labels is not None and len(labels) != len(images):
        raise ValueError(f"{len(labels)} labels for {len(images)} images")
    height, width = cell or (int(images[0].shape[0]), int(images[0].shape[1]))
    columns = max(1, min(columns, len(images)))
    rows = -(-len(images) // columns)
    caption = _LABEL if labels is not None else 0
    pitch_x, pitch_y = width + _GAP, height + caption + _GAP
    size = (columns * pitch_x + _GAP, rows * pitch_y + _GAP)
    sheet = Image.new("L", size, _PAPER)
    if any(array.ndim == 3 for array in images):
        sheet = sheet.convert("RGB")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=11)
    for number, array in enumerate(images):
        left, top = _GAP + number % columns * pitch_x, _GAP + number // columns * pitch_y
        picture = Image.fromarray(255 - array if invert else array)
        picture.thumbnail((width, height), Image.Resampling.LANCZOS)
        corner = left + (width - picture.width) // 2, top + (height - picture.height) // 2
        sheet.paste(picture, corner)
        draw.rectangle((left - 1, top - 1, left + width, top + height), outline=_FRAME)
        if labels is not None:
            draw.text((left, top + height + 1), _fitting(labels[number], font, width), fill=_INK, font=font)
    return sheet


def write_picture(picture: Image.Image, path: Path) -> None:
    """Write a picture in the format of the path's suffix: whole, or not at all.

    Raises:
        UsageError: the suffix tells no format.
    """
    form = check_picture(path)
    with atomic_path(path) as temporary:
        picture.save(temporary, format=form)


def _fitting(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """Return the text, its middle replaced by an ellipsis where it is wider than ``width`` pixels."""
    if font.getlength(text) <= width:
        return text
    for kept in range(len(text) - 1, 1, -1):
        shorter = text[: (kept + 1) // 2] + "…" + text[len(text) - kept // 2 :]
        if font.getlength(shorter) <= width:
            return shorter
    return ""
