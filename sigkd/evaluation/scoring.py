"""From features and a split to scores, by each protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from typing import Protocol as Interface

import numpy as np

from sigkd import measures
from sigkd.evaluation.protocol import MAX_RANDOM_SCORES, Protocol, Split, WriterSplit
from sigkd.verification.writer_dependent import (
    PooledNegatives,
    SupportVectorModel,
    WriterModels,
    fit_all_writers,
    fit_writer,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]

MAX_RANDOM_APART = 200_000
"""The same as ``MAX_RANDOM_SCORES`` where writers are scored one by one and share no kernel evaluations."""
RANDOM_WHEN_BOUNDED = 100
"""Random forgeries a writer where trying all of them would cost too much; stated in the results."""
RANDOM_WRITER_INDEPENDENT = 10
PAIRS = 2000
"""Pairs of one kind that the writer-independent classifier learns from, at most."""


@dataclass
class SplitScores:
    """The scores of one split, one array a writer, and what calibrates them."""

    nref: int
    number: int
    writers: list[int]
    genuine: list[Scores]
    skilled: list[Scores]
    simple: list[Scores]
    random: list[Scores]
    fold: NDArray[np.int64]
    """Which of the two calibrations applies to each writer: the one learnt from the writers of the other fold, [W]."""
    calibration: list[tuple[float, float]] = field(default_factory=list)
    """Slope and intercept a fold: log-likelihood ratio = slope * score + intercept."""
    thresholds: list[float] = field(default_factory=list)
    """``dev-threshold``: the a-priori threshold a fold, chosen on other writers."""
    random_sampled: bool = False
    """Whether the random forgeries are a sample of all that could be tried."""
    negatives: int = 0
    """References of other writers that each classifier learnt from (median over writers)."""

    def llr(self, kind: str) -> Scores:
        """Return the calibrated log-likelihood ratios of ``kind``, pooled over the writers."""
        lines = [self.calibration[fold] for fold in self.fold]
        return np.concatenate([a * s + b for (a, b), s in zip(lines, getattr(self, kind), strict=True)])


def score_split(features: NDArray[Any], split: Split, protocol: Protocol, seed: int, threads: int = 1) -> SplitScores:
    """Fit and score one split.

    Args:
        features: float32 [N, D].
        split: row numbers of references and tests.
        protocol: which classifiers are fitted, and on what.
        seed: of the random choices that the split does not fix (folds, pools of negatives, sampled random forgeries).
        threads: writers fitted at the same time.
    """
    generator = np.random.default_rng([seed, split.number, split.nref])
    fold = np.zeros(len(split.writers), dtype=np.int64)
    fold[generator.permutation(len(fold))[: len(fold) // 2]] = 1
    if protocol.name == "paper":
        scores = _writer_dependent(features, split.writers, split.writers, protocol, generator, threads)
        result = _collect(split, fold, [scores], [np.arange(len(fold))])
    else:
        own = _writer_independent if protocol.name == "writer-independent" else _writer_dependent
        members = [np.flatnonzero(fold == number) for number in (0, 1)]
        parts = []
        for number in (0, 1):
            tested = [split.writers[i] for i in members[number]]
            development = [split.writers[i] for i in members[1 - number]]
            parts.append(own(features, tested, development, protocol, generator, threads))
        result = _collect(split, fold, parts, members)
    kind = "random" if protocol.forgeries == "random" else "skilled"
    for number in (0, 1):
        # What applies to a fold is learnt from the writers of the other one.
        others = np.flatnonzero(fold != number)
        if protocol.name == "dev-threshold":
            known = _development(features, split, others, protocol, generator, threads)
        else:
            known = result
        positions = range(len(known.writers)) if protocol.name == "dev-threshold" else others
        genuine = np.concatenate([known.genuine[i] for i in positions])
        forged = np.concatenate([getattr(known, kind)[i] for i in positions])
        result.calibration.append(measures.fit_logistic(genuine, forged))
        if protocol.name == "dev-threshold":
            result.thresholds.append(measures.eer_threshold(genuine, forged))
    return result


class _Scorer(Interface):
    def scores(self, features: NDArray[Any]) -> Scores: ...


@dataclass(frozen=True)
class _Part:
    """Scores of some writers: genuine, skilled, simple and random ones a writer; how they came about."""

    scores: list[list[Scores]]
    negatives: int
    sampled: bool


def _collect(split: Split, fold: NDArray[np.int64], parts: list[_Part], members: list[NDArray[Any]]) -> SplitScores:
    empty: list[list[Scores]] = [[] for _ in split.writers]
    for part, positions in zip(parts, members, strict=True):
        for position, own in zip(positions, part.scores, strict=True):
            empty[position] = own
    genuine, skilled, simple, random = (list(kind) for kind in zip(*empty, strict=True))
    labels = [writer.writer for writer in split.writers]
    return SplitScores(
        split.nref,
        split.number,
        labels,
        genuine,
        skilled,
        simple,
        random,
        fold,
        negatives=parts[0].negatives,
        random_sampled=any(part.sampled for part in parts),
    )


def _development(
    features: NDArray[Any],
    split: Split,
    members: NDArray[Any],
    protocol: Protocol,
    generator: np.random.Generator,
    threads: int,
) -> SplitScores:
    """Score the development writers against one another, as someone does who has no one else's signatures yet."""
    chosen = Split(split.nref, split.number, tuple(split.writers[i] for i in members))
    part = _writer_dependent(features, chosen.writers, chosen.writers, protocol, generator, threads)
    return _collect(chosen, np.zeros(len(members), dtype=np.int64), [part], [np.arange(len(members))])


def _writer_dependent(
    features: NDArray[Any],
    tested: Sequence[WriterSplit],
    cohort: Sequence[WriterSplit],
    protocol: Protocol,
    generator: np.random.Generator,
    threads: int,
) -> _Part:
    """Score each tested writer by a classifier against the references of the cohort's other writers."""
    pool = np.concatenate([writer.references for writer in cohort])
    owners = np.repeat([writer.writer for writer in cohort], [len(writer.references) for writer in cohort])
    everyone = list(tested) == list(cohort)
    together = everyone and len(pool) <= protocol.max_negatives
    tests = _Tests(tested, protocol, generator, MAX_RANDOM_SCORES if together else MAX_RANDOM_APART)
    if together:
        models = fit_all_writers(
            [features[writer.references] for writer in tested], protocol.C, protocol.gamma, threads
        )
        negatives = len(pool) - len(tested[0].references)
        if tests.all_random:
            return _Part(_score_together(features, models, tested), negatives, False)
        scores = _score_apart(features, tests, lambda position, _: models.model(position), threads)
        return _Part(scores, negatives, True)
    if len(pool) > protocol.max_negatives:
        chosen = np.sort(generator.permutation(len(pool))[: protocol.max_negatives])
        pool, owners = pool[chosen], owners[chosen]
    fitter = PooledNegatives(features[pool], owners, protocol.C, protocol.gamma)
    fitters = [fitter, *(fitter.clone() for _ in range(threads - 1))]

    def fit(position: int, worker: int) -> SupportVectorModel:
        own = tested[position]
        return fitters[worker].fit(own.writer, features[own.references])

    return _Part(_score_apart(features, tests, fit, threads), len(pool), not tests.all_random)


class _Tests:
    """The test rows of every writer; random forgeries are all the others' test genuines, or a sample of them."""

    def __init__(
        self, tested: Sequence[WriterSplit], protocol: Protocol, generator: np.random.Generator, affordable: int
    ) -> None:
        self.tested = tested
        self.genuine = np.concatenate([writer.genuine for writer in tested])
        self.owner = np.repeat(np.arange(len(tested)), [len(writer.genuine) for writer in tested])
        others = len(self.genuine) - min(len(writer.genuine) for writer in tested)
        bounded = RANDOM_WRITER_INDEPENDENT if protocol.name == "writer-independent" else RANDOM_WHEN_BOUNDED
        everything = len(tested) * len(self.genuine) <= affordable
        count = protocol.random_test if protocol.random_test is not None else None if everything else bounded
        self.all_random = count is None or count >= others
        self.count = others if count is None else count
        self.seeds = generator.integers(0, 2**63, size=len(tested))

    def rows(self, position: int) -> list[NDArray[Any]]:
        """Return the rows of the writer's genuine, skilled, simple and random tests."""
        own = self.tested[position]
        rest = self.genuine[self.owner != position]
        if not self.all_random:
            generator = np.random.default_rng(self.seeds[position])
            rest = rest[np.sort(generator.choice(len(rest), size=min(self.count, len(rest)), replace=False))]
        return [own.genuine, own.skilled, own.simple, rest]


def _score_together(features: NDArray[Any], models: WriterModels, tested: Sequence[WriterSplit]) -> list[list[Scores]]:
    """Score all writers on all test rows with one kernel evaluation."""
    kinds = [np.concatenate([getattr(writer, kind) for writer in tested]) for kind in ("genuine", "skilled", "simple")]
    owners = [
        np.repeat(np.arange(len(tested)), [len(getattr(writer, kind)) for writer in tested])
        for kind in ("genuine", "skilled", "simple")
    ]
    scores = [models.scores(features[rows]) for rows in kinds]
    return [
        [scores[kind][position, owners[kind] == position] for kind in range(3)]
        + [scores[0][position, owners[0] != position]]
        for position in range(len(tested))
    ]


def _score_apart(
    features: NDArray[Any], tests: _Tests, model: Callable[[int, int], _Scorer], threads: int
) -> list[list[Scores]]:
    """Score writer by writer: memory for one writer a thread."""
    from joblib import Parallel, delayed

    def work(worker: int) -> list[list[Scores]]:
        results = []
        for position in range(worker, len(tests.tested), threads):
            own = model(position, worker)
            rows = tests.rows(position)
            scores = own.scores(features[np.concatenate(rows)])
            results.append(np.split(scores, np.cumsum([len(kind) for kind in rows])[:-1]))
        return results

    shares = Parallel(n_jobs=threads, backend="threading")(delayed(work)(worker) for worker in range(threads))
    return [shares[position % threads][position // threads] for position in range(len(tests.tested))]


@dataclass(frozen=True)
class _Dichotomizer:
    """A classifier of distances between two signatures, the same for all writers; the best reference decides."""

    machine: SupportVectorModel
    references: NDArray[np.float32]

    def scores(self, features: NDArray[Any]) -> Scores:
        """Return for each row of ``features`` [M, D] the highest score over the references."""
        distances = np.abs(features[:, None, :] - self.references[None])
        flat = self.machine.scores(distances.reshape(-1, features.shape[1]))
        return np.asarray(flat.reshape(len(features), -1).max(axis=1))


def _writer_independent(
    features: NDArray[Any],
    tested: Sequence[WriterSplit],
    development: Sequence[WriterSplit],
    protocol: Protocol,
    generator: np.random.Generator,
    threads: int,
) -> _Part:
    """Score by the dichotomy transformation: one classifier of |a - b|, learnt from the development writers' pairs.

    Souza, Oliveira and Sabourin, "A writer-independent approach for offline signature verification using deep
    convolutional neural networks features", BRACIS (2018). Pairs of one writer against pairs of two writers' genuine
    signatures, equally many; the references' scores are fused by their maximum.
    """
    same, different = [], []
    pools = [np.concatenate([writer.references, writer.genuine]) for writer in development]
    per_writer = max(1, PAIRS // len(pools))
    for position, own in enumerate(pools):
        left, right = np.triu_indices(len(own), 1)
        chosen = generator.permutation(len(left))[:per_writer]
        same += list(zip(own[left[chosen]], own[right[chosen]], strict=True))
        others = (position + generator.integers(1, len(pools), size=len(chosen))) % len(pools)
        mine = generator.integers(0, len(own), size=len(chosen))
        theirs = [pools[other][generator.integers(len(pools[other]))] for other in others]
        different += list(zip(own[mine], theirs, strict=True))
    distances = [np.abs(features[rows[:, 0]] - features[rows[:, 1]]) for rows in (np.array(same), np.array(different))]
    machine = fit_writer(distances[0], distances[1], protocol.C, protocol.gamma)

    def model(position: int, worker: int) -> _Dichotomizer:
        return _Dichotomizer(machine, np.asarray(features[tested[position].references], np.float32))

    tests = _Tests(tested, protocol, generator, affordable=0)
    return _Part(_score_apart(features, tests, model, threads), len(different), not tests.all_random)
