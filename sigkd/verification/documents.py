"""Signatures on documents on their way through verification: found, taken off the page, and read as any scan is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sigkd.documents.locate import Page, Signature, locate
from sigkd.documents.regions import Region
from sigkd.documents.template import Template
from sigkd.errors import ExitCode, ImageError, UsageError
from sigkd.images.formats import named_images, split_page
from sigkd.images.pdf import is_pdf
from sigkd.images.reader import read_header
from sigkd.images.resolution import MM_PER_INCH, Resolution
from sigkd.images.scale import DPI
from sigkd.progress import SILENT, Progress
from sigkd.verification.batch import CHUNK, exit_code
from sigkd.verification.result import Verification
from sigkd.verification.samples import Sample, digest_on_page

if TYPE_CHECKING:
    from sigkd.verification.report import Report
    from sigkd.verification.verifier import Verifier

PAGE_MM2 = 105.0 * 148.0
"""Size from which a scan is a page and no crop of a signature: A6."""
_PAPER = 12  # pixels of white around the ink


@dataclass(frozen=True)
class Look:
    """How documents are looked at."""

    template: Template | None = None
    regions: tuple[Region, ...] = ()
    page: int | None = None
    """The only page to look at; None: all."""
    always: bool = False
    """Every image is a document; else PDF files, and scans at least as large as A6 whose resolution is known."""

    @property
    def asked(self) -> bool:
        """Whether every file is a document, because that was said or a place on it."""
        return self.always or self.template is not None or bool(self.regions)

    def is_document(self, path: Path) -> bool:
        """Tell whether a file is looked at as a document; one that cannot be read is none."""
        if self.asked:
            return True
        if path.exists() and not path.is_file():  # a pipe is read once
            return False
        try:
            return is_page(path)
        except (ImageError, OSError):
            return False


ANYWHERE = Look()


@dataclass
class Taken:
    """What was found on documents."""

    samples: list[Sample] = field(default_factory=list)
    unsigned: list[str] = field(default_factory=list)
    """Documents without a signature, or ``DOCUMENT: ROLE``."""


@dataclass
class DocumentAnswers:
    """What became of documents."""

    answers: list[Verification] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """What is wrong with files that have no answer."""
    unsigned: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> ExitCode:
        """The worst: rejected, without an answer, unsigned, inconclusive, accepted."""
        code = exit_code(self.answers, self.failed)
        milder = (ExitCode.DONE, ExitCode.INCONCLUSIVE)
        return ExitCode.UNSIGNED if self.unsigned and code in milder else code


def is_page(path: Path) -> bool:
    """Tell whether a file is a page by its kind or size, by its first bytes alone: see :data:`PAGE_MM2`.

    Raises:
        ImageError, OSError: it cannot be read.
    """
    with Path(split_page(path)[0]).open("rb") as stream:
        if is_pdf(stream.read(1024)):
            return True
    (width, height), resolution = read_header(path)
    x, y = resolution.x, resolution.y
    if x is None or y is None:
        return False
    return width / x * height / y * MM_PER_INCH**2 >= PAGE_MM2


def take_signatures(
    verifier: Verifier,
    path: Path,
    look: Look,
    *,
    keep: bool = False,
    dpi: float | None = None,
    thumbnail: bool = False,
) -> Taken:
    """Find the signatures of a document and read them.

    Args:
        verifier: as whose model needs them.
        path: of the document.
        look: where to look.
        keep: keep the ink as PNG.
        dpi: the document's resolution, instead of the one chosen for all scans, and of what the file says.
        thumbnail: make a small picture of the ink, too.

    Raises:
        ImageError: the document cannot be read, or is not like the template; the message names it.
    """
    dpi = verifier.choices.dpi if dpi is None else dpi
    pages = locate(
        path, page=look.page, dpi=dpi, template=look.template, regions=look.regions,
        max_pixels=verifier.model.placing.max_pixels,
    )  # fmt: skip
    taken = Taken()
    for page in pages:
        for one in page.signatures:
            sample = sample_of(verifier, page, one, len(page.signatures), keep=keep, thumbnail=thumbnail)
            taken.samples.append(sample)
        taken.unsigned += [f"{_title(page)}: {role}" for role in page.unsigned]
    if not taken.samples and not taken.unsigned:
        taken.unsigned.append(Path(pages[0].name).name)
    return taken


def signatures_of(
    verifier: Verifier, documents: Sequence[Path], look: Look, *, keep: bool = False, dpi: float | None = None
) -> list[Sample]:
    """Return the signatures on documents of one writer (specimen cards, forms), to be enrolled.

    Raises:
        ImageError: a document cannot be read or has no signature; the message names it.
    """
    samples: list[Sample] = []
    for path in named_images(documents, documents=True):
        taken = take_signatures(verifier, path, look, keep=keep, dpi=dpi)
        if not taken.samples:
            raise ImageError(f"{path}: no signature was found on it")
        samples += taken.samples
    return samples


def _title(page: Page) -> str:
    return Path(page.name).name + (f", page {page.page}" if page.pages > 1 else "")


def sample_of(
    verifier: Verifier, page: Page, signature: Signature, count: int, *, keep: bool = False, thumbnail: bool = False
) -> Sample:
    """Read the ink of a signature that was taken off a page.

    What is remarked on the page's scan is remarked on the sample, too; its digest is of the page's and its place there.
    """
    name = _title(page)
    if signature.role is not None:
        name += f", {signature.role}"
    elif count > 1 or page.pages > 1:
        name += f", signature {signature.number}"
    told = signature.resolution.known
    dpi = Resolution(DPI, DPI, signature.resolution.source) if told else Resolution(source=signature.resolution.source)
    ink = np.pad(signature.ink, _PAPER, constant_values=255)
    sample = verifier.sample(ink, name=name, keep=keep, dpi=dpi, thumbnail=thumbnail)
    codes = {one.code for one in sample.remarks}
    remarks = (*sample.remarks, *(one for one in signature.remarks if one.code not in codes))
    digest = digest_on_page(page.digest, signature.box)
    facts = sample.scan
    if facts is not None and told:
        facts = replace(facts, resolution=signature.resolution)
    place = str(Path(page.name).absolute())
    return replace(sample, remarks=remarks, digest=digest, scan=facts, file=place, page=page.page, box=signature.box)


def verify_documents(
    verifier: Verifier,
    writer: str,
    images: Sequence[Path],
    look: Look = ANYWHERE,
    *,
    report: Report | None = None,
    progress: Progress = SILENT,
) -> DocumentAnswers:
    """Verify every signature on documents against an enrolled writer; files that are no documents are read as usual.

    Args:
        verifier: with a gallery.
        writer: who is enrolled.
        images: files, and folders of them.
        look: where to look.
        report: a report that is wanted, of one signature.
        progress: where the work is reported.

    Raises:
        UsageError: no images, or a report of several signatures; ImageError: the only file cannot be used.
    """
    files = named_images(images, progress, documents=True)
    if not files:
        raise UsageError("give at least one query: sigkd verify `writer` NAME QUERY...")
    if report is not None and len(files) != 1:
        raise UsageError(f"`report` is for one signature, not {len(files)} files")
    enrolled = verifier.open_gallery()
    _ = enrolled.comparison(writer)  # nobody of this name: said before anything is read
    presumed = enrolled.gallery.resolution
    result = DocumentAnswers()
    shown = progress if len(files) > 1 else SILENT
    with shown.task("verifying", total=len(files), unit="files") as task:
        for start in range(0, len(files), CHUNK):
            samples: list[Sample] = []
            for file in files[start : start + CHUNK]:
                try:
                    if look.is_document(file):
                        taken = take_signatures(verifier, file, look, keep=report is not None)
                        samples += taken.samples
                        result.unsigned += taken.unsigned
                    else:
                        samples.append(verifier.sample(file, keep=report is not None, presumed=presumed))
                except ImageError as error:
                    if len(files) == 1:
                        raise
                    result.failed[str(file)] = str(error)
            if report is not None:
                if len(samples) != 1:
                    raise UsageError(f"`report` is for one signature, not {len(samples)}: name its `region`")
                case = verifier.case_of(writer, samples[0])
                report.write(verifier, case)
                result.answers.append(case.answer)
            else:
                result.answers += verifier.verify_many(writer, samples)
            task.advance(len(files[start : start + CHUNK]))
    return result


def verify_document_against(
    verifier: Verifier, references: Sequence[Path], query: Path, look: Look, *, report: Report | None = None
) -> DocumentAnswers:
    """Verify every signature on a document against references given as images.

    Raises:
        As :meth:`sigkd.Verifier.verify_against`; UsageError: no references, or a report of several signatures.
    """
    if not references:
        raise UsageError("give at least one reference and the document: sigkd verify REF... DOCUMENT")
    taken = take_signatures(verifier, query, look, keep=report is not None)
    if report is not None and len(taken.samples) != 1:
        raise UsageError(f"`report` is for one signature, not {len(taken.samples)}: name its `region`")
    cases = verifier.cases_against(references, taken.samples, keep=report is not None)
    if report is not None:
        report.write(verifier, cases[0])
    return DocumentAnswers([case.answer for case in cases], unsigned=taken.unsigned)
