"""95 % intervals by resampling writers, vectorised: no score is sorted twice.

The writers are the independent units of a verification experiment, not the trials nor the splits (the splits reuse the
same signatures). So a replicate draws writers with replacement, the same draw for every split, and takes the mean over
the splits. Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13: percentile intervals.

The global EER of a replicate tries every distinct score as threshold (the estimate itself leaves out collinear points
of the ROC curve, see :mod:`sigkd.measures.rates`); a random forgery belongs to the writer that it claims to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sigkd import measures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]
    Counts = NDArray[np.int64]

CELLS = 4_000_000
"""Replicates times scores that are worked on at once (bounds the memory to about 100 MB)."""


def draw_writers(writers: int, replicates: int, seed: int) -> Counts:
    """Return how often each writer is drawn in each replicate: int64 [replicates, writers], rows sum to ``writers``."""
    # Counts in place of indices: a sum over the drawn writers is a product of matrices.
    return np.random.default_rng([seed, writers]).multinomial(writers, np.full(writers, 1 / writers), size=replicates)


def interval(replicates: Scores, level: float = 0.95) -> tuple[float, float]:
    """Return the percentile interval."""
    low, high = np.quantile(replicates, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def ratio(counts: Counts, errors: NDArray[Any], trials: NDArray[Any]) -> Scores:
    """Return ``sum(errors) / sum(trials)`` over the drawn writers for per-writer sums [W]: float64 [replicates]."""
    return np.asarray((counts @ errors) / np.maximum(counts @ trials, 1))


def per_writer(scores: Sequence[Scores], function: Any) -> NDArray[np.float64]:
    """Return ``function`` summed over each writer's scores, [W]."""
    return np.array([np.sum(function(own)) for own in scores], dtype=np.float64)


def lengths(scores: Sequence[Scores]) -> NDArray[np.float64]:
    """Return the number of scores of each writer, [W]."""
    return np.array([len(own) for own in scores], dtype=np.float64)


def rate_at(counts: Counts, scores: Sequence[Scores], threshold: float | Sequence[float], genuine: bool) -> Scores:
    """Return the replicates of FRR (``genuine``) or FAR at a fixed threshold, or at one threshold a writer."""
    limits = np.broadcast_to(np.asarray(threshold, dtype=np.float64), (len(scores),))
    pairs = zip(scores, limits, strict=True)
    errors = np.array([np.sum(own < limit) if genuine else np.sum(own >= limit) for own, limit in pairs], np.float64)
    return ratio(counts, errors, lengths(scores))


def d_prime(counts: Counts, genuine: Sequence[Scores], forged: Sequence[Scores]) -> Scores:
    """Return the replicates of d-prime, from per-writer moments about the pooled mean."""
    # About a common centre: variances from raw moments would cancel.
    centre = float(np.mean(np.concatenate(genuine)))
    means, variances = [], []
    for scores in (genuine, forged):
        trials = lengths(scores)
        mean = ratio(counts, per_writer(scores, lambda own: own - centre), trials)
        square = ratio(counts, per_writer(scores, lambda own: (own - centre) ** 2), trials)
        means.append(mean)
        variances.append(np.maximum(square - mean**2, 0.0))
    spread = np.sqrt((variances[0] + variances[1]) / 2)
    return np.divide(means[0] - means[1], spread, out=np.zeros_like(spread), where=spread > 0)


def threshold_metrics(
    counts: Counts,
    genuine: Sequence[Scores],
    forged: Sequence[Scores],
    others: dict[str, Sequence[Scores]],
    targets: Sequence[float],
) -> dict[str, Scores]:
    """Return the replicates of everything whose threshold moves with the drawn writers.

    Args:
        counts: from :func:`draw_writers`, [B, W].
        genuine: scores a writer.
        forged: scores a writer of the forgeries that fix the threshold.
        others: further kinds of forgeries whose FAR at that threshold is asked.
        targets: false acceptance rates at which the FRR is asked.

    Returns:
        ``eer_global``, ``frr``, ``far``, ``auc_pooled``, ``frr_at_far_X`` and ``far_KIND`` a kind, each [B].
    """
    owner = np.concatenate([np.repeat(np.arange(len(kind)), [len(own) for own in kind]) for kind in (genuine, forged)])
    total = sum(map(len, genuine))
    scores = np.concatenate([*genuine, *forged])
    order = np.argsort(scores)[::-1]
    owner, ranked = owner[order], scores[order]
    is_genuine = order < total
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    thresholds = np.concatenate([[np.inf], ranked[last]])
    found: dict[str, list[Scores]] = {}
    place = []
    step = max(1, CELLS // len(ranked))
    for start in range(0, len(counts), step):
        # Sorted once: a replicate only changes how often each score counts.
        drawn = counts[start : start + step].astype(np.int32)[:, owner]
        accepted = np.cumsum(np.where(is_genuine, drawn, 0), axis=1)[:, last]
        wrong = np.cumsum(np.where(is_genuine, 0, drawn), axis=1)[:, last]
        zero = np.zeros((len(drawn), 1))
        frr = 1 - np.concatenate([zero, accepted / np.maximum(accepted[:, -1:], 1)], axis=1)
        far = np.concatenate([zero, wrong / np.maximum(wrong[:, -1:], 1)], axis=1)
        best = np.argmin(np.abs(far - frr), axis=1)
        row = np.arange(len(drawn))
        place.append(best)
        batch = {"frr": frr[row, best], "far": far[row, best]}
        batch["eer_global"] = (batch["frr"] + batch["far"]) / 2
        batch["auc_pooled"] = np.sum(np.diff(far, axis=1) * (1 - (frr[:, 1:] + frr[:, :-1]) / 2), axis=1)
        for target in targets:
            # FAR only grows along the thresholds, so the last that fits is the one with the lowest FRR.
            fits = np.count_nonzero(far <= target + 1e-12, axis=1) - 1
            batch[f"frr_at_far_{target:g}"] = frr[row, fits]
        for name, values in batch.items():
            found.setdefault(name, []).append(values)
    replicates = {name: np.concatenate(values) for name, values in found.items()}
    at = np.concatenate(place)
    # Replicates share few thresholds; each is looked up once.
    used, position = np.unique(at, return_inverse=True)
    for name, kind in others.items():
        errors = np.array([len(own) - np.searchsorted(np.sort(own), thresholds[used]) for own in kind])
        hits = np.einsum("bw,wb->b", counts, errors[:, position])
        replicates[f"far_{name}"] = hits / np.maximum(counts @ lengths(kind), 1)
    return replicates


def cllr(counts: Counts, genuine_llr: Sequence[Scores], forged_llr: Sequence[Scores]) -> Scores:
    """Return the replicates of Cllr for fixed calibrations."""
    costs = [
        ratio(counts, per_writer(genuine_llr, lambda own: np.logaddexp(0.0, -own)), lengths(genuine_llr)),
        ratio(counts, per_writer(forged_llr, lambda own: np.logaddexp(0.0, own)), lengths(forged_llr)),
    ]
    return np.asarray((costs[0] + costs[1]) / (2 * np.log(2)))


def user_errors(counts: Counts, genuine: Sequence[Scores], forged: Sequence[Scores]) -> Scores:
    """Return the replicates of the user-threshold EER: a writer's threshold does not depend on the other writers."""
    errors = np.array([measures.user_errors(own, other) for own, other in zip(genuine, forged, strict=True)])
    return (ratio(counts, errors[:, 0], lengths(genuine)) + ratio(counts, errors[:, 1], lengths(forged))) / 2
