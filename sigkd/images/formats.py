"""Which files are taken for images: the one table behind the reader and every search through a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sigkd.errors import DatasetError, ImageError, InputError, UsageError
from sigkd.paths import path_text
from sigkd.progress import SILENT, Progress

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

READABLE = "PNG, JPEG, TIFF, BMP, WebP, GIF, JPEG 2000, AVIF or PDF"
"""The formats in words."""

PDF_SUFFIX = ".pdf"

SUFFIXES = frozenset((*(suffix for suffixes in FORMATS.values() for suffix in suffixes), *HEIF_SUFFIXES, PDF_SUFFIX))
"""Suffixes (lower case) by which folders are searched for images; what a file really is, its content says."""

MAX_PIXELS = 40_000_000
"""Largest image that is decoded, in pixels, unless the caller says otherwise: an A4 page at 600 dpi."""

_CLUTTER = {"thumbs.db", "desktop.ini"}
_NAMED = 8  # files that a message names

LEAST_DPI, MOST_DPI = 60.0, 2500.0
"""Resolutions outside of this range are not those of a scan of a signature (standard fax: 204 x 98)."""

PICTURES = {suffix: name for name in ("PNG", "JPEG", "TIFF", "BMP") for suffix in FORMATS[name]}
"""What pictures for people are written as: the format by suffix."""


@dataclass(frozen=True)
class Found:
    """What lies below a folder."""

    images: list[Path]
    """By suffix, in natural order."""
    others: dict[str, list[str]]
    """Why other files and folders were passed over, and which (relative to the folder)."""

    def told(self) -> Iterator[str]:
        """Yield a line for each reason, with names."""
        for reason, names in self.others.items():
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            yield f"passed over, {reason}: {', '.join(names[:_NAMED])}{more}"


def search(root: Path, *, documents: bool = False) -> Found:
    """Look for images below a folder; links to folders are followed, hidden files and folders are not.

    Args:
        root: the folder.
        documents: look for PDF files, too; else they are passed over: a README is no signature.

    Raises:
        DatasetError: it is no folder.
    """
    if not root.is_dir():
        raise DatasetError(f"{root}: not a directory")
    found = Found([], {})
    _search(root, root, frozenset(), found, documents)
    found.images.sort(key=lambda path: natural(path.relative_to(root).as_posix()))
    for names in found.others.values():
        names.sort(key=natural)
    return found


def _search(folder: Path, root: Path, above: frozenset[tuple[int, int]], found: Found, documents: bool) -> None:
    def passed(path: Path, reason: str) -> None:
        found.others.setdefault(reason, []).append(path_text(path.relative_to(root)))

    status = folder.stat()
    place = status.st_dev, status.st_ino
    if place in above:  # else the same files would be found again and again below themselves
        return passed(folder, "a link to a folder that it lies in")
    try:
        inside = list(folder.iterdir())
    except OSError as error:
        return passed(folder, f"a folder that cannot be listed ({error.strerror})")
    for path in inside:
        if path.name.startswith((".", "__MACOSX")) or path.name.lower() in _CLUTTER:
            continue
        if path.is_dir():
            _search(path, root, above | {place}, found, documents)
        elif not path.is_file():
            passed(path, "a link to nothing" if path.is_symlink() else "neither a file nor a folder")
        elif path.suffix.lower() == PDF_SUFFIX and not documents:
            passed(path, "a PDF: a document, not a signature")
        elif path.suffix.lower() in SUFFIXES:
            found.images.append(path)
        else:
            passed(path, "no image by its suffix")
    return None


S = TypeVar("S")


def split_page(source: S, page: int = 1) -> tuple[S | str, int]:
    """Return a path without the ``#page=3`` at its end, and the page; else what was given.

    A file whose name really ends so is meant first.
    """
    if not isinstance(source, (str, os.PathLike)):
        return source, page
    text = str(source)
    found = re.fullmatch(r"(.+)#page=([1-9][0-9]{0,5})", text)
    if found is None or Path(text).exists():
        return source, page
    return found[1], int(found[2])


def images_below(root: Path) -> list[Path]:
    """Return the images that :func:`search` finds.

    Raises:
        DatasetError: it is no folder.
    """
    return search(root).images


def named_images(paths: Iterable[Path], progress: Progress = SILENT, *, documents: bool = False) -> list[Path]:
    """Return the files named, whatever their suffixes, and the images below the folders named, in order.

    Args:
        paths: files and folders.
        progress: told what was passed over in folders.
        documents: take the PDF files in folders, too.

    Raises:
        InputError: a path does not exist, or a folder holds no image.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = search(path, documents=documents)
            for line in inside.told():
                progress.warn(f"{path}: {line}")
            if not inside.images:
                suffixes = SUFFIXES if documents else SUFFIXES - {PDF_SUFFIX}
                raise InputError(f"{path}: no images in this folder ({', '.join(sorted(suffixes))})")
            files += inside.images
        elif path.exists() or Path(split_page(path)[0]).exists():
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
