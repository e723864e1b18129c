"""Resolution, and what the file says of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sigkd.synthesis.disturbances.registry import Level, disturbance
from sigkd.synthesis.disturbances.scan import Scan
from sigkd.synthesis.disturbances.surface import resample

_DPI = Level("dpi", 200.0, 72.0, 600.0)


@disturbance("resolution", "scanned at another resolution, the file's tag right", _DPI)
def resolution(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Resample to square pixels of ``level`` dpi and tag it so."""
    return replace(resample(scan, (level, level)), tag=(level, level))


@disturbance("resolution-untagged", "scanned at another resolution, no tag in the file", _DPI)
def resolution_untagged(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Resample to square pixels of ``level`` dpi and remove the tag."""
    return replace(resample(scan, (level, level)), tag=None)


@disturbance("resolution-mistagged", "scanned at another resolution, the file's tag left as it was", _DPI)
def resolution_mistagged(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Resample to square pixels of ``level`` dpi; the tag states the resolution before."""
    return replace(resample(scan, (level, level)), tag=scan.tag or scan.dpi)


@disturbance("scale", "enlarged or shrunk, no tag in the file", Level("times the size", 0.8, 0.4, 2.5))
def scale(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Resample to ``level`` times as many pixels a side and remove the tag: a size that nothing tells."""
    return replace(resample(scan, (scan.dpi[0] * level, scan.dpi[1] * level)), tag=None)


@disturbance("untagged", "no resolution tag in the file")
def untagged(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Remove the tag."""
    return replace(scan, tag=None)


@disturbance("tag", "the file states a resolution that it does not have", Level("dpi", 72.0, 1.0, 2400.0))
def tag(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """State ``level`` dpi and leave the picture as it is."""
    return replace(scan, tag=(level, level))


@disturbance(
    "non-square",
    "rows farther apart than columns (standard fax: 0.48), tagged so",
    Level("dpi down over dpi across", 98 / 204, 0.4, 1.0),
)
def non_square(scan: Scan, level: float, rng: np.random.Generator) -> Scan:
    """Keep the columns and resample the rows."""
    dpi = (scan.dpi[0], scan.dpi[0] * level)
    return replace(resample(scan, dpi), tag=dpi)
