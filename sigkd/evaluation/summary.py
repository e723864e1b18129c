"""All metrics of the scores: a value a split, their mean and standard deviation, and a 95 % interval over writers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sigkd import measures
from sigkd.evaluation import bootstrap
from sigkd.evaluation.protocol import Protocol
from sigkd.evaluation.scoring import SplitScores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]

TARGETS = (0.01, 0.001)
"""False acceptance rates at which the FRR is reported."""
BETTER_HIGH = ("auc", "auc_pooled", "auc_random", "d_prime")
"""Metrics of which more is better; of all others less is."""
NO_RATE = ("threshold_global", "d_prime", "cllr", "min_cllr", "calibration_loss")
"""Metrics that are not fractions of trials."""


@dataclass(frozen=True)
class Metric:
    """A metric over the splits; rates are fractions."""

    mean: float
    std: float
    """Of the splits (population form)."""
    values: list[float]
    """One a split."""
    ci95: tuple[float, float] | None = None
    """95 % interval by the bootstrap over writers."""
    upper95: float | None = None
    """Of a rate without any error: its 95 % bound by the rule of three."""


def _nonempty(kind: Sequence[Scores]) -> bool:
    return any(len(own) for own in kind)


def _impostors(scores: SplitScores, protocol: Protocol) -> list[Scores]:
    return scores.random if protocol.forgeries == "random" else scores.skilled


def split_metrics(scores: SplitScores, protocol: Protocol) -> dict[str, float]:
    """Return every metric of one split.

    Names: ``frr``, ``far_*`` at the global a-posteriori threshold; ``*_zero`` at 0, the classifier's own border;
    ``*_apriori`` at the threshold from development writers; ``auc`` is the mean over writers, ``auc_pooled`` that of
    all scores together; ``*_random`` against random forgeries.
    """
    forged = _impostors(scores, protocol)
    genuine_all, forged_all = np.concatenate(scores.genuine), np.concatenate(forged)
    threshold = measures.eer_threshold(genuine_all, forged_all)
    values = {
        "eer_global": measures.eer_global(genuine_all, forged_all),
        "eer_user": measures.eer_user(scores.genuine, forged),
        "threshold_global": threshold,
    }
    kinds = {
        name: np.concatenate(kind)
        for name, kind in (("skilled", scores.skilled), ("simple", scores.simple), ("random", scores.random))
        if _nonempty(kind) and (name != "simple" or protocol.simple_forgeries)
    }
    for suffix, limit in (("", threshold), ("_zero", 0.0)):
        values[f"frr{suffix}"] = measures.frr(genuine_all, limit)
        for name, pooled in kinds.items():
            values[f"far_{name}{suffix}"] = measures.far(pooled, limit)
    if scores.thresholds:
        limits = [scores.thresholds[fold] for fold in scores.fold]
        values["frr_apriori"] = _rate_apart(scores.genuine, limits, genuine=True)
        for name in kinds:
            values[f"far_{name}_apriori"] = _rate_apart(getattr(scores, name), limits, genuine=False)
        primary = "random" if protocol.forgeries == "random" else "skilled"
        values["hter_apriori"] = (values["frr_apriori"] + values[f"far_{primary}_apriori"]) / 2
    values["auc"] = float(np.mean([measures.auc(*pair) for pair in zip(scores.genuine, forged, strict=True)]))
    values["auc_pooled"] = measures.auc(genuine_all, forged_all)
    values["d_prime"] = measures.d_prime(genuine_all, forged_all)
    for target in TARGETS:
        values[f"frr_at_far_{target:g}"] = measures.frr_at_far(genuine_all, forged_all, target)
    kind = "random" if protocol.forgeries == "random" else "skilled"
    values["cllr"] = measures.cllr(scores.llr("genuine"), scores.llr(kind))
    values["min_cllr"] = measures.min_cllr(genuine_all, forged_all)
    values["calibration_loss"] = values["cllr"] - values["min_cllr"]
    if protocol.forgeries == "both":
        values["eer_global_random"] = measures.eer_global(genuine_all, kinds["random"])
        values["eer_user_random"] = measures.eer_user(scores.genuine, scores.random)
        pairs = zip(scores.genuine, scores.random, strict=True)
        values["auc_random"] = float(np.mean([measures.auc(*pair) for pair in pairs]))
    return values


def _rate_apart(scores: Sequence[Scores], limits: Sequence[float], genuine: bool) -> float:
    pairs = list(zip(scores, limits, strict=True))
    errors = sum(int(np.sum(own < limit) if genuine else np.sum(own >= limit)) for own, limit in pairs)
    return errors / max(1, sum(len(own) for own, _ in pairs))


def split_replicates(scores: SplitScores, protocol: Protocol, counts: NDArray[np.int64]) -> dict[str, Scores]:
    """Return the bootstrap replicates [B] of one split's metrics, for writers drawn as in ``counts`` [B, W]."""
    forged = _impostors(scores, protocol)
    primary = "random" if protocol.forgeries == "random" else "skilled"
    kinds = {name: getattr(scores, name) for name in ("skilled", "simple", "random")}
    kinds = {k: v for k, v in kinds.items() if _nonempty(v) and (k != "simple" or protocol.simple_forgeries)}
    others = {name: kind for name, kind in kinds.items() if name != primary}
    found = bootstrap.threshold_metrics(counts, scores.genuine, forged, others, TARGETS)
    found[f"far_{primary}"] = found.pop("far")
    found["eer_user"] = bootstrap.user_errors(counts, scores.genuine, forged)
    found["frr_zero"] = bootstrap.rate_at(counts, scores.genuine, 0.0, genuine=True)
    for name, kind in kinds.items():
        found[f"far_{name}_zero"] = bootstrap.rate_at(counts, kind, 0.0, genuine=False)
    if scores.thresholds:
        limits = [scores.thresholds[fold] for fold in scores.fold]
        found["frr_apriori"] = bootstrap.rate_at(counts, scores.genuine, limits, genuine=True)
        for name, kind in kinds.items():
            found[f"far_{name}_apriori"] = bootstrap.rate_at(counts, kind, limits, genuine=False)
        found["hter_apriori"] = (found["frr_apriori"] + found[f"far_{primary}_apriori"]) / 2
    areas = np.array([measures.auc(*pair) for pair in zip(scores.genuine, forged, strict=True)])
    found["auc"] = bootstrap.ratio(counts, areas, np.ones(len(areas)))
    found["d_prime"] = bootstrap.d_prime(counts, scores.genuine, forged)
    lines = [scores.calibration[fold] for fold in scores.fold]
    llrs = [[a * s + b for (a, b), s in zip(lines, kind, strict=True)] for kind in (scores.genuine, forged)]
    found["cllr"] = bootstrap.cllr(counts, llrs[0], llrs[1])
    if protocol.forgeries == "both":
        again = bootstrap.threshold_metrics(counts, scores.genuine, scores.random, {}, ())
        found["eer_global_random"] = again["eer_global"]
        found["eer_user_random"] = bootstrap.user_errors(counts, scores.genuine, scores.random)
        areas = np.array([measures.auc(*pair) for pair in zip(scores.genuine, scores.random, strict=True)])
        found["auc_random"] = bootstrap.ratio(counts, areas, np.ones(len(areas)))
    return found


def trials(scores: SplitScores) -> dict[str, int]:
    """Return the number of scores of each kind in one split."""
    return {kind: sum(map(len, getattr(scores, kind))) for kind in ("genuine", "skilled", "simple", "random")}


def summarise(
    values: Sequence[dict[str, float]], replicates: Sequence[dict[str, Scores]], counted: dict[str, int]
) -> dict[str, Metric]:
    """Return mean, standard deviation, interval and values of each metric.

    Args:
        values: one :func:`split_metrics` a split.
        replicates: one :func:`split_replicates` a split; empty: no intervals.
        counted: trials of one split, for the rule of three.
    """
    summary = {}
    for name in values[0]:
        series = np.array([split[name] for split in values])
        ci95 = upper95 = None
        if replicates and name in replicates[0]:
            ci95 = bootstrap.interval(np.mean([split[name] for split in replicates], axis=0))
        number = counted.get(_kind(name), 0)
        if name.startswith(("far_", "frr")) and "_at_" not in name and not series.any() and number:
            upper95 = measures.rule_of_three(number)
        summary[name] = Metric(float(series.mean()), float(series.std()), series.tolist(), ci95, upper95)
    return summary


def _kind(metric: str) -> str:
    return next((kind for kind in ("skilled", "simple", "random") if kind in metric), "genuine")
