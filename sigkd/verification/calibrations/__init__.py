"""Methods of calibration, one file each: how a score becomes a likelihood ratio. ``--method`` names the modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sigkd.registry import Registry

if TYPE_CHECKING:
    from sigkd.verification.calibrations._base import CalibrationMethod

METHODS: Registry[type[CalibrationMethod]] = Registry("calibration method", __name__)
