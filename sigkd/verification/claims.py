"""A table of claims (this signature is that writer's): any number of them, resumed where the work stopped.

Answers go to a journal beside the table of answers, a line a claim, on the disk after each batch; when all are there
the table is written whole and the journal removed. A row that cannot be answered has its error and ends nothing.
"""

from __future__ import annotations

import base64
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sigkd._version import __version__
from sigkd.documents.regions import read_region
from sigkd.errors import ExitCode, ImageError, InputError, NotEnrolledError, SigkdError, UsageError
from sigkd.files import sha256_file
from sigkd.images.resolution import given_resolution
from sigkd.json_documents import JsonDocument
from sigkd.pools import in_order
from sigkd.progress import SILENT, Progress
from sigkd.registry import nearest
from sigkd.verification.documents import Look, take_signatures
from sigkd.verification.journal import Journal
from sigkd.verification.report.batch import Answered, check_batch, write_batch
from sigkd.verification.result import Verification
from sigkd.verification.row_tables import RowTable, check_table, read_table, write_table
from sigkd.verification.samples import Sample
from sigkd.verification.wording import advice, reason

if TYPE_CHECKING:
    from sigkd.verification.report import Report
    from sigkd.verification.verifier import Verifier

BATCH = 64
"""Claims whose answers are logged in one transaction, and are on the disk together."""
PART = 8
"""Claims that a worker reads at a time, and whose features it computes together."""
NEEDED = ("path", "writer")
ANSWERED = (
    "file",
    "sha256",
    "answer",
    "why",
    "what_to_do",
    "score",
    "log10_lr",
    "alternative",
    "references",
    "remarks",
    "policy",
    "policy_hash",
    "model_hash",
    "error",
)
"""Columns that the table of answers has after those of the claims."""
_TEXTS = ("file", "why", "what_to_do", "policy", "error")
ERROR = "error"
UNSIGNED_ROW = {"answer": "unsigned", "error": None}
"""Of a claim whose region has no signature: an answer, too."""
_SHOWN = 5
_NOTHING = np.empty((0, 0), np.uint8)


@dataclass(frozen=True)
class ClaimTable:
    """A table of claims."""

    table: RowTable
    named: dict[str, str]
    """The table's own names of the columns that are read."""

    @classmethod
    def of(cls, table: RowTable) -> ClaimTable:
        """Find the columns of a table that was read.

        Raises:
            UsageError: one is missing, or is called as one of :data:`ANSWERED`.
        """
        found = {name: table.column(name) for name in (*NEEDED, "dpi", "page", "region")}
        absent = [name for name in NEEDED if found[name] is None]
        if absent:
            had = ", ".join(table.columns)
            raise UsageError(f"{table.path}: no column {', '.join(absent)}; it has {had}, and needs path and writer")
        own = [name for name in table.columns if name in ANSWERED]
        if own:
            raise UsageError(f"{table.path}: the column '{own[0]}' is one of the answers: rename it")
        return cls(table, {name: column for name, column in found.items() if column is not None})

    def __len__(self) -> int:
        return len(self.table.rows)

    def cell(self, row: int, name: str) -> str:
        """Return a cell's text; empty where Parquet has none (not 'None', which may be somebody's name)."""
        value = self.table.rows[row].get(self.named.get(name, ""))
        return "" if value is None else str(value).strip()

    def file(self, row: int) -> Path:
        """Return where a claim's scan is."""
        return (self.table.path.parent / self.cell(row, "path")).absolute()

    def carried(self, row: int) -> list[tuple[str, str]]:
        """Return a claim's other cells that say something, with the names of their columns."""
        own = set(self.named.values())
        return [(name, str(value)) for name, value in self.table.rows[row].items() if name not in own and value]


@dataclass(frozen=True)
class FailedClaim:
    """A claim without an answer."""

    row: int
    """In the table, the header being row 1."""
    error: str


class ClaimsSummary(JsonDocument, format="sigkd-claims", version=1):
    """What ``sigkd verify --from`` prints."""

    out: Path
    report: Path | None
    """The page of all claims, where one was asked for."""
    claims: int
    writers: int
    answers: dict[str, int]
    """How many claims have each answer; ``error``: none."""
    resumed: int
    """Claims that an earlier run of the same command had answered."""
    seconds: float
    """Of this run, the loading of the model aside."""
    policy: str
    """Name, version and hash."""
    failed: list[FailedClaim]
    """The first claims without an answer; the table has all of them."""
    exit_code: int
    """0: every claim has an answer, whatever it is; 4: some have none."""


def verify_claims(
    verifier: Verifier,
    source: Path,
    out: Path,
    *,
    report: Report | None = None,
    workers: int = 0,
    progress: Progress = SILENT,
) -> ClaimsSummary:
    """Answer a table of claims against the enrolled writers.

    The same call after an interruption goes on with what is left. Answers that were logged in the batch in which it was
    interrupted are logged again.

    Args:
        verifier: with a gallery.
        source: a table with the columns ``path`` (relative to it) and ``writer``; ``dpi`` where it is known, ``page``
            and ``region`` (:func:`sigkd.documents.regions.read_region`) of documents. All others are carried through.
        out: the table of answers; it must not exist.
        report: a page of all claims that is wanted, also of those that an earlier run answered.
        workers: that read images; 0: one a core.
        progress: where the work is reported.

    Raises:
        UsageError: a table without the columns, or with one of :data:`ANSWERED`; ``out`` exists. InputError: a table
            that cannot be read, or a journal of another command. LockedError: another run writes the same answers.
    """
    check_table(out)
    if report is not None:
        check_batch(report)
    table = read_table(source)
    claims = ClaimTable.of(table)
    if out.exists():
        raise UsageError(f"{out}: exists already; answers are not overwritten: name another `out`, or move it away")
    enrolled = verifier.open_gallery()
    verifier.prepare()
    # What an answer depends on: with any of it changed, half of a table would be answered by another rule.
    facts = {
        "claims": sha256_file(source),
        "gallery": enrolled.gallery.id,
        "model": verifier.binding.model_hash,
        "policy": str(verifier.rule.facts),
        "sigkd": __version__,
    }
    start = time.perf_counter()
    with Journal.opened(out, facts) as journal:
        resumed = len(journal.places)
        left = [row for row in range(len(claims)) if row not in journal.places]
        # a writer's claims one after the other, so that each classifier is loaded once
        left.sort(key=lambda row: (claims.cell(row, "writer"), row))
        if resumed:
            progress.info(f"{out}: going on, {resumed} of {len(claims)} claims are answered")
        try:
            _answer(verifier, claims, left, journal, workers, progress, thumbnails=report is not None)
        except KeyboardInterrupt:
            done = f"{len(journal.places)} of {len(claims)} claims are answered"
            progress.info(f"{out}: {done} and kept; the same command goes on")
            raise
        if report is not None:  # before the table: the same command makes it where this fails
            _report(report, verifier, claims, journal, facts, out)
        write_table(
            out,
            [*table.columns, *ANSWERED],
            (cells | journal.read(row) for row, cells in enumerate(table.rows)),
            texts=_TEXTS,
            delimiter=table.delimiter,
        )
        # Of the journal, not of this run: what an earlier run answered counts too.
        counts = Counter(journal.answers.values())
        failed = [row for row in sorted(journal.answers) if journal.answers[row] == ERROR][:_SHOWN]
        # Row 1 is the header, as a spreadsheet counts.
        errors = [FailedClaim(row + 2, str(journal.read(row)["error"])) for row in failed]
        journal.remove()
    return ClaimsSummary(
        out=out,
        report=None if report is None else report.path,
        claims=len(claims),
        writers=len({claims.cell(row, "writer") for row in range(len(claims))}),
        answers=dict(sorted(counts.items())),
        resumed=resumed,
        seconds=time.perf_counter() - start,
        policy=str(verifier.rule.facts),
        failed=errors,
        exit_code=int(ExitCode.INPUT if counts[ERROR] else ExitCode.DONE),
    )


def _answer(
    verifier: Verifier,
    claims: ClaimTable,
    left: Sequence[int],
    journal: Journal,
    workers: int,
    progress: Progress,
    *,
    thumbnails: bool,
) -> None:
    enrolled = verifier.open_gallery()
    unknown = _unknown_writers(verifier, {claims.cell(row, "writer") for row in left})
    read = partial(_read, verifier, claims, unknown, thumbnails)
    parts = [left[first : first + PART] for first in range(0, len(left), PART)]
    with progress.task("verifying", total=len(left), unit="claims") as task, _one_torch_thread():
        # each worker reads scans and computes their features; answers are made and logged here, in the table's order
        looked = in_order(partial(_look, verifier, read), parts, workers=workers)
        for batch in _batches(looked):
            found = {row: sample for row, sample, _ in batch if not isinstance(sample, Sample)}
            groups: dict[str, list[tuple[int, Sample, NDArray[np.float32]]]] = {}
            for row, sample, features in batch:
                if isinstance(sample, Sample) and features is not None:
                    groups.setdefault(claims.cell(row, "writer"), []).append((row, sample, features))
            given = enrolled.verify_groups(
                [
                    (name, [one[1] for one in group], np.stack([one[2] for one in group]))
                    for name, group in groups.items()
                ]
            )
            for group, answers in zip(groups.values(), given, strict=True):
                for number, (row, sample, _) in enumerate(group):
                    file = claims.file(row)
                    found[row] = (
                        _failed(answers, file, sample.digest)
                        if isinstance(answers, SigkdError)
                        else _row(answers[number], file) | _pictured(sample)
                    )
            journal.append(found)
            task.advance(len(batch))


_Looked = list[tuple[int, "Sample | dict[str, Any]", "NDArray[np.float32] | None"]]
"""Rows with their signatures and features, or with what the table says instead."""


def _look(verifier: Verifier, read: Callable[[int], Sample | dict[str, Any]], rows: Sequence[int]) -> _Looked:
    """Read the signatures of some rows and compute their features [D]; pictures are not kept any longer."""
    samples = [read(row) for row in rows]
    images = [sample.image for sample in samples if isinstance(sample, Sample)]
    features = iter(verifier.features(images) if images else ())
    looked: _Looked = []
    for row, sample in zip(rows, samples, strict=True):
        if isinstance(sample, Sample):
            looked.append((row, replace(sample, image=_NOTHING, kept_ink=None), next(features)))
        else:
            looked.append((row, sample, None))
    return looked


def _batches(parts: Iterable[_Looked]) -> Iterator[_Looked]:
    """Yield parts together, until they are a batch."""
    batch: _Looked = []
    for part in parts:
        batch += part
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


@contextmanager
def _one_torch_thread() -> Iterator[None]:
    """Keep PyTorch to one thread: the workers are the parallelism."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _unknown_writers(verifier: Verifier, names: set[str]) -> dict[str, str]:
    """Return what is wrong with those names that nobody is enrolled under."""
    gallery = verifier.gallery
    found = {}
    everybody: list[str] | None = None
    for name in sorted(names):
        try:
            if name in gallery:
                continue
            if everybody is None:
                everybody = [one.name for one in gallery.writers()]
            found[name] = f"nobody is enrolled as '{name}'.{nearest(name, everybody)}"
        except UsageError as error:  # no name at all
            found[name] = str(error)
    return found


def _read(
    verifier: Verifier,
    claims: ClaimTable,
    unknown: dict[str, str],
    thumbnails: bool,
    row: int,
) -> Sample | dict[str, Any]:
    """Return the signature of a row, or what the table of answers says instead."""
    file, writer = claims.file(row), claims.cell(row, "writer")
    if writer in unknown:
        return _failed(NotEnrolledError(unknown[writer]), file)
    try:
        stated = claims.cell(row, "dpi")
        dpi = given_resolution(float(stated), "table") if stated else None
    except (ValueError, UsageError):
        return _failed(InputError(f"dpi '{stated}' is no resolution of a scan"), file)
    if not claims.cell(row, "path"):
        return _failed(InputError("the path is empty"), file)
    page, region = claims.cell(row, "page"), claims.cell(row, "region")
    if page and not (page.isdecimal() and int(page) > 0):
        return _failed(InputError(f"page '{page}' is no page: pages are counted from 1"), file)
    try:
        if region:
            look = Look(None, (read_region(region),), int(page) if page else 1)
            told = None if dpi is None else dpi.x
            taken = take_signatures(verifier, file, look, dpi=told, thumbnail=thumbnails)
            if len(taken.samples) > 1:
                return _failed(InputError(f"{len(taken.samples)} signatures in the region {region}: narrow it"), file)
            return taken.samples[0] if taken.samples else _failed(InputError("no signature there"), file) | UNSIGNED_ROW
        place = file.with_name(f"{file.name}#page={page}") if page else file
        return verifier.sample(place, dpi=dpi, presumed=verifier.gallery.resolution, thumbnail=thumbnails)
    except (ImageError, UsageError) as error:
        return _failed(error, file)


def _failed(error: SigkdError, file: Path, digest: str = "") -> dict[str, Any]:
    if not digest and file.is_file():
        try:
            digest = sha256_file(file)
        except OSError:
            digest = ""
    return {"file": str(file), "sha256": digest, "answer": ERROR, "error": str(error)}


def _row(answer: Verification, file: Path) -> dict[str, Any]:
    evidence = answer.evidence
    return {
        "file": str(file),
        "sha256": answer.query_hash,
        "answer": answer.decision.value,
        "why": reason(answer),
        "what_to_do": advice(answer),
        "score": round(answer.score, 6),
        "log10_lr": None if evidence is None else round(evidence.log10_lr, 3),
        "alternative": None if evidence is None else evidence.alternative,
        "references": answer.references,
        "remarks": "; ".join(one.code for one in answer.remarks),
        "policy": f"{answer.policy.name} {answer.policy.version}",
        "policy_hash": answer.policy.hash,
        "model_hash": answer.binding.model_hash,
        "error": None,
    }


def _pictured(sample: Sample) -> dict[str, Any]:
    """Return what the page needs: a small picture, or where it can be made from later."""
    if sample.thumbnail is None:
        return {"page": sample.page, "box": sample.box}
    return {"thumbnail": base64.b64encode(sample.thumbnail).decode()}


def _report(
    report: Report,
    verifier: Verifier,
    claims: ClaimTable,
    journal: Journal,
    facts: dict[str, str],
    out: Path,
) -> None:
    """Write the page of all claims, claim by claim."""

    def read(row: int) -> Answered:
        return Answered(row + 2, claims.cell(row, "writer"), journal.read(row), claims.carried(row))

    order = [(journal.answers[row], journal.read(row).get("log10_lr"), row) for row in sorted(journal.places)]
    gallery = verifier.gallery
    told = {
        "claims": f"{claims.table.path.absolute()}, SHA-256 {facts['claims']}",
        "answers": str(out.absolute()),
        "gallery": f"{gallery.path}, {gallery.id}",
        "head": str(gallery.meta("head", "")),
        "policy": f"{verifier.rule.facts}, SHA-256 {verifier.rule.facts.hash}",
        "model": f"{verifier.binding.model_name}, {verifier.binding.model_hash}",
    }
    placing = verifier.model.placing
    write_batch(report, order, read, gallery, max_pixels=placing.max_pixels, name=claims.table.path.name, facts=told)
