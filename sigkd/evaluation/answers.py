"""What ``sigkd verify`` would have answered to the trials of an evaluation, calibrated on other writers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sigkd.errors import UsageError
from sigkd.measures import cllr, eer_global, min_cllr
from sigkd.verification.calibration import KNOWN, Calibration, fit_calibration
from sigkd.verification.calibrations import METHODS
from sigkd.verification.calibrations._base import LN10
from sigkd.verification.decision import Decision, Thresholds
from sigkd.verification.policy import Policy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sigkd.evaluation.scoring import SplitScores

    Scores = NDArray[np.float64]

KINDS = ("genuine", "skilled", "random")
ALTERNATIVES = KINDS[1:]
FOLDS = 5
"""Parts of the writers; each is judged by a calibration on the others."""


@dataclass(frozen=True)
class Stated:
    """What is asked of the answers; the policy's rule, but for what is stated here."""

    far: float | None = None
    """Stated false acceptance rate of the accept threshold, a fraction."""
    frr: float | None = None
    """Stated false rejection rate of the reject threshold, a fraction."""
    method: str = "logistic"
    """Of calibration, :data:`sigkd.verification.calibrations.METHODS`."""
    against: str | None = None
    """The alternative; None: the policy's, else skilled forgeries where there are such scores, else random ones."""
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        METHODS.get(self.method)
        if self.against not in (None, *ALTERNATIVES):
            raise UsageError(f"unknown alternative '{self.against}': use {' or '.join(ALTERNATIVES)}")

    def rule(self, against: str) -> Policy:
        """Return the rule against an alternative."""
        given = {"far": self.far, "frr": self.frr, "method": self.method, "against": against}
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return replace(self.policy, **changes)


@dataclass(frozen=True)
class Answers:
    """Rates as fractions; of the three answers, FAR counts accepted forgeries and FRR rejected genuine signatures."""

    classifier: str
    negatives: str
    references: int
    writers: int
    genuine: int
    skilled: int
    random: int
    frr: float
    far_skilled: float | None
    far_random: float | None
    inconclusive_genuine: float
    inconclusive_skilled: float | None
    inconclusive_random: float | None
    eer_skilled: float | None
    eer_random: float | None
    cllr: float
    min_cllr: float
    alternative: str
    """Of thresholds, Cllr and min Cllr."""
    method: str
    """Of calibration."""
    inconclusive: float
    """The share of inconclusive answers over all trials, each kind counted alike."""
    scale: str = KNOWN
    """``unknown``: of the views that need no resolution alone."""


def pool(splits: Sequence[SplitScores], writers: NDArray[np.int64] | None = None) -> dict[str, Scores]:
    """Return the scores of all splits together, by kind; ``writers``: only the trials against their references."""
    pooled = {}
    for kind in KINDS:
        parts = [split.pooled(kind) for split in splits]
        scores, owners = (np.concatenate(part) for part in zip(*parts, strict=True))
        pooled[kind] = scores if writers is None else scores[np.isin(owners, writers)]
    return pooled


def fit(scores: dict[str, Scores], classifier: str, negatives: str, references: int, writers: int) -> Calibration:
    """Fit a calibration to pooled scores.

    Raises:
        CalibrationError: too few scores, or scores without information.
    """
    impostors = {kind: scores[kind] for kind in ALTERNATIVES}
    return fit_calibration(
        scores["genuine"],
        impostors,
        classifier=classifier,
        negatives=negatives,
        references=references,
        writers=writers,
    )


def answer(
    splits: Sequence[SplitScores], classifier: str, negatives: str, stated: Stated | None = None, seed: int = 0
) -> Answers:
    """Calibrate on all parts of the writers but one, answer the trials of that one, over all parts.

    Args:
        splits: scores of all splits with one number of references.
        classifier: name of the classifier, for the record.
        negatives: ``cohort`` or ``writers``, for the record.
        stated: rates, method and alternative.
        seed: of the partition of the writers.

    Raises:
        CalibrationError: a part has too few scores; UsageError: rates that so few scores cannot state.
    """
    stated = stated or Stated()
    everything = pool(splits)
    # By writers: signatures of one writer on both sides would make the calibration look better than it is.
    writers = np.random.default_rng(seed).permutation(np.unique(splits[0].writers))
    kind = stated.against or stated.policy.against or ("skilled" if len(everything["skilled"]) >= 2 else "random")
    given: dict[str, Counter[Decision]] = {name: Counter() for name in KINDS}
    llr: dict[str, list[Scores]] = {"genuine": [], kind: []}
    for part in np.array_split(writers, min(FOLDS, len(writers))):
        others = np.setdiff1d(writers, part)
        # Thresholds and ratios of a part come from the others alone, as they would for a new customer.
        calibration = fit(pool(splits, others), classifier, negatives, splits[0].split.nref, len(others))
        limits: Thresholds = calibration.thresholds("the other writers", stated.rule(kind), stated.method)
        method = calibration.alternative(kind).method(stated.method)
        held = pool(splits, part)
        for name, scores in held.items():
            given[name].update(limits.decide(score) for score in scores.tolist())
        for name, parts in llr.items():
            # Bounded ratios, as verify states them: Cllr is that of what people are told.
            parts.append(method.log10_lr(held[name]) * LN10)

    def share(name: str, decision: Decision) -> float | None:
        return given[name][decision] / given[name].total() if given[name] else None

    def eer(name: str) -> float | None:
        return eer_global(everything["genuine"], everything[name]) if len(everything[name]) else None

    undecided = {name: share(name, Decision.INCONCLUSIVE) for name in KINDS}
    return Answers(
        classifier,
        negatives,
        splits[0].split.nref,
        len(writers),
        genuine=len(everything["genuine"]),
        skilled=len(everything["skilled"]),
        random=len(everything["random"]),
        frr=share("genuine", Decision.REJECTED) or 0.0,
        far_skilled=share("skilled", Decision.ACCEPTED),
        far_random=share("random", Decision.ACCEPTED),
        inconclusive_genuine=undecided["genuine"] or 0.0,
        inconclusive_skilled=undecided["skilled"],
        inconclusive_random=undecided["random"],
        eer_skilled=eer("skilled"),
        eer_random=eer("random"),
        cllr=cllr(np.concatenate(llr["genuine"]), np.concatenate(llr[kind])),
        min_cllr=min_cllr(everything["genuine"], everything[kind]),
        alternative=kind,
        method=stated.method,
        inconclusive=float(np.mean([part for part in undecided.values() if part is not None])),
    )
