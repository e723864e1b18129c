"""How large a likelihood ratio so many scores can carry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


def elub(genuine_llr: Scores, forged_llr: Scores, *, step: float = 0.01) -> tuple[float, float]:
    """Return the empirical lower and upper bounds (ELUB) of ln LRs: at most 0, at least 0.

    Vergeer, van Es, de Jongh, Alberink and Stoel, "Numerical likelihood ratios outputted by LR systems are often based
    on extrapolation: when to stop extrapolating?", Science & Justice 56 (2016), 482-491.

    Deciding "genuine" where LR > t costs, up to a factor, L(t) = P(LR <= t | genuine) + t P(LR > t | forged). With one
    misleading LR added to each side, the bounds enclose 1 and reach as far as L(t) stays below min(1, t), the cost of
    deciding without evidence. ``step`` is that of the search, in ln LR.
    """
    genuine, forged = np.sort(genuine_llr), np.sort(forged_llr)
    reach = float(np.log(max(len(genuine), len(forged)) + 1.0)) + step
    thresholds = np.arange(step, reach, step)

    def limit(t: Scores) -> float:
        """Return the last of ``t`` before the first one at which the LRs are of no use."""
        misses = (np.searchsorted(genuine, t, side="right") + 1.0) / (len(genuine) + 1.0)
        alarms = (len(forged) - np.searchsorted(forged, t, side="right") + 1.0) / (len(forged) + 1.0)
        # The first threshold of no use ends the search: what lies beyond rests on even fewer scores.
        useless = np.append(np.flatnonzero(misses + np.exp(t) * alarms >= np.minimum(1.0, np.exp(t))), len(t))[0]
        return float(t[useless - 1]) if useless else 0.0

    return limit(-thresholds), limit(thresholds)
