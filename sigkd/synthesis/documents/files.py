"""Documents to files: the page, what is on it as JSON, and masks of each kind of mark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sigkd.files import write_json
from sigkd.synthesis.disturbances.files import write_scan
from sigkd.synthesis.disturbances.scan import FIELDS, NUMBERS, Scan, field_boxes, signature_boxes
from sigkd.synthesis.documents.make import Document
from sigkd.synthesis.marks import MM_PER_INCH


def labels(document: Document, scan: Scan | None = None) -> dict[str, Any]:
    """Return the truth of a document as a JSON object.

    Boxes are left, top, right, bottom, the last two exclusive: of the ink (``signatures``), of the place (``fields``).

    Args:
        document: the document.
        scan: what became of its scan; None: the scan as it was made.
    """
    page = scan or document.scan
    ink, places = signature_boxes(page), field_boxes(page)
    to_mm = (MM_PER_INCH / page.dpi[0], MM_PER_INCH / page.dpi[1])

    def box(pixels: tuple[int, int, int, int]) -> dict[str, Any]:
        return {"box": list(pixels), "box_mm": [round(v * to_mm[n % 2], 2) for n, v in enumerate(pixels)]}

    return {
        "kind": document.layout.kind,
        "layout": document.layout.name,
        "split": document.layout.split,
        "size": list(page.shape),
        "dpi": [round(value, 3) for value in page.dpi],
        "tag": None if page.tag is None else [round(value, 3) for value in page.tag],
        "signatures": [
            {"number": field.signature, "role": field.role, "scale": round(field.scale, 3), **box(ink[field.signature])}
            for field in document.fields
            if field.signature in ink
        ],
        "fields": [
            {"role": field.role, "signed": field.signature > 0, **box(places[field.number])}
            for field in document.fields
            if field.number in places
        ],
    }


def write_document(path: Path, document: Document, scan: Scan | None = None, *, masks: bool = False) -> dict[str, Any]:
    """Write a document (the format follows the suffix) and its :func:`labels` beside it (``.json``); return these.

    Args:
        path: of the picture.
        document: the document.
        scan: what became of its scan; None: the scan as it was made.
        masks: also write a mask of every kind of mark, ``NAME.signature.png`` ... (0 none .. 255 full).
    """
    page = scan or document.scan
    facts = labels(document, page)
    write_scan(path, page)
    if masks:
        for name, layer in page.layers.items():
            if name not in (NUMBERS, FIELDS):
                write_scan(path.with_name(f"{path.stem}.{name}.png"), Scan(layer, page.dpi, page.tag))
    write_json(path.with_suffix(".json"), facts)
    return facts
