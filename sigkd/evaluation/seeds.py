"""Is the difference between two ways of training more than the luck of a run, and more than the choice of writers?

A network depends on the seed of its training. Results of one seed say something about that network; to say something
about the way of training, several seeds are needed, and what is drawn anew in thought are seeds *and* writers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from sigkd.errors import InputError
from sigkd.evaluation.bootstrap import interval
from sigkd.evaluation.protocol import Protocol
from sigkd.evaluation.results import Result
from sigkd.evaluation.significance import Tested, bootstrap_p, holm, replicates
from sigkd.evaluation.tables import TITLES, Cell, Grid, scale_of
from sigkd.json_documents import JsonDocument

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST = 3
"""Seeds for an interval: of two nothing can be said of how much seeds differ."""


@dataclass(frozen=True)
class Seeds:
    """A metric of one way of training over its seeds."""

    system: str
    seeds: list[int]
    values: list[float]
    """Of each seed, mean of the splits."""
    mean: float
    std: float
    """Between the seeds (n - 1)."""
    ci95: tuple[float, float] | None
    """Over seeds and writers; null: fewer than three seeds."""


@dataclass(frozen=True)
class SeedPair:
    """Two ways of training compared over the seeds that both have; positive: ``a`` has the larger value."""

    a: str
    b: str
    difference: float
    by_seed: list[float]
    ci95: tuple[float, float] | None
    """Over seeds and writers; null: fewer than three seeds."""
    test: Tested | None


@dataclass(frozen=True, kw_only=True)
class SeedComparison:
    """Ways of training compared on one dataset with one number of references."""

    dataset: str
    nref: int
    metric: str
    writers: int
    alpha: float = 0.05
    systems: list[Seeds] = field(default_factory=list)
    pairs: list[SeedPair] = field(default_factory=list)


def compare_seeds(
    systems: Mapping[str, Mapping[int, Result]],
    metric: str,
    protocol: Protocol,
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
    alpha: float = 0.05,
    count: int = 2000,
    seed: int = 1234,
) -> SeedComparison:
    """Compare ways of training whose networks were evaluated on the same splits.

    A replicate draws writers and seeds, both with replacement and the same ones for the two of a pair, and takes the
    mean of the metric over the seeds drawn: a bootstrap of two crossed factors (A. B. Owen, The pigeonhole bootstrap,
    Annals of Applied Statistics 1, 2007). Of few seeds it still sees too little: read the values of the seeds, too.

    Args:
        systems: results by the way of training and by seed, with their scores.
        metric: which one.
        protocol: that of the results.
        pairs: which are compared; None: every two.
        alpha: level of significance, after Holm over the pairs.
        count: of replicates.
        seed: of the bootstrap.

    Raises:
        InputError: no systems, results on different splits, or without the metric.
    """
    entries = [entry for runs in systems.values() for entry in runs.values()]
    if not entries:
        raise InputError("no results to compare")
    if len({(entry.nref, entry.split_hash) for entry in entries}) > 1:
        raise InputError("the results are of different splits, so they cannot be compared")
    if any(metric not in entry.metrics for entry in entries):
        raise InputError(f"not all results have the metric '{metric}'")
    drawn = {
        name: {run: replicates(entry, protocol, count, seed)[metric] for run, entry in runs.items()}
        for name, runs in systems.items()
    }
    random = np.random.default_rng([seed, 0x5EED5])
    told = []
    for name, runs in systems.items():
        values = [entry.metrics[metric].mean for entry in runs.values()]
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        whole = _over_seeds(list(drawn[name].values()), random)
        told.append(
            Seeds(name, list(runs), values, float(np.mean(values)), spread, None if whole is None else interval(whole))
        )
    compared = []
    for a, b in pairs if pairs is not None else combinations(systems, 2):
        shared = [run for run in systems[a] if run in systems[b]]
        by_seed = [systems[a][run].metrics[metric].mean - systems[b][run].metrics[metric].mean for run in shared]
        if shared:
            compared.append((a, b, by_seed, _over_seeds([drawn[a][run] - drawn[b][run] for run in shared], random)))
    chances = [bootstrap_p(difference) for _, _, _, difference in compared if difference is not None]
    adjusted = iter(zip(chances, holm(chances), strict=True)) if chances else iter(())
    found = []
    for a, b, by_seed, difference in compared:
        test = None
        if difference is not None:
            p, corrected = next(adjusted)
            test = Tested(p, float(corrected), bool(corrected < alpha))
        bounds = None if difference is None else interval(difference)
        found.append(SeedPair(a, b, float(np.mean(by_seed)), by_seed, bounds, test))
    first = entries[0]
    return SeedComparison(
        dataset=first.dataset,
        nref=first.nref,
        metric=metric,
        writers=first.writers,
        alpha=alpha,
        systems=told,
        pairs=found,
    )


class SeedComparisons(JsonDocument, format="sigkd-seed-comparisons", version=1):
    """What ``sigkd reproduce --seeds`` keeps beside its results: ways of training compared over seeds and writers."""

    comparisons: list[SeedComparison]


def seed_grids(found: SeedComparison) -> list[Grid]:
    """Return two tables: the systems with their seeds, and the pairs with their tests."""
    scale, title = scale_of(found.metric), TITLES.get(found.metric, found.metric)
    unit = " (%)" if scale != 1.0 else ""
    about = f"{title}{unit}: {found.dataset}, {found.writers} writers, {found.nref} references"
    systems = Grid(about, ["System", "Seeds", "Mean", "± between seeds", "95 %", "Each seed"])
    for one in found.systems:
        systems.rows.append(
            [
                Cell(one.system),
                Cell(str(len(one.seeds)), value=len(one.seeds)),
                Cell(f"{scale * one.mean:.2f}", value=scale * one.mean),
                Cell(f"{scale * one.std:.2f}" if len(one.seeds) > 1 else "-"),
                Cell(_bounds(one.ci95, scale, "{:.2f}")),
                Cell(" ".join(f"{scale * value:.2f}" for value in one.values)),
            ]
        )
    pairs = Grid("Pairs, over seeds and writers", ["Pair", f"Difference{unit}", "95 %", "p", "p, Holm", "Each seed"])
    for pair in found.pairs:
        tested = [Cell("-"), Cell("-")]
        if pair.test is not None:
            tested = [
                Cell(f"{pair.test.p:.4f}", value=pair.test.p),
                Cell(f"{pair.test.p_holm:.4f}", best=pair.test.significant, value=pair.test.p_holm),
            ]
        difference = Cell(f"{scale * pair.difference:+.2f}", value=scale * pair.difference)
        each = Cell(" ".join(f"{scale * value:+.2f}" for value in pair.by_seed))
        pairs.rows.append(
            [Cell(f"{pair.a} - {pair.b}"), difference, Cell(_bounds(pair.ci95, scale, "{:+.2f}")), *tested, each]
        )
    pairs.notes.append(
        f"Bold: significant at {found.alpha:g} after Holm's correction; every other pair cannot be told apart by these "
        "seeds and writers."
    )
    return [systems, pairs] if found.pairs else [systems]


def _bounds(bounds: tuple[float, float] | None, scale: float, form: str) -> str:
    return "-" if bounds is None else f"[{form.format(scale * bounds[0])}, {form.format(scale * bounds[1])}]"


def _over_seeds(runs: Sequence[NDArray[np.float64]], random: np.random.Generator) -> NDArray[np.float64] | None:
    """Return replicates [count] of the mean over seeds, from those of each seed over writers; None for too few."""
    if len(runs) < LEAST:
        return None
    values = np.array(runs)
    chosen = random.integers(0, len(values), values.shape)
    return np.asarray(np.take_along_axis(values, chosen, axis=0).mean(axis=0))
