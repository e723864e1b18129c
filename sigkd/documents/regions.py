"""Places on a page where somebody is to sign."""

from __future__ import annotations

from dataclasses import dataclass

from sigkd.errors import UsageError

Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True)
class Region:
    """A place for a signature."""

    role: str
    """Who signs there."""
    place: Rectangle
    """Left, top, width, height: in mm, or as shares of the page's width and height."""
    fractions: bool = False
    """Whether they are shares."""

    def in_mm(self, size: tuple[float, float]) -> Rectangle:
        """Return left, top, right, bottom in mm on a page of ``size`` (width, height) mm."""
        x, y, width, height = self.place
        if self.fractions:
            x, width, y, height = x * size[0], width * size[0], y * size[1], height * size[1]
        return x, y, x + width, y + height


def read_region(text: str, number: int = 1) -> Region:
    """Read ``[ROLE=]X,Y,WIDTH,HEIGHT``: in mm, or as shares of the page if none is above 1.

    Args:
        text: as a person writes it.
        number: names the region that has no role: ``signature``, ``signature 2`` ...

    Raises:
        UsageError: it is not written so, or has no area.
    """
    role, equals, numbers = text.rpartition("=")
    try:
        x, y, width, height = (float(value) for value in numbers.split(","))
    except ValueError:
        raise UsageError(
            f"`region` '{text}': write [ROLE=]X,Y,WIDTH,HEIGHT in mm, or as shares of the page (0.5,0.8,0.4,0.1)"
        ) from None
    if not (x >= 0 and y >= 0 and 0 < width < 2000 and 0 < height < 2000):
        raise UsageError(f"`region` '{text}': x and y are at least 0, width and height above 0 and below 2000")
    fractions = max(x, y, width, height) <= 1
    if fractions and (x + width > 1 + 1e-6 or y + height > 1 + 1e-6):
        raise UsageError(f"`region` '{text}': goes beyond the page")
    named = role.strip() if equals and role.strip() else "signature" + (f" {number}" if number > 1 else "")
    return Region(named, (x, y, width, height), fractions)


def read_regions(texts: list[str] | tuple[str, ...]) -> tuple[Region, ...]:
    """Read several regions; no two have the same role.

    Raises:
        UsageError: as :func:`read_region`, or a role that is there twice.
    """
    regions = tuple(read_region(text, number) for number, text in enumerate(texts, 1))
    roles = [region.role for region in regions]
    twice = next((role for role in roles if roles.count(role) > 1), None)
    if twice is not None:
        raise UsageError(f"`region`: '{twice}' is named twice")
    return regions
