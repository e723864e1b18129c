"""The random changes of training images by name: what each does, and how strongly."""

from __future__ import annotations

from collections.abc import Sequence

from sigkd.errors import UsageError
from sigkd.registry import check_name

AUGMENTATIONS: dict[str, tuple[float, float, float, str]] = {
    "ink": (0.25, 0.0, 1.0, "multiply the ink by a random factor between this and 1"),
    "gamma": (1.5, 1.0, 10.0, "raise the ink to a random power between 1/this and this"),
    "blur": (1.2, 0.0, 10.0, "Gaussian blur with a random sigma up to this many pixels, for half of the images"),
    "thin": (1.0, 0.0, 3.0, "thin the strokes by a random part of up to this many pixels on each side"),
    "thicken": (1.0, 0.0, 3.0, "thicken the strokes by a random part of up to this many pixels on each side"),
    "rotate": (8.0, 0.0, 180.0, "rotate by up to this many degrees"),
    "shear": (0.2, 0.0, 1.0, "slant by up to this many pixels a row"),
    "scale": (0.15, 0.0, 0.9, "stretch width and height independently by up to this part"),
    "zoom": (1.25, 1.0, 10.0, "enlarge or shrink by a factor of up to this"),
    "elastic": (3.0, 0.0, 30.0, "displace smoothly by up to about this many pixels"),
    "noise": (0.03, 0.0, 1.0, "add Gaussian noise of this standard deviation (of full scale) to the ink"),
}
"""name -> (default strength, smallest, largest, what it does)."""


def parse_augmentations(texts: Sequence[str]) -> dict[str, float]:
    """Return strengths by name from ``ink``, ``ink=0.3``, ``all`` (everything but noise at its default).

    Raises:
        UsageError: an unknown name or a strength out of range.
    """
    strengths: dict[str, float] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if name == "all" and not equals:
            strengths = {key: row[0] for key, row in AUGMENTATIONS.items() if key != "noise"} | strengths
            continue
        if name not in AUGMENTATIONS:
            check_name(name, [*AUGMENTATIONS, "all"], "augmentation")
        default, low, high, _ = AUGMENTATIONS[name]
        try:
            strength = float(value) if equals else default
        except ValueError:
            raise UsageError(f"`augment` {text}: '{value}' is not a number") from None
        if not low <= strength <= high:
            raise UsageError(f"`augment` {text}: the strength must lie between {low:g} and {high:g}")
        strengths[name] = strength
    return strengths
