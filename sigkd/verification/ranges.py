"""Comparable or not: which scans a calibration was made on, and whether a comparison is one of those that it knows.

A likelihood ratio says how often such a score comes from the writer and how often from others, among comparisons like
those of the calibration. Where the ink is half as dark as the references', genuine signatures score like forgeries, and
a calibration that never saw it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigkd.images.remarks import BLACK_AND_WHITE, Remark
from sigkd.images.scan_facts import ScanFacts
from sigkd.images.scan_measures import ScanMeasures

OUTSIDE, UNLIKE = "outside-calibration", "unlike-references"
"""Codes of the remarks (:data:`sigkd.verification.codes.CODES`)."""
# Not the extremes: one bad scan among thousands would stretch a range for good.
PERCENTILES = (0.5, 99.5)
MARGIN = 1.4
"""Factor by which both ends of a range are widened: a development set is one scanner and a few pens. How it was chosen:
``docs/decisions/0085-comparable-or-not.md``."""

Pair = tuple[float, float]


@dataclass(frozen=True)
class MeasureRange:
    """Between which values nearly all of a development set lies, without the margin."""

    scans: Pair
    """Of its scans."""
    ratio: Pair
    """Of a genuine signature over the mean of its writer's others."""


@dataclass(frozen=True)
class _Measure:
    """What a scan does to the scores; the writer's movements are none of it."""

    called: str
    remedy: str
    needs_scale: bool = True
    words: tuple[str, ...] = ()
    """For the values 1, 2, ... of what is no quantity."""


_ALIKE = "scan query and references alike: in grey, at 300 dpi"
MEASURES = {
    "density": _Measure("darkness of the ink", _ALIKE, needs_scale=False),
    "tones": _Measure("tones", _ALIKE, needs_scale=False, words=("black and white", "grey")),
    "edge": _Measure("width of the strokes' edges in mm", _ALIKE),
    "stroke": _Measure("width of strokes in mm", "is the resolution right, and the pen alike?"),
}
"""What is compared, by name."""


def _value(measures: ScanMeasures, name: str) -> float:
    if name == "tones":  # 1 and 2, so that one can be divided by the other
        return 1.0 if measures.levels <= BLACK_AND_WHITE else 2.0
    return float(getattr(measures, name))


def fit_ranges(
    measures: Sequence[ScanMeasures],
    y: NDArray[np.int64],
    yforg: NDArray[np.int8],
    disturbed: Sequence[tuple[Sequence[ScanMeasures], NDArray[np.int64]]] = (),
) -> dict[str, MeasureRange]:
    """Return the ranges of a development set.

    Args:
        measures: of its scans, [N].
        y: writers, [N].
        yforg: 0 genuine, others forgeries, [N].
        disturbed: measures and writers of other scans of genuine signatures, one pair for each kind of scan: the
            ranges reach as far as nearly all of each kind.
    """
    found = {}
    for name in MEASURES:
        values = np.array([_value(one, name) for one in measures])
        ratios: list[float] = []
        for writer in np.unique(y):
            own = values[(y == writer) & (yforg == 0)]
            if len(own) > 1:
                # Each over the mean of the others: divided by a mean with itself in it, it would look more usual than
                # it is.
                ratios += (own / ((own.sum() - own) / (len(own) - 1))).tolist()
        if not ratios:
            continue
        scans, ratio = _ends(values), _ends(ratios)
        for others, owners in disturbed:
            other = np.array([_value(one, name) for one in others])
            # The references of a disturbed query are plain scans: so the ratio is to those.
            usual = np.array([values[(y == writer) & (yforg == 0)].mean() for writer in owners])
            scans, ratio = _around(scans, _ends(other)), _around(ratio, _ends(other / usual))
        found[name] = MeasureRange(scans, ratio)
    return found


def _ends(values: Sequence[float] | NDArray[np.float64]) -> Pair:
    low, high = np.percentile(values, PERCENTILES)
    # As many digits as a person reads in the file, and the same after reading it back.
    return float(f"{low:.4g}"), float(f"{high:.4g}")


def _around(a: Pair, b: Pair) -> Pair:
    return min(a[0], b[0]), max(a[1], b[1])


def read_ranges(facts: Mapping[str, Any]) -> dict[str, MeasureRange]:
    """Return the ranges of a calibration file; measures that are not known here are passed over.

    Raises:
        ValueError, KeyError, TypeError: they are damaged.
    """
    found = {name: MeasureRange(_pair(one["scans"]), _pair(one["ratio"])) for name, one in facts.items()}
    return {name: one for name, one in found.items() if name in MEASURES}


def _pair(values: Any) -> Pair:
    low, high = (float(value) for value in values)
    if not 0 < low <= high < float("inf"):
        raise ValueError(f"no range: {low:g} to {high:g}")
    return low, high


def range_remarks(
    ranges: Mapping[str, MeasureRange], query: ScanFacts, references: Sequence[ScanFacts | None]
) -> list[Remark]:
    """Return a remark for each measure in which a comparison is like none of the calibration's.

    Args:
        ranges: of the calibration.
        query: the questioned scan.
        references: the scans that it is compared with, where they are known.
    """
    known = [one for one in references if one is not None]
    scaled = query.scale_known and all(one.scale_known for one in known)
    remarks = []
    for name, one in ranges.items():
        measure = MEASURES[name]
        if measure.needs_scale and not scaled:  # where the scale is estimated, so are its lengths
            continue
        value, usual = _value(query.measures, name), [_value(scan.measures, name) for scan in known]
        # References without facts (another kind of model): the query is held against the calibration alone.
        ratio = value / float(np.mean(usual)) if usual else 1.0
        # First the ratio: its remedy is in the hands of whoever scans, that of the range is another calibration.
        if not _inside(ratio, one.ratio):
            remarks.append(Remark(UNLIKE, f"{_unlike(measure, value, ratio, one.ratio)}; {measure.remedy}"))
        elif not _inside(value, one.scans):
            remarks.append(Remark(OUTSIDE, f"{_outside(measure, value, one.scans)}; {measure.remedy}"))
    return remarks


def _widened(ends: Pair) -> Pair:
    return ends[0] / MARGIN, ends[1] * MARGIN


def _inside(value: float, ends: Pair) -> bool:
    low, high = _widened(ends)
    return low <= value <= high


def _unlike(measure: _Measure, value: float, ratio: float, ends: Pair) -> str:
    if measure.words:
        return f"the query is {measure.words[round(value) - 1]}, the references are not"
    low, high = _widened(ends)
    return f"{measure.called} is {ratio:.2f} times the references', outside of {low:.2f} to {high:.2f}"


def _outside(measure: _Measure, value: float, ends: Pair) -> str:
    if measure.words:
        return f"the query is {measure.words[round(value) - 1]}, no scan of the calibration was"
    low, high = _widened(ends)
    return f"{measure.called} is {value:.2f}, outside of {low:.2f} to {high:.2f}, which the calibration knows"
