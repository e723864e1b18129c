"""Training and validation parts that share no page, or at least no line; thinning to a wanted size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

VALIDATION = 1
"""The other part, 0, is for training."""

I64 = npt.NDArray[np.int64]


def split_rows(
    label: npt.NDArray[np.integer],
    page: npt.NDArray[np.integer],
    line: npt.NDArray[np.integer],
    validation: float,
    seed: int,
) -> npt.NDArray[np.uint8]:
    """Return the part of every crop: 0 training, 1 validation.

    A writer's pages are divided where he has several, else the lines of his page; a writer with a single line is
    training only. Writers with at least two units have something in either part (unless ``validation`` is 0).

    Args:
        label: [N] writer of each crop.
        page: [N] page number.
        line: [N] line number on the page.
        validation: wanted share of validation crops, 0 <= share < 1.
        seed: seed of the draw; the draw of one writer does not depend on the others.
    """
    part = np.zeros(len(label), np.uint8)
    if validation == 0:
        return part
    order = np.argsort(label, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(label[order])) + 1):
        if rows.size == 0:
            continue
        pages = page[rows]
        unit = pages if np.unique(pages).size > 1 else line[rows]
        names, sizes = np.unique(unit, return_counts=True)
        # seeded by the writer's first page and not by his number, which changes when another writer is left out
        random = np.random.default_rng([seed, 0x5B17, int(pages.min())])
        chosen = _units_for_validation(sizes, validation, random)
        part[rows[np.isin(unit, names[chosen])]] = VALIDATION
    return part


def _units_for_validation(sizes: I64, share: float, random: np.random.Generator) -> I64:
    """Return the numbers of the units whose sizes come near ``share`` of the total."""
    if sizes.size < 2:
        return np.zeros(0, np.int64)
    target, taken = share * sizes.sum(), 0
    chosen: list[int] = []
    order = random.permutation(sizes.size)
    for unit in order[: sizes.size - 1]:
        size = int(sizes[unit])
        if abs(taken + size - target) < abs(taken - target):
            chosen.append(int(unit))
            taken += size
    if not chosen:
        chosen = [int(order[np.argmin(sizes[order])])]
    return np.array(sorted(chosen))


def thin_rows(label: npt.NDArray[np.integer], limit: int, seed: int) -> npt.NDArray[np.bool_]:
    """Return which crops to keep so that at most ``limit`` stay, taken evenly from the writers.

    Writers with less than their even share keep everything; the others share what that leaves.
    """
    keep = np.zeros(len(label), bool)
    names, sizes = np.unique(label, return_counts=True)
    quota = np.zeros_like(sizes)
    left, open_writers = min(limit, len(label)), np.arange(names.size)
    while left > 0 and open_writers.size:
        share = left // open_writers.size
        if share == 0:  # fewer crops left than writers: one each for the first of them
            quota[open_writers[:left]] += 1
            break
        given = np.minimum(share, sizes[open_writers] - quota[open_writers])
        quota[open_writers] += given
        left -= int(given.sum())
        open_writers = open_writers[quota[open_writers] < sizes[open_writers]]
    for name, amount in zip(names, quota, strict=True):
        rows = np.flatnonzero(label == name)
        random = np.random.default_rng([seed, 0x7417, int(name)])
        keep[random.permutation(rows)[:amount]] = True
    return keep
