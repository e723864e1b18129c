"""The metrics, each in a few lines with its reference.

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
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]


def roc_points(genuine: Scores, forged: Scores) -> tuple[Scores, Scores, Scores]:
    """Return FAR, 1 - FRR and threshold of the corners of the ROC curve, thresholds descending from infinity.

    Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27 (2006), algorithm 1. Points on a straight
    piece between two corners are left out, as scikit-learn's ``roc_curve(drop_intermediate=True)`` does.
    """
    scores = np.concatenate([genuine, forged])
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


def frr_at_far(genuine: Scores, forged: Scores, target: float) -> float:
    """Return the FRR at the lowest threshold whose FAR is at most ``target``. ISO/IEC 19795-1:2021."""
    allowed = int(np.floor(target * len(forged) + 1e-9))
    if allowed >= len(forged):
        return 0.0
    border = np.sort(forged)[::-1][allowed]  # this forgery must be rejected, and whatever scores like it
    return float(np.mean(genuine <= border))


def cllr(genuine_llr: Scores, forged_llr: Scores) -> float:
    """Return the cost of log-likelihood ratios in bits: 0 perfect, 1 says nothing.

    Brümmer and du Preez, "Application-independent evaluation of speaker detection", Computer Speech & Language 20
    (2006), equation 21. ``*_llr``: natural logarithms of the likelihood ratio genuine : forgery.
    """
    of_genuine = np.mean(np.logaddexp(0.0, -genuine_llr))
    of_forged = np.mean(np.logaddexp(0.0, forged_llr))
    return float((of_genuine + of_forged) / (2 * np.log(2)))


def pav_llr(genuine: Scores, forged: Scores) -> tuple[Scores, Scores]:
    """Return the best log-likelihood ratios that keep the scores' order, by the pool-adjacent-violators algorithm.

    Brümmer and du Preez (2006), section 6. Infinite at the two ends where one class is alone.
    """
    from sklearn.isotonic import IsotonicRegression

    scores = np.concatenate([genuine, forged])
    label = np.concatenate([np.ones(len(genuine)), np.zeros(len(forged))])
    # Equal weight of the two classes, so that the posterior's odds are the likelihood ratio.
    weight = np.where(label == 1, 1 / len(genuine), 1 / len(forged)) * len(label) / 2
    _, rank = np.unique(scores, return_inverse=True)  # only the order counts, and interpolation between ranks is safe
    posterior = IsotonicRegression(y_min=0, y_max=1).fit(rank, label, sample_weight=weight).predict(rank)
    posterior = np.clip(posterior, 0.0, 1.0)
    with np.errstate(divide="ignore"):
        llr = np.log(posterior) - np.log1p(-posterior)
    return llr[: len(genuine)], llr[len(genuine) :]


def min_cllr(genuine: Scores, forged: Scores) -> float:
    """Return Cllr after the best monotone calibration: what the order of the scores is worth, in bits.

    Brümmer and du Preez (2006), section 6. ``cllr - min_cllr`` is the calibration loss.
    """
    return cllr(*pav_llr(genuine, forged))


def calibrate(genuine: Scores, forged: Scores) -> tuple[float, float]:
    """Return slope and intercept that turn scores into log-likelihood ratios, by logistic regression of equal priors.

    Morrison, "Tutorial on logistic-regression calibration and fusion", Australian Journal of Forensic Sciences 45
    (2013). A weak ridge keeps the slope finite where the two classes do not overlap.
    """
    from sklearn.linear_model import LogisticRegression

    scores = np.concatenate([genuine, forged])
    label = np.concatenate([np.ones(len(genuine)), np.zeros(len(forged))])
    spread = float(np.std(scores)) or 1.0
    fitted = LogisticRegression(C=1e3, class_weight="balanced").fit(scores[:, None] / spread, label)
    return float(fitted.coef_[0, 0] / spread), float(fitted.intercept_[0])


def rule_of_three(trials: int) -> float:
    """Return the upper 95 % bound of an error rate when none was seen in ``trials`` independent trials: 3 / n.

    Jovanovic and Levy, "A look at the rule of three", The American Statistician 51 (1997).
    """
    return min(1.0, 3.0 / trials)


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
