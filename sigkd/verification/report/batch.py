"""The page of a table of claims: what a person must look at first stands first, with small pictures."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sigkd._version import __version__
from sigkd.errors import GalleryError, ImageError, NotEnrolledError, UsageError
from sigkd.files import atomic_path
from sigkd.images.reader import read_file
from sigkd.images.thumbnails import thumbnail_of_file
from sigkd.verification.report import TEMPLATE, Report
from sigkd.verification.report.catalogue import Texts
from sigkd.verification.samples import cropped, digest_on_page

if TYPE_CHECKING:
    from sigkd.gallery import Gallery

BATCH_TEMPLATE = Path(__file__).with_suffix(".html")
KINDS = {
    "suspected copy": "copy",
    "inconclusive": "inconclusive",
    "error": "error",
    "unsigned": "unsigned",
    "refused": "refused",
    "rejected": "rejected",
    "accepted": "accepted",
}
"""Answers in the order in which a person must look at them, and what the page calls their kinds."""
LEFT = ("copy", "inconclusive", "error", "unsigned", "refused")
"""Kinds that are left to a person."""
_WRITERS = 2000  # whose pictures are kept while the page is written


@dataclass(frozen=True)
class Answered:
    """A claim and its answer."""

    row: int
    """In the table, the header being row 1."""
    writer: str
    answer: Mapping[str, Any]
    """By the columns of the table of answers, and ``thumbnail``: a JPEG file in base 64; else ``page`` and ``box``, as
    of a :class:`.samples.Sample`."""
    carried: Sequence[tuple[str, str]]
    """Other columns of the table, with their values."""


@dataclass(frozen=True)
class SmallPicture:
    """A thumbnail, or why there is none."""

    content: bytes | None
    caption: str
    absent: str = ""


@dataclass(frozen=True)
class ShownClaim:
    """A claim as the page shows it."""

    number: int
    row: str
    writer: str
    ratio: str
    why: str
    advice: str
    file: str
    address: str
    """Of the scan, as a link; empty where the claim names none."""
    carried: Sequence[tuple[str, str]]
    remarks: str
    pictures: Sequence[SmallPicture]


@dataclass(frozen=True)
class Group:
    """The claims with one answer."""

    kind: str
    title: str
    count: int
    about: str
    claims: Iterator[ShownClaim]
    """Made one by one while the page is written."""


@dataclass(frozen=True)
class BatchPage:
    """The whole page."""

    language: str
    title: str
    running: str
    left: str
    sorted: str
    find: str
    find_hint: str
    show: str
    everything: str
    person: str
    person_kinds: str
    found: str
    groups: Sequence[Group]
    about: str
    facts: Sequence[tuple[str, str]]


def check_batch(report: Report) -> None:
    """Refuse what a page of many claims cannot be.

    Raises:
        UsageError: it has a case file, which is for one questioned signature.
    """
    if report.file is not None:
        raise UsageError("`case` is for the report of one signature, not for a table of claims")


def write_batch(
    report: Report,
    order: Sequence[tuple[str, float | None, int]],
    read: Callable[[int], Answered],
    gallery: Gallery,
    *,
    max_pixels: int,
    name: str,
    facts: Mapping[str, str],
) -> None:
    """Write the page, readable by its owner only; claims are read, shown and forgotten one by one.

    Args:
        report: the file and the paper.
        order: answer, log10 LR and number of each claim.
        read: returns a claim by its number.
        gallery: has the references' images, where they are kept.
        max_pixels: largest scan that is decoded.
        name: of the table.
        facts: of the run, by the names of the catalogue's ``batch.facts``; empty: there is no log.
    """
    composer = _Composer(Texts(), read, gallery, max_pixels)
    page = composer.page(order, name, facts)
    with atomic_path(report.path, private=True) as temporary:
        if report.path.suffix.lower() == ".pdf":
            from sigkd.verification.report.batch_pdf import write_batch_pdf

            write_batch_pdf(temporary, page, report.paper)
            return
        from sigkd.rendering import html_parts

        script = BATCH_TEMPLATE.with_suffix(".js").read_bytes()
        given = {
            "page": page,
            "paper": report.paper,
            "common_style": TEMPLATE.with_suffix(".css").read_text(encoding="utf-8"),
            "script_hash": base64.b64encode(hashlib.sha256(script).digest()).decode(),
        }
        with temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            stream.writelines(html_parts(BATCH_TEMPLATE, given))


class _Composer:
    def __init__(self, texts: Texts, read: Callable[[int], Answered], gallery: Gallery, max_pixels: int) -> None:
        self.texts, self.read, self.gallery, self.max_pixels = texts, read, gallery, max_pixels
        self.reference = lru_cache(_WRITERS)(self._reference)

    def page(self, order: Sequence[tuple[str, float | None, int]], name: str, facts: Mapping[str, str]) -> BatchPage:
        t = self.texts
        groups, counts = [], {}
        for answer, kind in KINDS.items():
            chosen = [(ratio is None, ratio or 0.0, number) for given, ratio, number in order if given == answer]
            if not chosen:
                continue
            counts[kind] = len(chosen)
            claims = (self.claim(number) for _, _, number in sorted(chosen))
            groups.append(Group(kind, t(f"batch.kinds.{kind}"), len(chosen), t(f"batch.about.{kind}"), claims))
        left = sum(counts.get(kind, 0) for kind in LEFT)
        whole = self._count(len(order))
        time = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        told = [(t(f"batch.facts.{fact}"), value or t("batch.log_off")) for fact, value in facts.items()]
        told.append((t("batch.facts.made"), t("batch.facts.made_by", time=time, version=__version__)))
        return BatchPage(
            language=t.language,
            title=t("batch.title"),
            running=t("batch.running", name=name),
            left=t("batch.left" if left else "batch.nothing", number=left, all=whole),
            sorted=t("batch.sorted"),
            find=t("batch.find"),
            find_hint=t("batch.find_hint"),
            show=t("batch.show"),
            everything=t("batch.everything"),
            person=t("batch.person"),
            person_kinds=" ".join(LEFT),
            found=t("batch.found"),
            groups=groups,
            about=t("batch.about_run"),
            facts=told,
        )

    def _count(self, number: int) -> str:
        return self.texts("batch.one") if number == 1 else self.texts("batch.many", number=f"{number:,}")

    def claim(self, number: int) -> ShownClaim:
        t, one = self.texts, self.read(number)
        answer = one.answer
        ratio, file = answer.get("log10_lr"), str(answer.get("file") or "")
        return ShownClaim(
            number=one.row,
            row=t("batch.row", number=one.row),
            writer=one.writer,
            ratio="" if ratio is None else t("batch.lr", lr=10.0 ** float(ratio)),
            why=str(answer.get("why") or answer.get("error") or ""),
            advice=str(answer.get("what_to_do") or ""),
            file=Path(file).name,
            address=Path(file).as_uri() if Path(file).is_absolute() else "",
            carried=one.carried,
            remarks=str(answer.get("remarks") or ""),
            pictures=(self._questioned(answer), self.reference(one.writer)),
        )

    def _questioned(self, answer: Mapping[str, Any]) -> SmallPicture:
        t, caption = self.texts, self.texts("batch.questioned")
        if answer.get("thumbnail"):
            return SmallPicture(base64.b64decode(answer["thumbnail"]), caption)
        try:  # an answer of a run without a page, or an image in which no signature was found
            page, box = answer.get("page", 1), answer.get("box")
            file = read_file(str(answer.get("file")), page=page, max_pixels=self.max_pixels)
            digest = file.digest if box is None else digest_on_page(file.digest, tuple(box))
            if answer.get("sha256") not in (digest, "", None):
                return SmallPicture(None, caption, t("batch.no_picture", reason=t("batch.changed")))
            file = file if box is None else cropped(file, tuple(box))
            presumed = None if file.resolution.known else self.gallery.resolution
            return SmallPicture(thumbnail_of_file(file, presumed), caption)
        except ImageError:
            return SmallPicture(None, caption, t("batch.no_picture", reason=t("batch.unreadable")))

    def _reference(self, writer: str) -> SmallPicture:
        t, caption = self.texts, self.texts("batch.reference", writer=writer)
        try:
            kept = next((one for one in self.gallery.references(writer, images=True) if one.image), None)
        except (NotEnrolledError, UsageError):
            return SmallPicture(None, caption, t("batch.no_picture", reason=t("batch.nobody")))
        except GalleryError as error:  # what was changed is not called absent
            return SmallPicture(None, caption, t("batch.no_picture", reason=str(error)))
        if kept is None or kept.image is None:
            return SmallPicture(None, caption, t("batch.no_picture", reason=t("batch.not_kept")))
        told = None if kept.scan is None else kept.scan.resolution
        try:
            return SmallPicture(thumbnail_of_file(read_file(kept.image, max_pixels=self.max_pixels), told), caption)
        except ImageError:
            return SmallPicture(None, caption, t("batch.no_picture", reason=t("batch.unreadable")))
