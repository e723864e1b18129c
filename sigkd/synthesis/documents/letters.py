"""Letters: printed ones with one or two signatories, and one written by hand."""

from __future__ import annotations

from sigkd.synthesis.documents.layouts import layout
from sigkd.synthesis.documents.page import Page, choose
from sigkd.synthesis.documents.pictures import logo

_CLOSINGS = (
    "Yours sincerely,",
    "Kind regards",
    "Mit freundlichen Grüßen",
    "Hoogachtend,",
    "Atentamente,",
    "Sincerely yours,",
)
_TITLES = ("Managing Director", "Head of Claims", "Notary", "Secretary", "Branch Manager", "Attorney")


def _head(page: Page) -> float:
    """Print sender, address, date and subject; return where the text begins."""
    if page.rng.random() < 0.8:
        page.picture(22, 12, *logo(page.down(16), page.rng, page.head))
    page.text(188, 18, f"{page.name().split()[1]} & {page.name().split()[1]}", 14, font=page.head, align=1)
    page.text(188, 23, page.words(40), 7, align=1)
    if page.rng.random() < 0.5:
        page.line(22, 32, 188, 32, 0.3)
    for row in range(4):
        page.text(22, 52 + 4.5 * row, page.words(22), 10)
    page.text(
        188,
        80,
        f"{page.words(8)}, {page.rng.integers(1, 29)} {page.words(5)} {page.rng.integers(1995, 2027)}",
        10,
        align=1,
    )
    page.text(22, 92, page.words(40), 11, font=page.head)
    return 102


def _body(page: Page, y: float, last: float) -> float:
    """Print paragraphs down to about ``last``."""
    points = page.rng.uniform(9.5, 11.5)
    while y < last:
        y = page.paragraph(22, y, 166, int(page.rng.integers(3, 8)), points) + 3
    return y


@layout("letter-business", "training")
def business(page: Page) -> None:
    """A closing, the signature and the typed name, left or right."""
    y = _body(page, _head(page), page.rng.uniform(120, 185))
    x = 22 if page.rng.random() < 0.7 else 115
    page.text(x, y + 4, choose(page.rng, _CLOSINGS), 10.5)
    gap = page.rng.uniform(18, 26)
    page.sign_here(x, y + 6, 70, gap - 4)
    page.text(x, y + 4 + gap, page.name(), 10.5)
    page.text(x, y + 8.5 + gap, choose(page.rng, _TITLES), 9)
    if page.rng.random() < 0.25:
        page.stamp(x + page.rng.uniform(50, 80), y + page.rng.uniform(8, 24))
    if page.rng.random() < 0.4:
        page.line(22, 280, 188, 280, 0.15)
        page.text(105, 284, page.words(80), 6.5, align=0.5)


@layout("letter-two", "held-out")
def two(page: Page) -> None:
    """Two signatories side by side, each over a dotted line."""
    y = _body(page, _head(page), page.rng.uniform(115, 175)) + 6
    page.text(22, y, choose(page.rng, _CLOSINGS), 10.5)
    for person, x in enumerate((22, 112)):
        page.sign_here(x, y + 5, 70, 19, ("signature", "second signature")[person])
        page.line(x, y + 24.5, x + 70, y + 24.5, 0.25, dash=(0.3, 0.9))
        page.text(x, y + 29, page.name(), 9.5)
        page.text(x, y + 33, choose(page.rng, _TITLES), 8)


@layout("letter-plain", "training")
def plain(page: Page) -> None:
    """A private letter without a head; the name is not typed."""
    for row in range(3):
        page.text(130, 22 + 5 * row, page.words(20), 11)
    page.text(22, 60, f"{page.words(6)} {page.name()},", 11)
    y = _body(page, 70, page.rng.uniform(90, 190))
    page.text(130, y + 4, choose(page.rng, _CLOSINGS), 11)
    page.sign_here(120, y + 6, 70, 22)


@layout("letter-handwritten", "training", (148, 210))
def handwritten(page: Page) -> None:
    """A page of handwriting, signed by the hand that wrote it or another."""
    height = page.rng.uniform(3.5, 5.0)
    pitch = height * page.rng.uniform(2.0, 2.6)
    ruled = page.rng.random() < 0.4
    y = 28.0
    page.write(
        90, y - 8, f"{page.rng.integers(1, 29)}.{page.rng.integers(1, 13)}.{page.rng.integers(1990, 2026)}", height
    )
    count = int(page.rng.integers(5, 12))
    for row in range(count):
        if ruled:
            page.line(0, y + 0.5, page.width, y + 0.5, 0.15, tone=(150, 175, 215))
        room = 112 if row < count - 1 else page.rng.uniform(40, 90)
        page.write(18, y, page.words(int(room / height / 0.75)), height, room=room)
        y += pitch
    page.sign_here(70, y, 65, 24, person=0)
