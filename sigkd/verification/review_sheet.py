"""The picture of a review: the questioned scan beside each reference, as PNG, as a page, or for a terminal."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sigkd._version import __version__
from sigkd.errors import ImageError, UsageError
from sigkd.files import write_bytes
from sigkd.images.placing import Placing
from sigkd.verification.report import TEMPLATE
from sigkd.verification.report.blocks import Block, Document, Figure, Figures, Heading, Notes, Picture, Rows
from sigkd.verification.report.drawing import encoded, font
from sigkd.verification.report.scans import Frame, Original, ink_in, overlay, read_again, shown, with_ruler
from sigkd.verification.reviewing import Exhibit, ReviewSheet

SUFFIXES = (".png", ".html", ".htm", ".pdf")
_GAP, _LINE = 14, 22  # pixels between pictures, and of a line of text
_PLACING = Placing(views=("fitted",))
_NO_SCALE = "resolution not known: no ruler"


@dataclass(frozen=True)
class _Side:
    """One picture and what is written above it."""

    title: str
    picture: Picture
    original: Original | None = None


class ReviewPicture:
    """The questioned scan beside each reference, at one scale."""

    def __init__(self, query: Exhibit, references: Sequence[Exhibit]) -> None:
        """Read the scans."""
        exhibits = [query, *references]
        originals = [_original(one) for one in exhibits]
        there = [one for one in originals if one is not None]
        self._frame = Frame.around(there) if there else Frame(64.0, 32.0, 10.0)
        sides = [self._side(one, original) for one, original in zip(exhibits, originals, strict=True)]
        self._query, self._references = sides[0], sides[1:]

    def image(self) -> Image.Image:
        """Return one picture, RGB: a row for each reference, the questioned scan left of it each time."""
        rows = [[self._query, one] for one in self._references] or [[self._query]]
        width, height = self._query.picture.width, max(one.picture.height for row in rows for one in row)
        pitch = height + _LINE + _GAP
        sheet = Image.new("RGB", (len(rows[0]) * (width + _GAP) + _GAP, len(rows) * pitch + _GAP), "white")
        draw, text = ImageDraw.Draw(sheet), font(15)
        for number, row in enumerate(rows):
            for column, side in enumerate(row):
                left, top = _GAP + column * (width + _GAP), _GAP + number * pitch
                draw.text((left, top), _fitting(side.title, width), fill="#333333", font=text)
                with Image.open(io.BytesIO(side.picture.content)) as picture:
                    sheet.paste(picture.convert("RGB"), (left, top + _LINE))
                edge = (left - 1, top + _LINE - 1, left + side.picture.width, top + _LINE + side.picture.height)
                draw.rectangle(edge, outline="#c8c8c8")
        return sheet

    def figures(self) -> Figures:
        """Return the same for a page, with each pair laid on each other where both scans are there."""
        found = []
        for side in self._references:
            found += [self._figure(self._query), self._figure(side)]
            if self._query.original is None or side.original is None:
                found.append(
                    Figure(_empty(self._frame, "laid on each other only where both scans are there"), "", "none")
                )
                continue
            pair = self._query.original, side.original
            scaled = not (pair[0].scale_known and pair[1].scale_known)
            both, turn = overlay(ink_in(pair[0], self._frame), ink_in(pair[1], self._frame), scaled=scaled)
            said = f"the questioned one (vermilion, turned by {turn:+.1f} degrees) on {side.title.split(':')[0]} (blue)"
            found.append(Figure(both, said, "both laid on each other"))
        return Figures(found, 3, together=True) if found else Figures([self._figure(self._query)], 2)

    def _figure(self, side: _Side) -> Figure:
        return Figure(side.picture, side.title, "a signature")

    def _side(self, exhibit: Exhibit, original: Original | None) -> _Side:
        if original is not None:
            ruler = None if original.scale_known else _NO_SCALE
            return _Side(exhibit.title, with_ruler(shown(original, self._frame), self._frame, ruler), original)
        if exhibit.small is None:
            return _Side(exhibit.title, _empty(self._frame, exhibit.said or "nothing to show"))
        paper = _enlarged(exhibit.small, self._frame)
        return _Side(exhibit.title, with_ruler(np.dstack([paper] * 3), self._frame, "small picture, not the scan"))


def check_sheet(path: Path) -> None:
    """Refuse a file that is not called like a picture or page.

    Raises:
        UsageError: another suffix.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path}: {', '.join(SUFFIXES)} is expected")


def write_sheet(path: Path, sheet: ReviewSheet, picture: ReviewPicture) -> None:
    """Write the picture (``.png``), or a page with the facts of the answer (``.html``, ``.pdf``); its owner's only.

    Raises:
        UsageError: another kind of file.
    """
    check_sheet(path)
    suffix = path.suffix.lower()
    if suffix == ".png":
        buffer = io.BytesIO()
        picture.image().save(buffer, format="PNG", optimize=True)
        content = buffer.getvalue()
    elif suffix == ".pdf":
        from sigkd.verification.report.pdf import pdf_file

        content = pdf_file(_document(sheet, picture), "A4")
    else:
        from sigkd.rendering import html_page

        page = html_page(TEMPLATE, {"document": _document(sheet, picture), "paper": "A4"})
        content = page.encode("utf-8", "backslashreplace")
    write_bytes(path, content, private=True)


def facts(sheet: ReviewSheet) -> list[tuple[str, str]]:
    """Return what is known of an answer as names with their values, for people."""
    review, detail = sheet.review, sheet.review.detail
    score, ratio = detail.get("score"), detail.get("log10_lr")
    limits = [f"{word} {detail[key]:.3f}" for word, key in _LIMITS if detail.get(key) is not None]
    why = {"sample": f"drawn by chance, {100 * review.share:g} % of such answers", "": "nobody has to look at it"}
    changed = ", ".join(f"{name} {value}" for name, value in detail.get("changed", {}).items())
    rows = [
        ("writer", "removed" if review.writer is None else review.writer),
        ("asked", f"{_minute(review.at)} UTC"),
        ("answer", review.answer),
        ("looked at because", why.get(review.listed, f"it is {review.listed}")),
        ("score", "-" if score is None else f"{score:.3f}" + (f" ({', '.join(limits)})" if limits else "")),
        ("log10 LR", "none stated" if ratio is None else f"{ratio:+.2f}"),
        ("remarks", ", ".join(detail.get("remarks", ())) or "none"),
        ("policy", str(detail.get("policy", "not kept"))),
        *([("changed by the user", changed)] if changed else []),
        ("calibration", str(detail.get("calibration") or "none")),
        ("model", str(detail.get("model", "not kept"))),
        ("questioned file", sheet.query.file or "not known"),
        ("SHA-256", sheet.query.hash),
        ("references", str(len(sheet.references))),
        ("stands", standing(sheet)),
    ]
    return rows + [(f"{one.by}, {_minute(one.at)}", f"{one.outcome}: {one.reason}") for one in review.opinions]


def standing(sheet: ReviewSheet) -> str:
    """Return how an answer stands, in words."""
    review = sheet.review
    said = {
        "open": "open" + (f": {sheet.people} people have to agree" if sheet.people > 1 else ""),
        "second person": "a second person has to look at it",
        "disputed": "open: people disagree",
        "decided": f"decided: {review.outcome}",
    }
    return said[review.standing.value]


_LIMITS = (("accepted from", "accept"), ("rejected below", "reject"))


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")


def _document(sheet: ReviewSheet, picture: ReviewPicture) -> Document:
    review = sheet.review
    blocks: list[Block] = [Rows(facts(sheet), hashes=True)]
    if sheet.remarks:
        blocks.append(Notes("Not everything can be shown", [one.replace("`", "") for one in sheet.remarks]))
    blocks += [Heading("The questioned signature beside each reference"), picture.figures()]
    title = f"Review of entry {review.entry}"
    whose = "a removed writer" if review.writer is None else review.writer
    return Document(
        language="en",
        title=title,
        subtitle=f"{whose}, {_minute(review.at)} UTC: {review.answer}",
        running=title,
        page_of="page {page} of {pages}",
        author=f"sigkd {__version__}",
        blocks=blocks,
    )


def _original(exhibit: Exhibit) -> Original | None:
    if exhibit.scan is None:
        return None
    try:
        return read_again(exhibit.title, exhibit.scan, _PLACING, exhibit.dpi)
    except ImageError:  # a kept image that this installation cannot decode
        return None


def _enlarged(small: NDArray[np.uint8], frame: Frame) -> NDArray[np.uint8]:
    """Return the ink of a small picture in the middle of a frame, dark on white."""
    columns, rows = frame.size
    across, down = np.flatnonzero(small.any(axis=0)), np.flatnonzero(small.any(axis=1))
    paper = np.full((rows, columns), 255, np.uint8)
    if not len(across):
        return paper
    ink = 255 - small[down[0] : down[-1] + 1, across[0] : across[-1] + 1]
    scale = 0.85 * min(columns / ink.shape[1], rows / ink.shape[0])
    size = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
    top, left = (rows - size[1]) // 2, (columns - size[0]) // 2
    paper[top : top + size[1], left : left + size[0]] = cv2.resize(ink, size, interpolation=cv2.INTER_CUBIC)
    return paper


def _empty(frame: Frame, said: str) -> Picture:
    columns, rows = frame.size
    sheet = Image.new("RGB", (columns, rows), "white")
    ImageDraw.Draw(sheet).text(
        (columns / 2, rows / 2), _fitting(said, columns - 20), fill="#555555", font=font(15), anchor="mm"
    )
    return encoded(np.asarray(sheet), lossy=False)


def _fitting(text: str, width: int) -> str:
    """Return a text that is not wider than so many pixels."""
    measure = font(15).getlength
    while text and measure(text) > width:
        text = text[:-2].rstrip("…") + "…"
    return text
