"""A look at a signature store: some writers, some of their signatures each."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from sigkd.datasets.layouts import KINDS
from sigkd.datasets.prepared import PreparedSignatures
from sigkd.errors import UsageError
from sigkd.files import atomic_path
from sigkd.images.sheet import contact_sheet

_COLUMNS = 8
_FORGED = 3


def preview_sheet(prepared: PreparedSignatures, writers: int = 24) -> Image.Image:
    """Return a contact sheet, a row for each of ``writers`` evenly chosen writers: genuine ones, then forgeries."""
    chosen = np.unique(np.linspace(0, len(prepared.writers) - 1, min(writers, len(prepared.writers))).astype(int))
    images: list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]] = []
    labels: list[str] = []
    for writer in chosen:
        rows = np.flatnonzero(prepared.y == writer)
        genuine, forged = rows[prepared.yforg[rows] == 0], rows[prepared.yforg[rows] != 0]
        forged = forged[: max(_FORGED, _COLUMNS - len(genuine))]
        row = [*genuine[: _COLUMNS - len(forged)], *forged]
        images += [prepared.x[number] for number in row]
        labels += [f"{prepared.writers[writer]} {KINDS[prepared.yforg[number]]}" for number in row]
        blank = _COLUMNS - len(row)
        images += [np.zeros_like(prepared.x[0])] * blank
        labels += [""] * blank
    return contact_sheet(images, labels, columns=_COLUMNS, cell=(102, 146), invert=True)


_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP"}


def check_preview_path(path: Path) -> None:
    """Refuse a name whose suffix tells no image format.

    Raises:
        UsageError: if it does not end in one that is known.
    """
    if path.suffix.lower() not in _FORMATS:
        raise UsageError(f"{path}: a preview's name ends in {', '.join(_FORMATS)}")


def write_preview(prepared: PreparedSignatures, path: Path) -> None:
    """Write the preview as an image in the format of the path's suffix: whole, or not at all."""
    check_preview_path(path)
    encoded = io.BytesIO()
    preview_sheet(prepared).save(encoded, format=_FORMATS[path.suffix.lower()])
    with atomic_path(path) as temporary:
        temporary.write_bytes(encoded.getvalue())
