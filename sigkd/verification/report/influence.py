"""What the score hangs on: its change when a part of the ink is taken away, or a view is made like the references'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sigkd.verification.comparison import Case, Comparison

if TYPE_CHECKING:
    from sigkd.verification.verifier import Verifier

QUERY_PARTS, REFERENCE_PARTS = 16, 3
"""Most parts of the query and of a reference that are taken away: each costs a pass through the network and view."""
PASSES = 48
"""Of the network that the query's parts may cost in all views together."""
EXPLAINED = 6
"""References whose parts are looked at."""
_LEAST_SHARE = 0.01  # of the ink: less is not worth a pass


@dataclass(frozen=True)
class Influence:
    """A grid over the ink's box and how the score falls without the ink in each cell."""

    change: NDArray[np.float64]
    """[rows, columns]: positive where the score falls (it is like the references), 0 where there is no ink."""
    score: float

    def strongest(self, number: int) -> list[tuple[int, int, float]]:
        """Return row, column and change of the cells that change most in either direction, at most so many of each."""
        cells = [(row, column, float(self.change[row, column])) for row, column in np.argwhere(self.change != 0)]
        ordered = sorted(cells, key=lambda cell: cell[2])
        opposing = [cell for cell in ordered[:number] if cell[2] < 0]
        return [cell for cell in ordered[::-1][:number] if cell[2] > 0] + opposing


def influences(verifier: Verifier, case: Case) -> tuple[Influence, dict[int, Influence]]:
    """Return the influence of the query's ink, and of the references' (by their place) on their own scores.

    All variants go through the network together.
    """
    comparison, columns = case.comparison.fitting(case.query)
    views = len(case.query.image) if case.query.image.ndim == 3 else 1
    pictures = [(case.query.image, max(6, min(QUERY_PARTS, PASSES // views)))]
    places = [place for place, one in enumerate(case.references) if one is not None][:EXPLAINED]
    for place in places:
        one = case.references[place]
        assert one is not None  # noqa: S101 - chosen so
        pictures.append((one.image, REFERENCE_PARTS))
    grids = [_grid(image, parts) for image, parts in pictures]
    variants = [one for (image, _), cells in zip(pictures, grids, strict=True) for one in _variants(image, cells)]
    scores = _scores(verifier, comparison, columns, variants)
    reference_scores = np.asarray(comparison.template.scores(comparison.references.features), np.float64)
    whole = [case.answer.score, *(float(reference_scores[place]) for place in places)]
    found, position = [], 0
    for cells, score in zip(grids, whole, strict=True):
        inked = np.argwhere(cells)
        without = scores[position : position + len(inked)]
        position += len(inked)
        change = np.zeros(cells.shape)
        change[tuple(inked.T)] = score - without
        found.append(Influence(change, score))
    return found[0], dict(zip(places, found[1:], strict=True))


def _scores(
    verifier: Verifier, comparison: Comparison, columns: slice, images: list[NDArray[np.uint8]]
) -> NDArray[np.float64]:
    features = np.ascontiguousarray(verifier.features(images)[:, columns])
    return np.asarray(comparison.template.scores(features), np.float64)


def _box(image: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _cell(box: tuple[int, int, int, int], shape: tuple[int, ...], row: int, column: int) -> tuple[slice, slice]:
    down = np.rint(np.linspace(box[0], box[1], shape[0] + 1)).astype(int)
    across = np.rint(np.linspace(box[2], box[3], shape[1] + 1)).astype(int)
    return slice(down[row], down[row + 1]), slice(across[column], across[column + 1])


def _grid(image: NDArray[np.uint8], parts: int) -> NDArray[np.bool_]:
    """Return the finest grid of about square cells of which at most so many hold ink, and which do."""
    picture = image[0] if image.ndim == 3 else image
    if not picture.any():
        return np.zeros((1, 1), bool)
    box = _box(picture)
    proportion = (box[1] - box[0]) / (box[3] - box[2])
    best = np.ones((1, 1), bool)
    for columns in range(1, parts + 1):
        shape = max(1, round(columns * proportion)), columns
        cells = [
            [picture[_cell(box, shape, row, column)].sum() for column in range(columns)] for row in range(shape[0])
        ]
        inked = np.array(cells) > _LEAST_SHARE * picture.sum()
        if inked.sum() > parts:
            break
        best = inked
    return best


def _variants(image: NDArray[np.uint8], cells: NDArray[np.bool_]) -> list[NDArray[np.uint8]]:
    """Return the image without each inked cell, in all of its views."""
    made = []
    for row, column in np.argwhere(cells):
        variant = image.copy()
        for view in variant if image.ndim == 3 else variant[None]:
            if view.any():
                view[_cell(_box(view), cells.shape, int(row), int(column))] = 0
        made.append(variant)
    return made


def view_influences(verifier: Verifier, case: Case) -> list[tuple[str, float]]:
    """Return by view how the score would rise if the query were the references' mean in it; empty for one view."""
    comparison, columns = case.comparison.fitting(case.query)
    widths = [projection.axes.shape[1] for projection in verifier.model.projections]
    ends = np.cumsum([0, *widths])
    views = [
        (projection.view, slice(int(first) - columns.start, int(end) - columns.start))
        for projection, first, end in zip(verifier.model.projections, ends[:-1], ends[1:], strict=True)
        if columns.start is not None and first >= columns.start and end <= columns.stop
    ]
    if len(views) < 2:
        return []
    own = verifier.features([case.query.image])[:, columns]
    rows = np.repeat(own, len(views) + 1, axis=0)
    mean = comparison.references.features.mean(axis=0)
    for row, (_, part) in zip(rows[1:], views, strict=True):
        row[part] = mean[part]
    scores = comparison.template.scores(np.ascontiguousarray(rows))
    rises = [(name, float(score - scores[0])) for (name, _), score in zip(views, scores[1:], strict=True)]
    return sorted(rises, key=lambda one: -one[1])
