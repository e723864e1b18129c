"""Is a difference more than chance? The tests of the paper's Section 4.4, and a bootstrap that fits the problem.

Splits of the same writers reuse the same signatures, so they are not independent: a test over splits answers "would
other references of *these writers* give the same order", and its p-values are too small for any wider claim. The paired
bootstrap over writers answers "would other writers". Recommendations after Demšar, "Statistical comparisons of
classifiers over multiple data sets", Journal of Machine Learning Research 7 (2006).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from sigkd import measures
from sigkd.errors import InputError, UsageError
from sigkd.evaluation.bootstrap import draw_writers, interval
from sigkd.evaluation.protocol import Protocol
from sigkd.evaluation.results import Result, Results
from sigkd.evaluation.scoring import SplitScores
from sigkd.evaluation.summary import BETTER_HIGH, split_replicates
from sigkd.registry import check_name, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

COMPARED = {"classifier", "negatives", "C", "gamma"}
"""Of the protocol: how a system decides, which is what a comparison on the same trials is about."""
ZERO_METHODS = ("zsplit", "wilcox", "pratt")
BY_WRITER = ("eer_user", "eer_global", "frr", "far_skilled", "far_random", "auc")
"""Metrics that have a value a writer."""


@dataclass(frozen=True)
class Friedman:
    """The Friedman test of k systems in n blocks, in the form of Iman and Davenport too."""

    ranks: Values
    """Mean rank of each system, 1 the best, [k]."""
    chi2: float
    p: float
    f: float
    """Iman and Davenport's statistic, F-distributed with k-1 and (k-1)(n-1) degrees of freedom; less conservative."""
    p_f: float


def friedman(values: Values, higher_is_better: bool = False) -> Friedman:
    """Test whether k systems [k, n] differ over n blocks. Demšar (2006), section 3.2.2.

    Ties share their mean rank; the chi-squared statistic is corrected for ties as in scipy's ``friedmanchisquare``.
    """
    from scipy import stats

    systems, blocks = values.shape
    ranks = stats.rankdata(-values if higher_is_better else values, axis=0).mean(axis=1)
    # All systems equal in all blocks: scipy would divide by zero.
    if np.ptp(values, axis=0).max() == 0:
        return Friedman(ranks, 0.0, 1.0, 0.0, 1.0)
    chi2, p = stats.friedmanchisquare(*values)
    # 0 where every block ranks the systems alike: F is infinite then.
    rest = blocks * (systems - 1) - chi2
    f = (blocks - 1) * chi2 / rest if rest > 1e-12 else float("inf")
    p_f = float(stats.f.sf(f, systems - 1, (systems - 1) * (blocks - 1)))
    # An infinite F (every block has the same order) has no place in JSON: the largest float stands for it.
    return Friedman(ranks, float(chi2), float(p), float(min(f, np.finfo(np.float64).max)), p_f)


def holm(p: Sequence[float]) -> Values:
    """Return p-values adjusted for testing all of them. Holm, Scandinavian Journal of Statistics 6 (1979)."""
    # The maximum so far: an adjusted p-value may not be smaller than that of a smaller p.
    order = np.argsort(p)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(np.asarray(p)[order] * np.arange(len(p), 0, -1)))
    return adjusted


def wilcoxon(a: Values, b: Values, zero_method: str = "zsplit") -> tuple[float, float, float]:
    """Return p-value, rank-biserial correlation and the Hodges-Lehmann difference a - b of paired values [n].

    Wilcoxon, Biometrics Bulletin 1 (1945). Zero differences: ``zsplit`` shares their ranks between the two sides, as
    Demšar (2006) recommends; ``wilcox`` leaves them out, as Wilcoxon did and MATLAB's ``signrank`` does; ``pratt``
    ranks them and leaves their ranks out (Pratt 1959). The effect size is Kerby's matched-pairs rank-biserial
    correlation (2014), from -1 to 1: positive where ``a`` is larger. The difference is the median of the pairs' mean
    differences.
    """
    from scipy import stats

    difference = a - b
    if not difference.any():
        return 1.0, 0.0, 0.0
    # Errors are counts over trials: differences that are equal as fractions must tie although their last bits differ.
    difference = np.round(difference, 12)
    p = float(stats.wilcoxon(difference, zero_method=zero_method, method="auto").pvalue)
    ranks = stats.rankdata(np.abs(difference))
    effect = float(np.sum(np.sign(difference) * ranks) / ranks.sum())
    # With each pair itself: Walsh averages include the differences.
    left, right = np.triu_indices(len(difference))
    return p, effect, float(np.median((difference[left] + difference[right]) / 2))


def nemenyi_cd(systems: int, blocks: int, alpha: float = 0.05) -> float:
    """Return the critical difference of mean ranks. Nemenyi (1963); Demšar (2006), section 3.2.2."""
    from scipy import stats

    # Demsar's q is the studentized range's quantile over the square root of 2.
    quantile = stats.studentized_range.ppf(1 - alpha, systems, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(systems * (systems + 1) / (6 * blocks)))


def nemenyi_p(ranks: Values, blocks: int) -> Values:
    """Return the p-value of each pair's difference of mean ranks, [k, k]."""
    from scipy import stats

    systems = len(ranks)
    error = np.sqrt(systems * (systems + 1) / (6 * blocks))
    q = np.abs(ranks[:, None] - ranks[None]) / error * np.sqrt(2)
    return np.asarray(stats.studentized_range.sf(q, systems, np.inf))


def writer_values(entry: Result, metric: str) -> Values:
    """Return a metric a writer, averaged over the splits, [W]; for ``eer_global`` the mean of the writer's two errors.

    Raises:
        UsageError: for a metric that has no value a writer.
        InputError: if the results hold no scores.
    """
    if metric not in BY_WRITER:
        raise UsageError(
            f"'{metric}' has no value a writer.{nearest(metric, list(BY_WRITER))} {', '.join(BY_WRITER)} do"
        )
    return np.asarray(np.mean([_writer_values(scores, metric) for scores in entry.scores()], axis=0))


def _writer_values(scores: SplitScores, metric: str) -> Values:
    forged = scores.skilled if any(map(len, scores.skilled)) else scores.random
    if metric == "auc":
        return np.array([measures.auc(*pair) for pair in zip(scores.genuine, forged, strict=True)])
    if metric == "eer_user":
        pairs = list(zip(scores.genuine, forged, strict=True))
        # Rates, not counts: writers may have different numbers of tests.
        errors = np.array([measures.user_errors(*pair) for pair in pairs], dtype=np.float64)
        return np.asarray((errors / [[len(own), len(other)] for own, other in pairs]).mean(axis=1))
    # One threshold for all writers, as the metric itself has it; only the errors are counted by writer.
    threshold = measures.eer_threshold(np.concatenate(scores.genuine), np.concatenate(forged))
    rejected = np.array([np.mean(own < threshold) for own in scores.genuine])
    if metric == "frr":
        return rejected
    if metric == "far_random":
        forged = scores.random
    accepted = np.array([np.mean(own >= threshold) for own in forged])
    return accepted if metric.startswith("far") else (rejected + accepted) / 2


def replicates(entry: Result, protocol: Protocol, count: int, seed: int) -> dict[str, Values]:
    """Return replicates [count] of an entry's metrics; one seed draws the same writers for every model."""
    splits = entry.scores()
    drawn = draw_writers(len(splits[0].writers), count, seed)
    for scores in splits:
        if (count, seed) not in scores.replicates:
            scores.replicates[count, seed] = split_replicates(scores, protocol, drawn)
    found = [scores.replicates[count, seed] for scores in splits]
    return {name: np.mean([values[name] for values in found], axis=0) for name in found[0]}


def bootstrap_p(difference: Values) -> float:
    """Return the two-sided p-value of "no difference" from replicates of the difference (Davison and Hinkley, 1997)."""
    count = len(difference)
    below, above = np.count_nonzero(difference <= 0), np.count_nonzero(difference >= 0)
    # +1: a finite number of replicates never shows p = 0.
    return float(min(1.0, 2 * (min(below, above) + 1) / (count + 1)))


def paired_bootstrap(a: Values, b: Values) -> tuple[float, tuple[float, float]]:
    """Return p-value and 95 % interval of a - b from replicates that drew the same writers."""
    return bootstrap_p(a - b), interval(a - b)


def incompatibility(a: Result, b: Result, documents: Sequence[Results]) -> str | None:
    """Return in words what forbids to compare two entries, or None. ``documents``: the files that they are from."""
    first, second = (document.datasets[entry.dataset] for entry, document in zip((a, b), documents, strict=True))
    checks: list[tuple[str, Any, Any]] = [
        ("the dataset", a.dataset, b.dataset),
        ("the signatures of the dataset (trials_hash)", first.trials_hash, second.trials_hash),
        ("the prepared dataset (hash)", first.hash or None, second.hash or None),
        ("the number of references", a.nref, b.nref),
    ]
    described = [asdict(document.protocol_of(entry.dataset)) for entry, document in zip((a, b), documents, strict=True)]
    # COMPARED: what a comparison may be about, such as the classifier.
    keys = sorted(set(described[0]) - COMPARED)
    checks += [(f"the protocol's '{key}'", described[0][key], described[1][key]) for key in keys]
    checks += [
        ("the number of splits", documents[0].splits, documents[1].splits),
        ("the number of writers", a.writers, b.writers),
        ("the seed", documents[0].seed, documents[1].seed),
        ("the splits (split_hash)", a.split_hash, b.split_hash),
    ]
    same_splits = a.split_hash == b.split_hash
    same_trials = bool(first.trials_hash) and first.trials_hash == second.trials_hash
    for what, left, right in checks:
        if what == "the seed" and same_splits:
            continue  # a manifest gives the same splits whatever the seed
        if what == "the dataset" and same_trials:
            continue  # whatever the two files were called
        if what.startswith("the prepared") and (left is None or right is None):
            continue  # features from other programs carry no hash of the images
        if left != right:
            return f"{what}: {_short(left)} and {_short(right)}"
    return None


def _short(value: Any) -> str:
    text = str(value)
    return f"{text[:12]}..." if len(text) > 40 else text


@dataclass(frozen=True)
class Ranks:
    """Friedman's and Nemenyi's tests of three systems or more."""

    mean_ranks: list[float]
    """Of each system; 1: the best."""
    chi2: float
    p: float
    iman_davenport_f: float
    p_f: float
    critical_difference: float
    """Nemenyi's: mean ranks that differ by less cannot be told apart."""
    nemenyi_p: list[list[float]]
    """Of each pair of systems."""


@dataclass(frozen=True)
class Tested:
    """A p-value, and what it is after Holm's correction over all pairs."""

    p: float
    p_holm: float
    significant: bool


@dataclass(frozen=True)
class Pair:
    """Two systems compared; positive numbers: ``a`` has the larger value."""

    a: str
    b: str
    difference: float
    """Of the means."""
    wilcoxon: Tested
    rank_biserial: float
    hodges_lehmann: float
    bootstrap: Tested | None = None
    """Over writers; null: no scores, or none asked for."""
    bootstrap_ci95: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Systems compared on one dataset with one number of references."""

    dataset: str
    nref: int
    metric: str
    by: str
    """Blocks of the tests: ``split`` or ``writer``."""
    blocks: int
    alpha: float
    systems: list[str]
    means: list[float]
    intervals: list[tuple[float, float] | None]
    ranks: Ranks | None
    """Null: two systems."""
    pairs: list[Pair]


def compare(
    entries: Sequence[Result],
    labels: Sequence[str],
    metric: str,
    protocol: Protocol,
    *,
    by: str = "split",
    alpha: float = 0.05,
    replicate_count: int = 2000,
    seed: int = 1234,
    zero_method: str = "zsplit",
) -> Comparison:
    """Compare systems that were evaluated on the same splits.

    Args:
        entries: one of ``results`` a system.
        labels: the systems' names.
        metric: which one.
        protocol: that of the entries.
        by: blocks of the tests: ``split`` or ``writer``.
        alpha: level of significance.
        replicate_count: of the paired bootstrap.
        seed: of the paired bootstrap.
        zero_method: of :func:`wilcoxon`.

    Raises:
        UsageError: for an unknown metric, block or zero method.
        InputError: for fewer than two systems or too few blocks.
    """
    if by not in ("split", "writer"):
        raise UsageError(f"unknown block '{by}': use `by='split'` or 'writer'")
    check_name(zero_method, ZERO_METHODS, "zero_method")
    if len(entries) < 2:
        raise InputError("a comparison needs at least two systems")
    metrics = list(entries[0].metrics)
    for entry, label in zip(entries, labels, strict=True):
        if metric not in entry.metrics:
            close = nearest(metric, metrics)
            raise UsageError(f"'{label}' has no metric '{metric}'.{close} Known: {', '.join(metrics)}")
    higher = metric in BETTER_HIGH
    if by == "split":
        values = np.array([entry.metrics[metric].values for entry in entries])
    else:
        values = np.array([writer_values(entry, metric) for entry in entries])
    systems, blocks = values.shape
    # 2 / 2^4 = 0.125 is the smallest p of four blocks, 0.0625 that of five.
    if blocks < 5:
        raise InputError(
            f"{blocks} {by}s are too few for a rank test: at least 5 (no p below 0.06 is possible with fewer)"
        )
    ranks = None
    if systems > 2:
        test = friedman(values, higher)
        ranks = Ranks(
            mean_ranks=test.ranks.tolist(),
            chi2=test.chi2,
            p=test.p,
            iman_davenport_f=test.f,
            p_f=test.p_f,
            critical_difference=nemenyi_cd(systems, blocks, alpha),
            nemenyi_p=nemenyi_p(test.ranks, blocks).tolist(),
        )
    drawn = _all_replicates(entries, protocol, metric, replicate_count, seed)
    return Comparison(
        dataset=entries[0].dataset,
        nref=entries[0].nref,
        metric=metric,
        by=by,
        blocks=blocks,
        alpha=alpha,
        systems=list(labels),
        means=[entry.metrics[metric].mean for entry in entries],
        intervals=[entry.metrics[metric].ci95 for entry in entries],
        ranks=ranks,
        pairs=_pairs(values, labels, entries, metric, drawn, alpha, zero_method),
    )


def _all_replicates(
    entries: Sequence[Result], protocol: Protocol, metric: str, count: int, seed: int
) -> list[Values] | None:
    if not count or not all(entry.splits for entry in entries):
        return None
    drawn = [replicates(entry, protocol, count, seed) for entry in entries]
    return [found[metric] for found in drawn] if all(metric in found for found in drawn) else None


def _pairs(
    values: Values,
    labels: Sequence[str],
    entries: Sequence[Result],
    metric: str,
    drawn: list[Values] | None,
    alpha: float,
    zero_method: str,
) -> list[Pair]:
    places = list(combinations(range(len(values)), 2))
    tests = [wilcoxon(values[i], values[j], zero_method) for i, j in places]
    ranked = _tested([p for p, _, _ in tests], alpha)
    drawings = [paired_bootstrap(drawn[i], drawn[j]) for i, j in places] if drawn is not None else []
    resampled = _tested([p for p, _ in drawings], alpha)
    return [
        Pair(
            labels[i],
            labels[j],
            entries[i].metrics[metric].mean - entries[j].metrics[metric].mean,
            ranked[number],
            effect,
            shift,
            resampled[number] if drawings else None,
            drawings[number][1] if drawings else None,
        )
        for number, ((i, j), (_, effect, shift)) in enumerate(zip(places, tests, strict=True))
    ]


def _tested(chances: Sequence[float], alpha: float) -> list[Tested]:
    return [Tested(p, float(own), bool(own < alpha)) for p, own in zip(chances, holm(chances), strict=True)]


def mark_best(document: Results, names: Sequence[str], count: int = 1000, alpha: float = 0.05) -> None:
    """Note in each of the results (``best``) the metrics in which it beats every other model significantly.

    Within one dataset and number of references: paired bootstrap over writers with ``count`` replicates (0: no marks),
    Holm over the other models.
    """
    groups: dict[tuple[str, int, str], list[Result]] = {}
    for entry in document.results:
        entry.best = []
        if entry.splits:
            groups.setdefault((entry.dataset, entry.nref, entry.split_hash), []).append(entry)
    for (dataset, _, _), group in groups.items():
        if not count or len(group) < 2 or len(group[0].splits[0].writers) < 5:
            continue
        protocol = document.protocol_of(dataset)
        drawn = [replicates(entry, protocol, count, document.seed) for entry in group]
        for metric in names:
            if not all(metric in found for found in drawn):
                continue
            sign = -1.0 if metric in BETTER_HIGH else 1.0
            # The best is tested against each of the others: it is marked only where it beats all of them.
            best = int(np.argmin([sign * entry.metrics[metric].mean for entry in group]))
            chances = [bootstrap_p(drawn[best][metric] - d[metric]) for i, d in enumerate(drawn) if i != best]
            if holm(chances).max() < alpha:
                group[best].best.append(metric)
