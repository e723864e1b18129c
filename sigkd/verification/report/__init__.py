"""The report of one verification for a case file: one HTML page without script or anything from outside, or a PDF."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sigkd.errors import UsageError

if TYPE_CHECKING:
    from sigkd.verification.comparison import Case
    from sigkd.verification.report.case_file import CaseFile
    from sigkd.verification.verifier import Verifier

PAPERS = ("A4", "Letter")
TEMPLATE = Path(__file__).with_name("report.html")


@dataclass(frozen=True)
class Report:
    """A report that is wanted.

    Args:
        path: the file: PDF for ``.pdf``, HTML for ``.html``, ``.htm``, and for a name without a suffix (a pipe).
        file: what a person says of the case.
        paper: ``A4`` or ``Letter``.
    """

    path: Path
    file: CaseFile | None = None
    paper: str = "A4"

    def __post_init__(self) -> None:
        """Check what was asked for, before anything is computed.

        Raises:
            UsageError: another kind of file or paper.
        """
        if self.path.suffix.lower() not in ("", ".html", ".htm", ".pdf"):
            raise UsageError(f"{self.path}: a report is .html or .pdf")
        if self.paper not in PAPERS:
            raise UsageError(f"`paper` must be one of {', '.join(PAPERS)}, not '{self.paper}'")

    def write(self, verifier: Verifier, case: Case) -> None:
        """Write the report, readable by its owner only: it shows signatures.

        Raises:
            UsageError: the case file does not fit the comparison.
        """
        from sigkd.files import write_bytes
        from sigkd.rendering import html_page
        from sigkd.verification.report.content import compose

        document = compose(verifier, case, self.file)
        if self.path.suffix.lower() == ".pdf":
            from sigkd.verification.report.pdf import pdf_file

            content = pdf_file(document, self.paper)
        else:
            page = html_page(TEMPLATE, {"document": document, "paper": self.paper})
            content = page.encode("utf-8", "backslashreplace")
        write_bytes(self.path, content, private=True)
