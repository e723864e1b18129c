"""The table of layouts: what kinds of documents there are, and which of them learned models may not see in training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sigkd.registry import Registry
from sigkd.synthesis.documents.page import Page
from sigkd.synthesis.fonts import Split

Draw = Callable[[Page], None]

A4 = (210.0, 297.0)


@dataclass(frozen=True)
class Layout:
    """One way to lay out a kind of document."""

    name: str
    """Kind and layout: ``cheque-line``."""
    split: Split
    width: float
    """Of the sheet, mm."""
    height: float
    draw: Draw
    """Prints, fills in and has signed."""

    @property
    def kind(self) -> str:
        """What it is: cheque, letter, form, contract, envelope, card, specimens."""
        return self.name.partition("-")[0]


LAYOUTS: Registry[Layout] = Registry("layout")


def layout(name: str, split: Split, size: tuple[float, float] = A4) -> Callable[[Draw], Draw]:
    """Return the decorator that registers a function of a page as a layout; ``size``: width and height in mm."""

    def decorate(draw: Draw) -> Draw:
        LAYOUTS.register(name)(Layout(name, split, *size, draw))
        return draw

    return decorate
