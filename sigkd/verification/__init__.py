"""Enrolled writers and questioned signatures: classifiers, cohort, calibration, the gallery and the report."""
