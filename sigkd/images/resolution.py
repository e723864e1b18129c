"""What a file says of its resolution, and whether that can be believed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from PIL import ExifTags, Image

from sigkd.errors import UsageError
from sigkd.images.formats import LEAST_DPI, MOST_DPI

MM_PER_INCH = 25.4
SCREEN_DPI = (72.0, 96.0)
"""What programs write where they know nothing; scanners offer 75 and 100."""

_CAMERA = (ExifTags.Base.ExposureTime, ExifTags.Base.FNumber, ExifTags.Base.FocalLength)


@dataclass(frozen=True)
class Resolution:
    """Pixels an inch along both axes, if they are known."""

    x: float | None = None
    y: float | None = None
    source: str = "none"
    """Where it is from: ``tag`` of the file, ``option`` (stated for these scans), ``table`` (stated in its row),
    ``gallery`` (presumed of its scans), ``none``, or why a tag is not believed: ``screen`` (72 or 96, written where
    nothing is known), ``camera`` (a photo has no resolution), ``implausible``."""
    aspect: float = 1.0
    """How many times as high as wide a pixel is; known for some files whose resolution is not."""

    @property
    def known(self) -> bool:
        """Whether sizes in millimetres can be told."""
        return self.x is not None and self.y is not None

    def __str__(self) -> str:
        if self.x is None or self.y is None:
            return "resolution unknown"
        size = f"{self.x:g}" if self.x == self.y else f"{self.x:g} x {self.y:g}"
        return f"{size} dpi ({self.source})"

    def turned(self) -> Resolution:
        """Return the resolution of the image turned by 90 degrees."""
        return Resolution(self.y, self.x, self.source, 1 / self.aspect)


def given_resolution(dpi: float | tuple[float, float], source: str = "option") -> Resolution:
    """Return the resolution that a person states.

    Raises:
        UsageError: if it is not one of a scan.
    """
    x, y = dpi if isinstance(dpi, tuple) else (dpi, dpi)
    if not all(LEAST_DPI <= value <= MOST_DPI for value in (x, y)):
        raise UsageError(f"a resolution from {LEAST_DPI:.0f} to {MOST_DPI:.0f} dpi is expected, not {x:g} x {y:g}")
    return Resolution(float(x), float(y), source, x / y)


def read_resolution(image: Image.Image) -> Resolution:
    """Return the resolution of a file that Pillow has opened: PNG's pHYs, JFIF's density, EXIF's or TIFF's tags."""
    exif = image.getexif()
    density = image.info.get("dpi")
    if density is None or (image.format in ("JPEG", "MPO") and not image.info.get("jfif_unit")):
        density = _exif_density(exif) or density  # of a JPEG's EXIF Pillow takes one axis for both
    if density is None:
        aspect = _ratio(image.info.get("aspect") or image.info.get("jfif_density") or image.info.get("resolution"))
        return Resolution(source="none", aspect=aspect)
    x, y = (_number(value) for value in (density if isinstance(density, tuple) else (density, density)))
    if x and not y:  # some writers leave one of the two at 0
        y = x
    if not (LEAST_DPI <= x <= MOST_DPI and LEAST_DPI <= y <= MOST_DPI and 1 / 3 <= x / y <= 3):
        return Resolution(source="implausible")
    if any(abs(x - screen) < 0.5 and abs(y - screen) < 0.5 for screen in SCREEN_DPI):
        return Resolution(source="screen")
    if any(tag in exif or tag in exif.get_ifd(ExifTags.IFD.Exif) for tag in _CAMERA):
        return Resolution(source="camera")
    # pHYs counts whole pixels a metre: 300 dpi is read as 299.9994
    x, y = (float(round(value)) if abs(value - round(value)) < 0.02 else value for value in (x, y))
    return Resolution(x, y, "tag", x / y)


def _exif_density(exif: Image.Exif) -> tuple[float, float] | None:
    """Return EXIF's resolution, which Pillow looks up in JPEG and TIFF files only."""
    x, y = (_number(exif.get(tag)) for tag in (ExifTags.Base.XResolution, ExifTags.Base.YResolution))
    unit = {2: 1.0, 3: MM_PER_INCH / 10}.get(exif.get(ExifTags.Base.ResolutionUnit, 2))
    return (x * unit, y * unit) if unit and x and y else None


def _ratio(density: Any) -> float:
    if not isinstance(density, tuple) or len(density) != 2:
        return 1.0
    x, y = (_number(value) for value in density)
    return x / y if x and y and 1 / 3 <= x / y <= 3 else 1.0


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0
    return number if math.isfinite(number) and number > 0 else 0.0
