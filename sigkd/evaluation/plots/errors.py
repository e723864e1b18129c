"""The worst errors as pairs of images: what was taken for what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sigkd.evaluation.plots.curves import System
from sigkd.evaluation.plots.style import Theme
from sigkd.rendering import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

WORST = 4


@dataclass(frozen=True)
class WorstError:
    """One signature on the wrong side of the threshold."""

    kind: str
    writer: int
    row: int
    """Row of the questioned signature in the dataset."""
    reference: int
    """Row of one of the references that it was compared with."""
    margin: float
    """Distance from the global threshold, mean of the splits in which the signature was tested."""
    splits: int


def worst_errors(system: System, kind: str, count: int = WORST) -> list[WorstError]:
    """Return the signatures of a kind that lie farthest on the wrong side, over all splits, one a writer."""
    margins: dict[int, list[tuple[float, int, int]]] = {}
    sign = 1.0 if kind == "genuine" else -1.0
    thresholds = system.entry.metrics["threshold_global"].values
    for scores, threshold in zip(system.splits, thresholds, strict=True):
        for own, values in zip(scores.split.writers, getattr(scores, kind), strict=True):
            for row, score in zip(getattr(own, kind).tolist(), values, strict=True):
                margins.setdefault(row, []).append((sign * (score - threshold), own.writer, int(own.references[0])))
    ranked = sorted((float(np.mean([m for m, _, _ in seen])), row) for row, seen in margins.items())
    worst: list[WorstError] = []
    for margin, row in ranked:
        _, writer, reference = min(margins[row])
        if margin < 0 and len(worst) < count and writer not in {error.writer for error in worst}:
            worst.append(WorstError(kind, writer, row, reference, abs(margin), len(margins[row])))
    return worst


def pairs(system: System, theme: Theme, images: Callable[[int], NDArray[np.uint8]]) -> Figure | None:
    """Draw the worst false rejections and acceptances beside a reference; None if there is no error.

    Args:
        system: the model.
        theme: the colours.
        images: returns the image of a row of the dataset, uint8 [H, W], ink bright on black.
    """
    columns = [worst_errors(system, kind) for kind in ("genuine", system.impostors) if kind != "random"]
    rows = max((len(column) for column in columns), default=0)
    if not rows:
        return None
    figure, axes = new_figure(10.4, 1.6 * rows + 0.7, columns=2 * len(columns), rows=rows)
    colours = (theme.genuine, theme.skilled)
    names = {"genuine": "genuine, rejected", "skilled": "forgery, accepted"}
    for place, panel in enumerate(axes):
        row, column = divmod(place, 2 * len(columns))
        panel.set_axis_off()
        errors = columns[column // 2]
        if row >= len(errors):
            continue
        error = errors[row]
        pair = images(error.reference), images(error.row)
        box = _ink_box(np.maximum(*pair))  # the same for both, so that sizes can be compared
        panel.imshow(255 - pair[column % 2][box], cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
        if column % 2 == 0:
            panel.set_title(f"writer {_name(system, error.writer)}: a reference", fontsize=8.5, fontweight="normal")
        else:
            panel.set_title(f"{names[error.kind]} by {error.margin:.2f}", fontsize=8.5, color=colours[column // 2])
    entry = system.entry
    title = f"{system.label} on {entry.dataset}, {entry.nref} references: worst errors"
    figure.suptitle(f"{title} (distance from the threshold, mean of the splits)", x=0.01, ha="left", fontsize=10)
    return figure


_BORDER = 6  # pixels


def _ink_box(image: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Return the rows and columns that hold ink, with a border, in the format 3 : 2 or wider."""
    rows, columns = (np.flatnonzero((image > 40).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return slice(None), slice(None)
    top, bottom = max(0, rows[0] - _BORDER), min(image.shape[0], rows[-1] + _BORDER + 1)
    missing = int(max(0, (bottom - top) * 3 // 2 - (columns[-1] - columns[0]))) // 2
    left, right = max(0, columns[0] - _BORDER - missing), min(image.shape[1], columns[-1] + _BORDER + missing + 1)
    return slice(int(top), int(bottom)), slice(int(left), int(right))


def _name(system: System, writer: int) -> str:
    names = system.entry.writer_names
    return names[writer] if 0 <= writer < len(names) else str(writer)
