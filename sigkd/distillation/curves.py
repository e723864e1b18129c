"""A run's curves as one PNG: every loss term, their shares of the gradient, the accuracies, the learning rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sigkd.files import atomic_path
from sigkd.rendering import new_figure

_NOT_LOSSES = ("epoch", "lr", "seconds", "loss")


def draw_curves(path: Path, rows: Sequence[Mapping[str, float]], title: str) -> None:
    """Draw the rows of metrics.csv.

    Args:
        path: the PNG.
        rows: one an epoch.
        title: above the picture.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    rates = [name for name in names if name.endswith("accuracy") or name.startswith("probe_")]
    shares = [name for name in names if name.startswith("share_")]
    terms = [name for name in names if name not in (*_NOT_LOSSES, *rates, *shares)]
    panels = [["loss"], *([term] for term in terms if term != "val_loss")]
    panels += [panel for panel in (shares, rates) if panel] + [["lr"]]
    for panel in panels:
        if panel == ["cl"] and "val_loss" in terms:
            panel.append("val_loss")
    columns = min(3, len(panels))
    height = -(-len(panels) // columns)
    figure, places = new_figure(4 * columns, 2.8 * height, columns, height)
    for axes in places[len(panels) :]:
        axes.set_visible(False)
    for axes, panel in zip(places, panels, strict=False):
        for name in panel:
            points = [(row["epoch"], row[name]) for row in rows if name in row]
            axes.plot(*zip(*points, strict=True), marker=".", label=name)
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        if panel == shares:
            axes.set_yscale("log")
            axes.set_title("shares of the gradient", fontsize="small")
        axes.legend(fontsize="small")
        axes.grid(alpha=0.3)
    figure.suptitle(title, fontsize="medium")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)
