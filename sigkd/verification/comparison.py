"""One writer's references ready to judge queries: template, thresholds and evidence together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sigkd.classifiers.base import Classifier, Template
from sigkd.classifiers.negatives import Negatives
from sigkd.errors import CalibrationError
from sigkd.gallery import StoredReference
from sigkd.images.ink_measures import InkMeasures
from sigkd.images.remarks import Remark
from sigkd.images.scan_facts import ScanFacts
from sigkd.models.binding import Binding
from sigkd.verification.calibration import KNOWN, Calibration, CalibrationSet, ErrorRate
from sigkd.verification.choices import Choices
from sigkd.verification.codes import NOT_COMPARABLE
from sigkd.verification.decision import Decision, Thresholds, uncalibrated
from sigkd.verification.policy import ACTIONS, Policy, PolicyInForce
from sigkd.verification.ranges import range_remarks
from sigkd.verification.remarks import (
    beside_remark,
    copy_remark,
    disagreement_remark,
    odd_reference_limit,
    size_remark,
)
from sigkd.verification.result import Evidence, Verification
from sigkd.verification.samples import Sample


@dataclass(frozen=True)
class References:
    """What is known of the references of a comparison; the places are those of the rows."""

    features: NDArray[np.float32]
    """[r, D]."""
    inks: tuple[InkMeasures, ...]
    digests: tuple[str, ...]
    """SHA-256 of the files; empty where there was none."""
    scans: tuple[ScanFacts | None, ...] = ()
    """Of references that were read at one scale."""

    @property
    def scale_known(self) -> bool:
        """Whether the resolution of every reference was told."""
        return all(scan is None or scan.scale_known for scan in self.scans)

    def columns(self, chosen: slice) -> References:
        """Return the references with some of their features only."""
        return replace(self, features=np.ascontiguousarray(self.features[:, chosen]))

    @classmethod
    def of(cls, described: Iterable[Sample | StoredReference], features: NDArray[np.float32]) -> References:
        """Return the references that these samples (or rows of a gallery) are, with their features [r, D]."""
        described = list(described)
        inks, digests = tuple(one.ink for one in described), tuple(one.digest for one in described)
        return cls(features, inks, digests, tuple(one.scan for one in described))


Fit = Callable[[], tuple[Template, NDArray[np.float64]]]
"""Returns a template and the references' agreement; called when a query first needs them."""


@dataclass(frozen=True)
class Operating:
    """How scores against some negatives become answers."""

    choices: Choices
    calibrations: CalibrationSet | None = None
    rule: PolicyInForce = field(default_factory=lambda: PolicyInForce.of(Policy()))

    def comparison(
        self,
        writer: str | None,
        references: References,
        negatives: Negatives,
        classifier: Classifier,
        fit: Fit,
        binding: Binding,
        scale: str = KNOWN,
        unscaled: Unscaled | None = None,
    ) -> Comparison:
        """Return the comparison at the calibration that fits, or without one.

        Raises:
            CalibrationError: as :meth:`_calibration`.
        """
        calibration = self._calibration(classifier.name, negatives.kind, len(references.features), scale)
        return Comparison(
            writer, references, classifier, negatives.kind, negatives.title, fit, calibration, self, binding, unscaled
        )

    def _calibration(self, classifier: str, negatives: str, references: int, scale: str) -> Calibration | None:
        """Return the calibration that fits.

        Raises:
            CalibrationError: the user named a file that has none for this classifier and these negatives, or asked
                for rates without any calibration.
        """
        choices, calibrations, policy = self.choices, self.calibrations, self.rule.policy
        fitting = None if calibrations is None else calibrations.find(classifier, negatives, references, scale)
        # The default file is passed over where it has nothing that fits; a file that somebody named is not.
        if fitting is None and calibrations is not None and choices.calibration is not None:
            raise CalibrationError(
                f"{calibrations.source}: has nothing for the classifier '{classifier}' with negatives '{negatives}'"
            )
        if fitting is None and (policy.far is not None or policy.frr is not None):
            raise CalibrationError(
                "`far` and `frr` choose a point of a calibration, and none fits here; 'sigkd calibrate' makes one"
            )
        return fitting


@dataclass
class Unscaled:
    """The comparison by the views that need no resolution: made when a query first needs it."""

    columns: slice
    """Its columns of the features."""
    make: Callable[[], Comparison]

    @cached_property
    def comparison(self) -> Comparison:
        """The comparison."""
        return self.make()


@dataclass(frozen=True)
class Comparison:
    """A writer's references against which queries are judged."""

    writer: str | None
    references: References
    classifier: Classifier
    negatives: str
    """Their kind, by which a calibration was chosen."""
    negatives_title: str
    fit: Fit
    calibration: Calibration | None
    operating: Operating
    binding: Binding
    unscaled: Unscaled | None = None
    """The comparison by the views that need no resolution; None where there are none, and in itself."""

    @cached_property
    def _fitted(self) -> tuple[Template, NDArray[np.float64]]:
        return self.fit()

    @property
    def template(self) -> Template:
        """The fitted template."""
        return self._fitted[0]

    @property
    def agreement(self) -> NDArray[np.float64]:
        """Each reference's score against the others; empty for fewer than three."""
        return self._fitted[1]

    @cached_property
    def thresholds(self) -> Thresholds:
        """The policy's thresholds by the calibration; without one the best threshold that there is.

        Raises:
            UsageError: a rate that the calibration cannot show.
        """
        calibrations, policy = self.operating.calibrations, self.operating.rule.policy
        if self.calibration is not None and calibrations is not None:
            return self.calibration.thresholds(calibrations.source, policy, calibrations.chosen(policy.method))
        reason = "none for this classifier and negatives" if calibrations else "no calibration fits this model"
        border, meaning = self.classifier.border, self.classifier.border_meaning
        return uncalibrated(self.agreement, border, meaning, reason, triage=policy.triage)

    def judge(self, samples: Sequence[Sample], features: NDArray[np.float32]) -> list[Verification]:
        """Return the answers for queries, given their features [n, D].

        A query of unknown resolution, or any query where a reference's is unknown, is compared by the views that are
        fitted to the ink alone.
        """
        if self.unscaled is None:
            return self._judge(samples, features)
        answers: list[Verification] = []
        # One by one: each query says for itself whether its resolution is known.
        for sample, row in zip(samples, features, strict=True):
            comparison, columns = self.fitting(sample)
            answers += comparison._judge([sample], np.ascontiguousarray(row[None, columns]))
        return answers

    def fitting(self, sample: Sample) -> tuple[Comparison, slice]:
        """Return the comparison that judges a query, and its columns of the features."""
        known = self.references.scale_known and (sample.scan is None or sample.scan.scale_known)
        if self.unscaled is None or known:
            return self, slice(0, self.references.features.shape[1])
        return self.unscaled.comparison, self.unscaled.columns

    def _judge(self, samples: Sequence[Sample], features: NDArray[np.float32]) -> list[Verification]:
        scores = self.template.scores(features) if len(samples) else np.empty(0)
        return [self._answer(sample, float(score)) for sample, score in zip(samples, scores, strict=True)]

    def evidence(self, score: float) -> Evidence | None:
        """Return what a score says, None without a calibration."""
        if self.calibration is None or self.operating.calibrations is None:
            return None
        calibrations, policy = self.operating.calibrations, self.operating.rule.policy
        method = calibrations.chosen(policy.method)
        alternative = self.calibration.alternative(policy.against)
        fitted = alternative.method(method)
        # The bounds are in it already: an LR beyond what the development set supports is never stated.
        llr = float(fitted.log10_lr(np.array([score]))[0])
        data = f"{calibrations.data.get('name', 'unnamed')}, {self.calibration.writers} writers"
        return Evidence.of(llr, fitted.log10_bounds, alternative.kind, method, calibrations.hash, data)

    @cached_property
    def rates(self) -> tuple[ErrorRate, ...]:
        """How often answers by the calibration's scores are wrong; none without a calibration."""
        return () if self.calibration is None else self.calibration.rates(self.thresholds)

    @cached_property
    def disagreement(self) -> Remark | None:
        """A remark where references do not fit the others."""
        return disagreement_remark(self.agreement, self.least_agreement)

    @property
    def least_agreement(self) -> float | None:
        """The score against the others below which a reference is odd; None without a calibration to tell it by."""
        calibrations, count = self.operating.calibrations, len(self.agreement)
        if self.calibration is None or calibrations is None or not count:
            return None
        own = self.calibration
        # A reference is compared with the others, which are one fewer than a query is compared with.
        fewer = calibrations.find(own.classifier, own.negatives, count - 1, own.scale) or own
        return odd_reference_limit(fewer.genuine, count)

    def _strange(self, sample: Sample) -> list[Remark]:
        """Return in what the calibration has seen no such comparison."""
        calibrations = self.operating.calibrations
        if sample.scan is None or self.calibration is None or calibrations is None:
            return []
        return range_remarks(calibrations.ranges or {}, sample.scan, self.references.scans)

    def _answer(self, sample: Sample, score: float) -> Verification:
        rule, count = self.operating.rule, len(self.references.features)
        copied = copy_remark(sample, self.references.digests, self.references.scans)
        # Models that look at pixels as they are have no scan facts, and their calibrations know of no ranges.
        unlike = [remark for remark in sample.remarks if remark.code in NOT_COMPARABLE and sample.scan is not None]
        size = size_remark(sample.ink, self.references.inks)
        if size is not None and sample.scan is not None and self.unscaled is not None:
            unlike.append(size)  # at one scale no hand writes its name so much larger: a scale is wrong, or the name
        beside = beside_remark(sample.scan, self.references.scans)
        strange = [*self._strange(sample), *([beside] if beside else [])]
        unlike += strange
        # Last among the remarks: what the scan itself shows comes before what an office asks for.
        asked = rule.policy.findings(sample.format, sample.scan, count, calibrated=self.thresholds.calibrated)
        remarks = [one for one in (copied, *sample.remarks, size, *strange, self.disagreement, *asked) if one]
        decision, decisive = ruled(rule.policy, self.thresholds.decide(score), remarks, unlike)
        refused = decision is Decision.REFUSED
        # a ratio whose preconditions are known to fail is not stated
        evidence = None if copied is not None or unlike or refused else self.evidence(score)
        return Verification(
            query=sample.name,
            writer=self.writer,
            decision=decision,
            score=score,
            thresholds=self.thresholds,
            evidence=evidence,
            references=count,
            classifier=self.classifier.name,
            negatives=self.negatives_title,
            remarks=tuple(remarks),
            decisive=decisive,
            policy=rule.facts,
            rates=() if evidence is None else self.rates,
            binding=self.binding,
            query_hash=sample.digest,
            resolution=None if sample.scan is None else sample.scan.reckoned,
            reference_resolutions=tuple(scan.reckoned for scan in self.references.scans if scan is not None),
            gamma=self.template.gamma,
        )


def ruled(
    policy: Policy, decision: Decision, remarks: Sequence[Remark], unlike: Sequence[Remark] = ()
) -> tuple[Decision, tuple[str, ...]]:
    """Return what remarks make of an answer, and the codes of those that did it.

    Args:
        policy: says what each does.
        decision: by the score.
        remarks: on the query and the comparison.
        unlike: those of them with which a scan is like none that the calibration knows.
    """
    # These the comparison itself forbids to answer: a policy may make them stricter, never milder.
    grave = [one for one in remarks if one in unlike or one.code == "copy"]
    actions = [policy.action(one.code, least="inconclusive" if one in grave else "warn") for one in remarks]
    strictest = max(actions, key=ACTIONS.index, default="warn")
    if strictest == "warn":
        return decision, ()
    decisive = tuple(one.code for one, action in zip(remarks, actions, strict=True) if action == strictest)
    if strictest == "refuse":
        return Decision.REFUSED, decisive
    # A copy outranks the other reasons of equal strictness: it says something of the scan, they of its quality.
    return (Decision.COPY if "copy" in decisive else Decision.INCONCLUSIVE), decisive


@dataclass(frozen=True)
class Case:
    """One verification with everything that a report shows."""

    comparison: Comparison
    references: tuple[Sample | None, ...]
    """None for images that the gallery did not keep."""
    query: Sample
    answer: Verification
