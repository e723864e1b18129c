"""Pool adjacent violators: the steps that the scores themselves make, for many writers."""

from __future__ import annotations

from sigkd.measures import Monotone, fit_pav
from sigkd.verification.calibrations import METHODS
from sigkd.verification.calibrations._base import Scores, TableMethod


@METHODS.register("pav")
class PavCalibration(TableMethod):
    """The monotone ln LR that fits best, one misleading score added at each end (:func:`sigkd.measures.fit_pav`)."""

    @staticmethod
    def fit_curve(genuine: Scores, forged: Scores) -> Monotone:
        """Return the steps, interpolated."""
        return fit_pav(genuine, forged)
