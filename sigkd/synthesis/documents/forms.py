"""Forms: lines, boxes, combs, tables of signatures."""

from __future__ import annotations

from sigkd.synthesis.documents.layouts import A4, layout
from sigkd.synthesis.documents.page import Page, choose
from sigkd.synthesis.documents.pictures import bar_code, logo
from sigkd.synthesis.marks import any_figures

_CAPTIONS = (
    "Signature",
    "Unterschrift",
    "Signature of applicant",
    "Handtekening",
    "Firma",
    "Date and signature",
    "Underskrift",
)
_LABELS = (
    "Name",
    "First name",
    "Date of birth",
    "Street",
    "Place",
    "Account",
    "Telephone",
    "Nationality",
    "Employer",
    "IBAN",
)


def _title(page: Page) -> None:
    page.picture(20, 12, *logo(page.down(13), page.rng, page.head))
    page.text(38, 18, page.words(28), 15, font=page.head)
    page.text(38, 24, page.words(60), 8)


def _ticks(page: Page, x: float, y: float, count: int) -> None:
    """Print boxes to tick, some of them ticked."""
    for entry in range(count):
        left = x + entry * 40
        page.box(left, y - 3, 3.5, 3.5, 0.2)
        page.text(left + 5, y, page.words(12), 8)
        if page.rng.random() < 0.4:
            page.write(left + 0.3, y + 0.2, choose(page.rng, ("x", "X", "V")), 4)


@layout("form-lines", "training")
def lines(page: Page) -> None:
    """Labels and lines filled in by hand; the signature's line with its caption under it."""
    _title(page)
    y = 42.0
    for label in page.rng.permutation(_LABELS)[: int(page.rng.integers(5, 9))]:
        page.text(20, y, str(label), 9)
        page.line(55, y + 0.8, 188, y + 0.8, 0.15)
        if page.rng.random() < 0.85:
            page.write(58, y, page.name() if page.rng.random() < 0.6 else any_figures(page.rng), 4, room=125)
        y += 11
    _ticks(page, 20, y, 4)
    y = page.paragraph(20, y + 10, 168, int(page.rng.integers(3, 8)), 8.5) + 22
    page.line(20, y, 80, y, 0.2)
    page.text(20, y + 4, choose(page.rng, ("Place, date", "Ort, Datum", "Lieu, date")), 7)
    page.write(24, y - 1, any_figures(page.rng), 4)
    page.line(105, y, 188, y, 0.2)
    page.text(105 if page.rng.random() < 0.7 else 125, y + 4, choose(page.rng, _CAPTIONS), 7)
    page.sign_here(107, y - 18, 80, 18)
    if page.rng.random() < 0.2:
        page.stamp(page.rng.uniform(60, 160), y - page.rng.uniform(0, 15))


@layout("form-boxes", "training")
def boxes(page: Page) -> None:
    """Cells with small labels, combs with block letters, a box to sign in."""
    _title(page)
    y = 36.0
    for _ in range(int(page.rng.integers(4, 7))):
        split = page.rng.uniform(60, 120)
        for x, width in ((20.0, split), (20 + split, 168 - split)):
            page.box(x, y, width, 13, 0.25)
            page.text(x + 1.5, y + 3, str(choose(page.rng, _LABELS)), 6)
            if page.rng.random() < 0.8:
                page.write(
                    x + 5, y + 11, page.name() if page.rng.random() < 0.5 else any_figures(page.rng), 4, room=width - 8
                )
        y += 13
    y += 6
    for _ in range(2):
        page.text(20, y + 5, choose(page.rng, _LABELS), 8)
        page.comb(50, y, int(page.rng.integers(10, 24)), 5, 7, page.name().upper().replace(" ", ""))
        y += 12
    y = page.paragraph(20, y + 8, 168, int(page.rng.integers(2, 6)), 8) + 4
    width = page.rng.uniform(65, 95)
    page.box(20, y, 60, 24, 0.25)
    page.text(22, y + 4, "Date", 6)
    page.write(28, y + 16, any_figures(page.rng), 4.5)
    page.box(188 - width, y, width, 24, page.rng.uniform(0.2, 0.5))
    page.text(190 - width, y + 4, choose(page.rng, _CAPTIONS), 6)
    page.sign_here(190 - width, y + 4, width - 4, 19, on_line=False)
    page.picture(20, 270, bar_code(page.down(12), page.down(50), page.rng))


@layout("form-table", "held-out")
def table(page: Page) -> None:
    """A list of people who sign in its rows."""
    page.text(20, 20, page.words(30), 14, font=page.head)
    columns = (20.0, 32.0, 90.0, 125.0, 190.0)
    rows, height = int(page.rng.integers(4, 9)), page.rng.uniform(15, 20)
    page.shaded(20, 30, 170, 8)
    for x, head in zip(columns, ("No.", "Name", "Date", choose(page.rng, _CAPTIONS)), strict=False):
        page.text(x + 2, 35.5, head, 8, font=page.head)
    for row in range(rows + 1):
        page.line(20, 38 + row * height, 190, 38 + row * height, 0.2)
    for x in columns:
        page.line(x, 30, x, 38 + rows * height, 0.2)
    for row in range(rows):
        top = 38 + row * height
        page.text(24, top + height * 0.6, str(row + 1), 9)
        page.writer += 1
        page.write(36, top + height * 0.65, page.name(), 4, room=50)
        page.write(93, top + height * 0.65, any_figures(page.rng), 3.5, room=30)
        page.sign_here(127, top + 1.5, 61, height - 3, on_line=False)


@layout("form-slip", "held-out", (A4[0], 105))
def slip(page: Page) -> None:
    """A slip with shaded cells and the signature's at its right end, as with transfers and deliveries."""
    page.text(12, 12, page.words(24), 12, font=page.head)
    page.text(198, 12, f"No. {page.rng.integers(10000, 99999)}", 9, align=1)
    for row in range(4):
        page.shaded(12, 20 + 14 * row, 118, 10, 225)
        page.text(13, 23 + 14 * row, choose(page.rng, _LABELS), 5.5)
        page.write(18, 28.5 + 14 * row, page.name() if row % 2 else any_figures(page.rng), 4, room=108)
    page.box(136, 20, 62, 40, 0.35)
    page.text(167, 64, choose(page.rng, _CAPTIONS), 6.5, align=0.5)
    page.sign_here(138, 24, 58, 32, on_line=False)
    page.line(0, 96, page.width, 96, 0.25, dash=(2, 1.2))
    page.text(12, 90, page.words(70), 6)
    page.text(136, 85, "X", 12)
    page.line(142, 85, 198, 85, 0.2)
    if page.rng.random() < 0.4:
        page.sign_here(143, 70, 54, 15, "second signature")
