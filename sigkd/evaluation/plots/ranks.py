"""The critical-difference diagram of Demšar (2006), figure 1: mean ranks, and what Nemenyi's test cannot tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sigkd.errors import InputError, UsageError
from sigkd.evaluation.plots.style import THEMES, Theme, save_figure, themed
from sigkd.rendering import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sigkd.evaluation.comparison import Comparisons


def cliques(ranks: Sequence[float], critical: float) -> list[tuple[float, float]]:
    """Return the largest spans of mean ranks that lie within the critical difference of each other."""
    ordered = sorted(ranks)
    spans: list[tuple[float, float]] = []
    for place, first in enumerate(ordered):
        last = max(rank for rank in ordered[place:] if rank - first <= critical)
        if last > first and not any(a <= first and last <= b for a, b in spans):
            spans.append((first, last))
    return spans


def critical_difference(
    names: Sequence[str], ranks: Sequence[float], critical: float, title: str, theme: Theme
) -> Figure:
    """Draw mean ranks on a line, the best at the right; thick bars join systems that do not differ significantly."""
    count = len(names)
    half = -(-count // 2)
    spans = cliques(ranks, critical)
    height = 1.5 + 0.26 * half + 0.14 * len(spans)
    figure, (axes,) = new_figure(8.0, height)
    axes.set_axis_off()
    depth = 0.55 + 0.22 * len(spans) + 0.42 * half
    axes.set(xlim=(count + 0.25 * count, 1 - 0.25 * count), ylim=(-depth - 0.1, 1.25))
    axes.plot([1, count], [0, 0], color=theme.text, linewidth=1.4)
    for tick in range(1, count + 1):
        axes.plot([tick, tick], [0, 0.12], color=theme.text, linewidth=1.2)
        axes.text(tick, 0.17, str(tick), ha="center", va="bottom")
    shown = min(critical, count - 1)
    axes.plot([count, count - shown], [0.78, 0.78], color=theme.text, linewidth=1.4)
    for end in (count, count - shown):
        axes.plot([end, end], [0.71, 0.85], color=theme.text, linewidth=1.2)
    beyond = " (more than the axis)" if critical > count - 1 else ""
    axes.text(count - shown / 2, 0.86, f"critical difference {critical:.2f}{beyond}", ha="center", va="bottom")
    for number, (first, last) in enumerate(spans):
        level = -0.2 - 0.22 * number
        axes.plot([first - 0.03, last + 0.03], [level, level], color=theme.palette[1], linewidth=4)
    order = np.argsort(ranks, kind="stable")
    base = 0.3 + 0.22 * len(spans)
    for place, index in enumerate(order):
        right = place < half
        row = place if right else count - 1 - place
        level = -base - 0.42 * row
        edge = 1 - 0.06 * count if right else count + 0.06 * count
        axes.plot([ranks[index], ranks[index], edge], [0, level, level], color=theme.text, linewidth=1.0)
        text = f" {names[index]} ({ranks[index]:.2f}) "
        axes.text(edge, level, text, ha="left" if right else "right", va="center")
    axes.set_title(title)
    return figure


def draw_comparisons(document: Comparisons, path: Path, theme: str = "light") -> list[Path]:
    """Write one diagram a comparison to ``path`` (its suffix is the format); several get the dataset in their names.

    Raises:
        UsageError: for another suffix.
        InputError: if there are fewer than three systems.
    """
    if path.suffix not in (".svg", ".png", ".pdf"):
        raise UsageError(f"{path}: diagrams are drawn as .svg, .png or .pdf")
    drawable = [(found, found.ranks) for found in document.comparisons if found.ranks is not None]
    if not drawable:
        raise InputError("a critical-difference diagram needs at least three systems")
    written = []
    for found, test in drawable:
        label = f"{found.metric}: {found.dataset}, {found.nref} references, {found.blocks} {found.by}s"
        stem = path.with_suffix("")
        if len(drawable) > 1:
            stem = stem.with_name(f"{stem.name}-{found.dataset}-{found.nref}")
        with themed(THEMES[theme]):
            figure = critical_difference(found.systems, test.mean_ranks, test.critical_difference, label, THEMES[theme])
            written += save_figure(figure, stem, (path.suffix[1:],))
    return written
