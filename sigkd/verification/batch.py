"""One or many queries of the command line: which files, the answers, the common exit code, the table."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sigkd.errors import ExitCode, UsageError
from sigkd.files import atomic_path, csv_cell
from sigkd.progress import SILENT, Progress
from sigkd.verification.result import Verification

if TYPE_CHECKING:
    from sigkd.verification.report import Report
    from sigkd.verification.verifier import Verifier

CHUNK = 64
"""Queries that are read before their features are computed."""


def verify_ad_hoc(verifier: Verifier, images: Sequence[Path], *, report: Report | None = None) -> list[Verification]:
    """Verify the last path against all before it.

    Raises:
        UsageError: fewer than two paths; otherwise as :meth:`Verifier.verify_against`.
    """
    if len(images) < 2:
        raise UsageError(
            "give at least one reference and the query: sigkd verify REF... QUERY (or with `writer`: QUERY...)"
        )
    for path in images:
        if path.is_dir():
            raise UsageError(
                f"{path} is a folder: name image files (sigkd verify {path}/*.png QUERY), or enrol a writer"
            )
    case = verifier.case_against(images[:-1], images[-1])
    if report is not None:
        report.write(verifier, case)
    return [case.answer]


def verify_enrolled(
    verifier: Verifier, writer: str, files: Sequence[Path], *, report: Report | None = None, progress: Progress = SILENT
) -> list[Verification]:
    """Verify files against an enrolled writer; an image that cannot be used stops the run.

    Raises:
        UsageError: a report for more than one query; otherwise as :meth:`Verifier.verify`.
    """
    if report is not None:
        if len(files) != 1:
            raise UsageError(f"`report` is for one query, not {len(files)}")
        case = verifier.case_of(writer, files[0])
        report.write(verifier, case)
        return [case.answer]
    answers: list[Verification] = []
    with progress.task("verifying", total=len(files), unit="signatures") as task:
        for start in range(0, len(files), CHUNK):
            answers += verifier.verify_many(writer, files[start : start + CHUNK])
            task.advance(len(files[start : start + CHUNK]))
    return answers


def exit_code(answers: Sequence[Verification]) -> ExitCode:
    """Return the worst answer's code: rejected, refused, inconclusive, accepted."""
    codes = {answer.decision.exit_code for answer in answers}
    worst = (ExitCode.REJECTED, ExitCode.INPUT, ExitCode.INCONCLUSIVE)
    return next((code for code in worst if code in codes), ExitCode.DONE)


def write_csv(path: Path, answers: Sequence[Verification]) -> None:
    """Write one row an answer, atomically."""
    rows = [answer.as_row() for answer in answers]
    for row in rows:
        row |= {name: csv_cell(row[name]) for name in ("query", "writer", "thresholds", "model")}
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream,
    ):
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]) if rows else ["query"])
        writer.writeheader()
        writer.writerows(rows)
