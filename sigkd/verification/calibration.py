"""Calibrations: what turns a score into a likelihood ratio and thresholds with stated rates, kept as JSON.

A calibration belongs to one model, preprocessing, canvas, classifier, kind of negatives and number of references;
using it for
another is refused. It keeps the development scores themselves, so that any operating point and the report's picture
can be
derived from them. The format is described in ``docs/guides/calibration.md``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigkd._version import __version__
from sigkd.errors import CalibrationError, UsageError
from sigkd.files import write_text
from sigkd.measures import Logistic, Monotone, cllr, eer_global, elub, fit_logistic, fit_pav, min_cllr
from sigkd.models.binding import Binding
from sigkd.verification.decision import Thresholds, thresholds_at
from sigkd.verification.trials import Trials

FORMAT, VERSION = "sigkd-calibration", 1
DEFAULT_FILE = Path(__file__).parent.parent / "assets" / "default_calibration.json"
LN10 = float(np.log(10.0))
METHODS = ("logistic", "pav")
FAR, FRR = 0.05, 0.05
"""The stated rates of the two thresholds, unless others are asked for."""
KEPT_SCORES = 1000
"""Development scores of a kind that are kept; more are thinned to quantiles."""


@dataclass(frozen=True)
class Alternative:
    """The calibration against one alternative proposition: skilled or random forgeries."""

    kind: str
    impostor: NDArray[np.float64]
    """Development scores under H2."""
    curves: dict[str, Logistic | Monotone]
    """By method."""
    bounds: dict[str, tuple[float, float]]
    """ELUB bounds of ln LR by method."""
    measures: dict[str, float]
    """EER, min Cllr, and Cllr by method, each on the development scores themselves."""


@dataclass(frozen=True)
class Calibration:
    """One classifier with one number of references."""

    classifier: str
    negatives: str
    references: int
    genuine: NDArray[np.float64]
    alternatives: dict[str, Alternative]
    writers: int

    def alternative(self, kind: str | None) -> Alternative:
        """Return the named alternative; None: skilled where the development set has such forgeries, else random.

        Raises:
            CalibrationError: it was not fitted.
        """
        if kind is None:
            kind = "skilled" if "skilled" in self.alternatives else "random"
        if kind not in self.alternatives:
            raise CalibrationError(f"the calibration knows no '{kind}' forgeries, only {', '.join(self.alternatives)}")
        return self.alternatives[kind]

    def log10_lr(self, scores: NDArray[np.floating], method: str, kind: str | None = None) -> NDArray[np.float64]:
        """Return the bounded log10 LRs of scores."""
        alternative = self.alternative(kind)
        lower, upper = alternative.bounds[method]
        return np.clip(alternative.curves[method](scores), lower, upper) / LN10

    def bounds10(self, method: str, kind: str | None = None) -> tuple[float, float]:
        """Return the ELUB bounds as log10."""
        lower, upper = self.alternative(kind).bounds[method]
        return lower / LN10, upper / LN10

    def thresholds(
        self, source: str, kind: str | None = None, far: float | None = None, frr: float | None = None
    ) -> Thresholds:
        """Return the thresholds at stated rates (see :func:`sigkd.verification.decision.thresholds_at`)."""
        alternative = self.alternative(kind)
        far, frr = FAR if far is None else far, FRR if frr is None else frr
        accept, reject, found_far, found_frr = thresholds_at(self.genuine, alternative.impostor, far, frr)
        origin = (
            f"{source}, {self.references} reference{'s' * (self.references > 1)}: FAR ({alternative.kind}) at "
            f"most {100 * far:g} %, "
            f"FRR at most {100 * frr:g} %"
        )
        return Thresholds(accept, reject, origin, found_far, found_frr, calibrated=True)


@dataclass(frozen=True)
class CalibrationSet:
    """All calibrations of one file."""

    binding: Binding
    cohort_hash: str
    method: str
    data: dict[str, Any]
    """The development set: name, content hash, writers, splits, seed."""
    calibrations: tuple[Calibration, ...]
    source: str = "calibration"

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the document: what reports cite."""
        return hashlib.sha256(json.dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()

    def find(self, classifier: str, negatives: str, references: int) -> Calibration | None:
        """Return the calibration with most references up to ``references``, else with the fewest above; None: none."""
        fitting = [c for c in self.calibrations if (c.classifier, c.negatives) == (classifier, negatives)]
        if not fitting:
            return None
        below = [c for c in fitting if c.references <= references]
        return max(below, key=lambda c: c.references) if below else min(fitting, key=lambda c: c.references)

    def check(self, binding: Binding, cohort_hash: str | None) -> None:
        """Refuse a calibration made for another model, preprocessing, canvas or cohort.

        Raises:
            CalibrationError: it does not fit; the message says in what.
        """
        difference = binding.difference(self.binding)
        if difference is None and cohort_hash is not None and self.cohort_hash and cohort_hash != self.cohort_hash:
            difference = f"the cohort is {cohort_hash[:12]}, not {self.cohort_hash[:12]}"
        if difference:
            raise CalibrationError(
                f"{self.source}: made for something else: {difference}; 'sigkd calibrate' makes one that fits"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "sigkd_version": __version__,
            **self.binding.as_dict(),
            "cohort_hash": self.cohort_hash,
            "method": self.method,
            "data": self.data,
            "calibrations": [_calibration_document(c) for c in self.calibrations],
        }

    def save(self, path: Path) -> None:
        """Write the set as JSON, atomically; the lists of scores stay on one line each."""
        write_text(path, json.dumps(self.as_dict(), allow_nan=False, ensure_ascii=False) + "\n")


def fit_calibration(trials: Trials, classifier: str, negatives: str, references: int) -> Calibration:
    """Fit both methods against every alternative that the trials have.

    Raises:
        CalibrationError: too few scores, or scores without information.
    """
    alternatives = {}
    for kind in ("skilled", "random"):
        impostor = trials.impostor(kind)
        if len(impostor) < 2:
            continue
        if len(trials.genuine) < 2:
            raise CalibrationError("a calibration needs at least two genuine and two impostor scores")
        if trials.genuine.mean() <= impostor.mean():
            raise CalibrationError("genuine signatures do not score higher than the others: nothing to calibrate")
        curves: dict[str, Logistic | Monotone] = {
            "logistic": fit_logistic(trials.genuine, impostor),
            "pav": fit_pav(trials.genuine, impostor),
        }
        bounds = {method: elub(curve(trials.genuine), curve(impostor)) for method, curve in curves.items()}
        measures = {"eer": eer_global(trials.genuine, impostor), "min_cllr": min_cllr(trials.genuine, impostor)}
        for method, curve in curves.items():
            genuine_llr, impostor_llr = (np.clip(curve(s), *bounds[method]) for s in (trials.genuine, impostor))
            measures[f"cllr_{method}"] = cllr(genuine_llr, impostor_llr)
        alternatives[kind] = Alternative(kind, _thin(impostor), curves, bounds, measures)
    if not alternatives:
        raise CalibrationError("the trials have no forgeries, neither skilled nor random")
    writers = len(np.unique(trials.genuine_writer))
    return Calibration(classifier, negatives, references, _thin(trials.genuine), alternatives, writers)


def _thin(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sorted scores, at most :data:`KEPT_SCORES` quantiles of them."""
    ordered: NDArray[np.float64] = np.sort(scores)
    if len(ordered) <= KEPT_SCORES:
        return ordered
    kept: NDArray[np.float64] = ordered[np.round(np.linspace(0, len(ordered) - 1, KEPT_SCORES)).astype(int)]
    return kept


def _numbers(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.6g}") for value in values.tolist()]


def _calibration_document(calibration: Calibration) -> dict[str, Any]:
    alternatives = {}
    for kind, alternative in calibration.alternatives.items():
        logistic, pav = alternative.curves["logistic"], alternative.curves["pav"]
        assert isinstance(logistic, Logistic) and isinstance(pav, Monotone)  # noqa: S101 - narrows the type
        alternatives[kind] = {
            "scores": _numbers(alternative.impostor),
            "logistic": {"slope": logistic.slope, "intercept": logistic.intercept},
            "pav": {"scores": _numbers(pav.scores), "llr": _numbers(pav.llr)},
            "bounds": {method: list(pair) for method, pair in alternative.bounds.items()},
            "measures": alternative.measures,
        }
    return {
        "classifier": calibration.classifier,
        "negatives": calibration.negatives,
        "references": calibration.references,
        "writers": calibration.writers,
        "genuine": _numbers(calibration.genuine),
        "alternatives": alternatives,
    }


def _array(values: Any) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not len(array) or not np.isfinite(array).all():
        raise ValueError("a list of finite numbers is expected")
    return array


def _read_calibration(facts: dict[str, Any]) -> Calibration:
    alternatives = {}
    for kind, known in facts["alternatives"].items():
        pav = Monotone(_array(known["pav"]["scores"]), _array(known["pav"]["llr"]))
        logistic = Logistic(float(known["logistic"]["slope"]), float(known["logistic"]["intercept"]))
        bounds = {method: (float(known["bounds"][method][0]), float(known["bounds"][method][1])) for method in METHODS}
        measures = {name: float(value) for name, value in known["measures"].items()}
        alternatives[kind] = Alternative(
            kind, _array(known["scores"]), {"logistic": logistic, "pav": pav}, bounds, measures
        )
    return Calibration(
        str(facts["classifier"]),
        str(facts["negatives"]),
        int(facts["references"]),
        _array(facts["genuine"]),
        alternatives,
        int(facts["writers"]),
    )


def read_calibration(path: Path) -> CalibrationSet:
    """Read a calibration file.

    Raises:
        CalibrationError: absent, damaged, or of a newer version.
    """
    if not path.is_file():
        raise CalibrationError(
            f"{path}: no such calibration; 'sigkd calibrate --dataset NAME --out {path.name}' makes one"
        )
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts["format"] != FORMAT:
            raise ValueError(f"format {facts['format']!r}")
        if int(facts["version"]) > VERSION:
            raise CalibrationError(
                f"{path}: written by a newer sigkd (format {facts['version']}, this one reads {VERSION}); upgrade"
            )
        method = str(facts["method"])
        if method not in METHODS:
            raise ValueError(f"method {method!r}")
        calibrations = tuple(_read_calibration(one) for one in facts["calibrations"])
        binding = Binding.from_dict(facts)
        return CalibrationSet(binding, str(facts["cohort_hash"]), method, dict(facts["data"]), calibrations, str(path))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, UnicodeDecodeError) as error:
        raise CalibrationError(f"{path}: not a sigkd calibration ({type(error).__name__}: {error})") from None


def load_calibration(spec: str | Path | None, binding: Binding, cohort_hash: str | None) -> CalibrationSet | None:
    """Load the calibration for a model and cohort.

    Args:
        spec: a file; ``none`` for no calibration; None for the default one, which is passed over where it does not fit.
        binding: what the query's features are bound to.
        cohort_hash: the negatives in use; None where they are other enrolled writers.

    Raises:
        CalibrationError: the named file is damaged or was made for something else.
    """
    if spec is not None and str(spec) == "none":
        return None
    if spec is not None:
        named = read_calibration(Path(spec))
        named.check(binding, cohort_hash)
        return named
    if not DEFAULT_FILE.is_file():
        return None
    default = read_calibration(DEFAULT_FILE)
    try:
        default.check(binding, cohort_hash)
    except CalibrationError:
        return None
    return CalibrationSet(
        default.binding,
        default.cohort_hash,
        default.method,
        default.data,
        default.calibrations,
        "the default calibration",
    )


def check_method(method: str) -> str:
    """Return ``method`` if it is known.

    Raises:
        UsageError: it is not.
    """
    if method not in METHODS:
        raise UsageError(f"unknown calibration method '{method}': use {' or '.join(METHODS)}")
    return method
