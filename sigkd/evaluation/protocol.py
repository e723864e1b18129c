"""Who is tested against whom: the choice of references and test signatures, seeded and independent of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sigkd.classifiers import AUTO, CLASSIFIERS, WRITERS
from sigkd.classifiers.base import check_classifier
from sigkd.classifiers.negatives import check_kind
from sigkd.datasets.layouts import DATASETS, Defaults
from sigkd.errors import InputError, UsageError
from sigkd.registry import check_name, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROTOCOLS = {"paper": "wd", "writer-independent": "dichotomy", "dev-threshold": "wd"}
"""Protocols, and the classifier of each unless another is asked for."""
FORGERIES = ("skilled", "random", "both")
GENUINE, SKILLED, SIMPLE = 0, 1, 2

MAX_NEGATIVES = 4000
"""References of other writers that one classifier learns from at most; the paper's sets stay below (3036)."""
MAX_RANDOM_SCORES = 2_000_000
"""Random-forgery scores of one split up to which every other writer's test signature is tried."""


@dataclass(frozen=True)
class Protocol:
    """What is computed. Everything here is written into the results."""

    name: str = "paper"
    genuine_test: int = Defaults.test_genuine
    """Genuine test signatures a writer, at most (Table 3)."""
    skilled_test: int = Defaults.test_skilled
    """Skilled forgeries a writer, at most (Table 3)."""
    forgeries: str = "skilled"
    """The forgeries behind the error rates without a suffix; ``both`` adds those against random forgeries."""
    simple_forgeries: bool = False
    """Report the acceptance of simple forgeries too."""
    C: float = 1.0
    gamma: float | None = None
    """Of the RBF kernel; None: 1 / D for vectors of D features, the paper's 2^-11 for 2048."""
    max_negatives: int = MAX_NEGATIVES
    """References of other writers beyond which a random pool of this many serves all writers."""
    random_test: int | None = None
    """Random forgeries a writer at test; None: the test genuines of all other writers while that stays affordable."""
    classifier: str = ""
    """One of the classifiers, or ``auto`` as ``verify`` chooses; empty: the protocol's own, put in its place."""
    negatives: str = WRITERS
    """What it learns against: the other ``writers`` that the protocol allows, or a ``cohort``."""

    def __post_init__(self) -> None:
        check_name(self.name, PROTOCOLS, "protocol")
        check_name(self.forgeries, FORGERIES, "kind of forgeries")
        object.__setattr__(self, "classifier", check_classifier(self.classifier or PROTOCOLS[self.name]))
        check_kind(self.negatives)
        if self.genuine_test < 1 or self.skilled_test < 0 or self.max_negatives < 1:
            raise UsageError("a protocol needs at least one genuine test signature and one negative")

    def check(self, nrefs: Sequence[int]) -> None:
        """Refuse numbers of references with which the classifier cannot learn.

        Raises:
            UsageError: a number below 1, or pairs asked of single references.
        """
        if not nrefs or min(nrefs) < 1:
            raise UsageError("`nref` must be at least 1")
        pairs = self.classifier != AUTO and CLASSIFIERS.get(self.classifier).needs_pairs
        if pairs and min(nrefs) < 2 and self.negatives == WRITERS and self.name != "writer-independent":
            raise UsageError(
                f"the classifier '{self.classifier}' learns from pairs of other writers' references, and one reference "
                "is no pair: use more references, or the protocol 'writer-independent'"
            )

    def describe(self) -> dict[str, Any]:
        """Return the protocol as JSON values."""
        return asdict(self)


def default_counts(dataset: str, stated: dict[str, Any] | None = None) -> tuple[int, int, int]:
    """Return references, genuine tests and skilled forgeries a writer: Table 3's, what the dataset states, or ours."""
    # The paper's Table 3 comes first, then what a made-up set says of itself, then ours.
    counts = DATASETS.get(dataset).defaults if dataset in DATASETS else Defaults()
    names = ("references", "test_genuine", "test_skilled")
    if counts == Defaults() and stated and all(isinstance(stated.get(name), int) for name in names):
        counts = Defaults(**{name: stated[name] for name in names})
    return counts.references, counts.test_genuine, counts.test_skilled


def default_protocol(
    dataset: str, name: str = "paper", stated: dict[str, Any] | None = None, **changes: Any
) -> Protocol:
    """Return the protocol with the default test counts for ``dataset``; ``changes`` of None are ignored."""
    _, genuine, skilled = default_counts(dataset, stated)
    protocol = Protocol(name=name, genuine_test=genuine, skilled_test=skilled)
    return replace(protocol, **{key: value for key, value in changes.items() if value is not None})


@dataclass(frozen=True)
class WriterSplit:
    """One writer's part of a split: row numbers into the features."""

    writer: int
    references: NDArray[np.int64]
    genuine: NDArray[np.int64]
    skilled: NDArray[np.int64]
    simple: NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """One random division of every writer's signatures into references and tests."""

    nref: int
    number: int
    writers: tuple[WriterSplit, ...]
    bystanders: tuple[WriterSplit, ...] = ()
    """Writers whose test genuines are random forgeries and nothing else."""


def pick_writers(text: str | None, names: Sequence[str]) -> list[int]:
    """Return the places in ``names`` of the writers that ``text`` means, None: all.

    ``A:B`` are positions as in Python (from 0, B not among them, either end may be absent, -1 is the last); anything
    else is names with commas between them.

    Raises:
        UsageError: an unknown name, or nobody in that range.
    """
    everyone = list(range(len(names)))
    if text is None:
        return everyone
    if ":" not in text:
        places = {name: place for place, name in enumerate(names)}
        wanted = [name.strip() for name in text.split(",")]
        unknown = [name for name in wanted if name not in places]
        if unknown:
            raise UsageError(
                f"`writers` {text}: there is no writer '{unknown[0]}' among {names[0]} ... {names[-1]}."
                f"{nearest(unknown[0], list(names))} Give names with commas, or A:B, from the A-th (counted from 0) to "
                "before the B-th"
            )
        return sorted({places[name] for name in wanted})
    try:
        first, last = (int(end) if end.strip() else None for end in text.split(":"))
    except ValueError:
        raise UsageError(f"`writers` {text}: A:B are two positions, counted from 0") from None
    chosen = everyone[first:last]
    if not chosen:
        raise UsageError(
            f"`writers` {text}: there is nobody in this range of {len(names)} writers (0 to {len(names) - 1})"
        )
    return chosen


@dataclass(frozen=True)
class Selection:
    """The writers of a set by what they can serve for, as labels."""

    tested: tuple[int, ...]
    without_forgeries: tuple[int, ...] = ()
    """No skilled forgeries of theirs: they are random forgeries only."""
    short: tuple[int, ...] = ()
    """Too few genuine signatures: left out."""
    in_words: str = ""
    """Who is not tested and why; empty: everybody is."""


def select_writers(
    y: NDArray[Any],
    yforg: NDArray[Any],
    nrefs: Sequence[int],
    protocol: Protocol,
    *,
    writers: str | None = None,
    skip_short: bool = False,
    names: Sequence[str] | None = None,
) -> Selection:
    """Sort the writers by what they can serve for.

    Args:
        y: writers, [N].
        yforg: 0 genuine, 1 skilled forgery, 2 simple forgery, [N].
        nrefs: numbers of references.
        protocol: which forgeries are needed.
        writers: which ones, see :func:`pick_writers`; the others do not appear at all.
        skip_short: go on without the writers that cannot be tested.
        names: of the writers, in the order of their labels.

    Raises:
        InputError: with the writers' names, if some have too few genuine signatures for ``max(nrefs)`` references and
            one test, if there are no forgeries of the asked kind, or if fewer than two writers remain.
    """
    y, yforg = np.asarray(y), np.asarray(yforg)
    if (y < 0).any():
        raise InputError(f"{int((y < 0).sum())} signatures have no writer (y = -1): evaluation needs labels")
    unknown = set(np.unique(yforg).tolist()) - {GENUINE, SKILLED, SIMPLE}
    if unknown:
        raise InputError(f"yforg holds {sorted(unknown)}; known: 0 genuine, 1 skilled forgery, 2 simple forgery")
    labels: list[int] = np.unique(y).tolist()
    writer_names = [str(label) for label in labels] if names is None or len(names) != len(labels) else list(names)
    name = dict(zip(labels, writer_names, strict=True))
    everyone = [labels[place] for place in pick_writers(writers, writer_names)]
    most = max(nrefs)
    counts = dict(zip(*np.unique(y[yforg == GENUINE], return_counts=True), strict=True))
    skilled = set(np.unique(y[yforg == SKILLED]).tolist())

    def listed(chosen: Sequence[int], detail: bool = True) -> str:
        shown = [f"{name[w]} ({counts.get(w, 0)})" if detail else name[w] for w in chosen[:8]]
        return ", ".join(shown) + (f" and {len(chosen) - 8} more" if len(chosen) > 8 else "")

    # By the largest number of references: the writers must be the same in all columns of a table.
    short = [w for w in everyone if counts.get(w, 0) < most + 1]
    if short and not skip_short:
        raise InputError(
            f"{most} references and at least one test need {most + 1} genuine signatures; {len(short)} of "
            f"{len(everyone)} writers have fewer: {listed(short)}. Use a smaller `nref`, or `skip_short_writers=True`"
        )
    kept = [w for w in everyone if counts.get(w, 0) >= most + 1]
    lacking: list[int] = []
    if protocol.forgeries != "random":
        if not skilled.intersection(everyone):
            raise InputError("the set has no skilled forgeries: use `forgeries='random'`")
        lacking = [w for w in kept if w not in skilled]
        if lacking and not skip_short:
            raise InputError(
                f"{len(lacking)} writers have no skilled forgeries: {listed(lacking, detail=False)}. "
                "Use `forgeries='random'`, or `skip_short_writers=True`"
            )
        kept = [w for w in kept if w in skilled]
    if protocol.simple_forgeries and not (yforg == SIMPLE).any():
        raise InputError("the set has no simple forgeries (yforg 2): leave out `simple_forgeries`")
    # the other protocols learn from one half of the writers and test the other; random forgeries need two in each
    least = 2 if protocol.name == "paper" else 4
    if len(kept) < least:
        raise InputError(f"{len(kept)} writers can be evaluated; the protocol '{protocol.name}' needs at least {least}")
    told = []
    if short:
        told.append(f"{len(short)} writers with too few genuine signatures are left out: {listed(short)}")
    if lacking:
        told.append(
            f"{len(lacking)} writers without forgeries serve as random forgeries only: {listed(lacking, detail=False)}"
        )
    return Selection(tuple(kept), tuple(lacking), tuple(short), "; ".join(told))


def choose_split(
    y: NDArray[Any],
    yforg: NDArray[Any],
    writers: Sequence[int],
    nref: int,
    number: int,
    seed: int,
    protocol: Protocol,
    bystanders: Sequence[int] = (),
) -> Split:
    """Return split ``number``: the field's random choice, seeded a writer at a time.

    For each writer the generator ``numpy.random.default_rng([seed, number, label])`` permutes first the genuine, then
    the skilled, then the simple rows. The first ``nref`` genuine rows are the references, the **last** ``genuine_test``
    of the rest are tests, and the first ``skilled_test`` skilled rows are tests. So more references contain fewer ones,
    the tests stay the same while enough signatures remain, and neither other writers nor the model change a writer's
    split.
    """
    y, yforg = np.asarray(y), np.asarray(yforg)
    # Stable: rows of a writer stay in the dataset's order, which the permutation below starts from.
    order = np.argsort(y, kind="stable")
    ranked = y[order]
    chosen = []
    for writer in (*writers, *bystanders):
        rows = order[np.searchsorted(ranked, writer, "left") : np.searchsorted(ranked, writer, "right")]
        kinds = yforg[rows]
        # Kinds are permuted in this order, always all three: leaving one out would change the others' draws.
        generator = np.random.default_rng([seed, number, writer])
        genuine, skilled, simple = (generator.permutation(rows[kinds == kind]) for kind in (GENUINE, SKILLED, SIMPLE))
        # from the end, so that other numbers of references have the same tests
        tests = genuine[nref:][-protocol.genuine_test :]
        chosen.append(WriterSplit(int(writer), genuine[:nref], tests, skilled[: protocol.skilled_test], simple))
    return Split(nref, number, tuple(chosen[: len(writers)]), tuple(chosen[len(writers) :]))
