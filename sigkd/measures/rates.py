"""Error rates, and what else is read off the scores of genuine signatures and forgeries, each with its reference.

Scores: the higher, the more genuine; a score at the threshold is accepted.

Every function takes the scores of genuine signatures [n] and of forgeries [m] as float64 arrays and returns a fraction
(not a percentage) unless it says otherwise.

**The convention for equal error rates.** The candidate thresholds are the distinct scores, from high to low, of which
the collinear ones on the ROC curve are left out, preceded by infinity (accept nothing). The first one with the smallest
``|FAR - FRR|`` is taken and the EER is the mean of FAR and FRR there. Nothing is interpolated. This is what the field's
reference implementation (sigver, with scikit-learn's ``roc_curve``) computes, so the numbers can be compared with
papers'.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


def roc_points(genuine: Scores, forged: Scores) -> tuple[Scores, Scores, Scores]:
    """Return FAR, 1 - FRR and threshold of the corners of the ROC curve, thresholds descending from infinity.

    Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27 (2006), algorithm 1. Points on a straight
    piece between two corners are left out, as scikit-learn's ``roc_curve(drop_intermediate=True)`` does.
    """
    scores = np.concatenate([genuine, forged])
    # Not stable, and need not be: of equal scores only the last counts, behind which all are accepted.
    order = np.argsort(scores)[::-1]
    ranked = scores[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # the last one of each run of equal scores
    accepted = np.cumsum(order < len(genuine))[last]
    wrong = last + 1 - accepted
    if len(last) > 2:
        corner = np.ones(len(last), dtype=bool)
        corner[1:-1] = (np.diff(wrong, 2) != 0) | (np.diff(accepted, 2) != 0)
        accepted, wrong, last = accepted[corner], wrong[corner], last[corner]
    far = np.concatenate([[0.0], wrong / len(forged)])
    tpr = np.concatenate([[0.0], accepted / len(genuine)])
    return far, tpr, np.concatenate([[np.inf], ranked[last]])


def eer_threshold(genuine: Scores, forged: Scores) -> float:
    """Return the a-posteriori threshold of the equal error rate (see the module's convention)."""
    far, tpr, thresholds = roc_points(genuine, forged)
    return float(thresholds[np.argmin(np.abs(far - (1 - tpr)))])


def frr(genuine: Scores, threshold: float) -> float:
    """Return the false rejection rate: the share of genuine signatures below ``threshold``. ISO/IEC 19795-1:2021."""
    return float(1 - np.mean(genuine >= threshold))


def far(forged: Scores, threshold: float) -> float:
    """Return the false acceptance rate: the share of forgeries at or above ``threshold``. ISO/IEC 19795-1:2021."""
    return float(1 - np.mean(forged < threshold))


def eer_global(genuine: Scores, forged: Scores) -> float:
    """Return the equal error rate of pooled scores at one threshold for all writers (see the module's convention)."""
    threshold = eer_threshold(genuine, forged)
    return (frr(genuine, threshold) + far(forged, threshold)) / 2.0


def user_errors(genuine: Scores, forged: Scores) -> tuple[int, int]:
    """Return one writer's numbers of false rejections and false acceptances at the writer's own EER threshold."""
    threshold = eer_threshold(genuine, forged)
    return int(np.sum(genuine < threshold)), int(np.sum(forged >= threshold))


def eer_user(genuine: Sequence[Scores], forged: Sequence[Scores]) -> float:
    """Return the equal error rate with one a-posteriori threshold a writer, errors added up over the writers.

    Hafemann, Sabourin and Oliveira, Pattern Recognition 70 (2017), section 4.4. With about ten trials of each kind a
    writer it is optimistic by roughly a point: each threshold is chosen on the very scores that it is judged on.
    """
    errors = np.array([user_errors(own, other) for own, other in zip(genuine, forged, strict=True)], dtype=np.float64)
    totals = np.array([sum(map(len, genuine)), sum(map(len, forged))])
    # Summed before the division: writers with few trials do not weigh as much as those with many.
    rates = errors.sum(axis=0) / totals
    return float(rates.sum() / 2.0)


def auc(genuine: Scores, forged: Scores) -> float:
    """Return the area under the ROC curve: the chance that a genuine signature scores above a forgery, ties half.

    Hanley and McNeil, "The meaning and use of the area under a ROC curve", Radiology 143 (1982).
    """
    far, tpr, _ = roc_points(genuine, forged)
    return float(np.sum(np.diff(far) * (tpr[1:] + tpr[:-1]) / 2.0))


def d_prime(genuine: Scores, forged: Scores) -> float:
    """Return the distance of the two means in units of the root mean square of the two standard deviations.

    Daugman, "Biometric decision landscapes", University of Cambridge TR 482 (2000), equation 1. Not a rate.
    """
    spread = np.sqrt((np.var(genuine) + np.var(forged)) / 2)
    return float((np.mean(genuine) - np.mean(forged)) / spread) if spread > 0 else 0.0


def threshold_at_far(forged: Scores, rate: float) -> float:
    """Return the lowest threshold at which at most ``rate`` of the forgeries are accepted; -inf where all may be."""
    allowed = _count(rate, forged)
    # The first forgery that must be rejected, and whatever scores like it.
    return float(np.nextafter(np.sort(forged)[::-1][allowed], np.inf)) if allowed < len(forged) else -np.inf


def threshold_at_frr(genuine: Scores, rate: float) -> float:
    """Return the highest threshold below which at most ``rate`` of the genuine signatures fall; inf where all may."""
    allowed = _count(rate, genuine)
    return float(np.sort(genuine)[allowed]) if allowed < len(genuine) else np.inf


def _count(rate: float, scores: Scores) -> int:
    return int(np.floor(rate * len(scores) + 1e-9))  # 0.29 * 100 is below 29 in binary


def frr_at_far(genuine: Scores, forged: Scores, target: float) -> float:
    """Return the FRR at the lowest threshold whose FAR is at most ``target``. ISO/IEC 19795-1:2021."""
    return float(np.mean(genuine < threshold_at_far(forged, target)))


def rule_of_three(trials: int) -> float:
    """Return the upper 95 % bound of an error rate when none was seen in ``trials`` independent trials: 3 / n.

    Jovanovic and Levy, "A look at the rule of three", The American Statistician 51 (1997).
    """
    return min(1.0, 3.0 / trials)


def wilson_interval(rate: float, trials: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate that was seen in ``trials`` independent trials.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    squared = 1.959964**2
    middle = (rate + squared / (2 * trials)) / (1 + squared / trials)
    half = np.sqrt(squared * (rate * (1 - rate) / trials + squared / (4 * trials**2))) / (1 + squared / trials)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def clopper_pearson_interval(successes: float, trials: float) -> tuple[float, float]:
    """Return the exact 95 % interval of a rate, as quantiles of beta distributions; numbers need not be whole.

    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial", Biometrika
    26 (1934). It covers the rate at least that often, which matters where nothing, or nearly nothing, was wrong.
    """
    from scipy.special import betaincinv

    failures = trials - successes
    low = 0.0 if successes <= 0 else float(betaincinv(successes, failures + 1, 0.025))
    high = 1.0 if failures <= 0 else float(betaincinv(successes + 1, failures, 0.975))
    return low, high
