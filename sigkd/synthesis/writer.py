"""Who writes: the style, the pen and the paper of a made-up writer, drawn from the seed and the writer's number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigkd.synthesis.lognormal import Kinematics

Array = NDArray[np.float64]

_TAGS = {"style": 1, "plan": 2, "genuine": 3, "skilled": 4, "forger": 5, "page": 6, "glyph": 7, "texture": 8}

_ONSETS = (
    "b",
    "br",
    "c",
    "d",
    "f",
    "g",
    "gr",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "st",
    "t",
    "v",
    "w",
    "sch",
    "z",
)
_VOWELS = ("a", "e", "i", "o", "u", "a", "e", "o", "ee", "ai", "ou", "y")
_CODAS = ("", "", "", "n", "r", "l", "s", "t", "m", "nd", "ck", "rt", "ss", "lt", "ng")


def generator(seed: int, tag: str, *numbers: int) -> np.random.Generator:
    """Return the random generator of one purpose: the same numbers give the same stream on every platform."""
    return np.random.default_rng([seed, _TAGS[tag], *numbers])


@dataclass(frozen=True)
class Pen:
    """What the pen leaves on paper. Lengths are in pixels of the scan."""

    width: float
    """Stroke width at middling speed and pressure."""
    darkness: float
    """Ink density at middling pressure, 0 (none) to 1 (black)."""
    pressure_width: float
    """How much the width follows the pressure (0: a fibre pen, 0.6: a soft nib)."""
    pressure_ink: float
    """How much the darkness follows the pressure (a pencil or ballpoint more than a gel pen)."""
    grain: float
    """How much of the ink misses the paper's valleys, 0 to 1."""
    nib: float
    """Broad-nib contrast: relative thinning across the nib's angle."""
    nib_angle: float


@dataclass(frozen=True)
class Style:
    """The habits of a writer. Lengths are in x-heights, angles in radians."""

    slant: float
    width: float
    ascender: float
    descender: float
    capital: float
    spacing: float
    joined: float
    """Probability that two neighbouring letters are joined."""
    entry: bool
    """Whether unjoined letters keep their entry stroke."""
    shape: float
    """Strength of the personal deviation from the copybook letters."""
    consistency: float
    """How much one writing differs from the next, relative to the typical writer."""
    kinematics: Kinematics
    pen: Pen


def random_pen(rng: np.random.Generator) -> Pen:
    """Draw a pen: ballpoint, gel pen, fineliner, felt-tip, fountain pen or pencil."""
    kind = rng.choice(6, p=[0.42, 0.2, 0.14, 0.1, 0.1, 0.04])
    low_high = (
        ((4.0, 6.0), (0.60, 0.95), 0.25, 0.35, 0.75),
        ((4.5, 7.0), (0.80, 0.97), 0.15, 0.10, 0.30),
        ((3.2, 4.8), (0.70, 0.95), 0.10, 0.15, 0.35),
        ((7.0, 11.0), (0.82, 0.98), 0.12, 0.06, 0.10),
        ((4.5, 8.0), (0.65, 0.95), 0.35, 0.20, 0.12),
        ((3.5, 5.5), (0.52, 0.80), 0.30, 0.55, 0.95),
    )[int(kind)]
    width, darkness, pressure_width, pressure_ink, grain = low_high
    return Pen(
        width=rng.uniform(*width),
        darkness=rng.uniform(*darkness),
        pressure_width=pressure_width * rng.uniform(0.6, 1.5),
        pressure_ink=pressure_ink * rng.uniform(0.6, 1.4),
        grain=grain * rng.uniform(0.6, 1.3),
        nib=rng.uniform(0.25, 0.6) if kind == 4 else 0.0,
        nib_angle=rng.uniform(0.4, 0.9),
    )


def writer_style(writer: int, seed: int = 0) -> Style:
    """Return the habits of the made-up writer number ``writer``."""
    rng = generator(seed, "style", writer)
    return Style(
        slant=float(np.clip(rng.normal(0.25, 0.28), -0.4, 0.9)),
        width=float(np.exp(rng.normal(0.12, 0.22))),
        ascender=rng.uniform(0.55, 1.4),
        descender=rng.uniform(0.5, 1.3),
        capital=rng.uniform(0.75, 1.35),
        spacing=float(np.clip(rng.normal(0.08, 0.13), -0.15, 0.45)),
        joined=float(rng.choice([0.0, 0.5, 0.85, 1.0], p=[0.12, 0.23, 0.3, 0.35])),
        entry=bool(rng.random() < 0.4),
        shape=rng.uniform(0.5, 1.5),
        consistency=float(np.exp(rng.normal(0.0, 0.25))),
        kinematics=Kinematics(
            stroke_time=rng.uniform(0.09, 0.16),
            overlap=rng.uniform(0.42, 0.72),
            asymmetry=rng.uniform(0.04, 0.12),
        ),
        pen=random_pen(rng),
    )


def made_up_word(rng: np.random.Generator, low: int, high: int) -> str:
    """Return a pronounceable small-letter word of ``low`` to ``high`` letters that belongs to no language."""
    size = int(rng.integers(low, high + 1))
    word = ""
    while len(word) < size:
        word += str(rng.choice(_ONSETS)) if word or rng.random() < 0.75 else ""
        word += str(rng.choice(_VOWELS)) + (str(rng.choice(_CODAS)) if rng.random() < 0.6 else "")
    return word[:size]
