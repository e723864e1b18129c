"""The answers to disturbed scans as a document and as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sigkd.evaluation.tables import Cell, Grid, csv_table, rendered
from sigkd.files import csv_cell, write_text
from sigkd.json_documents import JsonDocument
from sigkd.measures import wilson_interval
from sigkd.models.binding import Binding
from sigkd.progress import SILENT, Progress
from sigkd.verification.decision import Decision
from sigkd.verification.policy import PolicyFacts

PLAIN = "plain"
"""The row of scans that nothing was done to."""
REFUSED = Decision.REFUSED.value
"""The answer, too, where ``verify`` ends with an error: an image in which it finds no signature."""
TRIALS = ("genuine", "skilled", "stranger")
"""Kinds of trials."""


@dataclass(frozen=True)
class Share:
    """How many of the trials of one kind had an answer."""

    count: int
    rate: float
    ci95: tuple[float, float]
    """Wilson's interval, which takes the trials as independent."""


@dataclass(frozen=True)
class Tally:
    """The answers to the trials of one kind."""

    trials: int
    accepted: Share
    rejected: Share
    inconclusive: Share
    suspected_copy: Share
    refused: Share
    """There is no signature in the query or in a reference, or the policy does not let them be compared."""

    @classmethod
    def of(cls, answers: Sequence[str]) -> Tally | None:
        """Return the tally of answers; None: there are none."""
        if not answers:
            return None
        counts, total = Counter(answers), len(answers)
        rates = {answer: counts[answer] / total for answer in Decision}
        shares = {answer: Share(counts[answer], rate, wilson_interval(rate, total)) for answer, rate in rates.items()}
        return cls(total, **{answer.replace(" ", "_"): share for answer, share in shares.items()})

    def share(self, answer: str) -> Share:
        """Return the share of an answer."""
        found: Share = getattr(self, answer.replace(" ", "_"))
        return found


@dataclass(frozen=True)
class DisturbedTrial:
    """A query against the references of a writer."""

    writer: str
    kind: str
    """``genuine``, ``skilled`` or ``stranger``: a genuine signature of another writer."""
    file: str
    """Inside of the dataset."""
    references: list[str]
    """Files, likewise."""


@dataclass(frozen=True)
class DisturbedAnswer:
    """The answer to one trial."""

    answer: str
    """As ``verify`` gives it, or ``refused``."""
    score: float | None
    """Null where it was refused."""
    log10_lr: float | None
    """Null where no ratio was stated."""
    remarks: list[str]
    """Codes of the remarks; of a refusal its reason in words."""


@dataclass(frozen=True)
class DisturbedRow:
    """All trials under one disturbance."""

    disturbance: str
    """As it was asked for; ``plain``: none."""
    summary: str
    genuine: Tally | None
    skilled: Tally | None
    """Null: the writers have no skilled forgeries."""
    stranger: Tally | None
    answers: list[DisturbedAnswer]
    """In the order of the trials."""


class DisturbedResults(JsonDocument, format="sigkd-disturbed-results", version=1):
    """What ``sigkd evaluate --disturb`` prints, and ``disturbed.json``."""

    dataset: Path
    layout: str
    dpi: float | None
    """Presumed of files that do not tell their resolution."""
    side: str
    """What was disturbed: ``query``, ``references`` or ``both``."""
    writers: list[str]
    references: int
    seed: int
    model: Binding
    cohort_hash: str
    classifier: str
    policy: PolicyFacts
    thresholds: str
    """Where they are from, in words."""
    calibration_hash: str | None
    """Null: there is none, or one for each fifth of the writers."""
    calibrated_on: list[str]
    """Tested writers on whose signatures the calibration was fitted; where it does not say of which scans, by name."""
    trials: list[DisturbedTrial]
    rows: list[DisturbedRow]
    """The plain row first."""
    versions: dict[str, str]
    """Of sigkd and the libraries."""


COLUMNS = (
    ("genuine", "accepted"),
    ("genuine", "rejected"),
    ("genuine", "inconclusive"),
    ("genuine", "refused"),
    ("skilled", "accepted"),
    ("stranger", "accepted"),
)
"""Kind of trial and answer of each column of the table."""


def disturbed_grid(document: DisturbedResults) -> Grid:
    """Return the table."""
    side = {"query": "queries", "references": "references", "both": "queries and references"}[document.side]
    title = (
        f"As `sigkd verify` answers where {side} are disturbed: {document.model.model_name}, {document.dataset.name}"
    )
    grid = Grid(title, ["disturbance", *(f"{kind} {answer}" for kind, answer in COLUMNS)])
    for row in document.rows:
        cells = [Cell(row.disturbance)]
        for kind, answer in COLUMNS:
            tally: Tally | None = getattr(row, kind)
            if tally is None:
                cells.append(Cell("-"))
                continue
            count = tally.share(answer).count
            if answer == REFUSED:
                count += tally.suspected_copy.count
            low, high = wilson_interval(count / tally.trials, tally.trials)
            interval = f"{100 * count / tally.trials:.1f} [{100 * low:.1f}, {100 * high:.1f}] %"
            cells.append(Cell(f"{count} of {tally.trials}", interval, value=count / tally.trials))
        grid.rows.append(cells)
    grid.notes = [
        f"{len(document.writers)} writers, {document.references} references each; the same trials in every row. "
        "Per cent with Wilson's 95 % interval, as if trials were independent; those of one writer are not quite.",
        "Refused: no signature found in an image, not let in by the policy, or a suspected copy. Stranger: a genuine "
        "signature of another writer.",
        f"Thresholds: {document.thresholds}.",
    ]
    if document.calibrated_on:
        grid.notes.append(
            f"The calibration names {len(document.calibrated_on)} of these writers: where it was fitted on "
            "these signatures, errors are underestimated. Take other writers, or calibrate on the others of these."
        )
    return grid


def to_csv(document: DisturbedResults) -> str:
    """Return one row a disturbance, kind of trial and answer (rates in per cent)."""
    rows: list[list[object]] = [["disturbance", "trial", "answer", "count", "trials", "percent", "low", "high"]]
    for row in document.rows:
        for kind in TRIALS:
            tally: Tally | None = getattr(row, kind)
            if tally is None:
                continue
            for answer in Decision:
                share = tally.share(answer)
                rates = (f"{100 * rate:.6g}" for rate in (share.rate, *share.ci95))
                rows.append([csv_cell(row.disturbance), kind, str(answer), share.count, tally.trials, *rates])
    return csv_table(rows)


def render_disturbed(document: DisturbedResults, form: str) -> str:
    """Return the results as ``markdown``, ``latex``, ``csv`` or ``json`` text."""
    return rendered(document, form, to_csv, lambda found: [disturbed_grid(found)])


def write_disturbed(document: DisturbedResults, out: Path, progress: Progress = SILENT) -> None:
    """Write ``disturbed.json``, and the table as ``.csv``, ``.md`` and ``.tex``, into a folder."""
    document.save(out / "disturbed.json")
    for suffix, form in (("csv", "csv"), ("md", "markdown"), ("tex", "latex")):
        write_text(out / f"disturbed.{suffix}", render_disturbed(document, form))
    progress.info(f"{out / 'disturbed.json'}: written, with the table as .csv, .md and .tex")
