"""One writer's references ready to judge queries: template, thresholds and evidence together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigkd.classifiers import Classifier, Template
from sigkd.errors import CalibrationError
from sigkd.images.ink_measures import InkMeasures
from sigkd.models.binding import Binding
from sigkd.verification.calibration import Calibration, CalibrationSet
from sigkd.verification.decision import Thresholds, uncalibrated
from sigkd.verification.remarks import copy_remark, disagreement_remark, size_remark
from sigkd.verification.result import Evidence, Verification
from sigkd.verification.samples import Sample


@dataclass(frozen=True)
class Operating:
    """How scores become answers; the same for all writers of a verifier."""

    calibrations: CalibrationSet | None = None
    named: bool = False
    """The calibration was named by the user: then it must fit, instead of being passed over."""
    method: str | None = None
    """Of calibration (:data:`sigkd.verification.calibrations.METHODS`); None: what the calibration recommends."""
    against: str | None = None
    """``skilled`` or ``random``: the alternative proposition; None: skilled where there are such scores."""
    far: float | None = None
    frr: float | None = None

    def find(self, classifier: str, negatives: str, references: int) -> Calibration | None:
        """Return the calibration that fits.

        Raises:
            CalibrationError: the user named a file that has none for this classifier and these negatives, or asked
                for rates without any calibration.
        """
        found = None if self.calibrations is None else self.calibrations.find(classifier, negatives, references)
        if found is None and self.named:
            source = self.calibrations.source if self.calibrations else "`calibration`"
            raise CalibrationError(
                f"{source}: has nothing for the classifier '{classifier}' with negatives from '{negatives}'"
            )
        if found is None and (self.far is not None or self.frr is not None):
            raise CalibrationError(
                "`far` and `frr` choose a point of a calibration, and none fits here; 'sigkd calibrate' makes one"
            )
        return found


@dataclass(frozen=True)
class Comparison:
    """A writer's references against which queries are judged."""

    writer: str | None
    features: NDArray[np.float32]
    """[r, D] of the references."""
    inks: tuple[InkMeasures, ...]
    digests: tuple[str, ...]
    template: Template
    classifier: Classifier
    negatives: str
    negatives_text: str
    agreement: NDArray[np.float64]
    """Each reference's score against the others; empty for fewer than three."""
    thresholds: Thresholds
    calibration: Calibration | None
    operating: Operating
    binding: Binding

    def judge(self, samples: Sequence[Sample], features: NDArray[np.float32]) -> list[Verification]:
        """Return the answers for queries, given their features [n, D]."""
        scores = self.template.scores(features) if len(samples) else np.empty(0)
        return [self._answer(sample, float(score)) for sample, score in zip(samples, scores, strict=True)]

    def evidence(self, score: float) -> Evidence | None:
        """Return what a score says, None without a calibration."""
        if self.calibration is None or self.operating.calibrations is None:
            return None
        known = self.operating.calibrations
        method = known.chosen(self.operating.method)
        alternative = self.calibration.alternative(self.operating.against)
        fitted = alternative.method(method)
        llr = float(fitted.log10_lr(np.array([score]))[0])
        data = f"{known.data.get('name', 'unnamed')}, {self.calibration.writers} writers"
        return Evidence(llr, fitted.log10_bounds, alternative.kind, method, known.hash, data)

    def _answer(self, sample: Sample, score: float) -> Verification:
        remarks = (
            *sample.remarks,
            copy_remark(sample.digest, self.digests),
            size_remark(sample.ink, self.inks),
            disagreement_remark(self.agreement, min(self.thresholds.reject, self.thresholds.accept)),
        )
        return Verification(
            query=sample.name,
            writer=self.writer,
            decision=self.thresholds.decide(score),
            score=score,
            thresholds=self.thresholds,
            evidence=self.evidence(score),
            references=len(self.features),
            classifier=self.classifier.name,
            negatives=self.negatives_text,
            remarks=tuple(remark for remark in remarks if remark is not None),
            binding=self.binding,
            query_hash=sample.digest,
        )


def operating_point(
    operating: Operating, classifier: Classifier, negatives: str, agreement: NDArray[np.float64], references: int
) -> tuple[Calibration | None, Thresholds]:
    """Return the calibration that fits and its thresholds, or none and the best threshold that there is without one."""
    calibration = operating.find(classifier.name, negatives, references)
    if calibration is None or operating.calibrations is None:
        reason = (
            "no calibration fits this model"
            if operating.calibrations is None
            else "none for this classifier and negatives"
        )
        return None, uncalibrated(agreement, classifier.border, classifier.border_meaning, reason)
    thresholds = calibration.thresholds(operating.calibrations.source, operating.against, operating.far, operating.frr)
    return calibration, thresholds
