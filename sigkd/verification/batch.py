"""One or many queries of the command line: which files, the answers, the common exit code, the table."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sigkd.errors import ExitCode, UsageError
from sigkd.files import atomic_path
from sigkd.progress import SILENT, Progress
from sigkd.verification.result import Verification
from sigkd.verification.samples import Sample

if TYPE_CHECKING:
    from sigkd.verification.comparison import Comparison
    from sigkd.verification.verifier import Verifier

CHUNK = 64
"""Queries that are read before their features are computed."""


def verify_ad_hoc(verifier: Verifier, images: Sequence[Path], *, report: Path | None = None) -> list[Verification]:
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
    samples = [verifier.engine.sample(path) for path in images]
    features = verifier.engine.features([sample.image for sample in samples])
    known = samples[:-1]
    comparison = verifier.engine.compare(features[:-1], [s.ink for s in known], [s.digest for s in known])
    answers = comparison.judge(samples[-1:], features[-1:])
    if report is not None:
        _report(report, verifier, comparison, known, samples[-1], answers[0])
    return answers


def verify_enrolled(
    verifier: Verifier, writer: str, files: Sequence[Path], *, report: Path | None = None, progress: Progress = SILENT
) -> list[Verification]:
    """Verify files against an enrolled writer; bad images stop the run before anything is logged.

    Raises:
        UsageError: a report for more than one query; otherwise as :meth:`Verifier.verify`.
    """
    if report is not None and len(files) != 1:
        raise UsageError(f"`report` is for one query, not {len(files)}")
    answers: list[Verification] = []
    with progress.task("verifying", total=len(files), unit="signatures") as task:
        for start in range(0, len(files), CHUNK):
            samples = [verifier.engine.sample(path) for path in files[start : start + CHUNK]]
            answers += verifier.verify_many(writer, samples)
            task.advance(len(samples))
            if report is not None:
                comparison, known = verifier.enrolled(writer, images=True)
                _report(report, verifier, comparison, known, samples[0], answers[0])
    return answers


def _report(
    path: Path,
    verifier: Verifier,
    comparison: Comparison,
    references: Sequence[Sample | None],
    query: Sample,
    answer: Verification,
) -> None:
    from sigkd.verification.report import write_report

    write_report(path, verifier.engine, comparison, references, query, answer)


def exit_code(answers: Sequence[Verification]) -> ExitCode:
    """Return the worst answer's code: rejected before inconclusive before accepted."""
    codes = {answer.decision.exit_code for answer in answers}
    return next((code for code in (ExitCode.REJECTED, ExitCode.INCONCLUSIVE) if code in codes), ExitCode.DONE)


def write_csv(path: Path, answers: Sequence[Verification]) -> None:
    """Write one row an answer, atomically."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        rows = [answer.as_row() for answer in answers]
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]) if rows else ["query"])
        writer.writeheader()
        writer.writerows(rows)
