"""The best likelihood ratios that keep the scores' order: the pool-adjacent-violators algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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

    @classmethod
    def of(cls, scores: Scores, llr: Scores) -> Monotone:
        """Return the curve through ascending ``scores``, cut at +-``EXTREME``, without nodes inside its level parts."""
        llr = np.clip(llr, -EXTREME, EXTREME)
        edge = np.concatenate([[True], llr[1:] != llr[:-1]])
        keep = edge | np.concatenate([edge[1:], [True]])
        return cls(scores[keep], llr[keep])

    def __call__(self, scores: NDArray[np.floating]) -> Scores:
        """Return the natural log LRs of scores, same shape."""
        return np.interp(np.asarray(scores, np.float64), self.scores, self.llr)


def pool(genuine: NDArray[Any], forged: NDArray[Any]) -> Scores:
    """Return the non-decreasing ln(genuine / forged) of two masses [k] along the scores, violators pooled.

    Where the ratio of the masses falls, neighbours are pooled until it rises, and the ratio is that of their sums: the
    isotonic regression of genuine / (genuine + forged), weighted by the masses.
    """
    from scipy.optimize import isotonic_regression

    both = genuine + forged
    blocks = isotonic_regression(genuine / both, weights=both).blocks
    # A block of one class alone: ln 0, infinite evidence, which callers cut or avoid.
    with np.errstate(divide="ignore"):
        llr = np.log(np.add.reduceat(genuine, blocks[:-1]) / np.add.reduceat(forged, blocks[:-1]))
    return np.asarray(np.repeat(llr, np.diff(blocks)))


def _pooled(genuine: Scores, forged: Scores) -> tuple[Scores, Scores]:
    """Return the distinct scores, ascending, and the non-decreasing ln LR at each."""
    levels, place = np.unique(np.concatenate([genuine, forged]), return_inverse=True)
    counts = [np.bincount(part, minlength=len(levels)) for part in np.split(place, [len(genuine)])]
    return levels, pool(*counts) - np.log(len(genuine) / len(forged))


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
    # One misleading score a side: n scores cannot show that something happens less often than about once in n + 1.
    levels, llr = _pooled(np.append(genuine, -np.inf), np.append(forged, np.inf))
    return Monotone.of(levels[1:-1], llr[1:-1])
