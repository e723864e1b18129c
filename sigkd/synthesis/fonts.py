"""Typefaces to print with: those that come with matplotlib and Pillow are always there, more may be given.

Only the shipped ones are taken by themselves, so that the same seed prints the same page on every machine.
"""

from __future__ import annotations

import importlib.util
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sigkd.errors import InputError

Split = Literal["training", "held-out"]

# By family; the files carry Latin letters and digits under their own codes, which not all of matplotlib's do.
_SHIPPED: dict[str, tuple[Split, tuple[str, ...]]] = {
    "DejaVu Sans": ("training", ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique")),
    "DejaVu Serif": ("training", ("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic")),
    "Computer Modern Roman": ("training", ("cmr10", "cmb10", "cmti10")),
    "Computer Modern Typewriter": ("training", ("cmtt10",)),
    "STIX": ("held-out", ("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic")),
    "DejaVu Sans Mono": ("held-out", ("DejaVuSansMono", "DejaVuSansMono-Bold")),
    "Computer Modern Sans": ("held-out", ("cmss10",)),
}
_PILLOWS = "Aileron"
_HELD_OUT_SHARE = 0.3


@dataclass(frozen=True)
class Font:
    """One typeface."""

    family: str
    path: Path | None
    """Its file; None: the one inside Pillow."""
    split: Split
    """Whether learned models may see it in training; all styles of a family are on one side."""

    def writes(self, text: str) -> bool:
        """Return whether the typeface has every letter of a text."""
        return text.isascii() or not self.family.startswith("Computer Modern")

    def size(self, pixels: float) -> ImageFont.FreeTypeFont:
        """Return the face with an em of so many pixels."""
        return _face(self.path, max(pixels, 1.0))


@cache
def shipped_fonts() -> tuple[Font, ...]:
    """Return the typefaces that come with the packages sigkd depends on; at least Pillow's own."""
    folder = _matplotlib_fonts()
    fonts = [Font(_PILLOWS, None, "held-out")]
    for family, (split, stems) in _SHIPPED.items():
        files = (folder / f"{stem}.ttf" for stem in stems)
        fonts += [Font(family, file, split) for file in files if file.is_file()]
    if not any(font.split == "training" for font in fonts):
        fonts[0] = Font(_PILLOWS, None, "training")
    return tuple(fonts)


def font_files(paths: Iterable[Path | str]) -> tuple[Font, ...]:
    """Return the typefaces in files and folders (searched whole), such as ``/usr/share/fonts/truetype/liberation``.

    A family's side of the split follows from its name alone: three of ten are held out.

    Raises:
        InputError: a path that is absent, or a file that is no TrueType or OpenType font.
    """
    fonts = []
    for path in map(Path, paths):
        if not path.exists():
            raise InputError(f"{path}: there is no such font or folder of fonts")
        files = [path] if path.is_file() else sorted(f for f in path.rglob("*") if f.suffix.lower() in (".ttf", ".otf"))
        for file in files:
            try:
                family = str(ImageFont.truetype(str(file), 12).getname()[0])
            except OSError as error:
                raise InputError(f"{file}: cannot be read as a font ({error})") from error
            held_out = zlib.crc32(family.encode()) % 1000 < 1000 * _HELD_OUT_SHARE
            fonts.append(Font(family, file, "held-out" if held_out else "training"))
    return tuple(fonts)


def choose_font(rng: np.random.Generator, fonts: tuple[Font, ...] | None = None, split: Split | None = None) -> Font:
    """Draw a family, then one of its typefaces; of one side of the split where that is asked for."""
    candidates = [font for font in fonts or shipped_fonts() if split is None or font.split == split]
    families = sorted({font.family for font in candidates})
    family = families[int(rng.integers(len(families)))]
    members = [font for font in candidates if font.family == family]
    return members[int(rng.integers(len(members)))]


def text_coverage(text: str, font: Font, pixels: float, stretch: float = 1.0) -> NDArray[np.uint8]:
    """Return one line of print as coverage [h, w] uint8 (0 none .. 255 full), cut to its ink.

    Args:
        text: what to print.
        font: its typeface.
        pixels: height of the em, in pixels across the picture.
        stretch: height of the picture's rows relative to its columns' width, where pixels are not square.
    """
    face = font.size(pixels)
    left, top, right, bottom = (int(v) for v in face.getbbox(text))
    sheet = Image.new("L", (max(right - left, 1) + 2, max(bottom - top, 1) + 2), 0)
    ImageDraw.Draw(sheet).text((1 - left, 1 - top), text, fill=255, font=face)
    coverage = np.asarray(sheet, np.uint8)
    if stretch != 1.0:
        height = max(round(coverage.shape[0] * stretch), 1)
        coverage = np.asarray(cv2.resize(coverage, (coverage.shape[1], height), interpolation=cv2.INTER_AREA), np.uint8)
    return coverage


def text_rise(text: str, font: Font, pixels: float) -> int:
    """Return how many rows of :func:`text_coverage` lie above the baseline."""
    return 1 - int(font.size(pixels).getbbox(text, anchor="ls")[1])


@cache
def _matplotlib_fonts() -> Path:
    found = importlib.util.find_spec("matplotlib")
    usual = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" if found and found.origin else Path()
    if usual.is_dir():
        return usual
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@cache
def _face(path: Path | None, pixels: float) -> ImageFont.FreeTypeFont:
    face = ImageFont.load_default(pixels) if path is None else ImageFont.truetype(str(path), pixels)
    if not isinstance(face, ImageFont.FreeTypeFont):
        raise InputError("Pillow was built without FreeType: printed text cannot be drawn (pip install pillow)")
    return face
