"""Calibrations: what turns a score into a likelihood ratio and thresholds with stated rates, kept as JSON.

A calibration belongs to one model, preprocessing, canvas, classifier, kind of negatives and number of references; using
it for another is refused. It keeps the development scores themselves: any operating point and the report's picture are
derived from them, and a method of calibration that the file does not have is fitted to them. The format is described in
``docs/guides/calibration.md``.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sigkd._version import __version__
from sigkd.errors import CalibrationError
from sigkd.files import write_text
from sigkd.json_documents import JsonDocument, check_seal, seal_of
from sigkd.measures import cllr, eer_global, min_cllr, wilson_interval
from sigkd.models.binding import Binding
from sigkd.verification.calibrations import METHODS
from sigkd.verification.calibrations._base import (
    LN10,
    CalibrationMethod,
    Scores,
    check_scores,
    number,
    numbers,
    read_bounds,
)
from sigkd.verification.decision import Thresholds, accept_at, reject_at
from sigkd.verification.ranges import MeasureRange, read_ranges
from sigkd.verification.scale import NEUTRAL
from sigkd.words import counted

if TYPE_CHECKING:
    from sigkd.verification.policy import Policy

DEFAULT_FILE = Path(__file__).parent.parent / "assets" / "default_calibration.json"
KNOWN, UNKNOWN = "known", "unknown"
"""Whether all resolutions are told: else the views that need none are compared, with calibrations of their own."""
KEPT_SCORES = 1000
"""Development scores of a kind that are kept; more are thinned to quantiles."""


@dataclass(frozen=True)
class Alternative:
    """The calibration against one alternative proposition: skilled or random forgeries."""

    kind: str
    genuine: Scores
    """Development scores under H1."""
    impostor: Scores
    """Development scores under H2."""
    measures: dict[str, float]
    """EER, min Cllr, and Cllr by method, each on all of the development scores themselves."""
    fitted: dict[str, CalibrationMethod] = field(default_factory=dict)

    def method(self, name: str) -> CalibrationMethod:
        """Return a method of calibration; one that the file did not have is fitted to the kept scores.

        Raises:
            UsageError: no such method.
        """
        # Filled on demand although the class is frozen: the same value whoever comes first.
        if name not in self.fitted:
            self.fitted[name] = METHODS.get(name).fit(self.genuine, self.impostor)
        return self.fitted[name]

    def cllr(self, name: str) -> float:
        """Return a method's Cllr on the development scores, or on the kept ones where the file did not have it."""
        if f"cllr_{name}" not in self.measures:
            self.measures[f"cllr_{name}"] = _cllr(self.method(name), self.genuine, self.impostor)
        return self.measures[f"cllr_{name}"]


def _cllr(method: CalibrationMethod, genuine: Scores, impostor: Scores) -> float:
    return cllr(method.log10_lr(genuine) * LN10, method.log10_lr(impostor) * LN10)


@dataclass(frozen=True)
class Calibration:
    """One classifier with one number of references."""

    classifier: str
    negatives: str
    references: int
    genuine: Scores
    alternatives: dict[str, Alternative]
    writers: int
    scale: str = KNOWN
    """``unknown``: of the views that need no resolution alone."""

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

    def thresholds(self, source: str, policy: Policy, method: str) -> Thresholds:
        """Return the thresholds of a policy: no answer contradicts its likelihood ratio.

        Accepted from the policy's ratio on, or, where it states a false acceptance rate, from the lowest score that
        keeps to it and whose ratio supports H1; rejected likewise. Between the two nothing is decided.

        Args:
            source: what the calibration is called.
            policy: the rule.
            method: of calibration, by which scores have their ratios.

        Raises:
            UsageError: a rate that so few scores cannot show; CalibrationError: as :meth:`alternative`.
        """
        alternative = self.alternative(policy.against)
        curve = alternative.method(method)
        # A stated rate alone could accept scores that speak for a forgery, where genuine and forged ones overlap.
        level = NEUTRAL if policy.far is not None else math.log10(policy.accept_lr)
        accept = curve.lowest_score(level)
        if policy.far is not None:
            # From the scores themselves: a rate is counted, not read off a fitted curve.
            stated = accept_at(alternative.impostor, policy.far)
            accept = None if accept is None else max(accept, stated)
            rule = f"accepted at a FAR of at most {100 * policy.far:g} %"
        else:
            rule = f"accepted from LR {policy.accept_lr:g}"
        reject: float | None = None
        if policy.triage:
            rule += ", never rejected"
        else:
            level = -NEUTRAL if policy.frr is not None else math.log10(policy.reject_lr)
            reject = curve.lowest_score(level, above=True)
            if policy.frr is not None:
                stated = reject_at(self.genuine, policy.frr)
                reject = None if reject is None else min(reject, stated)
            # The curve reaches the level at every score: nothing is low enough to be rejected.
            reject = None if reject == -math.inf else reject
            rule += (
                f", rejected at a FRR of at most {100 * policy.frr:g} %"
                if policy.frr is not None
                else (f", rejected at LR {policy.reject_lr:g} and below")
            )
        far = 0.0 if accept is None else float((alternative.impostor >= accept).mean())
        frr = 0.0 if reject is None else float((self.genuine < reject).mean())
        origin = f"{source}, {counted(self.references, 'reference')}, against {alternative.kind} forgeries: {rule}"
        return Thresholds(accept, reject, origin, far, frr, calibrated=True, rule=rule)

    def rates(self, limits: Thresholds) -> tuple[ErrorRate, ...]:
        """Return how often answers at these thresholds are wrong, or left open, on the development set."""
        found = []
        for kind, alternative in self.alternatives.items():
            wrong = 0.0 if limits.accept is None else float((alternative.impostor >= limits.accept).mean())
            found.append(ErrorRate.of(kind, "accepted", wrong, self.writers))
        rejected = 0.0 if limits.reject is None else float((self.genuine < limits.reject).mean())
        accepted = 0.0 if limits.accept is None else float((self.genuine >= limits.accept).mean())
        found.append(ErrorRate.of("genuine", "rejected", rejected, self.writers))
        # Thresholds may leave a gap between them: what is neither accepted nor rejected.
        found.append(ErrorRate.of("genuine", "inconclusive", 1 - accepted - rejected, self.writers))
        return tuple(found)


@dataclass(frozen=True)
class ErrorRate:
    """How often answers at an operating point are wrong, or left to a person, measured on other writers."""

    kind: str
    """``genuine`` signatures, ``skilled`` or ``random`` forgeries."""
    outcome: str
    """``accepted``, ``rejected`` or ``inconclusive``."""
    rate: float
    """A fraction."""
    low: float
    """Of the 95 % interval."""
    high: float
    writers: int

    @classmethod
    def of(cls, kind: str, outcome: str, rate: float, writers: int) -> ErrorRate:
        """Return a rate with its interval; signatures of a writer depend on each other: one trial a writer."""
        rate = min(1.0, max(0.0, rate))
        return cls(kind, outcome, rate, *wilson_interval(rate, writers), writers)

    def __str__(self) -> str:
        """A plain sentence."""
        what = "genuine signatures" if self.kind == "genuine" else f"{self.kind} forgeries"
        # Of 100: what rounds to 0 was still measured on so few writers that 0 would be too much said.
        about = "fewer than 1" if self.rate < 0.005 else f"about {100 * self.rate:.0f}"
        verb = {"inconclusive": "left to a person"}.get(self.outcome, self.outcome)
        interval = f"95 % interval {100 * self.low:.0f} to {100 * self.high:.0f}"
        return f"of 100 {what} {about} are {verb} (measured on {self.writers} writers, {interval})"


@dataclass(frozen=True)
class CalibrationRecord:
    """One calibration of a file."""

    classifier: str
    negatives: str
    references: int
    scale: str
    """``unknown``: of the views that need no resolution alone."""
    writers: int
    genuine: list[float]
    """Development scores under H1."""
    alternatives: dict[str, dict[str, Any]]
    """By the kind of forgery: ``scores``, ``bounds`` of ln LR by method, ``measures``, and what each method keeps."""


class CalibrationFile(JsonDocument, format="sigkd-calibration", version=1):
    """The file of ``sigkd calibrate``; it is read without strictness, so that methods may be added."""

    sigkd_version: str
    model_name: str
    model_hash: str
    preprocess_version: str
    canvas: list[int]
    """Height and width in pixels."""
    cohort_hash: str
    method: str
    """That is recommended to those who use the calibration."""
    data: dict[str, Any]
    """The development set: name, content hash, writers, splits, seed."""
    calibrations: list[CalibrationRecord]
    ranges: dict[str, MeasureRange] | None = None
    """Of the development set's scans by measure: what is outside of them is not compared. Null: not known."""
    seal: str | None = None
    """SHA-256 of the rest; null: of an older sigkd."""


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
    ranges: Mapping[str, MeasureRange] | None = None
    """Of the development set's scans by measure; None: not known, and nothing is held against them."""
    content: bytes | None = field(default=None, repr=False)
    """Of the file from which it was read, which another version of the program may have written."""

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the file: what reports cite."""
        # The bytes that were read, where there are some: another version may write the same set differently.
        content = self._text().encode("utf-8", "backslashreplace") if self.content is None else self.content
        return hashlib.sha256(content).hexdigest()

    def _text(self) -> str:
        return json.dumps(self.as_dict(), allow_nan=False, ensure_ascii=False) + "\n"

    def chosen(self, method: str | None) -> str:
        """Return the method of calibration that is asked for, else the one that the file recommends.

        Raises:
            CalibrationError: the file recommends one that is not known here.
        """
        if method is None and self.method not in METHODS:
            raise CalibrationError(
                f"{self.source}: recommends the method '{self.method}', which this sigkd does not have; upgrade it, or "
                f"name one of {', '.join(METHODS)}"
            )
        return method or self.method

    def find(self, classifier: str, negatives: str, references: int, scale: str = KNOWN) -> Calibration | None:
        """Return the calibration with most references up to ``references``, else with the fewest above; None: none."""
        wanted = (classifier, negatives, scale)
        fitting = [c for c in self.calibrations if (c.classifier, c.negatives, c.scale) == wanted]
        if not fitting:
            return None
        # One of fewer references understates the evidence; one of more would overstate it.
        below = [c for c in fitting if c.references <= references]
        return max(below, key=lambda c: c.references) if below else min(fitting, key=lambda c: c.references)

    def check(self, binding: Binding, cohort_hash: str | None) -> None:
        """Refuse a calibration made for another model, preprocessing, canvas or cohort.

        Raises:
            CalibrationError: it does not fit; the message says in what.
        """
        difference = binding.difference(self.binding)
        # An empty hash: made against writers alone, which no cohort contradicts.
        if difference is None and cohort_hash is not None and self.cohort_hash and cohort_hash != self.cohort_hash:
            difference = f"the cohort is {cohort_hash[:12]}, not {self.cohort_hash[:12]}"
        if difference:
            raise CalibrationError(
                f"{self.source}: made for something else: {difference}; 'sigkd calibrate' makes one that fits"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        document = CalibrationFile(
            sigkd_version=__version__,
            **self.binding.as_dict(),
            cohort_hash=self.cohort_hash,
            method=self.method,
            data=self.data,
            calibrations=[_record(c) for c in self.calibrations],
            ranges=None if self.ranges is None else dict(self.ranges),
        ).to_json()
        return document | {"seal": seal_of(document)}

    def save(self, path: Path) -> None:
        """Write the set as JSON, atomically; the lists of scores stay on one line each."""
        write_text(path, self._text())


def fit_calibration(
    genuine: Scores,
    impostors: Mapping[str, Scores],
    *,
    classifier: str,
    negatives: str,
    references: int,
    writers: int,
    scale: str = KNOWN,
) -> Calibration:
    """Fit every method against every alternative that has at least two scores.

    Args:
        genuine: scores under H1.
        impostors: scores under H2, by the kind of forgery: ``skilled``, ``random``.
        classifier: what gave the scores; with the next two what the calibration is for.
        negatives: ``cohort`` or ``writers``.
        references: how many were enrolled.
        writers: how many the scores are of, for the record.
        scale: ``unknown``: the scores are of the views that need no resolution alone.

    Raises:
        CalibrationError: too few scores, or scores without information.
    """
    # Methods and measures see all scores; the file keeps enough of them to draw, and to fit others later.
    kept, alternatives = _thin(genuine), {}
    for kind, scores in impostors.items():
        if len(scores) < 2:
            continue
        fitted = {name: METHODS.get(name).fit(genuine, scores) for name in METHODS}
        measures = {"eer": eer_global(genuine, scores), "min_cllr": min_cllr(genuine, scores)}
        measures |= {f"cllr_{name}": _cllr(method, genuine, scores) for name, method in fitted.items()}
        alternatives[kind] = Alternative(kind, kept, _thin(scores), measures, fitted)
    if not alternatives:
        raise CalibrationError("the trials have no forgeries, neither skilled nor random")
    return Calibration(classifier, negatives, references, kept, alternatives, writers, scale)


def _thin(scores: Scores) -> Scores:
    """Return the sorted scores, at most :data:`KEPT_SCORES` quantiles of them, to the six digits that a file keeps."""
    ordered = np.sort(scores)
    if len(ordered) > KEPT_SCORES:
        # Quantiles keep both ends, on which the bounds and the lowest rates rest.
        ordered = ordered[np.round(np.linspace(0, len(ordered) - 1, KEPT_SCORES)).astype(int)]
    return np.array([float(f"{score:.6g}") for score in ordered.tolist()])


def _record(calibration: Calibration) -> CalibrationRecord:
    alternatives = {
        kind: {
            "scores": alternative.impostor.tolist(),
            **{name: method.to_json() for name, method in alternative.fitted.items()},
            "bounds": {name: list(method.bounds) for name, method in alternative.fitted.items()},
            "measures": alternative.measures,
        }
        for kind, alternative in calibration.alternatives.items()
    }
    return CalibrationRecord(
        calibration.classifier,
        calibration.negatives,
        calibration.references,
        calibration.scale,
        calibration.writers,
        calibration.genuine.tolist(),
        alternatives,
    )


def _read_calibration(facts: dict[str, Any], methods: list[str]) -> Calibration:
    """Read one calibration; methods that are not known here are passed over, absent ones are fitted when asked for."""
    classifier, negatives = str(facts["classifier"]), str(facts["negatives"])
    references, writers = number(facts["references"]), number(facts["writers"])
    if references < 1 or writers < 1:
        raise ValueError("references and writers are 1 or more")
    genuine, alternatives = numbers(facts["genuine"]), {}
    for kind, kept in facts["alternatives"].items():
        place = f"{classifier}, {negatives}, {references:g} references, {kind}"
        try:
            impostor = numbers(kept["scores"])
            check_scores(genuine, impostor)
            fitted = {}
            # By the methods of this program: a file with one more of a newer program can still be read.
            for name in (name for name in methods if name in kept):
                place += f", {name}"
                fitted[name] = METHODS.get(name).from_json(kept[name], read_bounds(kept["bounds"][name]))
            measures = {name: number(value) for name, value in kept["measures"].items()}
            if "eer" not in measures:
                raise ValueError("no EER among the measures")
        except (ValueError, CalibrationError) as error:
            raise ValueError(f"{place}: {error}") from None
        alternatives[kind] = Alternative(kind, genuine, impostor, measures, fitted)
    if not alternatives:
        raise ValueError("no alternatives")
    scale = str(facts.get("scale", KNOWN))
    if scale not in (KNOWN, UNKNOWN):
        raise ValueError(f"the scale is {KNOWN} or {UNKNOWN}, not {scale!r}")
    return Calibration(classifier, negatives, int(references), genuine, alternatives, int(writers), scale)


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
        content = path.read_bytes()
        # Not CalibrationFile.read: that is strict, and a key that a newer method added would refuse the whole file.
        facts = json.loads(content.decode("utf-8"))
        if facts["format"] != CalibrationFile.format:
            raise ValueError(f"format {facts['format']!r}")
        if int(facts["version"]) > CalibrationFile.version:
            raise CalibrationError(
                f"{path}: written by a newer sigkd (format {facts['version']}, this one reads "
                f"{CalibrationFile.version}); upgrade"
            )
        methods = METHODS.names()
        calibrations = tuple(_read_calibration(one, methods) for one in facts["calibrations"])
        binding = Binding.from_dict(facts)
        check_seal(facts)
        return CalibrationSet(
            binding,
            str(facts["cohort_hash"]),
            str(facts["method"]),
            dict(facts["data"]),
            calibrations,
            str(path),
            None if facts.get("ranges") is None else read_ranges(facts["ranges"]),
            content,
        )
    # Whatever somebody else's JSON makes go wrong is one line for the user.
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError) as error:
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
    # With another model or cohort the default does not apply: answers are uncalibrated, and say so.
    default = read_calibration(DEFAULT_FILE)
    try:
        default.check(binding, cohort_hash)
    except CalibrationError:
        return None
    return replace(default, source="the default calibration")
