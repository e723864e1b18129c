"""The report of one verification: a single HTML file without script, fonts or anything else from outside.

What it says stands in ``report.html``; here is what fills it.
"""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sigkd._version import __version__
from sigkd.images.preprocess import center_crop
from sigkd.rendering import write_html
from sigkd.verification.comparison import Case
from sigkd.verification.occlusion import PATCH, occlude
from sigkd.verification.pictures import OPPOSES, SUPPORTS, distribution_picture, occlusion_picture, signature_picture
from sigkd.verification.result import Verification
from sigkd.verification.samples import Sample

if TYPE_CHECKING:
    from sigkd.verification.verifier import Verifier

TEMPLATE = Path(__file__).with_name("report.html")


def write_report(path: Path, verifier: Verifier, case: Case) -> None:
    """Write the report of one verification.

    Args:
        path: the HTML file.
        verifier: that made the answer; it computes the occlusion map.
        case: what is reported.
    """
    comparison, references, answer = case.comparison, case.references, case.answer
    time = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    names = [one.name if one is not None else "" for one in references]
    facts = {
        "answer": answer,
        "time": time,
        "version": __version__,
        "evidence": _evidence(answer),
        "questioned": signature_picture(_crop(case.query)),
        "occlusion": _occlusion(verifier, case),
        "references": [
            {"number": number, "name": one.name, "picture": signature_picture(_crop(one))}
            for number, one in enumerate(references, 1)
            if one is not None
        ],
        "distributions": _distributions(case),
        "agreement": list(zip(names, comparison.agreement, strict=True)) if len(comparison.agreement) else [],
        "record": _record(verifier, case),
    }
    write_html(path, TEMPLATE, facts)


def _crop(sample: Sample) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(center_crop(sample.image), np.uint8)


def _evidence(answer: Verification) -> dict[str, Any] | None:
    evidence = answer.evidence
    if evidence is None:
        return None
    return {
        "words": evidence.verbal,
        "bounded": evidence.bounded,
        "h1": evidence.h1,
        "h2": evidence.h2,
        "lr": evidence.lr,
        "log10_lr": evidence.log10_lr,
        "bounds": evidence.bounds,
    }


def _occlusion(verifier: Verifier, case: Case) -> dict[str, Any]:
    found = occlude(verifier, case.comparison.template, case.query.image)
    picture, limit = occlusion_picture(_crop(case.query), np.asarray(center_crop(found.change), np.float64))
    facts = {"picture": picture, "limit": limit, "patches": found.patches, "side": PATCH}
    return facts | {"supports": SUPPORTS, "opposes": OPPOSES}


def _distributions(case: Case) -> dict[str, Any] | None:
    calibration, evidence = case.comparison.calibration, case.answer.evidence
    if calibration is None or evidence is None:
        return None
    impostors = [(one.kind, one.impostor) for one in calibration.alternatives.values()]
    limits = case.answer.thresholds
    alternative = calibration.alternative(evidence.alternative)
    return {
        "picture": distribution_picture(
            calibration.genuine, impostors, case.answer.score, limits.accept, limits.reject
        ),
        "data": evidence.data,
        "references": calibration.references,
        "counts": [("genuine", len(calibration.genuine)), *((kind, len(scores)) for kind, scores in impostors)],
        "eer": alternative.measures["eer"],
        "cllr": alternative.cllr(evidence.method),
        "alternative": evidence.alternative,
    }


def _record(verifier: Verifier, case: Case) -> list[tuple[str, list[tuple[str, bool]]]]:
    """Return the rows of the record: a name, and texts with whether each is a hash."""
    import torch

    comparison, answer = case.comparison, case.answer
    binding, evidence, ink = answer.binding, answer.evidence, case.query.ink
    canvas = f"{binding.canvas[0]} x {binding.canvas[1]}"
    rows = [
        ("Questioned file, SHA-256", [(answer.query_hash, True)]),
        ("References, SHA-256", [(digest or "not known", True) for digest in comparison.references.digests]),
        ("Ink box of the questioned scan", [(f"{ink.width} x {ink.height} px, strokes {ink.stroke:.1f} px", False)]),
        ("Model", [(binding.model_name, False), (binding.model_hash, True)]),
        ("Preprocessing", [(f"version {binding.preprocess_version}, canvas {canvas}", False)]),
        ("Classifier", [(f"{comparison.classifier.name}: {comparison.classifier.title}", False)]),
        ("Negatives", [(answer.negatives, False)]),
    ]
    if comparison.negatives == "cohort":
        rows.append(("Cohort, SHA-256", [(verifier.cohort.hash, True)]))
    if evidence is not None:
        rows.append(("Calibration", [(f"{evidence.method}, on {evidence.data}", False)]))
        rows.append(("Calibration, SHA-256", [(evidence.calibration_hash, True)]))
    versions = f"sigkd {__version__}, Python {platform.python_version()}, torch {torch.__version__}"
    rows.append(("Versions", [(f"{versions}, NumPy {np.__version__}", False)]))
    rows.append(("Device", [(str(verifier.device), False)]))
    return rows
