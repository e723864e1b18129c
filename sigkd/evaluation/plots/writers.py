"""Error rates over the number of references, and writer by writer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sigkd.evaluation.plots.curves import System
from sigkd.evaluation.plots.style import DASHES, MARKERS, Theme, legend_below
from sigkd.evaluation.results import Result
from sigkd.evaluation.significance import writer_values
from sigkd.rendering import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 60
"""Writers that one chart of bars holds."""


def references(entries: Sequence[Result], theme: Theme) -> Figure:
    """Draw EER global and EER user against the number of references, with intervals, one line a model."""
    figure, axes = new_figure(8.6, 4.2, columns=2)
    models = list(dict.fromkeys(entry.model for entry in entries))
    for panel, metric, title in zip(
        axes, ("eer_global", "eer_user"), ("EER, one threshold", "EER, a threshold a writer"), strict=True
    ):
        for number, model in enumerate(models):
            own = sorted((entry for entry in entries if entry.model == model), key=lambda entry: entry.nref)
            # Models stand a little apart, so that their intervals do not hide one another.
            x = np.array([entry.nref for entry in own]) + 0.12 * (number - (len(models) - 1) / 2)
            means = np.array([100 * entry.metrics[metric].mean for entry in own])
            bounds = np.array([entry.metrics[metric].ci95 or [entry.metrics[metric].mean] * 2 for entry in own]) * 100
            error = np.abs(bounds.T - means)
            colour = theme.palette[number % len(theme.palette)]
            panel.errorbar(x, means, error, color=colour, marker=MARKERS[number % len(MARKERS)], capsize=3,
                           linestyle=DASHES[number % len(DASHES)], label=model)  # fmt: skip
        counts = sorted({entry.nref for entry in entries})
        panel.set_xticks(counts, [str(count) for count in counts])
        panel.set(title=title, xlabel="References a writer", ylabel="EER (%)")
        panel.set_ylim(bottom=0)
    legend_below(figure, axes[0])
    figure.suptitle(f"{entries[0].dataset}: 95 % intervals over writers", x=0.01, ha="left", fontsize=10)
    return figure


def per_writer(systems: Sequence[System], theme: Theme) -> Figure:
    """Draw each writer's equal error rate (own threshold, mean of the splits), the hardest first."""
    values = [100 * writer_values(system.entry, "eer_user") for system in systems]
    order = np.argsort(-np.mean(values, axis=0), kind="stable")[:SHOWN]
    count = len(systems[0].splits[0].writers)
    figure, axes = new_figure(max(6.4, min(12.0, 0.2 * len(order) + 1.5)), 2.3 * len(systems) + 0.6, rows=len(systems))
    names = _names(systems[0])
    for number, (panel, system, own) in enumerate(zip(axes, systems, values, strict=True)):
        colour = theme.palette[number % len(theme.palette)]
        panel.bar(np.arange(len(order)), own[order], color=colour, width=0.8)
        mean = float(own.mean())
        panel.axhline(mean, color=theme.text, linewidth=1.0, linestyle="--")
        place = (len(order) - 0.5, mean)
        text = f"mean of the writers {mean:.1f} %"
        panel.annotate(text, place, xytext=(0, 4), textcoords="offset points", ha="right", fontsize=8)
        panel.set(ylabel="EER (%)", title=system.label, xlim=(-0.6, len(order) - 0.4))
        panel.grid(axis="x", visible=False)
        panel.set_ylim(0, max(5.0, 1.05 * max(float(v.max()) for v in values)))
        panel.set_xticks(np.arange(len(order)), [names[place] for place in order], rotation=90, fontsize=7)
    few = f"the {len(order)} hardest of {count} writers" if count > len(order) else "all writers, the hardest first"
    entry = systems[0].entry
    axes[-1].set_xlabel("Writer")
    figure.suptitle(f"{entry.dataset}, {entry.nref} references: {few}", x=0.01, ha="left", fontsize=10)
    return figure


def _names(system: System) -> list[str]:
    """Return the writers' names where the results have them: they go by the label's place among all labels."""
    labels = system.splits[0].writers
    names = system.entry.writer_names
    return [names[label] if 0 <= label < len(names) else str(label) for label in labels]
