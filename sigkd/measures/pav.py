"""The best likelihood ratios that keep the scores' order: the pool-adjacent-violators algorithm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]

EXTREME = 20.0
"""ln LR at which infinite values are cut where a finite curve is needed: more than any number of scores carries."""


@dataclass(frozen=True)
class Monotone:
    """A non-decreasing ln LR by linear interpolation between nodes, constant beyond them."""

    scores: Scores
    llr: Scores

    def __call__(self, scores: NDArray[np.floating]) -> Scores:
        """Return the natural log LRs of scores, same shape."""
        return np.interp(np.asarray(scores, np.float64), self.scores, self.llr)


def _pooled(genuine: Scores, forged: Scores) -> tuple[Scores, Scores]:
    """Return the distinct scores, ascending, and the non-decreasing ln LR at each."""
    from scipy.optimize import isotonic_regression

    levels, place = np.unique(np.concatenate([genuine, forged]), return_inverse=True)
    ours = np.bincount(place[: len(genuine)], minlength=len(levels))
    theirs = np.bincount(place[len(genuine) :], minlength=len(levels))
    blocks = isotonic_regression(ours / (ours + theirs), weights=ours + theirs).blocks
    in_block = [np.add.reduceat(count, blocks[:-1]) for count in (ours, theirs)]
    with np.errstate(divide="ignore"):  # whole numbers until here, so that equal ratios come out equal
        llr = np.log(in_block[0] * len(forged) / (in_block[1] * len(genuine)))
    return levels, np.repeat(llr, np.diff(blocks))


def pav_llr(genuine: Scores, forged: Scores) -> tuple[Scores, Scores]:
    """Return the best log-likelihood ratios that keep the scores' order, of the genuine and of the forged scores.

    Brümmer and du Preez (2006), section 6; Ayer et al., "An empirical distribution function for sampling with
    incomplete information", Annals of Mathematical Statistics 26 (1955). Infinite at the ends where one class is alone.
    """
    levels, llr = _pooled(genuine, forged)
    return llr[np.searchsorted(levels, genuine)], llr[np.searchsorted(levels, forged)]


def fit_pav(genuine: Scores, forged: Scores) -> Monotone:
    """Return the same as a curve for other scores, with one misleading score added at each end.

    A genuine score below all and a forged one above all leave no region free of contradiction: the curve is finite.
    """
    levels, llr = _pooled(np.append(genuine, -np.inf), np.append(forged, np.inf))
    levels, llr = levels[1:-1], np.clip(llr[1:-1], -EXTREME, EXTREME)
    edge = np.concatenate([[True], llr[1:] != llr[:-1]])
    keep = edge | np.concatenate([edge[1:], [True]])  # a block needs no nodes between its two ends
    return Monotone(levels[keep], llr[keep])
