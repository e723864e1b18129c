"""What likelihood ratios cost whoever decides by them: Cllr, the part of it that no calibration mends, prior odds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sigkd.measures.pav import pav_llr

Scores = NDArray[np.float64]


def cllr(genuine_llr: Scores, forged_llr: Scores) -> float:
    """Return the cost of log-likelihood ratios in bits: 0 perfect, 1 says nothing.

    Brümmer and du Preez, "Application-independent evaluation of speaker detection", Computer Speech & Language 20
    (2006), equation 21. ``*_llr``: natural logarithms of the likelihood ratio genuine : forgery.
    """
    of_genuine = np.mean(np.logaddexp(0.0, -genuine_llr))
    of_forged = np.mean(np.logaddexp(0.0, forged_llr))
    return float((of_genuine + of_forged) / (2 * np.log(2)))


def min_cllr(genuine: Scores, forged: Scores) -> float:
    """Return Cllr after the best monotone calibration: what the order of the scores is worth, in bits.

    Brümmer and du Preez (2006), section 6. ``cllr - min_cllr`` is the calibration loss.
    """
    return cllr(*pav_llr(genuine, forged))


def ece_curve(genuine_llr: Scores, forged_llr: Scores, prior_log10_odds: Scores) -> Scores:
    """Return the empirical cross-entropy in bits at prior odds ``10 ** prior_log10_odds``, [k].

    Ramos and Gonzalez-Rodriguez, "Reliable support: measuring calibration of likelihood ratios", Forensic Science
    International 230 (2013), equation 5. At even odds it equals :func:`cllr`.
    """
    prior = prior_log10_odds[:, None] * np.log(10)
    chance = 1 / (1 + np.exp(-prior[:, 0]))
    of_genuine = np.logaddexp(0.0, -(genuine_llr[None] + prior)).mean(axis=1)
    of_forged = np.logaddexp(0.0, forged_llr[None] + prior).mean(axis=1)
    return np.asarray((chance * of_genuine + (1 - chance) * of_forged) / np.log(2))
