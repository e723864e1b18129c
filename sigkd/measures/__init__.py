"""What scores are worth: error rates, likelihood ratios and what these cost. Whatever the tool prints is defined here.

NumPy and SciPy only. Scores grow with authenticity; ``genuine`` [n] and ``forged`` [m] are float64 arrays without NaN,
neither empty; log-likelihood ratios are natural logarithms of genuine : forgery. ``docs/reference/metrics.md`` says
which of them is printed where.
"""

from sigkd.measures.bounds import elub
from sigkd.measures.costs import cllr, ece_curve, min_cllr
from sigkd.measures.kernels import bandwidth, density, fit_density
from sigkd.measures.logistic import Logistic, fit_logistic
from sigkd.measures.pav import EXTREME, Monotone, fit_pav, pav_llr
from sigkd.measures.rates import (
    auc,
    clopper_pearson_interval,
    d_prime,
    eer_global,
    eer_threshold,
    eer_user,
    far,
    frr,
    frr_at_far,
    roc_points,
    rule_of_three,
    threshold_at_far,
    threshold_at_frr,
    user_errors,
    wilson_interval,
)

__all__ = [
    "EXTREME",
    "Logistic",
    "Monotone",
    "auc",
    "bandwidth",
    "cllr",
    "clopper_pearson_interval",
    "d_prime",
    "density",
    "ece_curve",
    "eer_global",
    "eer_threshold",
    "eer_user",
    "elub",
    "far",
    "fit_density",
    "fit_logistic",
    "fit_pav",
    "frr",
    "frr_at_far",
    "min_cllr",
    "pav_llr",
    "roc_points",
    "rule_of_three",
    "threshold_at_far",
    "threshold_at_frr",
    "user_errors",
    "wilson_interval",
]
