"""Every choice that decides the bytes of a text dataset, in one place."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from sigkd.errors import UsageError
from sigkd.images.canvas import CANVASES

ASPECTS: dict[str, float] = {"gpds": 2.2258, "mcyt": 2.2818, "cedar": 2.7210, "utsig": 1.6757}
"""Mean width / height of the signatures of four datasets (Tsourounis et al. 2022)."""

CANVAS_NAMES: tuple[str, ...] = tuple(CANVASES)
"""Names of the canvases in the order of the index's ``canvas`` column."""

FITTED = "fitted"
"""The view in which the ink fills the network's input, whatever its size was."""


@dataclass(frozen=True)
class TextOptions:
    """How pages become crops. The defaults are the paper's, apart from the line finder."""

    lines: str = "seams"
    """Line finder: ``seams`` (robust) or ``paper`` (rows with ink)."""
    canvases: tuple[str, ...] = CANVAS_NAMES
    """Canvases that crops are placed on."""
    aspect: str = "random"
    """Width / height of a crop: ``random`` (one per stripe, uniform over the range of :data:`ASPECTS`), a name of
    it, or a number."""
    per_position: int = 1
    """Crops a stripe position, each on another canvas drawn at random."""
    per_canvas: int | None = None
    """If given: stripe positions sampled for every canvas of a stripe, in place of ``per_position``."""
    scale: tuple[float, float] = (1.0, 1.0)
    """The canvas is divided by a factor drawn (log-uniformly) from this range: text appears larger. 1: the paper's."""
    blur: tuple[float, float] = (0.0, 0.0)
    """Standard deviation in page pixels of a blur drawn from this range and applied before cropping (takes a
    binarised page's stairs away)."""
    match: str | None = None
    """``signatures``: draw size, shape, stroke width and ink level of the crops as signatures have them, in place of
    ``canvases``,
    ``aspect``, ``per_canvas`` and ``scale``; ``per_position`` is how often a line is gone over."""
    pen: str = "page"
    """With ``match``: what size, stroke width and ink are drawn for: each ``page`` (crops vary a little) or each
    ``crop``."""
    views: tuple[str, ...] = ("952",)
    """With ``match``: where crops are placed, one of these drawn for each crop: the height in pixels of a canvas 1.43
    times as wide, on which the statistics of signatures hold (952: the paper's; a smaller one shows the writing
    larger), or ``fitted``: a canvas on which the ink just fills the middle of the network's input."""
    validation: float = 0.3
    """Share of the crops in the validation part."""
    min_crops: int = 1
    """Writers with fewer crops are reported and left out."""
    keep_small: bool = False
    """Keep writers with fewer crops than ``min_crops``."""
    max_images: int | None = None
    """Keep at most this many crops, thinned evenly over the writers."""
    seed: int = 0
    """Seed of every random choice."""

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if not self.canvases:
            raise UsageError("--canvases needs at least one canvas")
        for name in self.canvases:
            if name not in CANVAS_NAMES:
                raise UsageError(f"unknown canvas '{name}'. Known: {', '.join(CANVAS_NAMES)}")
        if self.pen not in ("page", "crop"):
            raise UsageError(f"unknown pen '{self.pen}'. Known: page, crop")
        if self.aspect != "random" and self.aspect not in ASPECTS:
            try:
                ratio = float(self.aspect)
            except ValueError:
                known = ", ".join(["random", *ASPECTS])
                raise UsageError(
                    f"unknown aspect '{self.aspect}'. Known: {known}, or a number (width / height)"
                ) from None
            if not 0.2 <= ratio <= 20:
                raise UsageError(f"--aspect {ratio:g} is not a plausible width / height (0.2 to 20)")
        for name, (low, high), smallest in (("scale", self.scale, 0.1), ("blur", self.blur, 0.0)):
            if not smallest <= low <= high <= 50:
                raise UsageError(f"--{name} {low:g}:{high:g} must be a range LOW:HIGH of at least {smallest:g}")
        if self.match not in (None, "signatures"):
            raise UsageError(f"unknown --match '{self.match}'. Known: signatures")
        if not self.views:
            raise UsageError("--views needs at least one view")
        for view in self.views:
            if view != FITTED and not (view.isdigit() and 200 <= int(view) <= 4000):
                raise UsageError(f"--views {view}: a canvas height of 200 to 4000 pixels, or {FITTED}")
        if not 0 <= self.validation < 1:
            raise UsageError("--validation must be at least 0 and below 1")
        if self.match is None and not 1 <= self.per_position <= len(self.canvases):
            raise UsageError("--per-position must be between 1 and the number of canvases")
        if self.per_canvas is not None and self.per_canvas < 1:
            raise UsageError("--per-canvas must be at least 1")
        if self.max_images is not None and self.max_images < 1:
            raise UsageError("--max-images must be at least 1")

    def to_json(self) -> dict[str, Any]:
        """Return the options as JSON types."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the options."""
        return [field.name for field in fields(cls)]


def parse_range(text: str, option: str) -> tuple[float, float]:
    """Parse ``LOW:HIGH`` or a single number.

    Raises:
        UsageError: if it is neither.
    """
    parts = text.split(":")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2):
        raise UsageError(f"{option} {text}: give LOW:HIGH or one number")
    return numbers[0], numbers[-1]
