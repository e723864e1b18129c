"""The paper's Tables 4, 5 and 7 run again: every model of a table trained, evaluated, and set beside the printed value.

The grid is resumable: a trained student and an evaluated pair of model and dataset are skipped, an interrupted
training goes on from its checkpoint. Training runs in a process of its own (``sigkd distill``), so that a budget of
time can end it the way Ctrl-C does: between two steps, with a checkpoint.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sigkd.errors import InputError, ModelError, SigkdError, UsageError
from sigkd.evaluation.evaluate import Settings
from sigkd.evaluation.experiment import Plan, evaluate_all
from sigkd.evaluation.output import finish
from sigkd.evaluation.paper import paper_values
from sigkd.evaluation.results import ModelFacts, Result, Results, merge
from sigkd.evaluation.seeds import SeedComparison, SeedComparisons, compare_seeds, seed_grids
from sigkd.evaluation.tables import TITLES, Cell, Grid
from sigkd.files import sha256_file, write_text
from sigkd.paths import run_path, store_path
from sigkd.progress import SILENT, Progress

LOSSES = ("cl", "geom", "tce", "bt", "bc", "geom+tce", "geom+bt", "geom+bc")
DATASETS = ("gpds300", "mcyt75", "cedar")
NREFS_7 = (3, 5, 10, 12)
FINAL = "final.safetensors"
METRICS_7 = ("frr", "far_skilled", "eer_global", "eer_user", "auc")

Train = Callable[[Sequence[str], float | None], bool]
"""Runs ``sigkd distill ARGUMENTS`` for at most some seconds; False: stopped by the clock, with a checkpoint."""


@dataclass(frozen=True)
class Row:
    """One model of a table: architecture and loss in the terms of ``paper.toml``."""

    architecture: str
    loss: str

    @property
    def title(self) -> str:
        """The row's name in the table."""
        names = {"teacher": f"Teacher {self.architecture}", "random": f"{self.architecture}, random weights"}
        if self.loss in names:
            return names[self.loss]
        return f"{self.architecture}, CL" + ("" if self.loss == "cl" else f" + {self.loss.upper().replace('+', ' & ')}")


@dataclass(frozen=True)
class Request:
    """What to reproduce, and with what."""

    table: str
    datasets: tuple[str, ...] = ()
    """Empty: those of the paper's three that are prepared."""
    text: str = "text"
    teacher: str = "signet"
    epochs: int = 60
    splits: int = 10
    seed: int = 1234
    budget: float | None = None
    """Seconds; None: as long as it takes."""
    train_options: tuple[str, ...] = ()
    """Further options of ``sigkd distill``."""
    seeds: int = 1
    """Trainings of each student (and draws of random weights), with the seeds 0, 1, ..."""
    rows: tuple[str, ...] = field(default=())
    """Only these losses (and ``teacher``, ``random``); empty: all."""


def rows_of(table: str) -> list[Row]:
    """Return the models of a table.

    Raises:
        UsageError: for a table that cannot be reproduced.
    """
    if table in ("table4", "table5"):
        student = "signet" if table == "table4" else "resnet18"
        return [Row("signet", "teacher"), Row(student, "random"), *(Row(student, loss) for loss in LOSSES)]
    if table == "table7":
        return [Row("signet-f", "teacher"), Row("signet", "teacher"), Row("resnet18", "geom+bc")]
    raise UsageError(f"unknown table '{table}': table4, table5 or table7 (Table 6 holds other authors' systems)")


def parse_budget(text: str | None) -> float | None:
    """Turn ``90m``, ``2h``, ``1h30m`` or ``45s`` into seconds.

    Raises:
        UsageError: if it is none of these.
    """
    if text is None:
        return None
    match = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?", text.strip().lower())
    if not match or not any(match.groups()):
        raise UsageError(f"`budget` {text}: give a time such as 2h, 90m or 1h30m")
    # Hours, minutes and seconds may stand together.
    return sum(float(part or 0) * seconds for part, seconds in zip(match.groups(), (3600, 60, 1), strict=True))


def run_name(request: Request, row: Row, seed: int = 0) -> str:
    """Return the name of a student's training run: all that it depends on."""
    further = "".join(request.train_options)
    parts = ["reproduce", row.architecture, row.loss, Path(request.teacher).stem, Path(request.text).stem]
    name = "-".join([*parts, f"{request.epochs}e", *([further] if further else [])])
    name += f"-seed{seed}" if seed else ""
    return re.sub(r"[^\w.+-]+", "_", name)


def home(request: Request, data: Path) -> Path:
    """Return the folder of the evaluations and the table."""
    return data / "reproduce" / request.table


def reproduce(
    request: Request,
    train: Train,
    *,
    data: Path,
    cache: Path | None = None,
    device: str = "auto",
    settings: Settings | None = None,
    progress: Progress = SILENT,
) -> Results:
    """Train and evaluate a table's models, and return the results beside the paper's.

    Args:
        request: what to reproduce.
        train: how a student is trained.
        data: home of datasets, runs and results.
        cache: home of downloaded weights.
        device: where features are computed.
        settings: intervals and parallelism of the evaluation.
        progress: where the work is reported.

    Returns:
        The results; ``missing`` lists what could not be done and why.

    Raises:
        InputError: if no dataset of the table is prepared.
    """
    chosen = [row for row in rows_of(request.table) if not request.rows or row.loss in request.rows]
    if not chosen:
        raise UsageError(f"`rows` {' '.join(request.rows)}: the table has {', '.join(LOSSES)}, teacher and random")
    datasets = _datasets(request, data)
    _check(request, chosen, data, cache)
    deadline = None if request.budget is None else time.monotonic() + request.budget
    settings = settings or Settings()
    documents: list[Results] = []
    missing: list[str] = []
    for row in chosen:
        if deadline is not None and time.monotonic() >= deadline:
            missing.append(f"{row.title}: the budget is spent")
            continue
        for seed in _seeds(request, row):
            label = _label(request, row, seed)
            try:
                spec = _model(request, row, seed, train, data, deadline, progress)
                documents += [
                    _evaluated(request, row, seed, spec, dataset, data, cache, device, settings, progress)
                    for dataset in datasets
                ]
            except (ModelError, InputError) as error:
                missing.append(f"{label}: {error}")
            except _OutOfTimeError:
                missing.append(f"{label}: the budget ended its training; run the command again to go on")
                break
    if not documents:
        raise InputError(f"nothing of {request.table} could be done: {'; '.join(missing)}")
    document = merge(documents)
    finish(document)
    document.missing = missing
    grids = tables(document, request)
    folder = home(request, data)
    from sigkd.evaluation.tables import latex, markdown

    document.save(folder / "results.json")
    if request.seeds > 1:
        SeedComparisons(comparisons=compare_trainings(document, request)).save(folder / "seeds.json")
    write_text(folder / "table.md", "\n".join(map(markdown, grids)))
    write_text(folder / "table.tex", "\n".join(map(latex, grids)))
    progress.info(f"{folder}: results.json, table.md and table.tex written")
    return document


class _OutOfTimeError(SigkdError):
    """The budget ended a training."""


def _seeds(request: Request, row: Row) -> range:
    """Return the seeds of a row: a teacher has one set of weights."""
    return range(1 if row.loss == "teacher" else request.seeds)


def _label(request: Request, row: Row, seed: int) -> str:
    return row.title if request.seeds == 1 or row.loss == "teacher" else f"{row.title}, seed {seed}"


def _datasets(request: Request, data: Path) -> list[str]:
    if request.datasets:
        return list(request.datasets)
    found = [name for name in DATASETS if store_path(name, data).is_file()]
    if not found:
        raise InputError(
            f"none of {', '.join(DATASETS)} is prepared: 'sigkd preprocess SRC --dataset cedar' makes one, "
            "or name others as `datasets`"
        )
    return found


def _check(request: Request, chosen: Sequence[Row], data: Path, cache: Path | None) -> None:
    """Find out before hours of work whether the students can be trained.

    Raises:
        DatasetError, ModelError: with what is missing.
    """
    from sigkd.datasets.textset import find_text
    from sigkd.models.io import load_model

    students = [row for row in chosen if row.loss not in ("teacher", "random")]
    todo = [
        row
        for row in students
        if not all((_run(request, row, seed, data) / FINAL).is_file() for seed in _seeds(request, row))
    ]
    if todo:
        find_text(request.text, data, check=False)  # each training reads it whole, and compares its hash
    if any(row.loss != "cl" for row in todo):
        load_model(request.teacher, cache=cache)


def _run(request: Request, row: Row, seed: int, data: Path) -> Path:
    return run_path(run_name(request, row, seed), data)


def _model(
    request: Request, row: Row, seed: int, train: Train, data: Path, deadline: float | None, progress: Progress
) -> str:
    """Return what ``--model`` would name, training the student first if it is not there yet."""
    if row.loss == "teacher":
        return request.teacher if row.architecture == "signet" else row.architecture
    if row.loss == "random":
        return f"{row.architecture}:random" + (f":{seed}" if seed else "")
    name, run = run_name(request, row, seed), _run(request, row, seed, data)
    final = run / FINAL
    if final.is_file():
        return str(final)
    progress.info(f"training {_label(request, row, seed)} ({name})")
    arguments = ["--student", row.architecture, "--loss", row.loss, "--teacher", request.teacher]
    arguments += ["--data", request.text, "--epochs", str(request.epochs), "--name", name, *request.train_options]
    arguments += ["--seed", str(seed)] if seed else []
    if (run / "last.ckpt").is_file():
        arguments.append("--resume")
    left = None if deadline is None else deadline - time.monotonic()
    if not train(arguments, left):
        raise _OutOfTimeError
    if not final.is_file():
        raise ModelError(f"training left no {final}")
    return str(final)


def _evaluated(
    request: Request,
    row: Row,
    seed: int,
    spec: str,
    dataset: str,
    data: Path,
    cache: Path | None,
    device: str,
    settings: Settings,
    progress: Progress,
) -> Results:
    """Return the results of one model on one dataset, from the disk if they are there."""
    label = _label(request, row, seed)
    key = re.sub(r"[^\w.+-]+", "_", f"{Path(dataset).stem}-{row.architecture}-{row.loss}")
    key += f"-seed{seed}" if seed else ""
    path = home(request, data) / "evaluations" / f"{key}.json"
    nrefs = NREFS_7 if request.table == "table7" else None
    identity = {
        "spec": spec,
        "file": sha256_file(Path(spec)) if Path(spec).is_file() else "",
        "splits": request.splits,
        "seed": request.seed,
        "dataset": dataset,
        "store": _store_hash(dataset, data),
    }
    if path.is_file():
        earlier = Results.read(path)
        if earlier.identity == identity:
            progress.info(f"{label} on {dataset}: already evaluated")
            return _named(earlier, label)
    plan = Plan(nrefs=nrefs, splits=request.splits, seed=request.seed)
    document = evaluate_all([dataset], [spec], plan, settings, data=data, cache=cache, device=device, progress=progress)
    (facts,) = document.models.values()
    document.models = {label: _facts(row, facts)}
    document = _named(document, label)
    document.identity = identity
    # Each model's as it is done: a table that was interrupted goes on with the next.
    document.save(path)
    return document


def _named(document: Results, label: str) -> Results:
    """Return the results of one model with its name in this table."""
    (facts,) = document.models.values()
    document.models = {label: facts}
    for entry in document.results:
        entry.model = label
    return document


def _facts(row: Row, facts: ModelFacts) -> ModelFacts:
    """Return a model's facts, named as the paper's tables name them."""
    if row.loss in ("teacher", "random"):
        name = row.architecture if row.loss == "teacher" else f"{row.architecture}:random"
        return replace(facts, name=name, row=row.loss)
    return replace(facts, architecture=row.architecture, student=row.architecture, loss=row.loss, row=row.loss)


def _store_hash(dataset: str, data: Path) -> str:
    path = Path(dataset) if Path(dataset).is_file() else store_path(dataset, data)
    return sha256_file(path) if path.is_file() else ""


def tables(document: Results, request: Request) -> list[Grid]:
    """Return the table in the paper's layout and, of several seeds, what can be told apart over seeds and writers."""
    compared = compare_trainings(document, request) if request.seeds > 1 else []
    return [table_grid(document, request), *(grid for one in compared for grid in seed_grids(one))]


def _groups(document: Results, request: Request) -> dict[tuple[str, str, int], dict[int, Result]]:
    """Return the results by the row's title, dataset and number of references, and in them by seed."""
    labels = {
        _label(request, row, seed): (row.title, seed) for row in rows_of(request.table) for seed in _seeds(request, row)
    }
    groups: dict[tuple[str, str, int], dict[int, Result]] = {}
    for entry in document.results:
        title, seed = labels.get(entry.model, (entry.model, 0))
        groups.setdefault((title, entry.dataset, entry.nref), {})[seed] = entry
    return groups


def compare_trainings(document: Results, request: Request, metric: str = "eer_user") -> list[SeedComparison]:
    """Compare the rows that were trained with several seeds, each with the first of them (in Table 5: CL alone)."""
    groups = _groups(document, request)
    trained = {row.title for row in rows_of(request.table) if row.loss not in ("teacher", "random")}
    found = []
    for dataset, nref in dict.fromkeys((dataset, nref) for _, dataset, nref in groups):
        systems = {title: runs for (title, own, count), runs in groups.items() if (own, count) == (dataset, nref)}
        students = [title for title in systems if title in trained]
        pairs = [(title, students[0]) for title in students[1:]]
        found.append(compare_seeds(systems, metric, document.protocol_of(dataset), pairs=pairs, seed=request.seed))
    return found


def table_grid(document: Results, request: Request) -> Grid:
    """Return the table in the paper's layout: ours, the paper's, and the difference in points."""
    metrics = METRICS_7 if request.table == "table7" else ("eer_user",)
    number = request.table.removeprefix("table")
    several = request.seeds > 1
    grid = Grid(
        f"Table {number} of the paper, reproduced (per cent)",
        [
            *("Method", "Dataset", "Writers", "REF", *(["Seeds"] if several else [])),
            *(f"{TITLES[m]}{part}" for m in metrics for part in ("", ", paper", ", diff.")),
        ],
    )
    for (title, dataset, nref), runs in _groups(document, request).items():
        entry = next(iter(runs.values()))
        facts = document.models[entry.model]
        loss = facts.row or ""
        key = (facts.name.partition(":")[0] if loss in ("teacher", "random") else facts.architecture, loss)
        printed = paper_values(document.datasets[dataset].kind or dataset, key, nref)
        row = [Cell(title), Cell(dataset), Cell(str(entry.writers), value=entry.writers), Cell(str(nref), value=nref)]
        row += [Cell(str(len(runs)), value=len(runs))] if several else []
        for metric in metrics:
            each = [own.metrics[metric].mean for own in runs.values()]
            mean = statistics.fmean(each)
            spread = statistics.stdev(each) if len(each) > 1 else entry.metrics[metric].std
            row.append(_percent(mean, spread, metric in entry.best and not several))
            theirs = printed.get(metric)
            if theirs is None:
                row += [Cell("-"), Cell("-")]
                continue
            difference = 100 * (mean - theirs.mean)
            row += [_percent(theirs.mean, theirs.std), Cell(f"{difference:+.2f}", value=difference)]
        grid.rows.append(row)
    grid.notes = [
        f"{request.epochs} epochs on '{request.text}', teacher '{request.teacher}'; {request.splits} splits, seed "
        f"{request.seed}. The paper: 60 epochs on CVL text, its own splits, one training a row.",
        f"After ±: the standard deviation {'between seeds (of one seed: ' if several else '('}between splits).",
        *(f"Not done: {reason}" for reason in document.missing),
    ]
    return grid


def _percent(mean: float, std: float, best: bool = False) -> Cell:
    return Cell(f"{100 * mean:.2f} ± {100 * std:.2f}", best=best, value=100 * mean)
