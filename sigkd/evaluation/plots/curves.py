"""DET and ROC curves with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sigkd import measures
from sigkd.evaluation.bootstrap import draw_writers
from sigkd.evaluation.plots.style import DASHES, MARKERS, Theme, legend_below
from sigkd.evaluation.results import Result
from sigkd.evaluation.scoring import SplitScores
from sigkd.rendering import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]

TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
REPLICATES = 300


@dataclass(frozen=True)
class System:
    """One model's scores for the figures of one dataset and number of references."""

    label: str
    entry: Result
    splits: list[SplitScores]
    impostors: str
    """Which forgeries the rates are about: ``skilled`` or ``random``."""

    def pooled(self, kind: str) -> Scores:
        """Return the scores of one kind, all splits and writers together."""
        return np.concatenate([np.concatenate(getattr(split, kind)) for split in self.splits])

    def pooled_llr(self, kind: str) -> Scores:
        """Return the calibrated log-likelihood ratios of one kind, all splits and writers together."""
        return np.concatenate([split.llr(kind) for split in self.splits])


def curve_band(system: System, grid: Scores) -> tuple[Scores, Scores, Scores]:
    """Return FRR at each FAR of ``grid`` [k], and its 95 % band over writers, from all splits' scores together."""
    kinds = ("genuine", system.impostors)
    scores = [system.pooled(kind) for kind in kinds]
    owner = [
        np.concatenate(
            [np.repeat(np.arange(len(s.writers)), [len(own) for own in getattr(s, kind)]) for s in system.splits]
        )
        for kind in kinds
    ]
    drawn = draw_writers(len(system.splits[0].writers), REPLICATES, 0)
    drawn = np.concatenate([np.ones_like(drawn[:1]), drawn])
    order = [np.argsort(-own) for own in scores]
    ranked = scores[1][order[1]]
    rows = []
    for counts in drawn:
        accepted = np.cumsum(counts[owner[1][order[1]]])
        place = np.searchsorted(accepted, grid * accepted[-1], side="right")  # forgeries accepted at each FAR
        border = np.where(place < len(ranked), ranked[np.minimum(place, len(ranked) - 1)], -np.inf)
        weight = np.cumsum(counts[owner[0][order[0]]])
        above = np.searchsorted(-scores[0][order[0]], -border, side="left")
        rows.append(1 - np.where(above > 0, weight[np.maximum(above - 1, 0)], 0) / weight[-1])
    low, high = np.quantile(rows[1:], [0.025, 0.975], axis=0)
    return rows[0], low, high


def _title(system: System) -> str:
    return f"{system.entry.dataset}, {system.entry.nref} references"


def det(systems: Sequence[System], theme: Theme) -> Figure:
    """Draw detection error trade-off curves. Martin et al., "The DET curve", Eurospeech (1997)."""
    from scipy.stats import norm

    figure, (axes,) = new_figure(5.8, 6.0)
    grid = norm.cdf(np.linspace(norm.ppf(0.0007), norm.ppf(0.62), 160))
    limits = norm.ppf([0.0007, 0.62])
    axes.plot(limits, limits, color=theme.text, linewidth=0.8, alpha=0.7)
    axes.text(*norm.ppf([0.0011, 0.00135]), "equal errors", rotation=45, fontsize=8, alpha=0.8, va="bottom")
    for number, system in enumerate(systems):
        colour = theme.palette[number % len(theme.palette)]
        rate, low, high = (norm.ppf(np.clip(values, 1e-6, 1 - 1e-6)) for values in curve_band(system, grid))
        eer = system.entry.metrics["eer_global"]
        axes.fill_between(norm.ppf(grid), low, high, color=colour, alpha=0.15, linewidth=0)
        label = f"{system.label}: EER {100 * eer.mean:.2f} %"
        axes.plot(norm.ppf(grid), rate, color=colour, linestyle=DASHES[number % len(DASHES)], label=label)
        point = norm.ppf(np.clip(eer.mean, 1e-5, 0.9))
        if eer.ci95 is not None:
            ends = norm.ppf(np.clip(eer.ci95, 1e-5, 0.9))
            aside = 0.045 * (number - (len(systems) - 1) / 2)  # so that no bar hides another
            axes.plot(ends + aside, ends - aside, color=colour, linewidth=4, alpha=0.55, solid_capstyle="butt")
        marker = MARKERS[number % len(MARKERS)]
        axes.plot(point, point, marker, color=colour, markersize=7.5, markeredgecolor=theme.background, zorder=5)
    axes.set_xticks(norm.ppf(TICKS), [f"{100 * tick:g}" for tick in TICKS])
    axes.set_yticks(norm.ppf(TICKS), [f"{100 * tick:g}" for tick in TICKS])
    axes.set(xlim=limits, ylim=limits, aspect="equal", title=f"DET: {_title(systems[0])}")
    axes.set_xlabel(f"False acceptance of {systems[0].impostors} forgeries (%)")
    axes.set_ylabel("False rejection (%)")
    legend_below(figure, axes, 2)
    return figure


def roc(systems: Sequence[System], theme: Theme) -> Figure:
    """Draw receiver operating characteristics with the false acceptance on a logarithmic axis."""
    figure, (axes,) = new_figure(6.0, 4.9)
    grid = np.geomspace(0.001, 1, 200)
    for number, system in enumerate(systems):
        colour = theme.palette[number % len(theme.palette)]
        rate, low, high = curve_band(system, grid)
        area = measures.auc(system.pooled("genuine"), system.pooled(system.impostors))
        axes.fill_between(100 * grid, 100 * (1 - high), 100 * (1 - low), color=colour, alpha=0.15, linewidth=0)
        label = f"{system.label}: AUC pooled {100 * area:.2f} %"
        axes.plot(100 * grid, 100 * (1 - rate), color=colour, linestyle=DASHES[number % len(DASHES)], label=label)
    axes.plot(100 * grid, 100 * grid, color=theme.text, linewidth=0.8, alpha=0.7)
    axes.annotate("chance", (40, 40), xytext=(-4, 6), textcoords="offset points", ha="right", fontsize=8, alpha=0.8)
    axes.set(xscale="log", xlim=(0.1, 100), ylim=(0, 101), title=f"ROC: {_title(systems[0])}")
    axes.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    axes.set_xlabel(f"False acceptance of {systems[0].impostors} forgeries (%)")
    axes.set_ylabel("Genuine accepted (%)")
    legend_below(figure, axes, 2)
    return figure
