"""From features and a split to scores, by each protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sigkd import measures
from sigkd.classifiers import WRITERS, Negatives, choose_classifier
from sigkd.classifiers.base import Fitter, Scorer
from sigkd.classifiers.shared import WriterMachines, fit_all_writers
from sigkd.classifiers.wd import WriterDependent
from sigkd.evaluation.protocol import MAX_RANDOM_SCORES, Protocol, Split, WriterSplit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]

MAX_RANDOM_APART = 200_000
"""The same as ``MAX_RANDOM_SCORES`` where writers are scored one by one and share no kernel evaluations."""
RANDOM_WHEN_BOUNDED = 100
"""Random forgeries a writer where trying all of them would cost too much; stated in the results."""
RANDOM_OF_PAIRS = 10
"""The same for classifiers of pairs, which compare a test with every reference by a machine of thousands of rows."""


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
        scores = _score_part(features, split.writers, split.writers, protocol, generator, threads)
        result = _collect(split, fold, [scores], [np.arange(len(fold))])
    else:
        members = [np.flatnonzero(fold == number) for number in (0, 1)]
        halves = [tuple(split.writers[i] for i in own) for own in members]
        parts = [
            _score_part(features, halves[number], halves[1 - number], protocol, generator, threads) for number in (0, 1)
        ]
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
    part = _score_part(features, chosen.writers, chosen.writers, protocol, generator, threads)
    return _collect(chosen, np.zeros(len(members), dtype=np.int64), [part], [np.arange(len(members))])


def _score_part(
    features: NDArray[Any],
    tested: Sequence[WriterSplit],
    development: Sequence[WriterSplit],
    protocol: Protocol,
    generator: np.random.Generator,
    threads: int,
) -> _Part:
    """Score each tested writer by a classifier that learns against the development writers, without the writer."""
    name = "dichotomy" if protocol.name == "writer-independent" else "wd"
    classifier = choose_classifier(
        name, len(tested[0].references), cost=protocol.C, gamma=protocol.gamma, generator=generator
    )
    pool = [
        np.concatenate([own.references, own.genuine]) if protocol.name == "writer-independent" else own.references
        for own in development
    ]
    owners = np.repeat([own.writer for own in development], [len(rows) for rows in pool])
    rows = np.concatenate(pool)
    if isinstance(classifier, WriterDependent) and len(rows) <= protocol.max_negatives and tested is development:
        tests = _Tests(tested, protocol, generator, MAX_RANDOM_SCORES)
        references = [features[own.references] for own in tested]
        machines = fit_all_writers(references, protocol.C, protocol.gamma, threads)
        if tests.all_random:
            scores = _score_together(features, machines, tested)
        else:
            scores = _score_apart(features, tests, lambda position: machines.machine(position), threads)
        return _Part(scores, len(rows) - len(tested[0].references), not tests.all_random)

    def fitter(rows: NDArray[Any], owners: NDArray[Any]) -> Fitter:
        return classifier.against(Negatives(features[rows], kind=WRITERS, owners=owners))

    if classifier.needs_pairs:  # which are drawn now, before the tests; their number is bounded
        fit = fitter(rows, owners)
        tests = _Tests(tested, protocol, generator, 0, RANDOM_OF_PAIRS)
    else:
        tests = _Tests(tested, protocol, generator, MAX_RANDOM_APART)
        if len(rows) > protocol.max_negatives:
            chosen = np.sort(generator.permutation(len(rows))[: protocol.max_negatives])
            rows, owners = rows[chosen], owners[chosen]
        fit = fitter(rows, owners)

    def scorer(position: int) -> Scorer:
        return fit(tested[position].writer, features[tested[position].references])

    return _Part(_score_apart(features, tests, scorer, threads), len(rows), not tests.all_random)


class _Tests:
    """The test rows of every writer; random forgeries are all the others' test genuines, or a sample of them."""

    def __init__(
        self,
        tested: Sequence[WriterSplit],
        protocol: Protocol,
        generator: np.random.Generator,
        affordable: int,
        bounded: int = RANDOM_WHEN_BOUNDED,
    ) -> None:
        self.tested = tested
        self.genuine = np.concatenate([writer.genuine for writer in tested])
        self.owner = np.repeat(np.arange(len(tested)), [len(writer.genuine) for writer in tested])
        others = len(self.genuine) - min(len(writer.genuine) for writer in tested)
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


def _score_together(
    features: NDArray[Any], machines: WriterMachines, tested: Sequence[WriterSplit]
) -> list[list[Scores]]:
    """Score all writers on all test rows with one kernel evaluation."""
    kinds = [np.concatenate([getattr(writer, kind) for writer in tested]) for kind in ("genuine", "skilled", "simple")]
    owners = [
        np.repeat(np.arange(len(tested)), [len(getattr(writer, kind)) for writer in tested])
        for kind in ("genuine", "skilled", "simple")
    ]
    scores = [machines.scores(features[rows]) for rows in kinds]
    return [
        [scores[kind][position, owners[kind] == position] for kind in range(3)]
        + [scores[0][position, owners[0] != position]]
        for position in range(len(tested))
    ]


def _score_apart(
    features: NDArray[Any], tests: _Tests, scorer: Callable[[int], Scorer], threads: int
) -> list[list[Scores]]:
    """Score writer by writer: memory for one writer a thread."""
    from joblib import Parallel, delayed

    def work(position: int) -> list[Scores]:
        rows = tests.rows(position)
        scores = scorer(position).scores(features[np.concatenate(rows)])
        return np.split(scores, np.cumsum([len(kind) for kind in rows])[:-1])

    positions = range(len(tests.tested))
    return list(Parallel(n_jobs=threads, backend="threading")(delayed(work)(position) for position in positions))
