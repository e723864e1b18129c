"""Kernel densities: the LR by its definition, from smoothed histograms of both kinds of scores."""

from __future__ import annotations

from sigkd.measures import Monotone, fit_density
from sigkd.verification.calibrations import METHODS
from sigkd.verification.calibrations._base import Scores, TableMethod


@METHODS.register("density")
class DensityCalibration(TableMethod):
    """The ratio of two Gaussian kernel densities, made monotone (:func:`sigkd.measures.fit_density`)."""

    @staticmethod
    def fit_curve(genuine: Scores, forged: Scores) -> Monotone:
        """Return the ratio as a table."""
        return fit_density(genuine, forged)
