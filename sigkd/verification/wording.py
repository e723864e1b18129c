"""An answer in three sentences for whoever has to act on it: what it is, why, and what to do."""

from __future__ import annotations

from sigkd.verification.decision import Decision
from sigkd.verification.result import Evidence, Verification
from sigkd.words import counted, times

_ADVICE = {
    "low-resolution": "scan again at 300 dpi",
    "resolution-doubtful": "find out and state the scan's resolution, or scan again at 300 dpi",
    "blurred": "scan again, in focus",
    "faint": "scan again in grey or colour, with more contrast",
    "print-over-ink": "take a scan without the stamp or the print over the signature",
    "ink-beside": "crop the signature alone",
    "size": "check the stated resolution, and that the signature is of the same kind",
    "unlike-references": "scan query and references alike: in grey, at 300 dpi",
    "outside-calibration": "scan in grey, at 300 dpi, or calibrate on scans like these ('sigkd calibrate')",
    "format": "scan again into a format that the policy takes",
    "resolution": "scan again at a resolution that the policy takes",
    "few-references": "enrol more references of the writer",
    "references-disagree": "check that all references are the writer's",
    "uncalibrated": "use the default model, or make a calibration ('sigkd calibrate')",
    "resolution-unknown": "state the resolution, or scan at 300 dpi",
}


def reason(answer: Verification) -> str:
    """Return why the answer is what it is."""
    said = {one.code: one.text for one in reversed(answer.remarks)}  # the first of each code
    if answer.decisive:
        return "; ".join(dict.fromkeys(said[code] for code in answer.decisive))
    count = counted(answer.references, "reference")
    if answer.evidence is None:
        return f"score {answer.score:.3f}, {count} ({answer.thresholds}); not calibrated: its error rates are not known"
    return f"{ratio(answer.evidence)}; {count} ({answer.thresholds.rule})"


def ratio(evidence: Evidence) -> str:
    """Return a likelihood ratio in words that need no statistics."""
    factor = times(10 ** abs(evidence.log10_lr))
    most = "at least " if evidence.bounded else ""
    other = "somebody else imitated the writer" if evidence.alternative == "skilled" else "somebody else wrote it"
    if evidence.supports is None:
        return f"the likeness speaks for neither side: LR {evidence.lr:.2g}"
    first, second = ("the writer signed", other) if evidence.supports == "H1" else (other, "the writer signed")
    return f"LR {evidence.lr:.3g}: such a likeness is {most}{factor} times more probable if {first} than if {second}"


def advice(answer: Verification) -> str:
    """Return what to do now."""
    decision = answer.decision
    codes = [one.code for one in answer.remarks]
    if decision is Decision.COPY:
        return "ask for the original, or for another signature: this image is one that was there before"
    if decision is Decision.REFUSED or answer.decisive:
        steps = list(dict.fromkeys(_ADVICE[code] for code in answer.decisive if code in _ADVICE))
        return "; ".join([*steps, "or let a person decide" if steps else "let a person decide"])
    if decision is Decision.INCONCLUSIVE:
        steps = [_ADVICE[code] for code in ("references-disagree", "resolution-unknown") if code in codes]
        if answer.references < 5:
            steps.insert(0, f"more references decide more (now {answer.references})")
        return "; ".join(["a person decides", *steps])
    if decision is Decision.REJECTED:
        return "do not rely on it; let a person look at both, and ask the writer"
    return "nothing more is asked of you" if answer.evidence else "calibrate before you rely on it"
