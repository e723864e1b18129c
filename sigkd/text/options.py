"""Every choice that decides the bytes of a text dataset, in one place that the command line and Python both read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

from sigkd.configuration import NOT_NEGATIVE, POSITIVE, SEED, Range, check, option
from sigkd.errors import UsageError
from sigkd.images.canvas import CANVASES
from sigkd.registry import check_name
from sigkd.text.finders import LINE_FINDERS

ASPECTS: dict[str, float] = {"gpds": 2.2258, "mcyt": 2.2818, "cedar": 2.7210, "utsig": 1.6757}
"""Mean width / height of the signatures of four datasets (Tsourounis et al. 2022)."""

CANVAS_NAMES: tuple[str, ...] = tuple(CANVASES)
"""Names of the canvases in the order of the index's ``canvas`` column."""

FITTED = "fitted"
"""The view in which the ink fills the network's input, whatever its size was."""


@dataclass(frozen=True)
class TextOptions:
    """How pages become crops. The defaults are the paper's, apart from the line finder.

    ``match`` takes the place of ``canvases``, ``aspect``, ``per_canvas`` and ``scale``; ``per_position`` is then how
    often a line is gone over.
    """

    lines: str = option("seams", "Line finder: {choices} (paper: rows with ink).", names=LINE_FINDERS)
    canvases: list[str] = option(
        list(CANVAS_NAMES), "Canvases that crops are placed on: {choices}.", names=CANVAS_NAMES
    )
    aspect: str = option(
        "random",
        "Width / height of crops: random (over the range of the names), {choices}, or a number.",
        names=ASPECTS,
    )
    per_position: int = option(1, "Crops a stripe position, each on another canvas drawn at random.", POSITIVE)
    per_canvas: int = option(
        0, "Stripe positions sampled for each canvas, in place of --per-position; 0: all.", NOT_NEGATIVE
    )
    scale: str = option("1", "Divide canvases by a factor of this range, LOW:HIGH: larger text. 1 is the paper's.")
    blur: str = option("0", "Blur pages by a sigma of this range, LOW:HIGH, in pixels: softens a binarised page.")
    threshold: Literal["crop", "blurred"] = option(
        "crop", "Otsu's threshold is that of the {choices} image (blurred: the release's; not with --match)."
    )
    match: Literal["none", "signatures"] = option(
        "none", "{choices}: size, shape, stroke width and ink level as signatures have them."
    )
    pen: Literal["page", "crop"] = option(
        "page", "With --match: size, strokes and ink are drawn for each {choices} (of a page they vary a little)."
    )
    views: list[str] = option(
        ["952"], f"With --match: canvas heights in pixels (952 is the paper's) or {FITTED}, one drawn for each crop."
    )
    validation: float = option(0.3, "Share of the crops in the validation part.", Range(0, 1, open_high=True))
    min_crops: int = option(1, "Leave out writers with fewer crops, and report them.", POSITIVE)
    keep_small: bool = option(False, "Report such writers, but keep them.")
    max_images: int = option(0, "Keep at most so many crops, evenly over writers; 0: all.", NOT_NEGATIVE)
    seed: int = option(0, "Seed of every random choice.", SEED)

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check(self)
        for name in ("canvases", "views"):  # a list after a number would take numbers only, so commas part as well
            values = [part.strip() for text in getattr(self, name) for part in text.split(",") if part.strip()]
            if not values:
                raise UsageError(f"`{name}` needs at least one")
            object.__setattr__(self, name, values)
        LINE_FINDERS.check(self.lines)
        for name in self.canvases:
            check_name(name, CANVAS_NAMES, "canvas")
        if self.aspect != "random" and self.aspect not in ASPECTS:
            try:
                ratio = float(self.aspect)
            except ValueError:
                raise UsageError(
                    f"unknown aspect '{self.aspect}'. Known: random, {', '.join(ASPECTS)}, or a number (width / height)"
                ) from None
            if not 0.2 <= ratio <= 20:
                raise UsageError(f"`aspect` {ratio:g} is not a plausible width / height (0.2 to 20)")
        for name, (low, high), smallest in (("scale", self.scales, 0.1), ("blur", self.blurs, 0.0)):
            if not smallest <= low <= high <= 50:
                raise UsageError(f"`{name}` {low:g}:{high:g} must be a range LOW:HIGH of at least {smallest:g}")
        for view in self.views:
            if view != FITTED and not (view.isdecimal() and 200 <= int(view) <= 4000):
                raise UsageError(f"`views` {view}: a canvas height of 200 to 4000 pixels, or {FITTED}")
        if not self.matched and self.per_position > len(self.canvases):
            raise UsageError("`per_position` must be between 1 and the number of canvases")

    @property
    def matched(self) -> bool:
        """Whether crops are distributed as signatures are."""
        return self.match == "signatures"

    @cached_property
    def scales(self) -> tuple[float, float]:
        """The range of ``scale``, from which factors are drawn log-uniformly."""
        return parse_range(self.scale, "scale")

    @cached_property
    def blurs(self) -> tuple[float, float]:
        """The range of ``blur``, from which standard deviations in page pixels are drawn."""
        return parse_range(self.blur, "blur")

    def to_json(self) -> dict[str, Any]:
        """Return the options as JSON types."""
        return asdict(self)


def parse_range(text: str, name: str) -> tuple[float, float]:
    """Parse ``LOW:HIGH`` or a single number.

    Raises:
        UsageError: if it is neither.
    """
    try:
        numbers = [float(part) for part in text.split(":")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2):
        raise UsageError(f"`{name}` {text}: give LOW:HIGH or one number")
    return numbers[0], numbers[-1]
