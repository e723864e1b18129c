"""Contact sheets to check every stage of a text dataset by eye."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from sigkd.datasets.textset import TextDataset
from sigkd.images.reader import read_image
from sigkd.images.sheet import contact_sheet, write_picture
from sigkd.text.ink import U8, separate_ink, u8
from sigkd.text.layouts import Pages
from sigkd.text.lines import FoundLines, find_lines
from sigkd.text.options import TextOptions
from sigkd.text.stripes import solid_stripe

_PAGES, _STRIPES, _CROPS = 8, 24, 48
_PAGE_WIDTH, _STRIPE_SIZE = 640, (72, 900)


def write_preview(
    preview: Path, dataset: TextDataset, pages: Pages, options: TextOptions, signatures: U8 | None = None
) -> list[Path]:
    """Write three contact sheets (of ready images the last alone) and return their paths.

    ``NAME-pages.png`` (pages with the found lines in colours), ``NAME-stripes.png`` (solid stripes), and
    ``NAME.png`` (crops, and below them signatures if any are given).

    Args:
        preview: path of the crops' sheet, with the suffix of an image format; the others lie beside it.
        dataset: the finished dataset.
        pages: the pages that it was made from.
        options: the options that it was made with.
        signatures: uint8 [n, 170, 242] normalised signatures to compare with.
    """
    used = [
        page
        for page, entry in zip(pages.pages, dataset.description.pages, strict=True)
        if entry.crops and page.kind != "ready"
    ]
    drawn, stripes = [], []
    chosen = _evenly(len(used), _PAGES)
    for page in (used[number] for number in chosen):
        found = find_lines(separate_ink(read_image(page.path)), options.lines, is_line=page.kind == "line")
        drawn.append(draw_lines(found))
        for number in _evenly(len(found.lines), max(1, _STRIPES // len(chosen))):
            stripe = solid_stripe(found.lines[number].image).image
            if stripe.size:
                stripes.append(_fit(stripe, *_STRIPE_SIZE))
    crops = _evenly(len(dataset), _CROPS)
    images = [np.asarray(dataset.images[number]) for number in crops]
    labels = [dataset.writers[dataset.labels[number]] for number in crops]
    if signatures is not None and len(signatures):
        some = _evenly(len(signatures), _CROPS // 2)
        images += [np.asarray(signatures[number]) for number in some]
        labels += ["signature"] * len(some)
    write_picture(contact_sheet(images, labels, columns=8), preview)
    if not used:
        return [preview]
    rows = [_beside(drawn[start : start + 4]) for start in range(0, len(drawn), 4)]
    width = max(row.shape[1] for row in rows)
    sheet = np.vstack([np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows])
    targets = [preview.with_name(f"{preview.stem}-{stage}{preview.suffix}") for stage in ("pages", "stripes")]
    write_picture(Image.fromarray(sheet[..., ::-1]), targets[0])
    write_picture(contact_sheet(stripes, columns=2, cell=_STRIPE_SIZE), targets[1])
    return [*targets, preview]


def draw_lines(found: FoundLines) -> U8:
    """Return the page, 640 pixels wide, each line's ink in a colour and a box: uint8 [h, 640, 3], BGR."""
    picture = cv2.cvtColor(found.page.grey, cv2.COLOR_GRAY2BGR)
    colours = ((200, 60, 0), (0, 130, 0), (30, 0, 210))
    thick = max(2, picture.shape[1] // 500)
    for number, line in enumerate(found.lines):
        height, width = line.image.shape
        area = picture[line.top : line.top + height, line.left : line.left + width]
        area[line.image < 160] = colours[number % 3]
        corner = (line.left + width - 1, line.top + height - 1)
        cv2.rectangle(picture, (line.left, line.top), corner, colours[number % 3], thick)
    scale = _PAGE_WIDTH / picture.shape[1]
    size = (_PAGE_WIDTH, max(1, round(picture.shape[0] * scale)))
    return u8(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def _evenly(total: int, wanted: int) -> list[int]:
    """Return at most ``wanted`` numbers spread over range(total)."""
    return np.unique(np.linspace(0, total - 1, min(total, wanted)).round().astype(int)).tolist() if total else []


def _fit(image: U8, height: int, width: int) -> U8:
    """Return the image scaled to the height, cut or filled with paper to the width."""
    wide = max(1, round(image.shape[1] * height / image.shape[0]))
    scaled = cv2.resize(image, (wide, height), interpolation=cv2.INTER_AREA)[:, :width]
    return np.pad(scaled, ((0, 0), (0, width - scaled.shape[1])), constant_values=255)


def _beside(pictures: list[U8]) -> U8:
    height = max(picture.shape[0] for picture in pictures)
    padded = [np.pad(p, ((0, height - p.shape[0] + 8), (0, 8), (0, 0)), constant_values=255) for p in pictures]
    return np.hstack(padded)
