"""One or many queries of the command line: which files, the answers, the common exit code, the table."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sigkd.errors import ExitCode, ImageError, SigkdError, UsageError
from sigkd.gallery import Gallery
from sigkd.gallery.connection import needs_passphrase
from sigkd.images.formats import named_images
from sigkd.progress import SILENT, Progress
from sigkd.verification.result import Verification
from sigkd.verification.row_tables import write_table

if TYPE_CHECKING:
    from sigkd.verification.report import Report
    from sigkd.verification.verifier import Verifier

CHUNK = 64
"""Queries that are read before their features are computed."""


def verify_ad_hoc(
    verifier: Verifier,
    references: Sequence[Path],
    query: Path,
    *,
    gallery: Path | None = None,
    report: Report | None = None,
) -> list[Verification]:
    """Verify a query against references.

    Args:
        verifier: model and policy.
        references: image files.
        query: an image file.
        gallery: where somebody may be enrolled whose name was given for a file.
        report: a report that is wanted.

    Raises:
        UsageError: no query or no references; otherwise as :meth:`Verifier.verify_against`.
    """
    if not references:
        raise UsageError(
            "give at least one reference and the query: sigkd verify REF... QUERY (or with `writer`: QUERY...)"
        )
    for path in (*references, query):
        if path.is_dir():
            raise UsageError(
                f"{path} is a folder: name image files (sigkd verify {path}/*.png QUERY), or enrol a writer"
            )
    # A frequent slip: the writer's name without the option. Only a gallery that asks for nothing is looked into.
    if not references[0].exists() and gallery is not None and is_enrolled(gallery, str(references[0])):
        name, image = shlex.quote(str(references[0])), shlex.quote(str(query))
        raise UsageError(
            f"{references[0]}: no such file, but a writer of this name is enrolled: sigkd verify `writer` "
            f"{name} {image}"
        )
    case = verifier.case_against(references, query)
    if report is not None:
        report.write(verifier, case)
    return [case.answer]


def is_enrolled(gallery: Path, name: str) -> bool:
    """Tell whether somebody of this name is enrolled in a gallery that needs no passphrase."""
    try:
        if not gallery.exists() or needs_passphrase(gallery):
            return False
        with Gallery(gallery, read_only=True) as opened:
            return name in opened
    except SigkdError:
        return False


def verify_enrolled(
    verifier: Verifier,
    writer: str,
    images: Sequence[Path],
    *,
    report: Report | None = None,
    progress: Progress = SILENT,
) -> tuple[list[Verification], dict[str, str]]:
    """Verify files, and the images in folders, against an enrolled writer.

    Returns:
        The answers, and what is wrong with the images that have none. A single image that cannot be used raises.

    Raises:
        UsageError: no images, or a report for more than one query; otherwise as :meth:`Verifier.verify`.
    """
    files = named_images(images, progress)
    if not files:
        raise UsageError("give at least one query: sigkd verify `writer` NAME QUERY...")
    if report is not None:
        if len(files) != 1:
            raise UsageError(f"`report` is for one query, not {len(files)}")
        case = verifier.case_of(writer, files[0])
        report.write(verifier, case)
        return [case.answer], {}
    enrolled = verifier.open_gallery()
    _ = enrolled.comparison(writer)  # nobody of this name: said before anything is read
    presumed = enrolled.gallery.resolution
    answers: list[Verification] = []
    failed: dict[str, str] = {}
    shown = progress if len(files) > 1 else SILENT
    with shown.task("verifying", total=len(files), unit="signatures") as task:
        for start in range(0, len(files), CHUNK):
            samples = []
            for file in files[start : start + CHUNK]:
                try:
                    samples.append(verifier.sample(file, presumed=presumed))
                except ImageError as error:
                    if len(files) == 1:
                        raise
                    failed[str(file)] = str(error)
            answers += verifier.verify_many(writer, samples)
            task.advance(len(files[start : start + CHUNK]))
    return answers, failed


def exit_code(answers: Sequence[Verification], failed: Mapping[str, str] = {}) -> ExitCode:
    """Return the worst answer's code: rejected, without an answer, inconclusive, accepted."""
    codes = {answer.decision.exit_code for answer in answers} | ({ExitCode.INPUT} if failed else set())
    # A rejection is the gravest for a script that lets documents pass; then what was not even compared.
    worst = (ExitCode.REJECTED, ExitCode.INPUT, ExitCode.INCONCLUSIVE)
    return next((code for code in worst if code in codes), ExitCode.DONE)


def write_csv(path: Path, answers: Sequence[Verification], failed: Mapping[str, str] = {}) -> None:
    """Write one row an answer, and one for each image without one, see :func:`.row_tables.write_table`."""
    rows = [{**answer.as_row(), "error": ""} for answer in answers]
    names = list(rows[0]) if rows else ["query", "decision", "error"]
    rows += [{**dict.fromkeys(names, ""), "query": name, "decision": "error", "error": failed[name]} for name in failed]
    # names of files and writers come from anywhere
    texts = [name for name in ("query", "writer", "thresholds", "model", "policy", "error") if name in names]
    write_table(path, names, rows, texts=texts)
