"""Last pages of contracts: several people sign, each with place, date and caption."""

from __future__ import annotations

from sigkd.synthesis.documents.layouts import layout
from sigkd.synthesis.documents.page import Page, choose
from sigkd.synthesis.marks import any_figures

_PARTIES = (
    ("Buyer", "Seller"),
    ("Tenant", "Landlord"),
    ("Lender", "Borrower"),
    ("Käufer", "Verkäufer"),
    ("Party A", "Party B"),
)


def _clauses(page: Page, y: float, last: float, x: float = 22, width: float = 166, points: float = 9.5) -> float:
    number = int(page.rng.integers(3, 12))
    while y < last:
        page.text(x, y, f"{number}. {page.words(20)}", points, font=page.head)
        y = page.paragraph(x, y + points * 0.46, width, int(page.rng.integers(3, 7)), points) + 3.5
        number += 1
    return y


@layout("contract-two", "training")
def two(page: Page) -> None:
    """Two parties side by side."""
    y = _clauses(page, 25, page.rng.uniform(120, 200)) + 8
    parties = _PARTIES[int(page.rng.integers(len(_PARTIES)))]
    dotted = (0.3, 0.9) if page.rng.random() < 0.4 else None
    for person, x in enumerate((22.0, 112.0)):
        page.text(x, y, parties[person], 10, font=page.head)
        page.line(x, y + 13, x + 72, y + 13, 0.2, dash=dotted)
        page.text(x, y + 16.5, "Place, date", 6.5)
        page.writer += person
        page.write(x + 4, y + 12, any_figures(page.rng), 4)
        page.sign_here(x, y + 20, 72, 20, ("signature", "second signature")[person])
        page.line(x, y + 40, x + 72, y + 40, 0.2, dash=dotted)
        page.text(x, y + 43.5, f"({page.name()})", 7)
    page.text(105, 288, f"- {page.rng.integers(2, 30)} -", 9, align=0.5)


@layout("contract-witnesses", "training")
def witnesses(page: Page) -> None:
    """Two parties and two witnesses one below the other, lines on the right."""
    y = _clauses(page, 25, page.rng.uniform(70, 130)) + 6
    page.text(22, y, page.words(70), 9.5)
    for person, role in enumerate(("signature", "second signature", "witness", "witness")):
        y += 27
        page.text(22, y, f"{role.capitalize()}: {page.name()}", 9)
        page.line(100, y + 1, 188, y + 1, 0.25)
        page.sign_here(104, y - 17, 80, 18, role)
        if person % 2 == 0 and page.rng.random() < 0.6:
            page.write(26, y + 8, any_figures(page.rng), 4)
    if page.rng.random() < 0.5:
        page.stamp(60, y - 20)


@layout("contract-columns", "held-out")
def columns(page: Page) -> None:
    """Small print in two columns; three signatories in boxes below."""
    last = page.rng.uniform(150, 200)
    for x in (18.0, 108.0):
        _clauses(page, 22, last, x, 84, 7.5)
    y = last + 34
    for person, role in enumerate(("signature", "second signature", "witness")):
        x = 18 + person * 60
        page.box(x, y, 56, 26, 0.2)
        page.text(x + 1.5, y + 3.5, choose(page.rng, ("Signed for", "For and on behalf of", "In the presence of")), 6)
        page.sign_here(x + 2, y + 4, 52, 18, role, on_line=False)
        page.text(x + 1.5, y + 25, f"Date {page.rng.integers(1, 29)}/{page.rng.integers(1, 13)}", 6)
