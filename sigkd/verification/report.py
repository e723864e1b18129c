"""The report of one verification: a single HTML file without script, fonts or anything else from outside."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sigkd._version import __version__
from sigkd.files import write_text
from sigkd.images.preprocess import center_crop
from sigkd.verification.comparison import Comparison
from sigkd.verification.occlusion import PATCH, occlude
from sigkd.verification.pictures import OPPOSES, SUPPORTS, distribution_picture, occlusion_picture, signature_picture
from sigkd.verification.result import Verification
from sigkd.verification.samples import Sample
from sigkd.verification.scale import H1, H2, verbal

if TYPE_CHECKING:
    from sigkd.verification.engine import Engine

_LIMITS = (
    "The comparison is of static images. Pressure, speed and the order of strokes are not in them; a traced or printed "
    "signature may score high.",
    "The likelihood ratio compares two stated propositions. It is not the probability that a signature is "
    "genuine: that also "
    "depends on the other evidence of the case, which this program does not know.",
    "The ratio holds for signatures like those of the development set: its script, pens, scanners and "
    "forgers. It is cut at the "
    "bounds that so small a set supports.",
    "References should be of the same time and circumstances as the questioned signature. Age, illness, "
    "posture or a small box "
    "on a form change a signature.",
    "This report supports a person's judgement and does not replace an examination of the originals.",
)


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
    sections = [
        _head(answer, time),
        _meaning(answer),
        _remarks(answer),
        _images(engine, comparison, references, query),
        _distributions(comparison, answer),
        _agreement(comparison, references),
        _annex(engine, comparison, query, answer, time),
        f"<h2>Limits</h2><ul>{''.join(f'<li>{escape(limit)}</li>' for limit in _LIMITS)}</ul>",
    ]
    style = files("sigkd.verification").joinpath("report.css").read_text(encoding="utf-8")
    write_text(
        path,
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<title>Signature verification: "
        f"{escape(answer.query)}</title>\n<style>\n{style}</style></head>\n<body><main>\n"
        + "\n".join(sections)
        + "\n</main></body></html>\n",
    )


def _head(answer: Verification, time: str) -> str:
    who = f"the enrolled writer <b>{escape(answer.writer)}</b>" if answer.writer else "the references given"
    count = f"{answer.references} reference{'s' * (answer.references > 1)}"
    human = "<span>A person has to decide.</span>" if answer.decision.value == "inconclusive" else ""
    limits = answer.thresholds
    rule = f"accepted from {limits.accept:.3f}"
    if limits.reject != limits.accept:
        rule += f", rejected below {limits.reject:.3f}"
    return (
        f"<h1>Signature verification</h1><p>Questioned signature <b>{escape(answer.query)}</b>, compared with "
        f"{who} ({count}).<br>"
        f'<span class="soft">{escape(time)} UTC, sigkd {__version__}</span></p>'
        f'<div class="answer {answer.decision.value}"><strong>{answer.decision.value}</strong>{human}'
        f"<span>score {answer.score:.3f} ({rule})</span></div>"
        f'<p class="soft">Thresholds: {escape(limits.origin)}.</p>'
    )


def _meaning(answer: Verification) -> str:
    evidence = answer.evidence
    if evidence is None:
        return (
            "<h2>Meaning</h2><p>No calibration fits this model, classifier and cohort, so the score cannot "
            "be turned into a "
            "likelihood ratio, and the error rates of the threshold are not known.</p>"
        )
    words = verbal(evidence.log10_lr)
    bound = (
        " This is the bound that the development set supports; the findings may be stronger."
        if evidence.bounded
        else ""
    )
    low, high = evidence.bounds
    return (
        f"<h2>Meaning</h2><p><b>{escape(words.sentence)}</b>{bound}</p>"
        f"<dl><dt>H1</dt><dd>{escape(H1)}</dd><dt>H2</dt><dd>{escape(H2[evidence.alternative])}</dd></dl>"
        f"<p>Likelihood ratio {10**evidence.log10_lr:.3g} (log<sub>10</sub> LR <span "
        f'class="number">{evidence.log10_lr:+.2f}</span>; '
        f"bounds {low:+.2f} to {high:+.2f}).</p>"
        '<p class="soft">Words after the verbal scale of the ENFSI guideline for evaluative reporting '
        "(2015). A likelihood ratio says "
        "how much more probable the findings are if one proposition is true than if the other is. It is not "
        "the probability of a "
        "proposition.</p>"
    )


def _remarks(answer: Verification) -> str:
    if not answer.remarks:
        return "<h2>Remarks on the images</h2><p>None.</p>"
    return f"<h2>Remarks on the images</h2><ul>{''.join(f'<li>{escape(str(one))}</li>' for one in answer.remarks)}</ul>"


def _images(engine: Engine, comparison: Comparison, references: Sequence[Sample | None], query: Sample) -> str:
    found = occlude(engine, comparison.template, query.image)
    crop = np.asarray(center_crop(query.image), np.uint8)
    change = np.asarray(center_crop(found.change), np.float64)
    shown, limit = occlusion_picture(crop, change, "Questioned signature, ink coloured by its effect on the score")
    supports, opposes = (f"rgb{colour}" for colour in (SUPPORTS, OPPOSES))
    parts = [
        "<h2>The signatures as the network sees them</h2>",
        '<div class="pair">',
        f"<figure>{signature_picture(crop, 'Questioned signature')}<figcaption>Questioned: "
        f"{escape(query.name)}</figcaption></figure>",
        f"<figure>{shown}<figcaption>Aid to the eye: where the score hangs on the ink</figcaption></figure>",
        "</div>",
        f'<p class="soft"><span class="swatch" style="background:{supports}"></span>Taking this ink away '
        "lowers the score: the network "
        f'finds it like the references. <span class="swatch" style="background:{opposes}"></span>Taking it '
        "away raises the score: unlike "
        f"the references. Full colour is a change of {limit:.3f}. Made by replacing {found.patches} patches "
        f"of {PATCH} x {PATCH} pixels "
        "by paper, one at a time. Ink is darkened for display. It shows what this network reacts to, and is "
        "no evidence of who wrote what.</p>",
    ]
    kept = [(number, one) for number, one in enumerate(references, 1) if one is not None]
    if kept:
        figures = [
            f"<figure>{signature_picture(np.asarray(center_crop(one.image), np.uint8), f'Reference {number}')}"
            f"<figcaption>Reference {number}: {escape(one.name)}</figcaption></figure>"
            for number, one in kept
        ]
        parts.append(f'<div class="references">{"".join(figures)}</div>')
    if len(kept) < len(references):
        parts.append('<p class="soft">Images of references that the gallery did not keep cannot be shown.</p>')
    return "".join(parts)


def _distributions(comparison: Comparison, answer: Verification) -> str:
    known = comparison.calibration
    if known is None or answer.evidence is None:
        return ""
    impostors = [(one.kind, one.impostor) for one in known.alternatives.values()]
    picture = distribution_picture(
        known.genuine, impostors, answer.score, answer.thresholds.accept, answer.thresholds.reject
    )
    alternative = known.alternative(answer.evidence.alternative)
    return (
        f"<h2>Where the score lies</h2>{picture}"
        f'<p class="soft">Scores of the development set ({escape(answer.evidence.data)}, {known.references} '
        "references): "
        f"{len(known.genuine)} genuine, "
        + ", ".join(f"{len(scores)} {kind}" for kind, scores in impostors)
        + f" are drawn. Equal error rate {100 * alternative.measures['eer']:.1f} %, Cllr "
        f"{alternative.cllr(answer.evidence.method):.3f} "
        f"(0 is perfect, 1 says nothing; {answer.evidence.alternative} forgeries). The bar below the axis: "
        "rejected, inconclusive, "
        "accepted.</p>"
    )


def _agreement(comparison: Comparison, references: Sequence[Sample | None]) -> str:
    if not len(comparison.agreement):
        return (
            "<h2>Do the references agree?</h2><p>With fewer than three references this cannot be said. More "
            "references make every "
            "answer more certain.</p>"
        )
    names = [f"{one.name}" if one is not None else "" for one in references]
    rows = "".join(
        f'<tr><td>Reference {number} {escape(name)}</td><td class="number">{score:.3f}</td></tr>'
        for number, (name, score) in enumerate(zip(names, comparison.agreement, strict=True), 1)
    )
    return (
        "<h2>Do the references agree?</h2><p>The score of each reference against the others. These have one "
        "reference fewer, and so "
        "run a little lower than a query's score.</p>"
        f'<table><tr class="head"><th>reference</th><th>score</th></tr>{rows}</table>'
    )


def _annex(engine: Engine, comparison: Comparison, query: Sample, answer: Verification, time: str) -> str:
    import torch

    binding, evidence = answer.binding, answer.evidence
    canvas = f"{binding.canvas[0]} x {binding.canvas[1]}"
    rows = [
        ("Questioned file, SHA-256", f"<code>{answer.query_hash}</code>"),
        ("References, SHA-256", "<br>".join(f"<code>{digest or 'not known'}</code>" for digest in comparison.digests)),
        (
            "Ink box of the questioned scan",
            f"{query.ink.width} x {query.ink.height} px, strokes {query.ink.stroke:.1f} px",
        ),
        ("Model", f"{escape(binding.model_name)} <code>{binding.model_hash}</code>"),
        ("Preprocessing", f"version {escape(binding.preprocess_version)}, canvas {canvas}"),
        ("Classifier", f"{comparison.classifier.name}: {escape(comparison.classifier.title)}"),
        ("Negatives", escape(answer.negatives)),
    ]
    if comparison.negatives == "cohort":
        rows.append(("Cohort, SHA-256", f"<code>{engine.cohort.hash}</code>"))
    if evidence is not None:
        rows += [
            ("Calibration", f"{escape(evidence.method)}, on {escape(evidence.data)}"),
            ("Calibration, SHA-256", f"<code>{evidence.calibration_hash}</code>"),
        ]
    rows.append(
        (
            "Versions",
            f"sigkd {__version__}, Python {platform.python_version()}, torch {torch.__version__}, NumPy "
            f"{np.__version__}",
        )
    )
    rows.append(("Device", escape(str(engine.device))))
    body = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows)
    return f"<h2>Record</h2><table>{body}</table>"
