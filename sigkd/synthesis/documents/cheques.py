"""Cheques."""

from __future__ import annotations

from sigkd.synthesis.documents.layouts import layout
from sigkd.synthesis.documents.page import Page, choose
from sigkd.synthesis.documents.pictures import logo
from sigkd.synthesis.marks import any_figures

_NUMBERS = ("forty-two", "three hundred and twelve", "one thousand", "seventy five and", "two thousand six hundred")


def _figures(page: Page, digits: int) -> str:
    return "".join(str(page.rng.integers(10)) for _ in range(digits))


def _date(page: Page) -> str:
    return f"{page.rng.integers(1, 29)}.{page.rng.integers(1, 13)}.{page.rng.integers(2005, 2027)}"


def _amount(page: Page) -> str:
    return f"{page.rng.integers(10, 9999)},{page.rng.integers(0, 99):02d}"


def _coding_line(page: Page) -> None:
    text = f"{_figures(page, 6)}: {_figures(page, 9)}  {_figures(page, 10)}  {_figures(page, 2)}"
    page.text(page.width * 0.2, page.height - 5, text, 11)


def _bank(page: Page, x: float, y: float) -> None:
    side = page.down(9)
    page.picture(x, y, *logo(side, page.rng, page.head))
    page.text(x + 11, y + 5, f"{page.name().split()[1]} Bank", 12, font=page.head)
    page.text(x + 11, y + 9, page.words(25), 6)


@layout("cheque-line", "training", (152, 72))
def line(page: Page) -> None:
    """British: payee and amount on lines, a box for figures, the signature right below."""
    page.security_print(0, 0, page.width, page.height)
    _bank(page, 6, 5)
    page.text(108, 10, "Date", 7)
    page.line(116, 11, 146, 11)
    page.write(118, 10, _date(page), 4)
    page.text(6, 25, "Pay", 9)
    page.line(14, 26, 110, 26)
    page.write(18, 25, page.name(), 4.5, room=88)
    page.line(6, 36, 110, 36)
    page.write(10, 35, choose(page.rng, _NUMBERS), 4.5, room=96)
    page.box(114, 22, 32, 10, 0.3)
    page.text(116, 29, choose(page.rng, ("£", "$", "EUR", "CHF")), 10)
    page.write(123, 29.5, _amount(page), 4.5, room=22)
    name = page.name().upper()
    page.text(146, 42, name, 7, align=1)
    if page.rng.random() < 0.7:
        page.line(92, 60, 146, 60)
    page.sign_here(92, 44, 54, 16)
    if page.rng.random() < 0.4:
        page.text(146, 63, choose(page.rng, ("Signature", "Authorised signature", "Please sign above")), 5, align=1)
    if page.rng.random() < 0.3:
        page.stamp(page.rng.uniform(20, 100), page.rng.uniform(20, 55))
    _coding_line(page)


@layout("cheque-american", "training", (152, 70))
def american(page: Page) -> None:
    """The drawer's address on the left, a memo line beside the signature's."""
    if page.rng.random() < 0.6:
        page.security_print(0, 0, page.width, page.height)
    page.text(7, 8, page.name(), 9, font=page.head)
    for row in range(2):
        page.text(7, 12 + 3.5 * row, page.words(22), 7)
    page.text(145, 8, _figures(page, 4), 11, align=1)
    page.text(96, 15, "DATE", 6)
    page.line(104, 16, 145, 16)
    page.write(108, 15, _date(page), 4)
    page.text(7, 25, "PAY TO THE", 5)
    page.text(7, 28, "ORDER OF", 5)
    page.line(22, 28, 112, 28)
    page.write(26, 27, page.name(), 4.5, room=84)
    page.text(115, 28, "$", 12)
    page.box(119, 22, 26, 7, 0.25)
    page.write(121, 28, _amount(page), 4, room=22)
    page.line(7, 37, 130, 37)
    page.write(9, 36, choose(page.rng, _NUMBERS), 4.5, room=100)
    page.text(132, 37, "DOLLARS", 6)
    page.text(7, 45, f"{page.name().split()[1]} National", 10, font=page.head)
    page.text(7, 57, "MEMO", 5)
    page.line(15, 57, 65, 57)
    if page.rng.random() < 0.6:
        page.write(18, 56, page.words(10, capital=False), 3.5, room=45)
    page.line(84, 57, 145, 57)
    page.sign_here(86, 42, 58, 15)
    if page.rng.random() < 0.3:
        page.text(145, 59.5, "MP", 4, align=1)
    _coding_line(page)


@layout("cheque-cells", "held-out", (175, 80))
def cells(page: Page) -> None:
    """Continental: a comb for the amount, shaded fields, two signatories without a line."""
    page.security_print(0, 0, page.width, page.height * 0.82)
    _bank(page, 120, 5)
    page.text(7, 10, f"CHEQUE No. {_figures(page, 8)}", 9, font=page.head)
    page.shaded(7, 14, 100, 8)
    page.text(8, 17, choose(page.rng, ("A l'ordre de", "Pay to", "An")), 6)
    page.write(24, 20, page.name(), 4.5, room=80)
    page.text(7, 29, choose(page.rng, ("Montant", "Betrag", "Amount")), 7)
    page.comb(24, 25, 10, 5, 7, _figures(page, int(page.rng.integers(3, 7))))
    page.line(7, 40, 110, 40, 0.2, dash=(0.3, 0.9))
    page.write(10, 39, choose(page.rng, _NUMBERS), 4.5, room=95)
    page.text(7, 50, choose(page.rng, ("Lieu, date", "Ort, Datum", "Place, date")), 6)
    page.write(24, 50, any_figures(page.rng), 4)
    page.text(118, 32, choose(page.rng, ("Signature(s)", "Unterschrift(en)", "Firma")), 6)
    page.box(116, 28, 54, 33, 0.15)
    page.sign_here(118, 34, 50, 13, on_line=False)
    if page.rng.random() < 0.35:
        page.sign_here(118, 48, 50, 12, "second signature", on_line=False)
    page.shaded(0, page.height * 0.84, page.width, page.height * 0.16, 240)
    _coding_line(page)
