"""Identity cards, and cards with specimens of one person's signature."""

from __future__ import annotations

from sigkd.synthesis.documents.layouts import layout
from sigkd.synthesis.documents.page import Page, choose
from sigkd.synthesis.documents.pictures import logo, portrait

_LABELS = ("Name", "Given names", "Date of birth", "Nationality", "Expires", "Place")


def _entries(page: Page, x: float, y: float, count: int, step: float) -> None:
    for label in _LABELS[:count]:
        page.text(x, y, label, 4)
        page.text(x, y + 3.2, page.words(12).upper(), 7, font=page.head)
        y += step


@layout("card-id", "training", (86, 54))
def identity(page: Page) -> None:
    """Portrait on the left, signature below it or on the right."""
    page.security_print(0, 0, page.width, page.height)
    page.text(4, 6, page.words(22).upper(), 8, font=page.head)
    page.picture(76, 2, *logo(page.down(7), page.rng, page.head))
    page.picture(4, 10, portrait(page.down(30), page.down(23), page.rng))
    _entries(page, 31, 13, int(page.rng.integers(3, 5)), 7)
    page.text(31, 43, choose(page.rng, ("Signature", "Signature of bearer", "Unterschrift")), 4)
    page.sign_here(31, 42, 50, 10)


@layout("card-licence", "held-out", (86, 54))
def licence(page: Page) -> None:
    """Portrait on the right, signature under the entries."""
    page.security_print(0, 8, page.width, page.height - 8)
    page.shaded(0, 0, page.width, 8, (200, 215, 235))
    page.text(43, 5.5, choose(page.rng, ("DRIVING LICENCE", "RIJBEWIJS", "FÜHRERSCHEIN")), 8, font=page.head, align=0.5)
    page.picture(58, 12, portrait(page.down(31), page.down(24), page.rng))
    _entries(page, 5, 13, 4, 6.5)
    page.text(5, 44, "7.", 5)
    page.sign_here(8, 40, 48, 11)
    if page.rng.random() < 0.4:
        page.stamp(58, 42)


def _specimens(
    page: Page, columns: int, rows: int, box: tuple[float, float], gap: tuple[float, float], top: float
) -> None:
    left = (page.width - columns * box[0] - (columns - 1) * gap[0]) / 2
    for place in range(columns * rows):
        x = left + place % columns * (box[0] + gap[0])
        y = top + place // columns * (box[1] + gap[1])
        page.box(x, y, *box, 0.25)
        page.text(x + 1.2, y + 3.2, str(place + 1), 6)
        page.sign_here(x + 2, y + 2, box[0] - 4, box[1] - 4, "specimen", person=0, on_line=False)


@layout("specimens-card", "training", (148, 105))
def card(page: Page) -> None:
    """Two to six specimens of one person in boxes."""
    page.text(
        74,
        10,
        choose(page.rng, ("SPECIMEN SIGNATURES", "Unterschriftsproben", "Signature card")),
        12,
        font=page.head,
        align=0.5,
    )
    page.text(10, 20, "Name", 8)
    page.line(24, 21, 138, 21, 0.2)
    page.write(28, 20, page.name(), 4.5, room=100)
    _specimens(page, 2, int(page.rng.integers(1, 4)), (62, 22), (4, 3), 27)


@layout("specimens-sheet", "held-out")
def sheet(page: Page) -> None:
    """Ten or twelve specimens of one person on a page."""
    page.text(20, 20, page.words(24), 14, font=page.head)
    page.paragraph(20, 28, 170, 2, 9)
    _specimens(page, 2, int(page.rng.integers(5, 7)), (78, 30), (10, 8), 44)
