"""The page of a table of claims as a PDF file: drawn claim by claim, so that only the file grows with the table."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from sigkd.images.thumbnails import LARGEST
from sigkd.verification.report.pdf import ANSWERS, BOTTOM, INK, PAPERS, SIDE, SOFT, TOP, edges, fonts, paragraph, plain

if TYPE_CHECKING:
    from sigkd.verification.report.batch import BatchPage, ShownClaim, SmallPicture

_PICTURE = 42 * mm
_HIGHEST = 18 * mm
_GAP = 4 * mm


def write_batch_pdf(path: Path, page: BatchPage, paper: str) -> None:
    """Write the page on ``A4`` or ``Letter``."""
    sheet = _Sheet(path, page, paper)
    sheet.text(page.title, "title")
    sheet.text(page.left, "strong")
    for group in page.groups:
        sheet.text(f"{group.title}: {group.count}", "text", ANSWERS[group.kind])
    sheet.text(page.sorted, "soft")
    for group in page.groups:
        sheet.heading(f"{group.title} ({group.count})", group.about)
        for claim in group.claims:
            sheet.claim(claim, ANSWERS[group.kind])
    sheet.heading(page.about, "")
    for name, value in page.facts:
        sheet.text(f"{name}: {value}", "small")
    sheet.save()


class _Sheet:
    """A canvas, and how far down its page is filled."""

    def __init__(self, path: Path, page: BatchPage, paper: str) -> None:
        self.page, self.size = page, PAPERS[paper]
        self.canvas: Any = Canvas(str(path), pagesize=self.size, pageCompression=1, lang=page.language)
        self.canvas.setTitle(plain(page.running))
        self.canvas.setCreator("sigkd")
        self.width = self.size[0] - 2 * SIDE
        self.number = 1
        self.top = self.size[1] - TOP
        self._edges()

    def _edges(self) -> None:
        edges(self.canvas, self.size, self.page.running, str(self.number))

    def _room(self, height: float) -> None:
        """Start a page where the rest of this one does not hold so much."""
        if self.top - height < BOTTOM and self.top < self.size[1] - TOP:
            self.canvas.showPage()
            self.number += 1
            self.top = self.size[1] - TOP
            self._edges()

    def text(self, text: str, style: str, colour: str | None = None) -> None:
        """Write a paragraph of the page's width."""
        flow = paragraph(text, style, colour)
        _, height = flow.wrap(self.width, self.size[1])
        self._room(height)
        flow.drawOn(self.canvas, SIDE, self.top - height)
        self.top -= height + 3

    def heading(self, title: str, about: str) -> None:
        """Write a group's title where a claim fits below it."""
        self._room(2 * _HIGHEST)
        self.top -= 8
        self.text(title, "heading")
        if about:
            self.text(about, "soft")

    def claim(self, claim: ShownClaim, colour: str) -> None:
        """Draw one claim: two pictures, and what is said beside them."""
        left = SIDE + 8 + 2 * (_PICTURE + 6)
        width = self.size[0] - SIDE - left
        said = [
            paragraph(f"{claim.writer}   {claim.ratio}", "strong"),
            paragraph(claim.why, "small"),
            paragraph(claim.advice, "small strong"),
            paragraph(" · ".join(self._facts(claim)), "soft"),
        ]
        heights = [flow.wrap(width, self.size[1])[1] for flow in said]
        height = min(max(sum(heights), _HIGHEST + 10), self.size[1] - TOP - BOTTOM)
        self._room(height + _GAP)
        top = self.top
        for flow, own in zip(said, heights, strict=True):
            top -= own
            if top < BOTTOM:  # texts longer than a page
                break
            flow.drawOn(self.canvas, left, top)
        for place, picture in enumerate(claim.pictures):
            self._picture(picture, SIDE + 8 + place * (_PICTURE + 6))
        self.canvas.setFillColor(colour)
        self.canvas.rect(SIDE, self.top - height, 3, height, stroke=0, fill=1)
        self.top -= height + _GAP

    def _facts(self, claim: ShownClaim) -> list[str]:
        carried = [f"{name}: {value}" for name, value in claim.carried]
        return [one for one in (claim.row, claim.file, *carried, claim.remarks) if one]

    def _picture(self, picture: SmallPicture, left: float) -> None:
        if picture.content is None:
            flow = paragraph(picture.absent, "soft")
            _, height = flow.wrap(_PICTURE, _HIGHEST)
            flow.drawOn(self.canvas, left, self.top - height)
        else:
            image = ImageReader(io.BytesIO(picture.content))
            columns, rows = image.getSize()
            widest, highest = LARGEST  # all at one scale
            unit = min(_PICTURE / widest, _HIGHEST / highest, _PICTURE / columns)
            size = columns * unit, rows * unit
            self.canvas.drawImage(image, left, self.top - size[1], *size)
        self.canvas.setFont(fonts()[0], 6.5)
        self.canvas.setFillColor(SOFT)
        self.canvas.drawString(left, self.top - _HIGHEST - 8, plain(picture.caption)[:34])
        self.canvas.setFillColor(INK)

    def save(self) -> None:
        """Write the file."""
        self.canvas.save()
