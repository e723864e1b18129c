"""Histograms, Tippett and empirical cross-entropy plots: what scores are worth as evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sigkd import measures
from sigkd.evaluation.plots.curves import System
from sigkd.evaluation.plots.style import Theme, legend_below
from sigkd.rendering import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = (("genuine", "-"), ("skilled", "--"), ("simple", "-."), ("random", ":"))


def _panels(systems: Sequence[System], height: float) -> tuple[Figure, list[Any]]:
    """Return one panel a model, at most three in a row."""
    columns = min(3, len(systems))
    rows = -(-len(systems) // columns)
    figure, axes = new_figure(max(6.0, 4.1 * columns), height * rows, columns, rows)
    for spare in axes[len(systems) :]:
        spare.set_visible(False)
    return figure, axes


def histograms(systems: Sequence[System], theme: Theme) -> Figure:
    """Draw the distribution of the scores of each class, with the thresholds."""
    figure, axes = _panels(systems, 3.9)
    for panel, system in zip(axes, systems, strict=False):
        scores = {kind: system.pooled(kind) for kind, _ in KINDS}
        judged = np.concatenate([scores["genuine"], scores[system.impostors]])
        low, high = np.quantile(judged, [0.001, 0.999])
        bins = np.linspace(low, high, 61)
        top = 0.0
        for kind, dash in KINDS:
            if not len(scores[kind]):
                continue
            counted, _ = np.histogram(scores[kind], bins=bins)
            density = counted / (len(scores[kind]) * (bins[1] - bins[0]))  # of all, also of those beyond the axis
            colour = getattr(theme, kind)
            panel.stairs(density, bins, color=colour, linestyle=dash, linewidth=1.8, label=kind, zorder=3)
            panel.stairs(density, bins, color=colour, fill=True, alpha=0.18)
            top = max(top, float(density.max())) if kind != "random" else top
        threshold = system.entry.metrics["threshold_global"].mean
        panel.axvline(threshold, color=theme.text, linewidth=1.1, label="EER threshold")
        panel.axvline(0, color=theme.text, linewidth=0.9, linestyle=":", label="the classifier's border")
        panel.set(title=system.label, xlabel="Score", ylabel="Density", ylim=(0, 1.15 * top))
        panel.grid(axis="x", visible=False)
    legend_below(figure, axes[0], 5)
    entry = systems[0].entry
    figure.suptitle(f"Scores: {entry.dataset}, {entry.nref} references (random forgeries may be cut at the top)",
                    x=0.01, ha="left", fontsize=10)  # fmt: skip
    return figure


def tippett(systems: Sequence[System], theme: Theme) -> Figure:
    """Draw the share of log-likelihood ratios above a value. Meuwly, doctoral thesis, University of Lausanne (2001)."""
    figure, axes = _panels(systems, 3.7)
    for panel, system in zip(axes, systems, strict=False):
        for kind, dash in KINDS:
            llr = np.sort(system.pooled_llr(kind)) / np.log(10)
            if not len(llr) or kind == "simple":
                continue
            share = 100 * (1 - np.arange(len(llr)) / len(llr))
            panel.plot(llr, share, color=getattr(theme, kind), linestyle=dash, label=kind)
        ends = np.quantile(np.concatenate([system.pooled_llr("genuine"), system.pooled_llr(system.impostors)]), [0, 1])
        reach = float(np.clip(np.abs(ends).max() / np.log(10), 1, 6))
        panel.axvline(0, color=theme.text, linewidth=0.9)
        panel.set(
            title=f"{system.label}: Cllr {system.entry.metrics['cllr'].mean:.3f}", xlim=(-reach, reach), ylim=(0, 101)
        )
        panel.set(xlabel="log10 likelihood ratio, genuine : forgery", ylabel="Share above (%)")
    legend_below(figure, axes[0])
    entry = systems[0].entry
    figure.suptitle(f"Tippett: {entry.dataset}, {entry.nref} references", x=0.01, ha="left", fontsize=10)
    return figure


def ece(systems: Sequence[System], theme: Theme) -> Figure:
    """Draw the empirical cross-entropy over prior odds: as calibrated, best possible, and without evidence."""
    figure, axes = _panels(systems, 3.7)
    odds = np.linspace(-2.5, 2.5, 101)
    for panel, system in zip(axes, systems, strict=False):
        curves = _ece_curves(system, odds)
        panel.plot(odds, curves[2], color=theme.random, linestyle=":", label="no evidence")
        panel.plot(odds, curves[0], color=theme.skilled, linestyle="-", label="as calibrated")
        panel.plot(odds, curves[1], color=theme.genuine, linestyle="--", label="best calibration (PAV)")
        panel.axvline(0, color=theme.text, linewidth=0.9)
        cost, best = (system.entry.metrics[name].mean for name in ("cllr", "min_cllr"))
        panel.set(
            title=f"{system.label}: Cllr {cost:.3f}, min {best:.3f}", xlabel="log10 prior odds, genuine : forgery"
        )
        panel.set(ylabel="Empirical cross-entropy (bits)", ylim=(0, max(1.02, 1.05 * float(min(curves[0].max(), 1.5)))))
    legend_below(figure, axes[0])
    entry = systems[0].entry
    figure.suptitle(f"ECE: {entry.dataset}, {entry.nref} references", x=0.01, ha="left", fontsize=10)
    return figure


def _ece_curves(system: System, odds: Any) -> list[Any]:
    """Return the mean over the splits of the three curves."""
    found = []
    for split in system.splits:
        forged = np.concatenate(getattr(split, system.impostors))
        best = measures.pav_llr(np.concatenate(split.genuine), forged)
        llrs = (split.llr("genuine"), split.llr(system.impostors))
        nothing = (np.zeros(1), np.zeros(1))
        found.append([measures.ece_curve(*pair, odds) for pair in (llrs, best, nothing)])
    return list(np.mean(found, axis=0))
