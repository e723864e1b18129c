"""Which files are pages of whom: one function a layout, found by name.

Add a collection by registering a function that turns its root directory into :class:`Pages`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast, get_args

from sigkd.errors import DatasetError
from sigkd.files import parsing
from sigkd.images.formats import images_below
from sigkd.paths import path_text
from sigkd.registry import Registry

Kind = Literal["page", "line", "ready"]
"""What an image is: a page, a line of text (line finding is left out), or a finished crop (everything is)."""


@dataclass(frozen=True)
class Page:
    """One image of handwriting by one writer."""

    path: Path
    name: str
    """Unique in the collection and the same on every machine: the path below the root, with forward slashes."""
    writer: str
    kind: Kind = "page"


@dataclass
class Pages:
    """What a layout found: pages in a fixed order, and the files that could not be used, with the reason."""

    pages: list[Page] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)


LAYOUTS: Registry[Callable[[Path, Path | None], Pages]] = Registry("layout")


def find_pages(layout: str, root: Path, writers: Path | None = None) -> Pages:
    """Return the pages below ``root`` in the order of their names.

    Args:
        layout: a registered name (``cvl``, ``iam``, ``folder``, ``csv``, ``lines``, ``ready``).
        root: the collection's directory; for ``csv`` the table itself.
        writers: the writer table of the ``iam`` layout; default ``forms.txt`` in ``root``, in its parent or in
            ``ascii/``.

    Raises:
        DatasetError: if nothing below ``root`` fits the layout.
    """
    finder = LAYOUTS.get(layout)
    root = Path(root)
    if not root.exists():
        raise DatasetError(f"{root}: no such directory")
    found = finder(root, writers)
    found.pages.sort(key=lambda page: page.name)
    if not found.pages:
        reasons = (
            f" ({len(found.skipped)} files left out, first: {': '.join(found.skipped[0])})" if found.skipped else ""
        )
        raise DatasetError(f"{root}: no page fits the layout '{layout}'{reasons}; see 'sigkd prepare-text --help'")
    return found


def _name(path: Path, root: Path) -> str:
    return path_text(path.relative_to(root))


@LAYOUTS.register("cvl")
def cvl(root: Path, writers: Path | None = None) -> Pages:
    """CVL database: ``WWWW-T.tif`` pages (also ``WWWW-T-cropped.tif``), the writer is the first number.

    Where a page exists whole and cropped, the cropped one is used: it has no printed header. Ready lines and words
    of the database (``WWWW-T-L...``) are left out.
    """
    found = Pages()
    chosen: dict[tuple[str, str], Path] = {}
    for path in images_below(root):
        match = re.fullmatch(r"(\d+)-(\d+)(-cropped)?", path.stem)
        if not match:
            found.skipped.append((_name(path, root), "not named WWWW-T or WWWW-T-cropped"))
            continue
        key = (match[1], match[2])
        if key not in chosen or match[3]:
            chosen[key] = path
    found.pages = [Page(path, _name(path, root), writer) for (writer, _), path in chosen.items()]
    return found


@LAYOUTS.register("iam")
def iam(root: Path, writers: Path | None = None) -> Pages:
    """IAM database: pages named by form id (``a01-000u.png``), writers from ``forms.txt`` (form id, writer id, ...)."""
    table = writers or next(
        (
            path
            for path in (root / "forms.txt", root / "ascii" / "forms.txt", root.parent / "forms.txt")
            if path.is_file()
        ),
        None,
    )
    if table is None:
        raise DatasetError(f"{root}: no forms.txt beside the pages; name the writer table with `writers`")
    owners = {form: columns[0] for form, columns in read_forms(table).items()}
    found = Pages()
    for path in images_below(root):
        if path.stem in owners:
            found.pages.append(Page(path, _name(path, root), owners[path.stem]))
        else:
            found.skipped.append((_name(path, root), f"form '{path.stem}' is not in {table.name}"))
    return found


def read_forms(table: Path) -> dict[str, list[str]]:
    """Read IAM's ``forms.txt``: form id -> the columns after it (writer id, sentences, prt/all, lines, ...).

    Raises:
        DatasetError: if a line has fewer than two columns or the file is not text.
    """
    forms: dict[str, list[str]] = {}
    with parsing(table, "text file", DatasetError):
        text = Path(table).read_text(encoding="utf-8-sig")
    for number, line in enumerate(text.splitlines(), start=1):
        columns = line.replace(",", " ").split()
        if not columns or columns[0].startswith("#"):
            continue
        if len(columns) < 2:
            raise DatasetError(f"{table}: line {number} has no writer: '{line.strip()}'")
        forms[columns[0]] = columns[1:]
    return forms


@LAYOUTS.register("folder")
def folder(root: Path, writers: Path | None = None) -> Pages:
    """``WRITER/*``: the pages of every writer in a folder of his own (deeper folders count to the same writer)."""
    return _by_folder(root, "page")


@LAYOUTS.register("lines")
def lines(root: Path, writers: Path | None = None) -> Pages:
    """``WRITER/*`` with images of single text lines instead of pages."""
    return _by_folder(root, "line")


@LAYOUTS.register("ready")
def ready(root: Path, writers: Path | None = None) -> Pages:
    """``WRITER/*`` with finished crops, 170 x 242 pixels, ink bright on black, as the authors published theirs.

    Raises:
        DatasetError: if they are of fewer than two writers.
    """
    found = _by_folder(root, "ready")
    if len({page.writer for page in found.pages}) < 2:
        raise DatasetError(f"{root}: ready images lie in one folder for each of at least two writers (WRITER/*)")
    return found


def _by_folder(root: Path, kind: Kind) -> Pages:
    found = Pages()
    for path in images_below(root):
        name = _name(path, root)
        if "/" in name:
            found.pages.append(Page(path, name, name.split("/")[0], kind))
        else:
            found.skipped.append((name, "not in a folder named after its writer"))
    return found


@LAYOUTS.register("csv")
def table(root: Path, writers: Path | None = None) -> Pages:
    """Read a table with the columns ``path``, ``writer`` and, if wanted, ``kind`` (``page``, ``line`` or ``ready``)."""
    source = root / "pages.csv" if root.is_dir() else root
    if not source.is_file():
        raise DatasetError(f"{source}: no such table; it needs the columns path and writer")
    found = Pages()
    with (
        parsing(source, "CSV table in UTF-8", DatasetError),
        source.open(encoding="utf-8-sig", newline="") as stream,
    ):
        reader = csv.DictReader(stream)
        if not {"path", "writer"} <= set(reader.fieldnames or []):
            raise DatasetError(
                f"{source}: needs the columns path and writer, has {', '.join(reader.fieldnames or ['none'])}"
            )
        seen: set[str] = set()
        for number, row in enumerate(reader, start=2):
            name, writer = (row["path"] or "").strip(), (row["writer"] or "").strip()
            path = source.parent / name
            if not name or not writer:
                found.skipped.append((name or f"row {number}", "no path or no writer in the table"))
            elif name in seen:
                found.skipped.append((name, "listed twice"))
            elif not path.is_file():
                found.skipped.append((name, "no such file"))
            else:
                seen.add(name)
                kind = (row.get("kind") or "page").strip()
                if kind not in get_args(Kind):
                    found.skipped.append((name, f"'{kind}' is no kind: page, line or ready"))
                    continue
                found.pages.append(Page(path, name, writer, cast(Kind, kind)))
    return found
