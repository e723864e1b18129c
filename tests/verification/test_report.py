"""The report: complete, self-contained, and honest about what it cannot say."""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape as html_escape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from sigkd import Choices, Verifier
from sigkd.images.remarks import Remark
from sigkd.verification.calibration import CalibrationSet, fit_calibration
from sigkd.verification.occlusion import occlude
from sigkd.verification.report import write_report

_VOID = {"meta", "img", "br", "line", "rect", "polyline", "link"}


def escape(text: str) -> str:
    return html_escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")  # as Jinja2 writes them


class _Balanced(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def calibrated(tiny_model, tiny_cohort) -> Verifier:
    generator = np.random.default_rng(0)
    genuine, skilled, random = (generator.normal(shift, 0.6, 200) for shift in (0.5, -0.5, -1.0))
    impostors = {"skilled": skilled, "random": random}
    fitted = tuple(
        fit_calibration(genuine, impostors, classifier=name, negatives="cohort", references=3, writers=10)
        for name in ("wd", "wi")
    )
    known = CalibrationSet(
        Verifier(Choices(tiny_model, device="cpu")).binding,
        tiny_cohort.hash,
        "logistic",
        {"name": "made-up set"},
        fitted,
    )
    return Verifier(Choices(tiny_model, cohort=tiny_cohort, calibration=known, device="cpu", far=0.05, frr=0.05))


def _report(verifier: Verifier, scans, path: Path, query: str = "<b>query</b>.png", count: int = 4, kept: bool = True):
    references = [verifier.sample(scan, name=f"ref {number}") for number, scan in enumerate(scans["Ada"][:count])]
    case = verifier.case_against(references, verifier.sample(scans["Bob"][0], name=query))
    write_report(path, verifier, case if kept else replace(case, references=(None,) * count))
    return path.read_text(encoding="utf-8"), case.answer


def test_complete_and_self_contained(calibrated: Verifier, scans, tmp_path: Path) -> None:
    text, answer = _report(calibrated, scans, tmp_path / "r.html")
    parser = _Balanced()
    parser.feed(text)
    assert parser.open == []
    words = " ".join("".join(parser.text).split())
    for expected in (
        answer.decision.value,
        "H1",
        "imitating the writer of the references",
        "ENFSI",
        "not the probability",
        "Equal error rate",
        answer.query_hash,
        answer.binding.model_hash,
        calibrated.cohort.hash,
        "no evidence of who wrote what",
        "Limits",
    ):
        assert expected in words, expected
    assert "<script" not in text and "<link" not in text and "@import" not in text
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", text)
    assert "http" not in re.sub(r"data:[^\"]*", "", text)
    assert "<b>query</b>.png" not in text and "&lt;b&gt;query&lt;/b&gt;.png" in text
    assert text.count("<img") == 7
    assert not re.search(r"\d+ % genuine|probability of \d", words)


def test_every_text_from_outside_is_escaped(calibrated: Verifier, scans, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\" onload='x"
    references = [calibrated.sample(scan, name=f"{evil} ref") for scan in scans["Ada"][:3]]
    query = calibrated.sample(scans["Bob"][0], name=f"{evil} query")
    case = calibrated.case_against(references, query)
    answer = case.answer
    hostile = replace(
        answer,
        writer=f"{evil} writer",
        negatives=f"{evil} negatives",
        remarks=(Remark("made-up", f"{evil} remark"),),
        thresholds=replace(answer.thresholds, origin=f"{evil} origin"),
        evidence=replace(answer.evidence, data=f"{evil} data"),
        binding=replace(answer.binding, model_name=f"{evil} model"),
    )
    write_report(tmp_path / "r.html", calibrated, replace(case, answer=hostile))
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert evil not in text and "<script" not in text and "onload='" not in text
    for end in ("ref", "query", "writer", "negatives", "remark", "origin", "data", "model"):
        assert f"{escape(evil)} {end}" in text, end


def test_without_calibration_and_images(tiny_model, tiny_cohort, scans, tmp_path: Path) -> None:
    verifier = Verifier(Choices(tiny_model, cohort=tiny_cohort, calibration="none", device="cpu"))
    text, _ = _report(verifier, scans, tmp_path / "r.html", count=2, kept=False)
    assert "cannot be turned into a likelihood ratio" in text
    assert "did not keep" in text
    assert "fewer than three references" in text
    assert "Likelihood ratio <" not in text and text.count("<img") == 2


def test_occlusion_is_the_change_of_the_score(calibrated: Verifier, scans) -> None:
    comparison = calibrated.compare(scans["Ada"][:3])
    image = calibrated.sample(scans["Ada"][4]).image
    found = occlude(calibrated, comparison.template, image)
    assert found.score == pytest.approx(float(comparison.template.scores(calibrated.features([image]))[0]))
    assert found.patches > 10
    assert (found.change[~np.isfinite(found.change)]).size == 0
    blank = np.zeros_like(image)
    blank[60:80, 100:120] = image.max()  # a single patch, on the grid: its removal leaves paper
    single = occlude(calibrated, comparison.template, blank)
    paper = float(comparison.template.scores(calibrated.features([np.zeros_like(image)]))[0])
    assert single.change[70, 110] != 0
    assert single.change[0, 0] == 0
    assert np.isfinite(paper)
