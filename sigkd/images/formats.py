"""Which files are taken for images: the one table behind the reader and every search through a folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from sigkd.errors import DatasetError, ImageError, InputError, UsageError

FORMATS: dict[str, tuple[str, ...]] = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp",),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "JPEG2000": (".jp2", ".j2k", ".jpx"),
    "AVIF": (".avif",),
}
"""Formats that are recognised, by content, and their suffixes."""

HEIF_SUFFIXES = (".heic", ".heif")
"""Read where the extra ``sigkd[heic]`` is installed."""

READABLE = "PNG, JPEG, TIFF, BMP, WebP, GIF, JPEG 2000 or AVIF"
"""The formats in words."""

SUFFIXES = frozenset((*(suffix for suffixes in FORMATS.values() for suffix in suffixes), *HEIF_SUFFIXES))
"""Suffixes (lower case) by which folders are searched for images; what a file really is, its content says."""

MAX_PIXELS = 40_000_000
"""Largest image that is decoded, in pixels, unless the caller says otherwise: an A4 page at 600 dpi."""

LEAST_DPI, MOST_DPI = 60.0, 2500.0
"""Resolutions outside of this range are not those of a scan of a signature (standard fax: 204 x 98)."""

PICTURES = {suffix: name for name in ("PNG", "JPEG", "TIFF", "BMP") for suffix in FORMATS[name]}
"""What pictures for people are written as: the format by suffix."""


def images_below(root: Path) -> list[Path]:
    """Return the images below a folder by suffix in natural order, without hidden files and folders.

    Raises:
        DatasetError: it is no folder.
    """
    if not root.is_dir():
        raise DatasetError(f"{root}: not a directory")
    files = [
        path
        for path in root.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith((".", "__MACOSX")) for part in path.relative_to(root).parts)
        and path.is_file()
    ]
    return sorted(files, key=lambda path: natural(path.relative_to(root).as_posix()))


def named_images(paths: Iterable[Path]) -> list[Path]:
    """Return the files named, whatever their suffixes, and the images below the folders named, in order.

    Raises:
        InputError: a path does not exist, or a folder holds no image.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = images_below(path)
            if not inside:
                raise InputError(f"{path}: no images in this folder ({', '.join(sorted(SUFFIXES))})")
            files += inside
        elif path.exists():
            files.append(path)
        else:
            raise ImageError(f"{path}: no such file or folder")
    return files


def natural(text: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Return a sorting key by which ``s2`` comes before ``s10`` and ``A3`` beside ``a3``; other texts never tie."""
    parts = re.split(r"(\d+)", text)
    key = tuple((1, int(part), "") if part.isdecimal() else (0, 0, part.casefold()) for part in parts if part)
    return key, text


def check_picture(path: Path) -> str:
    """Return the format that a picture's name asks for.

    Raises:
        UsageError: its suffix tells none.
    """
    if path.suffix.lower() not in PICTURES:
        raise UsageError(f"{path}: a picture's name ends in {', '.join(PICTURES)}")
    return PICTURES[path.suffix.lower()]
