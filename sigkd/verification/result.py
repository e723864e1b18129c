"""The answer to one questioned signature, as programs and people get it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sigkd._version import __version__
from sigkd.images.remarks import Remark
from sigkd.models.binding import Binding
from sigkd.verification.decision import Decision, Thresholds
from sigkd.verification.scale import H1, H2, verbal


@dataclass(frozen=True)
class Evidence:
    """What the score says between two propositions."""

    log10_lr: float
    bounds: tuple[float, float]
    """log10 of the lowest and highest LR that the development set supports (ELUB)."""
    alternative: str
    """``skilled`` or ``random``: which H2."""
    method: str
    calibration_hash: str
    data: str
    """The development set in words."""

    @property
    def bounded(self) -> bool:
        """Whether the LR was cut at a bound."""
        return self.log10_lr <= self.bounds[0] or self.log10_lr >= self.bounds[1]

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values, with both propositions and the words of the verbal scale."""
        words = verbal(self.log10_lr)
        return {
            "log10_lr": self.log10_lr,
            "lr": 10.0**self.log10_lr,
            "bounded": self.bounded,
            "bounds_log10": list(self.bounds),
            "h1": H1,
            "h2": H2[self.alternative],
            "supports": words.proposition,
            "strength": words.strength,
            "verbal": words.sentence,
            "method": self.method,
            "calibration_hash": self.calibration_hash,
            "development_data": self.data,
        }


@dataclass(frozen=True)
class Verification:
    """The answer to one questioned signature."""

    query: str
    writer: str | None
    """The enrolled writer; None for references given ad hoc."""
    decision: Decision
    score: float
    thresholds: Thresholds
    evidence: Evidence | None
    """None without a calibration: then a score is only a score."""
    references: int
    classifier: str
    negatives: str
    """What the template was fitted against, in words."""
    remarks: tuple[Remark, ...]
    binding: Binding
    query_hash: str
    reference_remarks: tuple[Remark, ...] = ()
    """On references given as images: each names its file."""
    gamma: float | None = None
    """Of the classifier's kernel; None: it has none."""

    def as_dict(self) -> dict[str, Any]:
        """Return one JSON-compatible document."""
        return {
            "query": self.query,
            "writer": self.writer,
            "decision": self.decision.value,
            "exit_code": int(self.decision.exit_code),
            "score": self.score,
            "thresholds": {
                "accept": self.thresholds.accept,
                "reject": self.thresholds.reject,
                "origin": self.thresholds.origin,
                "calibrated": self.thresholds.calibrated,
                "far": self.thresholds.far,
                "frr": self.thresholds.frr,
            },
            "evidence": None if self.evidence is None else self.evidence.as_dict(),
            "references": self.references,
            "classifier": self.classifier,
            "gamma": self.gamma,
            "negatives": self.negatives,
            "remarks": [{"code": one.code, "text": one.text} for one in self.remarks],
            "reference_remarks": [{"code": one.code, "text": one.text} for one in self.reference_remarks],
            "query_hash": self.query_hash,
            **self.binding.as_dict(),
            "sigkd_version": __version__,
        }

    def as_row(self) -> dict[str, Any]:
        """Return one flat row for CSV."""
        evidence = self.evidence
        return {
            "query": self.query,
            "writer": self.writer or "",
            "decision": self.decision.value,
            "score": f"{self.score:.6f}",
            "log10_lr": "" if evidence is None else f"{evidence.log10_lr:.3f}",
            "verbal": "" if evidence is None else verbal(evidence.log10_lr).sentence,
            "alternative": "" if evidence is None else evidence.alternative,
            "accept": f"{self.thresholds.accept:.6f}",
            "reject": f"{self.thresholds.reject:.6f}",
            "thresholds": self.thresholds.origin,
            "references": self.references,
            "classifier": self.classifier,
            "remarks": "; ".join(one.code for one in self.remarks),
            "model": self.binding.model_name,
            "model_hash": self.binding.model_hash,
        }
