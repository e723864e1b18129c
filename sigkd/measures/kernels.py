"""Gaussian kernel densities of scores, and the likelihood ratio of two of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sigkd.measures.pav import Monotone, pool

Scores = NDArray[np.float64]

NODES = 401
"""Of a table of the ratio, evenly spread from the least score to the greatest."""


def bandwidth(scores: Scores) -> float:
    """Return the standard deviation of the kernel by Silverman's rule; 0 for scores that are all equal.

    Silverman, "Density estimation for statistics and data analysis" (1986), equation 3.31: 0.9 A n^(-1/5), with A the
    lesser of the standard deviation and the interquartile range over 1.34, if that is not 0.
    """
    deviation, quartiles = float(scores.std()), float(np.subtract(*np.percentile(scores, [75, 25]))) / 1.34
    return float(0.9 * (min(deviation, quartiles) or deviation) * len(scores) ** -0.2)


def density(scores: Scores, at: Scores, width: float) -> Scores:
    """Return the density of ``scores`` [n] with Gaussian kernels of standard deviation ``width`` > 0, at points [k]."""
    area = len(scores) * width * np.sqrt(2 * np.pi)
    return np.array([np.exp(-0.5 * ((point - scores) / width) ** 2).sum() / area for point in at], np.float64)


def fit_density(genuine: Scores, forged: Scores) -> Monotone:
    """Return ln LR = ln(f(s | genuine) / f(s | forged)) of two kernel densities f, made monotone.

    Meuwly, doctoral thesis, University of Lausanne (2001), with the bandwidths of :func:`bandwidth`. A ratio of kernel
    densities is free to fall: in the tails the wider kernel wins, whichever it is, and a better score would be weaker
    evidence. So the violators are pooled (:func:`sigkd.measures.pav.pool`); the curve is constant beyond the scores.
    """
    both = np.concatenate([genuine, forged])
    at = np.linspace(both.min(), both.max(), NODES)
    least = float(np.ptp(both)) / (NODES - 1) or 1.0  # a kernel between two nodes would be seen by neither
    own, other = (density(kind, at, max(bandwidth(kind), least)) for kind in (genuine, forged))
    nothing = 1e-100  # where both densities vanish, as between two classes far apart, neither is supported
    return Monotone.of(at, pool(own + nothing, other + nothing))
