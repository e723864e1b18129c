"""From features and labels to a results document: the core of ``sigkd evaluate``, and of the probe during training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sigkd.classifiers import COHORT
from sigkd.classifiers.negatives import Negatives
from sigkd.errors import CalibrationError, InputError, UsageError
from sigkd.evaluation import manifest, schedule
from sigkd.evaluation.answers import Stated, answer
from sigkd.evaluation.bootstrap import draw_writers
from sigkd.evaluation.protocol import Protocol, Selection, Split, choose_split, select_writers
from sigkd.evaluation.results import Bootstrap, DatasetFacts, ModelFacts, Result, Results, library_versions
from sigkd.evaluation.scoring import SplitScores, make_classifier, score_split
from sigkd.evaluation.summary import split_metrics, split_replicates, summarise, trials
from sigkd.progress import SILENT, Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Settings:
    """What is computed beside the protocol; nothing here changes a metric's value."""

    bootstrap: int = 1000
    """Replicates of the bootstrap over writers; 0: no intervals."""
    keep_scores: bool = True
    """Put every score into the document."""
    workers: int = 1
    """Threads of this process."""
    scheduler: str | None = None
    """Address of a Dask scheduler that does the work instead."""
    answers: Stated | None = None
    """Report, too, what ``verify`` would answer at these rates."""


@dataclass(frozen=True)
class Source:
    """What was evaluated; all of it is written into the results."""

    dataset: str = "features"
    model: str = ""
    dataset_hash: str = ""
    model_hash: str = ""
    filenames: Sequence[str] = ()
    writer_names: Sequence[str] = ()
    """Names by the order of the writers' labels; empty: the labels themselves."""
    kind: str | None = None
    """The known dataset that it is, or its own name."""
    origin: str | None = None
    """``images`` or ``features``."""
    preprocess_version: str = ""
    model_facts: dict[str, Any] = field(default_factory=dict)
    """Of the model's metadata."""


def plan_splits(
    y: NDArray[Any],
    yforg: NDArray[Any],
    nrefs: Sequence[int],
    splits: int,
    seed: int,
    protocol: Protocol,
    *,
    writers: str | None = None,
    skip_short: bool = False,
    names: Sequence[str] | None = None,
) -> tuple[list[Split], Selection]:
    """Check the data against the protocol and choose all splits; also return who serves for what.

    Raises:
        UsageError: for numbers of references or splits below 1, or too few references for the classifier.
        InputError: if the data cannot serve (see :func:`sigkd.evaluation.protocol.select_writers`).
    """
    protocol.check(nrefs)
    if splits < 1:
        raise UsageError("`splits` must be at least 1")
    found = select_writers(y, yforg, nrefs, protocol, writers=writers, skip_short=skip_short, names=names)
    chosen = [
        choose_split(y, yforg, found.tested, nref, number, seed, protocol, found.without_forgeries)
        for nref in nrefs
        for number in range(splits)
    ]
    return chosen, found


def _one_split(
    features: NDArray[Any],
    split: Split,
    protocol: Protocol,
    seed: int,
    replicates: int,
    threads: int,
    cohort: Negatives | None,
) -> tuple[SplitScores, dict[str, float]]:
    scores = score_split(features, split, protocol, seed, threads, cohort)
    if replicates:
        # By the seed alone: the same writers in every split, and for every model, so that differences can be paired.
        drawn = draw_writers(len(split.writers), replicates, seed)
        scores.replicates[replicates, seed] = split_replicates(scores, protocol, drawn)
    return scores, split_metrics(scores, protocol)


def score_splits(
    features: NDArray[Any],
    splits: Sequence[Split],
    protocol: Protocol,
    seed: int,
    settings: Settings,
    *,
    cohort: Negatives | None = None,
    progress: Progress = SILENT,
) -> tuple[list[SplitScores], list[dict[str, float]]]:
    """Return the scores and the metrics of each split; the work is spread as ``settings`` says."""
    # Splits are spread first; only what is left over works inside of one.
    threads = max(1, settings.workers // len(splits)) if settings.scheduler is None else 1
    work = [(features, split, protocol, seed, settings.bootstrap, threads, cohort) for split in splits]
    done = []
    with progress.task("evaluate", total=len(work), unit="splits") as task:
        for outcome in schedule.run(_one_split, work, workers=settings.workers, scheduler=settings.scheduler):
            done.append(outcome)
            task.advance()
    return [scores for scores, _ in done], [values for _, values in done]


def evaluate_features(
    features: NDArray[Any],
    y: NDArray[Any],
    yforg: NDArray[Any],
    nref: int | Sequence[int] = 12,
    splits: int = 10,
    seed: int = 1234,
    *,
    protocol: Protocol | None = None,
    settings: Settings | None = None,
    source: Source | None = None,
    cohort: Negatives | None = None,
    writers: str | None = None,
    skip_short: bool = False,
    splits_file: Path | None = None,
    progress: Progress = SILENT,
) -> Results:
    """Evaluate features by the field's protocol.

    Args:
        features: float32 [N, D].
        y: writers, [N].
        yforg: 0 genuine, 1 skilled forgery, 2 simple forgery, [N].
        nref: numbers of references a writer, one result each.
        splits: random divisions into references and tests (see :func:`sigkd.evaluation.protocol.choose_split`).
        seed: of every random choice.
        protocol: what is fitted and tested; Table 3's counts come from ``default_protocol(dataset)``.
        settings: intervals, stored scores, parallelism, answers.
        source: names and hashes of dataset and model.
        cohort: what all writers are fitted against, with ``negatives="cohort"`` in the protocol.
        writers: which ones, see :func:`sigkd.evaluation.protocol.pick_writers`.
        skip_short: go on without writers who have too few signatures or no forgeries instead of refusing.
        splits_file: a manifest: read if it exists, else written.
        progress: where the work is reported.

    Returns:
        The results, one entry a number of references; rates are fractions.

    Raises:
        InputError: if the data cannot serve, before any work.
        UsageError: for impossible options.
    """
    protocol, settings, source = protocol or Protocol(), settings or Settings(), source or Source()
    # Each number once, in the order that was asked for.
    nrefs = [nref] if isinstance(nref, int) else list(dict.fromkeys(nref))
    features, y, yforg = np.asarray(features), np.asarray(y), np.asarray(yforg)
    _check(features, y, yforg)
    names = source.writer_names or None
    if protocol.negatives == COHORT and cohort is None:
        raise UsageError("negatives 'cohort' need a cohort")
    if splits_file is not None and splits_file.exists():
        protocol.check(nrefs)
        chosen = manifest.load_splits(splits_file, nrefs, splits, y, yforg, source.filenames)
        tested, bystanders = (tuple(own.writer for own in group) for group in (chosen[0].writers, chosen[0].bystanders))
        found = Selection(tested, bystanders)
    else:
        chosen, found = plan_splits(
            y, yforg, nrefs, splits, seed, protocol, writers=writers, skip_short=skip_short, names=names
        )
        if splits_file is not None:
            manifest.save_splits(splits_file, chosen, y, yforg, source.filenames)
            progress.info(f"{splits_file}: {len(chosen)} splits written")
    if found.in_words:
        progress.warn(found.in_words)
    scores, values = score_splits(features, chosen, protocol, seed, settings, cohort=cohort, progress=progress)
    entries = []
    for position, count in enumerate(nrefs):
        part = slice(position * splits, (position + 1) * splits)
        classifier = make_classifier(protocol, count)
        entry = _entry(scores[part], values[part], found, source, settings, seed)
        entry.classifier = classifier.name
        entry.gamma = classifier.gamma_for(features.shape[1]) if classifier.kernel else None
        if settings.answers is not None:
            try:
                entry.answers = answer(scores[part], classifier.name, protocol.negatives, settings.answers, seed)
            except (CalibrationError, UsageError) as error:
                progress.warn(f"{source.dataset}, {count} references: no answers: {error}")
        entries.append(entry)
    facts = DatasetFacts(
        hash=source.dataset_hash,
        trials_hash=manifest.trials_hash(y, yforg),
        rows=len(y),
        kind=source.kind,
        source=source.origin,
        preprocess_version=source.preprocess_version,
    )
    return Results(
        results=entries,
        protocol=protocol,
        seed=seed,
        splits=splits,
        bootstrap=Bootstrap(settings.bootstrap),
        datasets={source.dataset: facts},
        models={source.model: ModelFacts.of(source.model_facts, source.model_hash)},
        versions=library_versions(),
    )


def _check(features: NDArray[Any], y: NDArray[Any], yforg: NDArray[Any]) -> None:
    if features.ndim != 2 or y.shape != (len(features),) or yforg.shape != (len(features),):
        raise InputError(f"features {features.shape}, y {y.shape} and yforg {yforg.shape} do not belong together")
    if not np.isfinite(features).all():
        rows = np.flatnonzero(~np.isfinite(features).all(axis=1))
        raise InputError(f"{len(rows)} feature vectors hold NaN or infinite values (first row: {rows[0]})")


def _entry(
    scores: list[SplitScores],
    values: list[dict[str, float]],
    found: Selection,
    source: Source,
    settings: Settings,
    seed: int,
) -> Result:
    counted = trials(scores[0])
    replicates = [own.replicates[settings.bootstrap, seed] for own in scores] if settings.bootstrap else []
    chosen = [own.split for own in scores]
    return Result(
        dataset=source.dataset,
        model=source.model,
        nref=chosen[0].nref,
        writers=len(scores[0].writers),
        writers_left_out=list(found.short),
        writers_without_forgeries=list(found.without_forgeries),
        trials=counted,
        negatives=scores[0].negatives,
        random_per_writer=max(map(len, scores[0].random)),
        random_sampled=scores[0].random_sampled,
        split_hash=manifest.split_hash(chosen),
        metrics=summarise(values, replicates, counted),
        writer_names=list(source.writer_names) if settings.keep_scores else [],
        splits=scores if settings.keep_scores else [],
    )
