"""Results as tables: the layout of the paper's Table 7, as cells that any program can draw, Markdown, LaTeX or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sigkd.classifiers import WRITERS
from sigkd.evaluation.answers import Answers
from sigkd.evaluation.protocol import PROTOCOLS, Protocol
from sigkd.evaluation.results import Result, Results
from sigkd.evaluation.summary import NO_RATE
from sigkd.files import csv_cell
from sigkd.json_documents import JsonDocument

D = TypeVar("D", bound=JsonDocument)

TITLES = {
    "eer_global": "EER global",
    "eer_user": "EER user",
    "frr": "FRR",
    "far_skilled": "FAR skilled",
    "far_simple": "FAR simple",
    "far_random": "FAR random",
    "frr_zero": "FRR at 0",
    "far_skilled_zero": "FAR skilled at 0",
    "far_simple_zero": "FAR simple at 0",
    "far_random_zero": "FAR random at 0",
    "frr_apriori": "FRR a priori",
    "far_skilled_apriori": "FAR skilled a priori",
    "far_simple_apriori": "FAR simple a priori",
    "far_random_apriori": "FAR random a priori",
    "hter_apriori": "HTER a priori",
    "auc": "AUC user",
    "auc_pooled": "AUC pooled",
    "d_prime": "d'",
    "frr_at_far_0.01": "FRR at FAR 1 %",
    "frr_at_far_0.001": "FRR at FAR 0.1 %",
    "cllr": "Cllr (bits)",
    "min_cllr": "min Cllr (bits)",
    "calibration_loss": "Calibration loss",
    "eer_global_random": "EER global, random",
    "eer_user_random": "EER user, random",
    "auc_random": "AUC user, random",
    "threshold_global": "Global threshold",
}
MAIN = ("eer_global", "frr", "far_skilled", "far_simple", "far_random", "eer_user", "auc")
APRIORI = ("hter_apriori", "frr_apriori", "far_skilled_apriori", "far_simple_apriori", "far_random_apriori")
FURTHER = (
    *("frr_zero", "far_skilled_zero", "far_simple_zero", "far_random_zero", "frr_at_far_0.01", "frr_at_far_0.001"),
    *("auc_pooled", "d_prime", "cllr", "min_cllr", "calibration_loss"),
    *("eer_global_random", "eer_user_random", "auc_random"),
)
COMPARABLE = (
    *("hter_apriori", "eer_global", "eer_user", "auc", "auc_pooled", "d_prime", "cllr"),
    *("frr_at_far_0.01", "frr_at_far_0.001", "eer_global_random", "eer_user_random", "auc_random"),
)
"""Metrics of which a best value can be marked: an FRR or FAR alone is one side of a trade."""
WITH_INTERVAL = ("eer_global", "eer_user", "hter_apriori")
FORMATS = ("table", "markdown", "latex", "csv", "json")


@dataclass(frozen=True)
class Cell:
    """One cell: its text, a smaller second line, whether it is the significantly best, and a value to sort by."""

    text: str
    below: str = ""
    best: bool = False
    value: float | None = None


@dataclass
class Grid:
    """A table without a look."""

    title: str
    columns: list[str]
    rows: list[list[Cell]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def scale_of(metric: str) -> float:
    """Return what a value is multiplied by for tables: 100 for rates, 1 for the rest."""
    return 1.0 if metric in NO_RATE else 100.0


def metric_cell(entry: Result, metric: str) -> Cell:
    """Return mean and deviation, with the interval or the rule-of-three bound below."""
    if metric not in entry.metrics:
        return Cell("-")
    found, scale = entry.metrics[metric], scale_of(metric)
    below = ""
    if found.upper95 is not None:
        below = f"< {scale * found.upper95:.2g}"
    elif found.ci95 is not None and metric in WITH_INTERVAL:
        below = "[{:.2f}, {:.2f}]".format(*(scale * bound for bound in found.ci95))
    text = f"{scale * found.mean:.2f} ± {scale * found.std:.2f}"
    return Cell(text, below, metric in entry.best, scale * found.mean)


def _paper_cells(entry: Result) -> list[Cell]:
    value = entry.paper.get("eer_user")
    if value is None:
        return [Cell("-"), Cell("-")]
    difference = 100 * (entry.metrics["eer_user"].mean - value.mean)
    printed = f"{100 * value.mean:.2f} ± {100 * value.std:.2f}"
    return [
        Cell(printed, f"Table {value.table}", value=100 * value.mean),
        Cell(f"{difference:+.2f}", value=difference),
    ]


def _heads(document: Results) -> tuple[list[str], list[str]]:
    """Return the keys that tell the rows apart, and their titles; one dataset or model goes into the table's title."""
    several = [key for key in ("dataset", "model") if len({getattr(entry, key) for entry in document.results}) > 1]
    return [*several, "nref"], [*(key.capitalize() for key in several), "REF"]


def _present(document: Results, names: Sequence[str]) -> list[str]:
    return [name for name in names if any(name in entry.metrics for entry in document.results)]


def result_grids(document: Results) -> list[Grid]:
    """Return the main table (Table 7's layout; a-priori rates first where there are any) and one of further metrics."""
    keys, titles = _heads(document)
    fixed = [str(getattr(document.results[0], key)) for key in ("dataset", "model") if key not in keys]
    about = " ".join([", ".join(fixed), f"({_protocol_in_words(document.protocol)})"]).strip()
    paper = any(entry.paper for entry in document.results)
    main = _present(document, (*APRIORI, *MAIN))
    first = Grid(f"Verification errors in per cent: {about}", titles + [TITLES[name] for name in main])
    if paper:
        first.columns += ["Paper's EER user", "Difference"]
    second_names = _present(document, FURTHER)
    second = Grid(f"Further metrics: {about}", titles + [TITLES[name] for name in second_names])
    for entry in document.results:
        head = [Cell(str(getattr(entry, key)), value=float(entry.nref) if key == "nref" else None) for key in keys]
        cells = head + [metric_cell(entry, name) for name in main]
        first.rows.append(cells + (_paper_cells(entry) if paper else []))
        second.rows.append(head + [metric_cell(entry, name) for name in second_names])
    first.notes = notes(document)
    answered = [
        ([Cell(str(getattr(entry, key))) for key in keys[:-1]], entry.answers)
        for entry in document.results
        if entry.answers is not None
    ]
    return [first, second, *([answers_grid(answered, titles[:-1])] if answered else [])]


def _protocol_in_words(protocol: Protocol) -> str:
    words = [f"{protocol.name} protocol"]
    if protocol.classifier != PROTOCOLS[protocol.name]:
        words.append(f"classifier {protocol.classifier}")
    if protocol.negatives != WRITERS:
        words.append(f"negatives from a {protocol.negatives}")
    return ", ".join(words)


ANSWERS = {
    "frr": "FRR",
    "far_skilled": "FAR skilled",
    "far_random": "FAR random",
    "inconclusive_genuine": "open genuine",
    "inconclusive_skilled": "open skilled",
    "inconclusive": "inconclusive",
    "eer_skilled": "EER skilled",
    "eer_random": "EER random",
    "cllr": "Cllr",
    "min_cllr": "min Cllr",
}
"""What is reported of the answers, and its title."""


def answers_grid(answered: Sequence[tuple[list[Cell], Answers]], titles: Sequence[str]) -> Grid:
    """Return the table of what ``verify`` would answer.

    Args:
        answered: for each row its first cells and the answers.
        titles: of the first cells.
    """
    facts = answered[0][1]
    title = f"As `sigkd verify` answers, in per cent ({facts.method} calibration, {facts.alternative} forgeries)"
    grid = Grid(title, [*titles, "REF", "classifier", "negatives", *ANSWERS.values()])
    for head, one in answered:
        row = [*head, Cell(str(one.references), value=float(one.references))]
        unscaled = "" if one.scale == "known" else ", scale unknown"
        row += [Cell(one.classifier + unscaled), Cell(one.negatives)]
        for name in ANSWERS:
            share, scale = getattr(one, name), scale_of(name)
            text = "-" if share is None else f"{scale * share:.{2 if scale == 100 else 3}f}"
            row.append(Cell(text, value=None if share is None else scale * share))
        grid.rows.append(row)
    grid.notes = [
        f"{facts.writers} writers: calibrated on four fifths of them, answered for the rest, in turn. FRR: genuine "
        "signatures rejected; FAR: forgeries accepted; open: left to a person; inconclusive: the mean of that over all "
        "kinds of trials.",
    ]
    return grid


def notes(document: Results) -> list[str]:
    """Return what a reader must know to believe the numbers."""
    protocol = document.protocol
    replicates = document.bootstrap.replicates
    forged = "random" if protocol.forgeries == "random" else "skilled"
    lines = [
        f"Mean ± standard deviation over {document.splits} random splits (seed {document.seed})"
        + (f"; [95 % interval, bootstrap over writers, {replicates} replicates]." if replicates else "."),
        f"EER global, FRR and FAR: one threshold for all writers, chosen a posteriori where FAR of {forged} "
        "forgeries and FRR are closest; 'at 0': the classifier's own border.",
        "EER user: a threshold a writer, chosen a posteriori on the scores that it is judged on; with about ten trials "
        "of each kind a writer this is optimistic by roughly a point.",
    ]
    if protocol.name == "dev-threshold":
        lines.insert(
            1, "A priori: threshold and calibration from half of the writers, applied to the other half, and back."
        )
    entries = document.results
    if any(entry.best for entry in entries):
        lines.append("Bold: better than every other model (paired bootstrap over writers, Holm, 5 %).")
    if any(metric.upper95 is not None for entry in entries for metric in entry.metrics.values()):
        lines.append("'< x' under a rate without any error: its 95 % bound by the rule of three.")
    most = protocol.max_negatives if protocol.negatives == WRITERS else None
    bounded = {entry.negatives for entry in entries if entry.negatives == most}
    if bounded:
        lines.append(f"Negatives bounded: a random pool of {max(bounded)} references serves all writers.")
    sampled = {entry.random_per_writer for entry in entries if entry.random_sampled}
    if sampled:
        lines.append(f"Random forgeries: a random sample of {max(sampled)} a writer.")
    left = {entry.dataset: len(entry.writers_left_out) for entry in entries if entry.writers_left_out}
    lines += [f"{dataset}: {count} writers with too few signatures are left out." for dataset, count in left.items()]
    idle = {entry.dataset: len(entry.writers_without_forgeries) for entry in entries}
    lines += [
        f"{name}: {count} writers without forgeries are random forgeries only." for name, count in idle.items() if count
    ]
    if any(entry.paper for entry in entries):
        lines.append(
            "Paper: Tsourounis et al., Tables 4 to 7, on their splits; Difference: ours minus theirs, in points."
        )
    return lines


def markdown(grid: Grid) -> str:
    """Return the table as GitHub-flavoured Markdown."""
    lines = [f"**{grid.title}**", "", "| " + " | ".join(grid.columns) + " |"]
    lines.append("|" + "|".join(" ---: " if i else " --- " for i in range(len(grid.columns))) + "|")
    for row in grid.rows:
        texts = []
        for cell in row:
            text = cell.text.replace("|", "\\|")
            text = f"**{text}**" if cell.best else text
            texts.append(f"{text} {cell.below}".strip())
        lines.append("| " + " | ".join(texts) + " |")
    lines += ["", *(f"- {note}" for note in grid.notes)] if grid.notes else []
    return "\n".join(lines) + "\n"


def latex(grid: Grid) -> str:
    """Return the table as LaTeX (package booktabs)."""
    lines = [r"\begin{table}", r"\centering", rf"\caption{{{_tex(grid.title)}}}"]
    lines += [rf"\begin{{tabular}}{{l{'r' * (len(grid.columns) - 1)}}}", r"\toprule"]
    lines += [" & ".join(_tex(column) for column in grid.columns) + r" \\", r"\midrule"]
    for row in grid.rows:
        texts = []
        for cell in row:
            text = _tex(cell.text).replace("±", r"$\pm$")
            text = rf"\textbf{{{text}}}" if cell.best else text
            texts.append(f"{text} {_tex(cell.below)}".strip())
        lines.append(" & ".join(texts) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}", *(rf"\\ {{\footnotesize {_tex(note)}}}" for note in grid.notes)]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _tex(text: str) -> str:
    for plain, escaped in (
        ("\\", r"\textbackslash{}"),
        ("&", r"\&"),
        ("%", r"\%"),
        ("_", r"\_"),
        ("#", r"\#"),
        ("<", "$<$"),
    ):
        text = text.replace(plain, escaped)
    return text


def to_csv(document: Results) -> str:
    """Return one row a dataset, model, number of references and metric (rates in per cent)."""
    columns = "dataset model nref metric unit mean std low high best paper difference"
    rows: list[Sequence[object]] = [columns.split()]
    for entry in document.results:
        for name, found in entry.metrics.items():
            scale = scale_of(name)
            low, high = found.ci95 or (None, None)
            numbers = [found.mean, found.std, low, high]
            printed = entry.paper[name].mean if name in entry.paper else None
            numbers += [printed, None if printed is None else found.mean - printed]
            texts = ["" if value is None else f"{scale * value:.6g}" for value in numbers]
            unit = "" if scale == 1.0 else "percent"
            head = [csv_cell(entry.dataset), csv_cell(entry.model), entry.nref, name, unit]
            rows.append([*head, *texts[:4], int(name in entry.best), *texts[4:]])
    return csv_table(rows)


def csv_table(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as CSV with plain line ends, the same bytes on every system."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def render(document: Results, form: str) -> str:
    """Return the results as ``markdown``, ``latex``, ``csv`` or ``json`` text."""
    return rendered(document, form, to_csv, result_grids)


def rendered(document: D, form: str, as_csv: Callable[[D], str], as_grids: Callable[[D], Sequence[Grid]]) -> str:
    """Return a document as ``markdown``, ``latex``, ``csv`` or ``json`` text, by what makes its CSV and its tables."""
    if form == "json":
        return document.text()
    if form == "csv":
        return as_csv(document)
    draw = markdown if form == "markdown" else latex
    return "\n".join(draw(grid) for grid in as_grids(document))
