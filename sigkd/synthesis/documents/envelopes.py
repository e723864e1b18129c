"""Envelopes of postal ballots: declaration, signature, bar code."""

from __future__ import annotations

from sigkd.synthesis.documents.layouts import layout
from sigkd.synthesis.documents.page import Page, choose
from sigkd.synthesis.documents.pictures import bar_code
from sigkd.synthesis.marks import any_figures


@layout("envelope-declaration", "training", (229, 162))
def declaration(page: Page) -> None:
    """The voter's declaration in a frame; date and witness below it."""
    page.text(
        114,
        16,
        choose(page.rng, ("POSTAL BALLOT", "OFFICIAL BALLOT ENVELOPE", "WAHLBRIEF", "STEMBRIEF")),
        16,
        font=page.head,
        align=0.5,
    )
    page.line(12, 22, 217, 22, 0.5)
    page.paragraph(14, 32, 130, 5, 9)
    for row in range(3):
        page.text(158, 34 + 5 * row, page.words(18), 9)
    page.picture(158, 52, bar_code(page.down(12), page.down(52), page.rng))
    page.box(12, 72, 132, 34, page.rng.uniform(0.3, 0.7))
    page.text(
        14, 77, choose(page.rng, ("Voter's signature (required)", "Signature of voter", "Unterschrift der Wählerin")), 8
    )
    if page.rng.random() < 0.5:
        page.text(16, 100, "X", 16)
        page.line(22, 101, 140, 101, 0.25)
    page.sign_here(24, 80, 110, 21)
    page.text(14, 116, "Date", 8)
    page.comb(26, 111, 8, 6, 8, "".join(str(page.rng.integers(10)) for _ in range(8)))
    page.text(14, 136, "Witness (if the voter cannot sign)", 8)
    page.line(70, 136, 144, 136, 0.2)
    if page.rng.random() < 0.25:
        page.sign_here(74, 121, 66, 15, "witness")
    if page.rng.random() < 0.5:
        page.stamp(190, 110)


@layout("envelope-flap", "held-out", (220, 110))
def flap(page: Page) -> None:
    """The signature across the back, under printed lines of warning, with the voter's label."""
    page.line(0, 30, 110, 52, 0.3, tone=190)
    page.line(220, 30, 110, 52, 0.3, tone=190)
    page.text(110, 14, page.words(40).upper(), 10, font=page.head, align=0.5)
    page.shaded(12, 58, 120, 26, 228)
    page.text(14, 63, choose(page.rng, ("Sign here:", "Hier unterschreiben:", "Signez ici :")), 9, font=page.head)
    page.sign_here(30, 62, 96, 21, on_line=False)
    page.text(14, 92, "Date", 8)
    page.write(26, 92, any_figures(page.rng), 4.5)
    for row in range(4):
        page.text(148, 66 + 4.5 * row, page.name() if row == 0 else page.words(20), 8.5)
    page.picture(148, 86, bar_code(page.down(14), page.down(14), page.rng))
