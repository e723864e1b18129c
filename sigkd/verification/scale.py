"""What a likelihood ratio says in words: the ENFSI guideline's verbal scale, between two stated propositions.

ENFSI guideline for evaluative reporting in forensic science, 2015, the table of verbal equivalents (first column).
"""

from __future__ import annotations

from dataclasses import dataclass

from sigkd.words import times

H1 = "The writer of the references wrote the questioned signature."
H2 = {
    "skilled": (
        "Another person wrote the questioned signature, imitating the writer of the references (skilled forgery)."
    ),
    "random": (
        "Another person wrote the questioned signature, without imitating the writer of the references "
        "(random forgery)."
    ),
}
"""The alternative by the kind of impostor scores that a calibration was fitted on."""

_STEPS = (
    (1.0, "weak"),
    (2.0, "moderate"),
    (3.0, "moderately strong"),
    (4.0, "strong"),
    (6.0, "very strong"),
    (float("inf"), "extremely strong"),
)
"""Upper ends in log10 LR, and the words."""

NEUTRAL = 0.30103
"""log10 of 2: below an LR of 2 (or above 1/2) the guideline's scale supports neither proposition."""


@dataclass(frozen=True)
class Verbal:
    """An LR in words."""

    strength: str
    """``no``, ``weak`` ... ``extremely strong``."""
    proposition: str | None
    """``H1`` or ``H2``, whichever is supported; None for neither."""
    sentence: str


def verbal(log10_lr: float) -> Verbal:
    """Return the guideline's words for a log10 LR; it never speaks of the probability of a proposition."""
    size = abs(log10_lr)
    if size < NEUTRAL:
        return Verbal("no", None, "The findings do not support one proposition over the other.")
    strength = next(word for end, word in _STEPS if size < end)
    first, second = ("H1", "H2") if log10_lr > 0 else ("H2", "H1")
    return Verbal(
        strength,
        first,
        f"The findings provide {strength} support for {first} rather than {second} ({times(10.0**size)} times more "
        "probable).",
    )
