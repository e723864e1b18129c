"""The report of one verification: a single HTML file without script, fonts or anything else from outside.

What it says stands in ``report.html``; here is what fills it.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sigkd._version import __version__
from sigkd.images.preprocess import center_crop
from sigkd.rendering import write_html
from sigkd.verification.comparison import Comparison
from sigkd.verification.occlusion import PATCH, occlude
from sigkd.verification.pictures import OPPOSES, SUPPORTS, distribution_picture, occlusion_picture, signature_picture
from sigkd.verification.result import Verification
from sigkd.verification.samples import Sample
from sigkd.verification.scale import H1, H2, verbal

if TYPE_CHECKING:
    from sigkd.verification.engine import Engine

TEMPLATE = Path(__file__).with_name("report.html")


def write_report(
    path: Path,
    engine: Engine,
    comparison: Comparison,
    references: Sequence[Sample | None],
    query: Sample,
    answer: Verification,
) -> None:
    """Write the report of one verification.

    Args:
        path: the HTML file.
        engine: computes the occlusion map.
        comparison: template, thresholds, calibration.
        references: the references' images; None for those that the gallery did not keep.
        query: the questioned signature.
        answer: the answer that is reported.
    """
    time = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    names = [one.name if one is not None else "" for one in references]
    facts = {
        "answer": answer,
        "time": time,
        "version": __version__,
        "evidence": _evidence(answer),
        "questioned": signature_picture(_crop(query)),
        "occlusion": _occlusion(engine, comparison, query),
        "references": [
            {"number": number, "name": one.name, "picture": signature_picture(_crop(one))}
            for number, one in enumerate(references, 1)
            if one is not None
        ],
        "distributions": _distributions(comparison, answer),
        "agreement": list(zip(names, comparison.agreement, strict=True)) if len(comparison.agreement) else [],
        "record": _record(engine, comparison, query, answer),
    }
    write_html(path, TEMPLATE, facts)


def _crop(sample: Sample) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(center_crop(sample.image), np.uint8)


def _evidence(answer: Verification) -> dict[str, Any] | None:
    evidence = answer.evidence
    if evidence is None:
        return None
    return {
        "words": verbal(evidence.log10_lr).sentence,
        "bounded": evidence.bounded,
        "h1": H1,
        "h2": H2[evidence.alternative],
        "lr": 10**evidence.log10_lr,
        "log10_lr": evidence.log10_lr,
        "bounds": evidence.bounds,
    }


def _occlusion(engine: Engine, comparison: Comparison, query: Sample) -> dict[str, Any]:
    found = occlude(engine, comparison.template, query.image)
    picture, limit = occlusion_picture(_crop(query), np.asarray(center_crop(found.change), np.float64))
    facts = {"picture": picture, "limit": limit, "patches": found.patches, "side": PATCH}
    return facts | {"supports": SUPPORTS, "opposes": OPPOSES}


def _distributions(comparison: Comparison, answer: Verification) -> dict[str, Any] | None:
    known, evidence = comparison.calibration, answer.evidence
    if known is None or evidence is None:
        return None
    impostors = [(one.kind, one.impostor) for one in known.alternatives.values()]
    limits = answer.thresholds
    alternative = known.alternative(evidence.alternative)
    return {
        "picture": distribution_picture(known.genuine, impostors, answer.score, limits.accept, limits.reject),
        "data": evidence.data,
        "references": known.references,
        "counts": [("genuine", len(known.genuine)), *((kind, len(scores)) for kind, scores in impostors)],
        "eer": alternative.measures["eer"],
        "cllr": alternative.cllr(evidence.method),
        "alternative": evidence.alternative,
    }


def _record(
    engine: Engine, comparison: Comparison, query: Sample, answer: Verification
) -> list[tuple[str, list[tuple[str, bool]]]]:
    """Return the rows of the record: a name, and texts with whether each is a hash."""
    import torch

    binding, evidence, ink = answer.binding, answer.evidence, query.ink
    canvas = f"{binding.canvas[0]} x {binding.canvas[1]}"
    rows = [
        ("Questioned file, SHA-256", [(answer.query_hash, True)]),
        ("References, SHA-256", [(digest or "not known", True) for digest in comparison.digests]),
        ("Ink box of the questioned scan", [(f"{ink.width} x {ink.height} px, strokes {ink.stroke:.1f} px", False)]),
        ("Model", [(binding.model_name, False), (binding.model_hash, True)]),
        ("Preprocessing", [(f"version {binding.preprocess_version}, canvas {canvas}", False)]),
        ("Classifier", [(f"{comparison.classifier.name}: {comparison.classifier.title}", False)]),
        ("Negatives", [(answer.negatives, False)]),
    ]
    if comparison.negatives == "cohort":
        rows.append(("Cohort, SHA-256", [(engine.cohort.hash, True)]))
    if evidence is not None:
        rows.append(("Calibration", [(f"{evidence.method}, on {evidence.data}", False)]))
        rows.append(("Calibration, SHA-256", [(evidence.calibration_hash, True)]))
    versions = f"sigkd {__version__}, Python {platform.python_version()}, torch {torch.__version__}"
    rows.append(("Versions", [(f"{versions}, NumPy {np.__version__}", False)]))
    rows.append(("Device", [(str(engine.device), False)]))
    return rows
