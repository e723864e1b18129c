"""Disturbances that come together: what a telephone, a fax machine, a form or a cheque makes of a signature."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sigkd.synthesis.disturbances.registry import DISTURBANCES, Level, disturbance
from sigkd.synthesis.disturbances.scan import Scan
from sigkd.synthesis.disturbances.surface import coloured, resample

_SEVERITY = Level("of its usual severity", 1.0, 0.3, 1.5)

# name, probability, level at severity 0 and at 1; what lies between is drawn
_Step = tuple[str, float, float, float]


def _compose(scan: Scan, severity: float, rng: np.random.Generator, steps: tuple[_Step, ...]) -> Scan:
    for name, chance, mildest, usual in steps:
        entry = DISTURBANCES.get(name)
        share, happens = rng.uniform(0.5, 1.0) * severity, rng.random() < chance
        stream = rng.spawn(1)[0]
        if happens:
            level = mildest + (usual - mildest) * share
            if entry.level:
                level = float(np.clip(level, entry.level.low, entry.level.high))
            scan = entry(scan, level, stream)
    return scan


def _composition(name: str, about: str, *steps: _Step, colour: bool = False) -> None:
    """Register a disturbance that is a fixed row of others."""

    @disturbance(name, about, _SEVERITY)
    def apply(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
        return _compose(coloured(scan) if colour else scan, level, rng, steps)


_composition(
    "phone-photo",
    "photographed with a telephone: colour, shade, perspective, blur, noise, JPEG, no tag",
    ("pen-colour", 0.4, 225, 225),
    ("resolution-untagged", 1.0, 300, 180),
    ("paper-colour", 0.25, 0.05, 0.15),
    ("margin", 0.7, 2, 12),
    ("turn", 0.8, 0.5, 4),
    ("perspective", 0.8, 3, 14),
    ("table-edge", 0.35, 3, 8),
    ("shade", 0.9, 0.1, 0.5),
    ("corner-shadow", 0.3, 0.1, 0.4),
    ("cast", 0.8, 0.05, 0.15),
    ("defocus", 0.6, 0.05, 0.15),
    ("motion", 0.2, 0.1, 0.25),
    ("noise", 1.0, 1, 5),
    ("jpeg", 1.0, 92, 70),
    colour=True,
)


_composition(
    "page-photo",
    "a whole sheet photographed on a desk: as phone-photo",
    ("resolution-untagged", 1.0, 250, 180),
    ("crease", 0.2, 0.05, 0.25),
    ("on-desk", 1.0, 4, 12),
    ("turn", 0.8, 0.5, 3),
    ("perspective", 0.9, 3, 12),
    ("shade", 0.9, 0.1, 0.4),
    ("corner-shadow", 0.3, 0.1, 0.4),
    ("cast", 0.8, 0.05, 0.15),
    ("defocus", 0.5, 0.05, 0.12),
    ("noise", 1.0, 1, 5),
    ("jpeg", 1.0, 92, 70),
    colour=True,
)


@disturbance("fax", "sent by fax: 204 x 98 or 204 x 196 dpi, black and white, specks", _SEVERITY)
def fax(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Send at standard or fine resolution."""
    dpi = (204.0, 98.0 if rng.random() < 0.5 else 196.0)
    scan = _compose(scan, level, rng, (("turn", 0.6, 0.5, 1.5), ("margin", 0.5, 1, 8)))
    scan = replace(resample(scan, dpi), tag=dpi)
    scan = _compose(scan, level, rng, (("binary", 1.0, 0.0, 0.2),))
    return _compose(scan, level, rng, (("speckle", 0.7, 1, 10),))


@disturbance("form", "on a form: box or line, caption, tight or wide crop", _SEVERITY)
def form(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Cut the field of a form out of a flat scan."""
    kind = ("box", "box-tight", "line", "line-dotted", "comb")[int(rng.choice(5, p=[0.3, 0.15, 0.3, 0.15, 0.1]))]
    words = ("caption", "caption-beside")[int(rng.random() < 0.4)]
    steps = (
        (kind, 1.0, 0.1, 0.3),
        (words, 0.9, 6, 10),
        ("date", 0.3, 3, 5),
        ("stamp", 0.15, 0.3, 0.7),
        ("turn", 0.5, 0.5, 1.5),
    )
    return _compose(scan, level, rng, steps)


_composition(
    "cheque",
    "the field of a cheque: security print, line, print, stamp",
    ("margin", 1.0, 2, 6),
    ("line", 0.9, 0.1, 0.25),
    ("caption", 0.6, 5, 7),
    ("caption-overlap", 0.2, 6, 8),
    ("date", 0.2, 3, 5),
    ("security-print", 1.0, 0.08, 0.35),
    ("stamp", 0.3, 0.3, 0.8),
    ("turn", 0.4, 0.5, 1.0),
)


_composition(
    "photocopy",
    "a copy of a copy: harder contrast, specks, dark border, softer strokes",
    ("turn", 0.5, 0.5, 1.5),
    ("blur", 1.0, 0.03, 0.09),
    ("ink", 1.0, 1.1, 1.8),
    ("pen-wider", 0.5, 0.02, 0.1),
    ("speckle", 1.0, 1, 8),
    ("border", 0.4, 1, 6),
    ("blur", 1.0, 0.03, 0.05),
)
