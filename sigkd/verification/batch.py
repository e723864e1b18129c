"""One or many queries of the command line: which files, the answers, the common exit code, the table."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sigkd.errors import ExitCode, SigkdError, UsageError
from sigkd.gallery import Gallery
from sigkd.gallery.connection import needs_passphrase
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


def exit_code(answers: Sequence[Verification], failed: Mapping[str, str] = {}) -> ExitCode:
    """Return the worst answer's code: rejected, without an answer, inconclusive, accepted."""
    codes = {answer.decision.exit_code for answer in answers} | ({ExitCode.INPUT} if failed else set())
    # A rejection is the gravest for a script that lets documents pass; then what was not even compared.
    worst = (ExitCode.REJECTED, ExitCode.INPUT, ExitCode.INCONCLUSIVE)
    return next((code for code in worst if code in codes), ExitCode.DONE)


def write_csv(
    path: Path, answers: Sequence[Verification], failed: Mapping[str, str] = {}, unsigned: Sequence[str] = ()
) -> None:
    """Write one row an answer, image without one and place without a signature: :func:`.row_tables.write_table`."""
    rows = [{**answer.as_row(), "error": ""} for answer in answers]
    names = list(rows[0]) if rows else ["query", "decision", "error"]
    rows += [{**dict.fromkeys(names, ""), "query": name, "decision": "error", "error": failed[name]} for name in failed]
    rows += [{**dict.fromkeys(names, ""), "query": name, "decision": "unsigned"} for name in unsigned]
    # names of files and writers come from anywhere
    texts = [name for name in ("query", "writer", "thresholds", "model", "policy", "error") if name in names]
    write_table(path, names, rows, texts=texts)
