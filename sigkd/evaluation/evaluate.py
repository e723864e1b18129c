"""From features and labels to a results document: the core of ``sigkd evaluate``, and of the probe during training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sigkd.errors import InputError, UsageError
from sigkd.evaluation import manifest, results, schedule
from sigkd.evaluation.bootstrap import draw_writers
from sigkd.evaluation.protocol import Protocol, Split, choose_split, select_writers
from sigkd.evaluation.scoring import SplitScores, score_split
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
    extra: dict[str, Any] = field(default_factory=dict)


def plan_splits(
    y: NDArray[Any],
    yforg: NDArray[Any],
    nrefs: Sequence[int],
    splits: int,
    seed: int,
    protocol: Protocol,
    *,
    writers: slice = slice(None),
    skip_short: bool = False,
    names: Sequence[str] | None = None,
) -> tuple[list[Split], list[int]]:
    """Check the data against the protocol and choose all splits; also return the writers that were left out.

    Raises:
        UsageError: for numbers of references or splits below 1.
        InputError: if the data cannot serve (see :func:`sigkd.evaluation.protocol.select_writers`).
    """
    if not nrefs or min(nrefs) < 1 or splits < 1:
        raise UsageError("--nref and --splits must be at least 1")
    kept, short = select_writers(y, yforg, nrefs, protocol, writers=writers, skip_short=skip_short, names=names)
    chosen = [choose_split(y, yforg, kept, nref, number, seed, protocol) for nref in nrefs for number in range(splits)]
    return chosen, short


def _one_split(
    features: NDArray[Any],
    split: Split,
    protocol: Protocol,
    seed: int,
    counts: NDArray[np.int64] | None,
    threads: int,
) -> tuple[SplitScores, dict[str, float], dict[str, NDArray[np.float64]]]:
    scores = score_split(features, split, protocol, seed, threads)
    replicates = split_replicates(scores, protocol, counts) if counts is not None else {}
    return scores, split_metrics(scores, protocol), replicates


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
    writers: slice = slice(None),
    skip_short: bool = False,
    splits_file: Path | None = None,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Evaluate features by the field's protocol.

    Args:
        features: float32 [N, D].
        y: writers, [N].
        yforg: 0 genuine, 1 skilled forgery, 2 simple forgery, [N].
        nref: numbers of references a writer, one result each.
        splits: random divisions into references and tests (see :func:`sigkd.evaluation.protocol.choose_split`).
        seed: of every random choice.
        protocol: what is fitted and tested; Table 3's counts come from ``default_protocol(dataset)``.
        settings: intervals, stored scores, parallelism.
        source: names and hashes of dataset and model.
        writers: which writers, in the order of their labels.
        skip_short: leave out writers with too few signatures instead of refusing.
        splits_file: a manifest: read if it exists, else written.
        progress: where the work is reported.

    Returns:
        The results document (see ``docs/reference/results-file.md``): ``results`` has an entry a number of references,
        with ``eer_user``, ``eer_global``, ``far_skilled``, ... each ``{"mean", "std", "ci95", "values"}`` as fractions.

    Raises:
        InputError: if the data cannot serve, before any work.
        UsageError: for impossible options.
    """
    protocol, settings, source = protocol or Protocol(), settings or Settings(), source or Source()
    nrefs = [nref] if isinstance(nref, int) else list(dict.fromkeys(nref))
    features, y, yforg = np.asarray(features), np.asarray(y), np.asarray(yforg)
    _check(features, y, yforg)
    names = source.writer_names or None
    if splits_file is not None and splits_file.exists():
        chosen = manifest.load_splits(splits_file, nrefs, splits, y, yforg, source.filenames)
        short: list[int] = []
    else:
        chosen, short = plan_splits(
            y, yforg, nrefs, splits, seed, protocol, writers=writers, skip_short=skip_short, names=names
        )
        if splits_file is not None:
            manifest.save_splits(splits_file, chosen, y, yforg, source.filenames)
            progress.info(f"{splits_file}: {len(chosen)} splits written")
    if short:
        progress.warn(f"{len(short)} writers with too few signatures are left out: {', '.join(map(str, short[:10]))}")
    threads = max(1, settings.workers // len(chosen)) if settings.scheduler is None else 1
    work = []
    for split in chosen:
        drawn = draw_writers(len(split.writers), settings.bootstrap, seed) if settings.bootstrap else None
        work.append((features, split, protocol, seed, drawn, threads))
    done = []
    with progress.task("evaluate", total=len(work), unit="splits") as task:
        for outcome in schedule.run(_one_split, work, workers=settings.workers, scheduler=settings.scheduler):
            done.append(outcome)
            task.advance()
    entries = []
    for position, count in enumerate(nrefs):
        part = slice(position * splits, (position + 1) * splits)
        entries.append(_entry(count, done[part], chosen[part], short, source, settings))
    document = results.new_document(protocol.describe(), seed, splits, settings.bootstrap)
    document["datasets"] = {
        source.dataset: {
            "hash": source.dataset_hash,
            "trials_hash": manifest.trials_hash(y, yforg),
            "rows": len(y),
            **source.extra,
        }
    }
    document["models"] = {source.model: {"hash": source.model_hash}}
    document["results"] = entries
    return document


def _check(features: NDArray[Any], y: NDArray[Any], yforg: NDArray[Any]) -> None:
    if features.ndim != 2 or y.shape != (len(features),) or yforg.shape != (len(features),):
        raise InputError(f"features {features.shape}, y {y.shape} and yforg {yforg.shape} do not belong together")
    if not np.isfinite(features).all():
        rows = np.flatnonzero(~np.isfinite(features).all(axis=1))
        raise InputError(f"{len(rows)} feature vectors hold NaN or infinite values (first row: {rows[0]})")


def _entry(
    nref: int,
    done: list[Any],
    chosen: list[Split],
    short: list[int],
    source: Source,
    settings: Settings,
) -> dict[str, Any]:
    scores: list[SplitScores] = [outcome[0] for outcome in done]
    counted = trials(scores[0])
    replicates = [outcome[2] for outcome in done] if settings.bootstrap else []
    entry: dict[str, Any] = {
        "dataset": source.dataset,
        "model": source.model,
        "nref": nref,
        "writers": len(scores[0].writers),
        "writers_left_out": short,
        "trials": counted,
        "negatives": scores[0].negatives,
        "random_per_writer": max(map(len, scores[0].random)),
        "random_sampled": scores[0].random_sampled,
        "split_hash": manifest.split_hash(chosen),
        **summarise([outcome[1] for outcome in done], replicates, counted),
    }
    if settings.keep_scores:
        if source.writer_names:
            entry["writer_names"] = list(source.writer_names)
        entry["splits"] = [results.split_scores_document(own, split) for own, split in zip(scores, chosen, strict=True)]
    return entry
