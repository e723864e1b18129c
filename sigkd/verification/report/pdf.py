"""A report as a PDF file, by ReportLab: fonts inside, pages numbered, nothing from outside."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors, pagesizes
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    Image,
    KeepTogether,
    ListFlowable,
    PageBreak,
    SimpleDocTemplate,
    Spacer,
)
from reportlab.platypus import Paragraph as Text
from reportlab.platypus import Table as Grid

from sigkd.verification.report import blocks

PAPERS = {"A4": pagesizes.A4, "Letter": pagesizes.LETTER}
SIDE, TOP, BOTTOM = 16 * mm, 20 * mm, 18 * mm
INK, SOFT, LINE = colors.HexColor("#1b1b1b"), colors.HexColor("#555555"), colors.HexColor("#c8c8c8")
ANSWERS = {
    "accepted": "#00713d",
    "rejected": "#b3261e",
    "inconclusive": "#8a5a00",
    "copy": "#b3261e",
    "refused": "#8a5a00",
    "error": "#8a5a00",
    "unsigned": "#8a5a00",
}
_NOTES = "#8a5a00"
_PADDING = 6  # points, of a frame


def pdf_file(document: blocks.Document, paper: str) -> bytes:
    """Return the PDF file of a document on ``A4`` or ``Letter``."""
    buffer = io.BytesIO()
    size = PAPERS[paper]
    template = SimpleDocTemplate(
        buffer,
        pagesize=size,
        leftMargin=SIDE,
        rightMargin=SIDE,
        topMargin=TOP,
        bottomMargin=BOTTOM,
        title=plain(document.running),
        author=plain(document.author),
        creator="sigkd",
        lang=document.language,
    )
    width = size[0] - 2 * SIDE - 2 * _PADDING
    flow: list[Flowable] = [paragraph(document.title, "title"), paragraph(document.subtitle, "soft")]
    for block in document.blocks:
        flow.extend(_flowables(block, width))

    class Numbered(Canvas):  # type: ignore[misc]
        """Keeps its pages until their number is known."""

        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            self.kept: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 - ReportLab's name
            self.kept.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self.kept, 1):
                self.__dict__.update(page)
                told = document.page_of.format(page=number, pages=len(self.kept))
                edges(self, size, document.running, told, document.subtitle, inset=_PADDING)
                super().showPage()
            super().save()

    template.build(flow, canvasmaker=Numbered)
    return buffer.getvalue()


def edges(
    canvas: Any, size: tuple[float, float], running: str, number: str, below: str = "", *, inset: float = 0
) -> None:
    """Draw a page's running title over a line, its number and a text below; ``inset`` points from the sides."""
    left, right, line = SIDE + inset, size[0] - SIDE - inset, size[1] - 14.5 * mm
    running = plain(running)
    canvas.setFont(fonts()[0], 8)
    canvas.setFillColor(SOFT)
    canvas.drawString(left, size[1] - 13 * mm, running if len(running) <= 95 else f"{running[:94]}…")
    canvas.drawRightString(right, 11 * mm, number)
    canvas.drawString(left, 11 * mm, plain(below))
    canvas.setStrokeColor(LINE)
    canvas.line(left, line, right, line)


@cache
def fonts() -> tuple[str, str, str]:
    """Register Matplotlib's type, which has Latin, Greek and Cyrillic letters; regular, bold, of one width."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    names = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono")
    for name in names:
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
    return names


@cache
def _styles() -> dict[str, ParagraphStyle]:
    regular, bold, mono = fonts()
    base = ParagraphStyle(
        "text", fontName=regular, fontSize=9, leading=12.6, textColor=INK, spaceAfter=3, splitLongWords=1
    )
    more: dict[str, dict[str, Any]] = {
        "soft": {"fontSize": 8, "leading": 11, "textColor": SOFT},
        "strong": {"fontName": bold},
        "title": {"fontName": bold, "fontSize": 16, "leading": 20, "spaceAfter": 2},
        "heading": {
            "fontName": bold,
            "fontSize": 11.5,
            "leading": 15,
            "spaceBefore": 9,
            "spaceAfter": 4,
            "keepWithNext": 1,
        },
        "answer": {"fontName": bold, "fontSize": 15, "leading": 19, "spaceAfter": 2},
        "small": {"fontSize": 8, "leading": 10.4, "spaceAfter": 0},
        "small strong": {"fontSize": 8, "leading": 10.4, "spaceAfter": 0, "fontName": bold},
        "hash": {"fontSize": 7.2, "leading": 9.6, "spaceAfter": 0, "fontName": mono},
    }
    return {"text": base, **{name: ParagraphStyle(name, base, **changes) for name, changes in more.items()}}


def plain(text: str) -> str:
    """Return a text that the fonts can show: other letters and control characters as their numbers."""
    shown = pdfmetrics.getFont(fonts()[0]).face.charToGlyph
    return "".join(
        one if one in "\n\t" or (ord(one) in shown and one.isprintable()) else one.encode("unicode_escape").decode()
        for one in text
    )


def paragraph(text: str, style: str = "text", colour: str | None = None) -> Flowable:
    """Return a paragraph; nothing in its text is markup but the ends of lines."""
    own = _styles()[style]
    if colour is not None:
        own = ParagraphStyle(f"{style} {colour}", own, textColor=colors.HexColor(colour))
    return Text(escape(plain(text)).replace("\n", "<br/>"), own)


def _flowables(block: blocks.Block, width: float) -> Iterator[Flowable]:
    match block:
        case blocks.Heading():
            if block.page:
                yield PageBreak()
            yield paragraph(block.text, "heading")
        case blocks.Paragraph():
            yield paragraph(block.text, "soft" if block.soft else "strong" if block.strong else "text")
        case blocks.Bullets():
            items = [paragraph(item) for item in block.items]
            yield ListFlowable(items, bulletType="bullet", start="•", leftIndent=10, bulletFontName=fonts()[0])
        case blocks.Notes():
            lines = [paragraph(block.title, "strong", _NOTES), *(paragraph(f"• {item}") for item in block.items)]
            yield from _boxed(lines, _NOTES, width)
        case blocks.Answer():
            colour = ANSWERS[block.kind]
            yield from _boxed([paragraph(block.word, "answer", colour), *map(paragraph, block.lines)], colour, width)
        case blocks.Rows():
            cells = [[paragraph(name, "small strong"), _value(value, block.hashes)] for name, value in block.rows]
            yield _grid(cells, [0.27 * width, 0.73 * width])
            yield Spacer(0, 5)
        case blocks.Table():
            yield _table(block, width)
            yield Spacer(0, 5)
        case blocks.Figures():
            yield from _figures(block, width)
        case blocks.Signing():
            blank = [Spacer(0, 17 * mm) for _ in block.labels]
            labels = [paragraph(label, "small") for label in block.labels]
            column = width / len(block.labels)
            grid = Grid([blank, labels], colWidths=[column] * len(labels))
            grid.setStyle([("LINEABOVE", (place, 1), (place, 1), 0.6, INK) for place in range(len(labels))])
            yield KeepTogether([grid])


def _value(value: str, hashes: bool) -> Flowable:
    is_hash = hashes and any(len(word) == 64 for word in value.split())
    return paragraph(value, "hash" if is_hash else "small")


def _boxed(lines: Sequence[Flowable], colour: str, width: float) -> Iterator[Flowable]:
    grid = Grid([[line] for line in lines], colWidths=[width], splitInRow=1)
    edge = colors.HexColor(colour)
    grid.setStyle(
        [
            ("LINEBEFORE", (0, 0), (0, -1), 5, edge),
            ("BOX", (0, 0), (-1, -1), 0.6, edge),
            ("LEFTPADDING", (0, 0), (-1, -1), 12),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ]
    )
    yield Spacer(0, 4)
    yield grid
    yield Spacer(0, 6)


def _grid(cells: list[list[Flowable]], widths: Sequence[float], head: bool = False) -> Flowable:
    grid = Grid(cells, colWidths=list(widths), repeatRows=1 if head else 0, splitInRow=1)
    grid.setStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ]
    )
    return grid


def _table(block: blocks.Table, width: float) -> Flowable:
    cells = [[paragraph(title, "small strong") for title in block.head]]
    cells += [
        [
            paragraph(text, "small strong" if (row, column) in block.marked else "small")
            for column, text in enumerate(line)
        ]
        for row, line in enumerate(block.rows)
    ]
    number = len(block.head)
    if block.lengthy or number <= 3:
        widths = [0.3 * width, *([0.7 * width / (number - 1)] * (number - 1))]
    else:  # the last two columns hold a range and a word
        widths = [0.21 * width, *([0.45 * width / (number - 3)] * (number - 3)), 0.19 * width, 0.15 * width]
    return _grid(cells, widths, head=True)


def _figures(block: blocks.Figures, width: float) -> Iterator[Flowable]:
    gap = 7.0
    column = (width - gap * (block.columns - 1)) / block.columns
    for first in range(0, len(block.figures), block.columns):
        row = [_figure(figure, column) for figure in block.figures[first : first + block.columns]]
        row += [[] for _ in range(block.columns - len(row))]
        grid = Grid([row], colWidths=[column + gap] * (block.columns - 1) + [column], hAlign="LEFT")
        grid.setStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0),
                       ("RIGHTPADDING", (0, 0), (-1, -1), 0), ("TOPPADDING", (0, 0), (-1, -1), 2)])  # fmt: skip
        yield grid


def _figure(figure: blocks.Figure, width: float) -> list[Flowable]:
    picture = figure.picture
    height = width * picture.height / picture.width
    image = Image(io.BytesIO(picture.content), width=width, height=height)
    frame = Grid([[image]], colWidths=[width])
    frame.setStyle([("BOX", (0, 0), (-1, -1), 0.5, LINE), *((f"{side}PADDING", (0, 0), (-1, -1), 0)
                   for side in ("LEFT", "RIGHT", "TOP", "BOTTOM"))])  # fmt: skip
    return [frame, paragraph(figure.caption, "soft")]
