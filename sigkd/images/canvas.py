"""The canvases on which signatures are normalised, by name, and how a size is written."""

from __future__ import annotations

from sigkd.errors import UsageError
from sigkd.registry import nearest

PREPROCESS_VERSION = "1"
"""Of the field's protocol: pixels as they are, on a canvas. It changes whenever the same scan may give other pixels,
and is stored with every prepared dataset, feature file and model."""

CANVASES: dict[str, tuple[int, int]] = {
    "gpds": (952, 1360),
    "mcyt": (600, 850),
    "cedar": (730, 1042),
    "utsig": (1440, 1825),
}
"""Canvas heights and widths, in pixels of the scan, by the dataset that each was made for."""

CANVAS = CANVASES["gpds"]
"""The canvas of every set in the paper: what is meant where none is named."""

SIZE = (170, 242)
"""Height and width of a normalised image, pixels."""

_LARGEST_SIDE = 20_000


def parse_size(text: str, what: str) -> tuple[int, int]:
    """Return height and width in pixels of ``952x1360``; ``what`` is what messages call it.

    Raises:
        UsageError: it is none, or a side is 0 or above 20,000.
    """
    height, cross, width = text.lower().partition("x")
    sides = [int(side) for side in (height, width) if side.isdecimal()]
    if len(sides) != 2 or not cross or not all(0 < side <= _LARGEST_SIDE for side in sides):
        raise UsageError(f"{what} '{text}' is not HEIGHTxWIDTH, such as 952x1360")
    return sides[0], sides[1]


def parse_canvas(text: str, what: str = "canvas") -> tuple[int, int]:
    """Return height and width in pixels of ``952x1360`` or of a name in :data:`CANVASES`.

    Raises:
        UsageError: neither.
    """
    name = text.lower()
    if name in CANVASES:
        return CANVASES[name]
    try:
        return parse_size(text, what)
    except UsageError as error:
        names = list(CANVASES)
        raise UsageError(f"{error}, nor one of {', '.join(names)}.{nearest(name, names)}") from None
