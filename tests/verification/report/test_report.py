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
from sigkd.verification.report import Report
from sigkd.verification.report.case_file import CaseFile
from sigkd.verification.report.influence import influences

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


def _case(verifier: Verifier, scans, query: str = "<b>query</b>.png", count: int = 4, kept: bool = True):
    references = [
        verifier.sample(scan, name=f"ref {number}", keep=True) for number, scan in enumerate(scans["Ada"][:count])
    ]
    case = verifier.case_against(references, verifier.sample(scans["Bob"][0], name=query, keep=True))
    return case if kept else replace(case, references=(None,) * count)


def _report(verifier: Verifier, scans, path: Path, **how):
    case = _case(verifier, scans, **how)
    Report(path).write(verifier, case)
    return path.read_text(encoding="utf-8"), case.answer


def _words(text: str) -> str:
    parser = _Balanced()
    parser.feed(text)
    assert parser.open == []
    return " ".join("".join(parser.text).split())


def test_complete_and_self_contained(calibrated: Verifier, scans, tmp_path: Path) -> None:
    text, answer = _report(calibrated, scans, tmp_path / "r.html")
    words = _words(text)
    for expected in (
        answer.decision.value.capitalize(),
        "H1",
        "imitating the writer of the references",
        "ENFSI",
        "not the probability",
        "Equal error rate",
        "Of 100 skilled forgeries about",
        "measured on 10 writers; 95 % interval",
        "Of 100 genuine signatures about",
        "width, mm",
        "slant",
        "stroke width",
        "bodies of ink",
        "Questioned on reference 4",
        answer.query_hash,
        f"Policy: {answer.policy}",
        answer.policy.hash,
        answer.binding.model_hash,
        calibrated.cohort.hash,
        "no evidence of who wrote what",
        "Limits",
        "Not given",
        "Place and date",
    ):
        assert expected in words, expected
    assert "No remark" in words or words.index("Before reading") < words.index("Score ")
    for field in ("Case number", "agency", "Examiner", "Request", "Received", "Material and item numbers"):
        assert field in words[words.index("Not given") :], field
    assert "<script" not in text and "<link" not in text and "@import" not in text
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", text)
    assert "http" not in re.sub(r"data:[^\"]*", "", text)
    assert "<b>query</b>.png" not in text and "&lt;b&gt;query&lt;/b&gt;.png" in text
    assert text.count("<img") == 3 * 4 + 1 + 4 + 1  # side by side, influence, scores
    assert not re.search(r"\d+ % genuine|probability of \d", words)
    assert (tmp_path / "r.html").stat().st_mode & 0o777 == 0o600


EVIL = "<script>alert(1)</script>\" onload='x"


def _hostile(verifier: Verifier, scans):
    references = [verifier.sample(scan, name=f"{EVIL} ref", keep=True) for scan in scans["Ada"][:3]]
    case = verifier.case_against(references, verifier.sample(scans["Bob"][0], name=f"{EVIL} query", keep=True))
    answer = case.answer
    assert answer.evidence is not None
    hostile = replace(
        answer,
        writer=f"{EVIL} writer",
        negatives=f"{EVIL} negatives",
        remarks=(Remark("made-up", f"{EVIL} remark"),),
        thresholds=replace(answer.thresholds, origin=f"{EVIL} origin"),
        evidence=replace(answer.evidence, data=f"{EVIL} data"),
        binding=replace(answer.binding, model_name=f"{EVIL} model"),
    )
    return replace(case, answer=hostile), CaseFile(case_number=f"{EVIL} number", request=f"{EVIL} request")


def test_every_text_from_outside_is_escaped(calibrated: Verifier, scans, tmp_path: Path) -> None:
    case, file = _hostile(calibrated, scans)
    Report(tmp_path / "r.html", file).write(calibrated, case)
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert EVIL not in text and "<script" not in text and "onload='" not in text
    for end in ("ref", "query", "writer", "negatives", "remark", "origin", "data", "model", "number", "request"):
        assert f"{escape(EVIL)} {end}" in text, end


def _pdf(path: Path):
    from pypdf import PdfReader

    reader = PdfReader(path)
    return reader, [" ".join(page.extract_text().split()) for page in reader.pages]


def test_pdf_holds_the_same_with_pages_numbered(calibrated: Verifier, scans, tmp_path: Path) -> None:
    case = _case(calibrated, scans, query="query.png")
    file = CaseFile.from_json(
        {
            "format": "sigkd-case",
            "version": 1,
            "case_number": "2026-7",
            "examiner": "Žofie Ełk",
            "request": "Wer? " * 3000,  # longer than a page
            "material": [{"item": "Q1", "file": "query.png"}, {"item": "K1", "file": "ref 0"}],
        }
    )
    sizes = {"A4": (595, 842), "Letter": (612, 792)}
    for paper, size in sizes.items():
        path = tmp_path / f"{paper}.pdf"
        Report(path, file, paper).write(calibrated, case)
        assert path.stat().st_mode & 0o777 == 0o600 and path.read_bytes().startswith(b"%PDF-")
        reader, pages = _pdf(path)
        box = reader.pages[0].mediabox
        assert (round(float(box.width)), round(float(box.height))) == size
        for number, text in enumerate(pages, 1):
            assert f"Page {number} of {len(pages)}" in text and "2026-7" in text
        whole = " ".join(pages)
        for expected in (
            "Žofie Ełk",
            "Q1 (query.png)",
            "K1 (ref 0)",
            "Not given",
            "Measures side by side",
            "95 % interval",
            "ENFSI",
            "Place and date",
        ):
            assert expected in whole, expected
        assert case.answer.query_hash in "".join(whole.split())
        assert len(reader.pages[0].images) + sum(len(page.images) for page in reader.pages[1:]) >= 12
        assert reader.metadata is not None and reader.metadata.author == "Žofie Ełk"


def test_markup_stays_text_in_a_pdf(calibrated: Verifier, scans, tmp_path: Path) -> None:
    case, file = _hostile(calibrated, scans)
    Report(tmp_path / "r.pdf", file).write(calibrated, case)
    reader, pages = _pdf(tmp_path / "r.pdf")
    whole = "".join("".join(pages).split())
    for end in ("query", "writer", "remark", "origin", "request"):
        assert "".join(f"{EVIL} {end}".split()) in whole, end
    assert b"/JavaScript" not in (tmp_path / "r.pdf").read_bytes() and "/OpenAction" not in str(reader.root_object)


def test_odd_letters_do_not_stop_a_pdf(calibrated: Verifier, scans, tmp_path: Path) -> None:
    case = _case(calibrated, scans, query="q\udcff\x07 签 .png", count=3)
    Report(tmp_path / "r.pdf").write(calibrated, case)
    whole = "".join(_pdf(tmp_path / "r.pdf")[1])
    assert "\\udcff" in whole and "\\x07" in whole and "\\u7b7e" in whole


def test_without_calibration_and_images(tiny_model, tiny_cohort, scans, tmp_path: Path) -> None:
    verifier = Verifier(Choices(tiny_model, cohort=tiny_cohort, calibration="none", device="cpu"))
    text, _ = _report(verifier, scans, tmp_path / "r.html", count=2, kept=False)
    words = _words(text)
    assert "cannot be turned into a likelihood ratio" in words
    assert "keeps no images of 2 references" in words
    assert "fewer than three references" in words
    assert (
        "Likelihood ratio" not in re.sub(r"(?i)the likelihood ratio|A likelihood ratio", "", words).split("Limits")[0]
    )
    assert "Of 100" not in words and text.count("<img") == 2
    assert words.index("Not calibrated") < words.index("Score ")


def test_influence_is_the_change_of_the_score(calibrated: Verifier, scans) -> None:
    case = _case(calibrated, scans)
    query, references = influences(calibrated, case)
    assert query.score == pytest.approx(case.answer.score)
    assert sorted(references) == [0, 1, 2, 3]
    assert 3 <= np.count_nonzero(query.change) <= 16 and np.isfinite(query.change).all()
    strongest = query.strongest(2)
    assert len(strongest) <= 4 and all(query.change[row, column] == change for row, column, change in strongest)
    # one cell by hand
    image = case.query.image.copy()
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    row, column, change = strongest[0]
    down = np.rint(np.linspace(rows[0], rows[-1] + 1, query.change.shape[0] + 1)).astype(int)
    across = np.rint(np.linspace(columns[0], columns[-1] + 1, query.change.shape[1] + 1)).astype(int)
    image[down[row] : down[row + 1], across[column] : across[column + 1]] = 0
    score = case.comparison.template.scores(calibrated.features([image]))[0]
    assert query.score - score == pytest.approx(change, abs=1e-5)


def test_an_enrolled_writers_images_are_shown_where_they_are_kept(calibrated: Verifier, scans, tmp_path: Path) -> None:
    for kept in (True, False):
        with Verifier(calibrated.choices, gallery=tmp_path / f"{kept}.sigkd") as verifier:
            verifier.enroll("Ada", scans["Ada"][:3], keep_images=kept)
            Report(tmp_path / "r.html").write(verifier, verifier.case_of("Ada", scans["Ada"][4]))
        words = _words((tmp_path / "r.html").read_text(encoding="utf-8"))
        assert ("Questioned on reference 3" in words) == kept
        assert ("keeps no images of 3 references" in words) != kept
