"""The answer to one questioned signature, as programs and people get it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sigkd._version import __version__
from sigkd.images.remarks import Remark
from sigkd.images.scan_facts import ReckonedResolution
from sigkd.json_documents import JsonDocument
from sigkd.models.binding import Binding
from sigkd.verification.calibration import ErrorRate
from sigkd.verification.decision import Decision, Thresholds
from sigkd.verification.policy import PolicyFacts
from sigkd.verification.scale import H1, H2, verbal


@dataclass(frozen=True)
class Evidence:
    """What the score says between two propositions."""

    log10_lr: float
    lr: float
    bounds: tuple[float, float]
    """log10 of the lowest and highest LR that the development set supports (ELUB)."""
    bounded: bool
    """Whether the LR was cut at a bound."""
    alternative: str
    """``skilled`` or ``random``: which H2."""
    h1: str
    h2: str
    supports: str | None
    """``H1`` or ``H2``; null: neither."""
    strength: str
    """Of the support, on the verbal scale."""
    verbal: str
    """The same in a sentence."""
    method: str
    """Of calibration."""
    calibration_hash: str
    data: str
    """The development set in words."""

    @classmethod
    def of(
        cls,
        log10_lr: float,
        bounds: tuple[float, float],
        alternative: str,
        method: str,
        calibration_hash: str,
        data: str,
    ) -> Evidence:
        """Return the evidence of an LR, with both propositions and the words of the verbal scale."""
        words = verbal(log10_lr)
        return cls(
            log10_lr=log10_lr,
            lr=10.0**log10_lr,
            bounds=bounds,
            bounded=log10_lr <= bounds[0] or log10_lr >= bounds[1],
            alternative=alternative,
            h1=H1,
            h2=H2[alternative],
            supports=words.proposition,
            strength=words.strength,
            verbal=words.sentence,
            method=method,
            calibration_hash=calibration_hash,
            data=data,
        )


class Verification(JsonDocument, format="sigkd-verification", version=1):
    """The answer to one questioned signature."""

    query: str
    writer: str | None
    """The enrolled writer; null for references given ad hoc."""
    decision: Decision
    score: float
    thresholds: Thresholds
    evidence: Evidence | None
    """Null without a calibration: then a score is only a score."""
    references: int
    """How many the query was compared with."""
    classifier: str
    negatives: str
    """What the template was fitted against, in words."""
    remarks: tuple[Remark, ...]
    binding: Binding
    query_hash: str
    """SHA-256 of the query's file."""
    policy: PolicyFacts
    """The rule by which the score became an answer."""
    decisive: tuple[str, ...] = ()
    """Codes of the remarks that made the answer; empty: the score did."""
    rates: tuple[ErrorRate, ...] = ()
    """How often such answers are wrong, on the development set; none where the scan is not like those."""
    resolution: ReckonedResolution | None = None
    """Of the query's scan; null: it was compared in its own pixels."""
    reference_resolutions: tuple[ReckonedResolution, ...] = ()
    """Of the references' scans, likewise."""
    reference_remarks: tuple[Remark, ...] = ()
    """On references given as images: each names its file."""
    gamma: float | None = None
    """Of the classifier's kernel; null: it has none."""
    sigkd_version: str = __version__

    def log_detail(self) -> dict[str, Any]:
        """Return what the gallery's log keeps of the answer: enough to tell later why it was given."""
        evidence, limits = self.evidence, self.thresholds
        detail: dict[str, Any] = {
            "decision": self.decision.value,
            "score": round(self.score, 6),
            "query": self.query_hash[:16],
            "accept": None if limits.accept is None else round(limits.accept, 6),
            "reject": None if limits.reject is None else round(limits.reject, 6),
            "log10_lr": None if evidence is None else round(evidence.log10_lr, 4),
            "policy": f"{self.policy.name} {self.policy.version} {self.policy.hash[:16]}",
            "remarks": [one.code for one in self.remarks],
            "calibration": None if evidence is None else evidence.calibration_hash[:16],
            "model": self.binding.model_hash[:16],
        }
        return {**detail, **({"changed": self.policy.changed} if self.policy.changed else {})}

    def as_row(self) -> dict[str, Any]:
        """Return one flat row for CSV."""
        evidence = self.evidence
        return {
            "query": self.query,
            "writer": self.writer or "",
            "decision": self.decision.value,
            "score": f"{self.score:.6f}",
            "log10_lr": "" if evidence is None else f"{evidence.log10_lr:.3f}",
            "verbal": "" if evidence is None else evidence.verbal,
            "alternative": "" if evidence is None else evidence.alternative,
            "accept": "" if self.thresholds.accept is None else f"{self.thresholds.accept:.6f}",
            "reject": "" if self.thresholds.reject is None else f"{self.thresholds.reject:.6f}",
            "thresholds": self.thresholds.origin,
            "references": self.references,
            "classifier": self.classifier,
            "remarks": "; ".join(one.code for one in self.remarks),
            "policy": f"{self.policy.name} {self.policy.version}",
            "policy_hash": self.policy.hash,
            "model": self.binding.model_name,
            "model_hash": self.binding.model_hash,
        }


class Verifications(JsonDocument, format="sigkd-verifications", version=1):
    """What ``sigkd verify`` prints: one answer a query."""

    exit_code: int
    """Of the command: the worst answer's (rejected, refused, inconclusive, accepted)."""
    verifications: tuple[Verification, ...]
    failed: dict[str, str]
    """What is wrong with images that have no answer, by file."""
    unsigned: tuple[str, ...] = ()
    """Documents without a signature, and ``DOCUMENT: ROLE`` for places without one."""
