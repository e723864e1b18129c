"""From features and a split to scores, by each protocol and classifier."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from sigkd import measures
from sigkd.classifiers import CLASSIFIERS, COHORT, WRITERS
from sigkd.classifiers.base import PREFERRED, Classifier, Scorer, choose_classifier
from sigkd.classifiers.kinds.wd import WriterDependent
from sigkd.classifiers.negatives import Negatives
from sigkd.classifiers.shared import WriterMachines, fit_all_writers
from sigkd.errors import UsageError
from sigkd.evaluation.manifest import ROWS, WriterRows
from sigkd.evaluation.protocol import MAX_RANDOM_SCORES, Protocol, Split, WriterSplit
from sigkd.json_documents import encode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]

KINDS = ("genuine", "skilled", "simple", "random")
"""Of scores; random forgeries are genuine signatures of other writers."""
MAX_RANDOM_APART = 200_000
"""The same as ``MAX_RANDOM_SCORES`` where writers are scored one by one and share no kernel evaluations."""
RANDOM_WHEN_BOUNDED = 100
"""Random forgeries a writer where trying all of them would cost too much; stated in the results."""
RANDOM_OF_PAIRS = 10
"""The same for classifiers of pairs, which compare a test with every reference by a machine of thousands of rows."""


INLINE = 50_000
"""Scores of one kind and split up to which they are plain numbers; more are the same numbers in base64."""


@dataclass(frozen=True)
class PackedScores:
    """Many scores: little-endian float64 of all writers one after the other."""

    encoding: Literal["base64-float64"]
    lengths: list[int]
    """How many each writer has."""
    data: str


def pack_scores(scores: Sequence[Scores]) -> list[list[float]] | PackedScores:
    """Return scores a writer as plain values: lists, or one text where they are many."""
    if sum(map(len, scores)) <= INLINE:
        return [own.tolist() for own in scores]
    # Exactly the scores: 'stats' must find the same thresholds in a file as the run did.
    flat = np.concatenate(scores).astype("<f8").tobytes()
    return PackedScores("base64-float64", [len(own) for own in scores], base64.b64encode(flat).decode())


def unpack_scores(packed: list[list[float]] | PackedScores) -> list[Scores]:
    """Return what :func:`pack_scores` was given.

    Raises:
        ValueError: damaged, or numbers that are not finite.
    """
    if isinstance(packed, PackedScores):
        flat = np.frombuffer(base64.b64decode(packed.data), dtype="<f8").astype(np.float64)
        if not np.isfinite(flat).all():
            raise ValueError("scores are not finite")
        if min(packed.lengths, default=0) < 0 or sum(packed.lengths) != len(flat):
            raise ValueError(f"{len(flat)} scores, not {sum(packed.lengths)}")
        return np.split(flat, np.cumsum(packed.lengths)[:-1])
    return [np.asarray(own, dtype=np.float64) for own in packed]


@dataclass(frozen=True)
class SplitRecord:
    """The scores of one split in a file; lists have one entry a writer, in the order of ``writers``."""

    split: int
    nref: int
    writers: list[int]
    fold: list[int]
    """Of each writer."""
    calibration: list[tuple[float, float]]
    """Slope and intercept of each fold: log-likelihood ratio = slope x score + intercept."""
    thresholds: list[float]
    """``dev-threshold``: the a-priori threshold of each fold."""
    rows: dict[str, list[list[int]]]
    """``references``, ``genuine``, ``skilled``, ``simple``: rows in the dataset, from 0."""
    scores: dict[str, list[list[float]] | PackedScores]
    """``genuine``, ``skilled``, ``simple``, ``random``, in the order of the rows."""
    bystanders: list[WriterRows]
    """Writers who are random forgeries only."""


@dataclass(eq=False)
class SplitScores:
    """The scores of one split, one array a writer, and what calibrates them."""

    split: Split
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
    """Signatures of others that each classifier learnt from (the largest number of all writers')."""
    replicates: dict[tuple[int, int], dict[str, Scores]] = field(default_factory=dict)
    """Bootstrap replicates of the metrics by their number and seed: drawn once, not written."""

    @property
    def writers(self) -> list[int]:
        """The labels of the writers, [W]."""
        return [own.writer for own in self.split.writers]

    def to_json(self) -> dict[str, Any]:
        """Return the :class:`SplitRecord` as JSON values."""
        split = self.split
        record = SplitRecord(
            split.number,
            split.nref,
            self.writers,
            self.fold.tolist(),
            self.calibration,
            self.thresholds,
            {kind: [getattr(own, kind).tolist() for own in split.writers] for kind in ROWS},
            {kind: pack_scores(getattr(self, kind)) for kind in KINDS},
            [WriterRows.of(own) for own in split.bystanders],
        )
        plain: dict[str, Any] = encode(record)
        return plain

    @classmethod
    def of_record(cls, record: SplitRecord) -> SplitScores:
        """Return the scores that a file holds.

        Raises:
            ValueError: its lists do not belong together.
        """
        count = len(record.writers)
        genuine, skilled, simple, random = (unpack_scores(record.scores.get(kind, [])) for kind in KINDS)
        scores = dict(zip(KINDS, (genuine, skilled, simple, random), strict=True))
        for what, parts in (("scores", scores), ("rows", {kind: record.rows.get(kind, []) for kind in ROWS})):
            for kind, own in parts.items():
                if len(own) != count:
                    raise ValueError(f"{len(own)} rows of {kind} {what} for {count} writers")
        writers = [
            WriterRows(writer, *(record.rows[kind][place] for kind in ROWS)).split()
            for place, writer in enumerate(record.writers)
        ]
        for kind, rows in record.rows.items():
            if kind in scores and any(len(own) != len(row) for own, row in zip(scores[kind], rows, strict=True)):
                raise ValueError(f"there are not as many {kind} scores as rows")
        lines = max(len(record.calibration), len(record.thresholds))
        if len(record.fold) != count or (lines and not all(0 <= one < lines for one in record.fold)):
            raise ValueError("the writers' folds do not fit")
        bystanders = tuple(own.split() for own in record.bystanders)
        split = Split(record.nref, record.split, tuple(writers), bystanders)
        fold = np.asarray(record.fold, dtype=np.int64)
        return cls(split, genuine, skilled, simple, random, fold, record.calibration, record.thresholds)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Let pydantic read a :class:`SplitRecord` where a document has scores."""
        from pydantic import AfterValidator

        return handler.generate_schema(Annotated[SplitRecord, AfterValidator(cls.of_record)])

    def llr(self, kind: str) -> Scores:
        """Return the calibrated log-likelihood ratios of ``kind``, pooled over the writers."""
        lines = [self.calibration[fold] for fold in self.fold]
        return np.concatenate([a * s + b for (a, b), s in zip(lines, getattr(self, kind), strict=True)])

    def pooled(self, kind: str) -> tuple[Scores, NDArray[np.int64]]:
        """Return the scores of ``kind`` of all writers together, and the writer whose references each was held to."""
        scores = getattr(self, kind)
        return np.concatenate(scores), np.repeat(self.writers, [len(own) for own in scores])


def make_classifier(protocol: Protocol, references: int, generator: np.random.Generator | None = None) -> Classifier:
    """Return the classifier that the protocol names for so many references; what is measured is calibrated."""
    calibrated = [name for name in PREFERRED if protocol.negatives in CLASSIFIERS.get(name).answers_against]
    return choose_classifier(
        protocol.classifier,
        references,
        calibrated=calibrated,
        cost=protocol.C,
        gamma=protocol.gamma,
        generator=generator,
    )


def score_split(
    features: NDArray[Any],
    split: Split,
    protocol: Protocol,
    seed: int,
    threads: int = 1,
    cohort: Negatives | None = None,
) -> SplitScores:
    """Fit and score one split.

    Args:
        features: float32 [N, D].
        split: row numbers of references and tests.
        protocol: which classifiers are fitted, and on what.
        seed: of the random choices that the split does not fix (folds, pools of negatives, sampled random forgeries).
        threads: writers fitted at the same time.
        cohort: what all writers are fitted against where the protocol's negatives are a cohort.

    Raises:
        UsageError: no cohort where one is needed, or negatives that the classifier cannot learn from.
    """
    if protocol.negatives == COHORT and cohort is None:
        raise UsageError("negatives 'cohort' need a cohort")
    generator = np.random.default_rng([seed, split.number, split.nref])
    fold = np.zeros(len(split.writers), dtype=np.int64)
    # each half is calibrated on the other: no score calibrates itself
    fold[generator.permutation(len(fold))[: len(fold) // 2]] = 1
    # One generator for folds, pools and tests: the order in which they draw is part of what a seed means.
    scorer = _Scoring(features, split.bystanders, protocol, generator, threads, cohort)
    if protocol.name == "paper":
        result = _collect(split, fold, [scorer.part(split.writers, split.writers)], [np.arange(len(fold))])
    else:
        members = [np.flatnonzero(fold == number) for number in (0, 1)]
        halves = [tuple(split.writers[i] for i in own) for own in members]
        # Each half is tested by what was learnt from the other: no tested writer was ever learnt from.
        result = _collect(split, fold, [scorer.part(halves[0], halves[1]), scorer.part(halves[1], halves[0])], members)
    kind = "random" if protocol.forgeries == "random" else "skilled"
    for number in (0, 1):
        # What applies to a fold is learnt from the writers of the other one.
        others = np.flatnonzero(fold != number)
        if protocol.name == "dev-threshold":
            # They are scored against one another, as by someone who has no one else's signatures yet.
            development = Split(split.nref, split.number, tuple(split.writers[i] for i in others))
            part = scorer.part(development.writers, development.writers)
            judged = _collect(development, np.zeros(len(others), dtype=np.int64), [part], [np.arange(len(others))])
        else:
            judged = result
        positions = range(len(judged.writers)) if protocol.name == "dev-threshold" else others
        genuine = np.concatenate([judged.genuine[i] for i in positions])
        forged = np.concatenate([getattr(judged, kind)[i] for i in positions])
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
    sampled = any(part.sampled for part in parts)
    return SplitScores(
        split, genuine, skilled, simple, random, fold, random_sampled=sampled, negatives=parts[0].negatives
    )


@dataclass(frozen=True)
class _Scoring:
    """How writers of one split are scored."""

    features: NDArray[Any]
    bystanders: Sequence[WriterSplit]
    protocol: Protocol
    generator: np.random.Generator
    threads: int
    cohort: Negatives | None

    def part(self, tested: Sequence[WriterSplit], development: Sequence[WriterSplit]) -> _Part:
        """Score each tested writer by a classifier that learns against the cohort or the development writers."""
        if self.cohort is not None and self.protocol.negatives == COHORT:  # with no random choice but verify's own
            classifier = make_classifier(self.protocol, len(tested[0].references))
            return self._apart(classifier, tested, self.cohort, len(self.cohort))
        classifier = make_classifier(self.protocol, len(tested[0].references), self.generator)
        # References alone, as in practice; 'writer-independent' learns from all genuine signatures of its half.
        pool = [
            np.concatenate([own.references, own.genuine])
            if self.protocol.name == "writer-independent"
            else own.references
            for own in development
        ]
        rows = np.concatenate(pool)
        owners = np.repeat([own.writer for own in development], [len(own) for own in pool])
        # A writer's own references are among the rows and are no negatives of the writer.
        learnt = len(rows) - (len(tested[0].references) if tested is development else 0)
        bounded = len(rows) > self.protocol.max_negatives
        # The common case by one big matrix; its scores are those of the way writer by writer (a test compares them).
        if isinstance(classifier, WriterDependent) and tested is development and not bounded:
            return self._together(tested, learnt)
        return self._apart(classifier, tested, Negatives(self.features[rows], "", WRITERS, owners), learnt)

    def _together(self, tested: Sequence[WriterSplit], learnt: int) -> _Part:
        """Score writers by support vector machines that learn against one another: one Gram matrix serves all."""
        tests = _Tests(tested, self, MAX_RANDOM_SCORES)
        references = [self.features[own.references] for own in tested]
        machines = fit_all_writers(references, self.protocol.C, self.protocol.gamma, self.threads)
        if tests.all_random:
            return _Part(_score_together(self.features, machines, tests), learnt, False)
        return _Part(self._scores(tests, machines.machine), learnt, True)

    def _apart(self, classifier: Classifier, tested: Sequence[WriterSplit], negatives: Negatives, learnt: int) -> _Part:
        """Score writer by writer: memory for one writer a thread."""
        if classifier.needs_pairs:  # which are drawn before the tests, in a bounded number
            fit = classifier.against(negatives)
            tests = _Tests(tested, self, 0, RANDOM_OF_PAIRS)
        else:
            tests = _Tests(tested, self, MAX_RANDOM_APART)
            most = self.protocol.max_negatives
            if negatives.kind == WRITERS and len(negatives) > most:
                # Sorted: libsvm's result depends on the order of the rows.
                negatives = negatives.of_rows(np.sort(self.generator.permutation(len(negatives))[:most]))
                learnt = most
            fit = classifier.against(negatives)

        def scorer(position: int) -> Scorer:
            return fit(tested[position].writer, self.features[tested[position].references])

        return _Part(self._scores(tests, scorer), learnt, not tests.all_random)

    def _scores(self, tests: _Tests, scorer: Callable[[int], Scorer]) -> list[list[Scores]]:
        from joblib import Parallel, delayed

        def work(position: int) -> list[Scores]:
            rows = tests.rows(position)
            scores = scorer(position).scores(self.features[np.concatenate(rows)])
            return np.split(scores, np.cumsum([len(kind) for kind in rows])[:-1])

        positions = range(len(tests.tested))
        return list(Parallel(n_jobs=self.threads, backend="threading")(delayed(work)(place) for place in positions))


class _Tests:
    """The test rows of every writer; random forgeries are all the others' test genuines, or a sample of them."""

    def __init__(
        self, tested: Sequence[WriterSplit], scoring: _Scoring, affordable: int, bounded: int = RANDOM_WHEN_BOUNDED
    ) -> None:
        self.tested = tested
        # Bystanders sign, but are not tested: their signatures are random forgeries for the others.
        everyone = [own.genuine for own in (*tested, *scoring.bystanders)]
        self.genuine = np.concatenate(everyone)
        self.owner = np.repeat(np.arange(len(everyone)), [len(own) for own in everyone])
        others = len(self.genuine) - min(len(own.genuine) for own in tested)
        asked = scoring.protocol.random_test
        count = asked if asked is not None else None if len(tested) * len(self.genuine) <= affordable else bounded
        self.all_random = count is None or count >= others
        self.count = others if count is None else count
        # Drawn now, used in threads: no thread's order can change what another draws.
        self.seeds = scoring.generator.integers(0, 2**63, size=len(tested))

    def rows(self, position: int) -> list[NDArray[Any]]:
        """Return the rows of the writer's genuine, skilled, simple and random tests."""
        own = self.tested[position]
        rest = self.genuine[self.owner != position]
        if not self.all_random:
            generator = np.random.default_rng(self.seeds[position])
            rest = rest[np.sort(generator.choice(len(rest), size=min(self.count, len(rest)), replace=False))]
        return [own.genuine, own.skilled, own.simple, rest]


def _score_together(features: NDArray[Any], machines: WriterMachines, tests: _Tests) -> list[list[Scores]]:
    """Score all writers on all test rows with one kernel evaluation."""
    scores, owners = [machines.scores(features[tests.genuine])], [tests.owner]
    for kind in ("skilled", "simple"):
        rows = [getattr(own, kind) for own in tests.tested]
        scores.append(machines.scores(features[np.concatenate(rows)]))
        owners.append(np.repeat(np.arange(len(rows)), [len(own) for own in rows]))
    return [
        [
            *(kind[place, owner == place] for kind, owner in zip(scores, owners, strict=True)),
            scores[0][place, tests.owner != place],
        ]
        for place in range(len(tests.tested))
    ]
