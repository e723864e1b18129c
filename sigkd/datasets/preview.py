"""A look at a signature store: some writers, some of their signatures each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from sigkd.datasets.layouts import KINDS
from sigkd.datasets.prepared import PreparedSignatures
from sigkd.images.sheet import contact_sheet, write_picture

_COLUMNS = 8
_FORGED = 3
_WRITERS = 24


def preview_sheet(prepared: PreparedSignatures) -> Image.Image:
    """Return a contact sheet, a row for each of some evenly chosen writers: genuine ones, then forgeries."""
    chosen = np.unique(np.linspace(0, len(prepared.writers) - 1, min(_WRITERS, len(prepared.writers))).astype(int))
    shown = prepared.x if prepared.x.ndim == 3 else prepared.x[:, 0]
    images: list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]] = []
    labels: list[str] = []
    for writer in chosen:
        rows = np.flatnonzero(prepared.y == writer)
        genuine, forged = rows[prepared.yforg[rows] == 0], rows[prepared.yforg[rows] != 0]
        forged = forged[: max(_FORGED, _COLUMNS - len(genuine))]
        row = [*genuine[: _COLUMNS - len(forged)], *forged]
        images += [shown[number] for number in row]
        labels += [f"{prepared.writers[writer]} {KINDS[prepared.yforg[number]]}" for number in row]
        blank = _COLUMNS - len(row)
        images += [np.zeros_like(shown[0])] * blank
        labels += [""] * blank
    return contact_sheet(images, labels, columns=_COLUMNS, cell=(102, 146), invert=True)


def write_preview(prepared: PreparedSignatures, path: Path) -> None:
    """Write the preview as an image in the format of the path's suffix: whole, or not at all."""
    write_picture(preview_sheet(prepared), path)
