"""Where signatures are, as a document; crops and annotated pages as pictures."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from sigkd.documents.locate import LEAST_SCORE, Box, Page, Signature, locate
from sigkd.documents.regions import Region
from sigkd.documents.template import Template
from sigkd.errors import ExitCode, ImageError
from sigkd.files import atomic_path
from sigkd.images.formats import MAX_PIXELS
from sigkd.images.reader import read_file
from sigkd.images.remarks import Remark
from sigkd.images.resolution import Resolution
from sigkd.images.scale import DPI
from sigkd.images.sheet import write_picture
from sigkd.json_documents import JsonDocument
from sigkd.progress import SILENT, Progress

U8 = npt.NDArray[np.uint8]

COLUMNS = (
    "file", "page", "number", "role", "score", "left", "top", "right", "bottom", "left_mm", "top_mm", "right_mm",
    "bottom_mm", "crop", "error",
)  # fmt: skip
"""Of the table that ``sigkd locate --csv`` writes."""
_PREVIEW = 1600  # pixels along a picture's longer side
_COLOUR, _EMPTY = (220, 30, 60), (230, 140, 0)


@dataclass(frozen=True)
class LocatedSignature:
    """A signature on a page."""

    number: int
    """On its page, from 1."""
    role: str | None
    """Of the region that it is in; null: no regions were named."""
    score: float
    """How sure the network is, 0 .. 1."""
    box: Box
    """Of its ink in pixels of the page as it is in the file: left, top, right, bottom, the last two exclusive."""
    box_mm: tuple[float, float, float, float]
    crop: Path | None
    """The file that was written."""
    remarks: tuple[Remark, ...]


@dataclass(frozen=True)
class LocatedPage:
    """A page and its signatures."""

    file: str
    page: int
    """From 1."""
    pages: int
    """In the file."""
    size: tuple[int, int]
    """Width and height in pixels."""
    dpi: tuple[float, float]
    """The resolution (across, down) that was reckoned with."""
    resolution: Resolution
    """What the file states."""
    turned: int
    """By how many degrees the page lies turned counterclockwise: 0, 90, 180 or 270."""
    signatures: tuple[LocatedSignature, ...]
    unsigned: tuple[str, ...]
    """Roles of the regions without a signature."""
    preview: Path | None
    """The annotated picture that was written."""

    @classmethod
    def of(cls, page: Page, crops: Sequence[Path | None] = (), preview: Path | None = None) -> LocatedPage:
        """Return what is known of a page, with the files that were written."""
        files = crops or [None] * len(page.signatures)
        signatures = tuple(
            LocatedSignature(one.number, one.role, one.score, one.box, page.to_mm(one.box), file, one.remarks)
            for one, file in zip(page.signatures, files, strict=True)
        )
        dpi = round(page.dpi[0], 1), round(page.dpi[1], 1)
        return cls(
            page.name, page.page, page.pages, page.size, dpi, page.resolution, page.turned, signatures, page.unsigned,
            preview,
        )  # fmt: skip


class Locations(JsonDocument, format="sigkd-locations", version=1):
    """What ``sigkd locate`` prints."""

    pages: tuple[LocatedPage, ...]
    unsigned: tuple[str, ...]
    """Files without any signature, and ``FILE: ROLE`` for regions without one."""
    failed: dict[str, str]
    """What is wrong with files that could not be looked at."""
    exit_code: int
    """Of the command: 4 some file could not be looked at, 6 something is unsigned, else 0."""

    @classmethod
    def of(cls, pages: Sequence[LocatedPage], failed: dict[str, str]) -> Locations:
        """Return the document of all pages."""
        signed = {page.file for page in pages if page.signatures}
        empty = [f"{page.file}: {role}" for page in pages for role in page.unsigned]
        told = {page.file for page in pages if page.unsigned}
        empty += [file for file in dict.fromkeys(page.file for page in pages) if file not in signed | told]
        code = ExitCode.INPUT if failed else ExitCode.UNSIGNED if empty else ExitCode.DONE
        return cls(pages=tuple(pages), unsigned=tuple(empty), failed=failed, exit_code=int(code))

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each signature, each region without one, each page without any, and each failure."""
        rows: list[dict[str, Any]] = []
        for page in self.pages:
            head = {"file": page.file, "page": page.page}
            for one in page.signatures:
                pixels = dict(zip(("left", "top", "right", "bottom"), one.box, strict=True))
                mm = dict(zip(("left_mm", "top_mm", "right_mm", "bottom_mm"), one.box_mm, strict=True))
                rows.append(
                    head | pixels | mm
                    | {"number": one.number, "role": one.role or "", "score": f"{one.score:.4f}",
                       "crop": "" if one.crop is None else str(one.crop)}
                )  # fmt: skip
            rows += [head | {"role": role, "error": "unsigned"} for role in page.unsigned]
            if not page.signatures and not page.unsigned:
                rows.append(head | {"error": "unsigned"})
        rows += [{"file": file, "error": error} for file, error in self.failed.items()]
        return [{name: row.get(name, "") for name in COLUMNS} for row in rows]


def locate_files(
    files: Sequence[Path],
    *,
    out: Path | None = None,
    clean: bool = False,
    preview: Path | None = None,
    page: int | None = None,
    dpi: float | None = None,
    template: Template | None = None,
    regions: Sequence[Region] = (),
    least: float = LEAST_SCORE,
    max_pixels: int = MAX_PIXELS,
    progress: Progress = SILENT,
) -> Locations:
    """Find the signatures on documents, and write them and the pages as pictures where that is wanted.

    Args:
        files: documents (``FILE.pdf#page=3``: one page).
        out: folder for the signatures, ``DOCUMENT-PAGE-NUMBER.png``; of two documents of one name the second is
            ``DOCUMENT~2``.
        clean: in ``out``, their ink alone.
        preview: folder for the annotated pages, ``DOCUMENT-PAGE.png``.
        page: as of :func:`sigkd.documents.locate.locate`, and so are those that follow.
        dpi: likewise.
        template: likewise.
        regions: likewise.
        least: likewise.
        max_pixels: likewise.
        progress: where the work is reported.
    """
    pages: list[LocatedPage] = []
    failed: dict[str, str] = {}
    stems: dict[str, str] = {}
    with progress.task("looking", total=len(files), unit="documents") as task:
        for file in files:
            try:
                found = locate(
                    file, page=page, dpi=dpi, template=template, regions=regions, least=least, max_pixels=max_pixels
                )
                for one in found:
                    stem = f"{_stem(one.name, stems)}-{one.page}"
                    crops = [None if out is None else out / f"{stem}-{each.number}.png" for each in one.signatures]
                    for crop, each in zip(crops, one.signatures, strict=True):
                        if crop is not None:
                            write_crop(crop, each, clean=clean)
                    picture = None if preview is None else preview / f"{stem}.png"
                    if picture is not None:
                        read = read_file(one.name, page=one.page, max_pixels=max_pixels)
                        write_preview(picture, read.rgb if read.has_colour else read.grey, one)
                    pages.append(LocatedPage.of(one, crops, picture))
            except ImageError as error:
                failed[str(file)] = str(error)
            task.advance(1)
    return Locations.of(pages, failed)


def _stem(name: str, stems: dict[str, str]) -> str:
    """Return what files that are made of a document are called, and note it: no two documents have the same."""
    if name not in stems:
        plain = Path(name).stem or "page"
        others = {stem.casefold() for stem in stems.values()}
        numbered = (plain if number == 1 else f"{plain}~{number}" for number in itertools.count(1))
        stems[name] = next(stem for stem in numbered if stem.casefold() not in others)
    return stems[name]


def write_crop(path: Path, signature: Signature, *, clean: bool = False) -> None:
    """Write a signature as PNG, upright.

    Args:
        path: the file.
        signature: what to write.
        clean: its ink alone at 300 dpi; else the page around it, in its pixels, with the page's resolution.
    """
    picture = signature.ink if clean else signature.crop
    dpi = (DPI, DPI) if clean else (signature.resolution.x, signature.resolution.y)
    with atomic_path(path) as temporary:
        Image.fromarray(picture).save(temporary, format="PNG", **({"dpi": dpi} if None not in dpi else {}))


def draw_page(picture: U8, page: Page) -> U8:
    """Return a page, uint8 [h, w, 3], with its signatures framed, at most 1600 pixels long.

    Args:
        picture: the page as it is in the file, uint8 [H, W] or [H, W, 3].
        page: what was found on it.
    """
    share = min(1.0, _PREVIEW / max(picture.shape[:2]))
    size = max(1, round(picture.shape[1] * share)), max(1, round(picture.shape[0] * share))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    drawn = np.asarray(cv2.cvtColor(small, cv2.COLOR_GRAY2RGB) if small.ndim == 2 else small.copy(), np.uint8)
    thick = max(1, round(max(size) / 600))
    letters = max(size) / 2400 + 0.25
    for one in page.signatures:
        left, top, right, bottom = (round(edge * share) for edge in one.box)
        cv2.rectangle(drawn, (left, top), (right, bottom), _COLOUR, thick)
        label = f"{one.number}{f' {one.role}' if one.role else ''} {one.score:.2f}"
        y = top - 3 * thick if top > 30 * letters else bottom + round(26 * letters)
        cv2.putText(drawn, label, (left, y), cv2.FONT_HERSHEY_SIMPLEX, letters, _COLOUR, thick, cv2.LINE_AA)
    for number, role in enumerate(page.unsigned or (() if page.signatures else ("unsigned",))):
        text = role if role == "unsigned" else f"{role}: unsigned"
        place = 4 * thick, round((number + 1) * 34 * letters)
        cv2.putText(drawn, text, place, cv2.FONT_HERSHEY_SIMPLEX, letters, _EMPTY, thick, cv2.LINE_AA)
    return drawn


def write_preview(path: Path, picture: U8, page: Page) -> None:
    """Write the annotated page (:func:`draw_page`) as PNG."""
    write_picture(Image.fromarray(draw_page(picture, page)), path)
