"""Numbers in words, the same wherever somebody reads them."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return a number with its noun in the right form: ``1 writer``, ``2 writers``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def times(factor: float) -> str:
    """Return how many times something is more: ``3.2``, ``1,300``; two digits, for more than that is not known."""
    return f"{factor:.1f}" if factor < 10 else f"{float(f'{factor:.2g}'):,.0f}"
