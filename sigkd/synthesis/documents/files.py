"""Documents to files: the page, what is on it as JSON, and masks of each kind of mark."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sigkd.files import write_json
from sigkd.json_documents import JsonDocument
from sigkd.synthesis.disturbances.files import write_scan
from sigkd.synthesis.disturbances.scan import FIELDS, NUMBERS, Scan, field_boxes, signature_boxes
from sigkd.synthesis.documents.make import Document
from sigkd.synthesis.fonts import Split
from sigkd.synthesis.marks import MM_PER_INCH

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class SignatureLabel:
    """A signature on a page."""

    number: int
    """Its value in the page's mask of numbers."""
    role: str
    scale: float
    """How much smaller than usual it is written; 1: as usual."""
    box: Box
    """Of its ink in pixels: left, top, right, bottom, the last two exclusive."""
    box_mm: tuple[float, float, float, float]


@dataclass(frozen=True)
class FieldLabel:
    """A place for a signature."""

    role: str
    """Who signs there."""
    signed: bool
    box: Box
    """Of the place in pixels: left, top, right, bottom, the last two exclusive."""
    box_mm: tuple[float, float, float, float]


class PageLabels(JsonDocument, format="sigkd-page-labels", version=1):
    """What ``sigkd documents`` writes beside each page: the truth of what is where."""

    kind: str
    layout: str
    split: Split
    size: tuple[int, int]
    """Height and width in pixels."""
    dpi: tuple[float, float]
    tag: tuple[float, float] | None
    """The resolution that the file states; null: none."""
    signatures: list[SignatureLabel]
    fields: list[FieldLabel]


@dataclass(frozen=True)
class WrittenPage:
    """A page and what is on it."""

    file: Path
    labels: PageLabels


class MadeUpDocuments(JsonDocument, format="sigkd-made-up-documents", version=1):
    """What ``sigkd documents`` prints."""

    documents: list[WrittenPage]
    sheet: Path | None


def labels(document: Document, scan: Scan | None = None) -> PageLabels:
    """Return the truth of a document.

    Args:
        document: the document.
        scan: what became of its scan; None: the scan as it was made.
    """
    page = scan or document.scan
    ink, places = signature_boxes(page), field_boxes(page)
    to_mm = (MM_PER_INCH / page.dpi[0], MM_PER_INCH / page.dpi[1])

    def box(pixels: Box) -> tuple[Box, tuple[float, float, float, float]]:
        left, top, right, bottom = (round(v * to_mm[n % 2], 2) for n, v in enumerate(pixels))
        return pixels, (left, top, right, bottom)

    return PageLabels(
        kind=document.layout.kind,
        layout=document.layout.name,
        split=document.layout.split,
        size=page.shape,
        dpi=(round(page.dpi[0], 3), round(page.dpi[1], 3)),
        tag=None if page.tag is None else (round(page.tag[0], 3), round(page.tag[1], 3)),
        signatures=[
            SignatureLabel(field.signature, field.role, round(field.scale, 3), *box(ink[field.signature]))
            for field in document.fields
            if field.signature in ink
        ],
        fields=[
            FieldLabel(field.role, field.signature > 0, *box(places[field.number]))
            for field in document.fields
            if field.number in places
        ],
    )


def write_document(path: Path, document: Document, scan: Scan | None = None, *, masks: bool = False) -> PageLabels:
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
    write_json(path.with_suffix(".json"), facts.to_json())
    return facts
