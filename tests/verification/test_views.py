"""Verification by a model of several views: scale told or not, copies, scans that cannot be compared."""

import cv2
import numpy as np
import pytest

from sigkd import Verifier
from sigkd.errors import ExitCode
from sigkd.images.scan import read_scan
from sigkd.images.scan_facts import ScanFacts
from sigkd.synthesis import signature_image
from sigkd.verification.decision import Decision
from sigkd.verification.report import Report
from tests.verification.conftest import write_scan as write


@pytest.fixture(scope="module")
def verifier(views_verifier):
    return views_verifier


def test_a_query_without_resolution_is_compared_by_the_views_that_need_none(verifier, signatures, tmp_path):
    comparison = verifier.compare(signatures[:4])
    told = verifier.judge(comparison, [signatures[4]])[0]
    image = signature_image(3, 4)
    untold = verifier.judge(comparison, [write(tmp_path / "u.png", image, dpi=None)])[0]
    half = cv2.resize(image, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    smaller = verifier.judge(comparison, [write(tmp_path / "s.png", half, dpi=None)])[0]
    assert "resolution-unknown" in {remark.code for remark in untold.remarks}
    assert untold.score != told.score
    assert smaller.score == pytest.approx(untold.score, abs=0.25)  # its size does not count
    # one reference without a resolution is enough
    mixed = verifier.compare([*signatures[:3], write(tmp_path / "r.png", signature_image(3, 3), dpi=None)])
    assert verifier.judge(mixed, [signatures[4]])[0].score == pytest.approx(untold.score, abs=0.25)


def test_the_same_scan_at_another_resolution_gives_the_same_score(verifier, signatures, tmp_path):
    comparison = verifier.compare(signatures[:4])
    told = verifier.judge(comparison, [signatures[4]])[0]
    image = cv2.resize(signature_image(3, 4), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    again = verifier.judge(comparison, [write(tmp_path / "h.png", image, dpi=(200, 200))])[0]
    assert again.score == pytest.approx(told.score, abs=0.2)


@pytest.mark.parametrize("how", ["same", "saved", "smaller", "cropped"])
def test_a_copy_of_a_reference_is_never_accepted(verifier, signatures, tmp_path, how):
    image = signature_image(3, 2)
    if how == "saved":
        query = write(tmp_path / "q.jpg", image, quality=60)
    elif how == "smaller":
        query = write(tmp_path / "q.png", cv2.resize(image, None, fx=0.97, fy=0.97, interpolation=cv2.INTER_AREA))
    elif how == "cropped":
        query = write(tmp_path / "q.png", np.ascontiguousarray(image[3:-2, 2:-4]))
    else:
        query = signatures[2]
    answer = verifier.verify_against(signatures[:4], query)
    assert answer.decision is Decision.COPY and answer.evidence is None
    assert answer.decision.exit_code is ExitCode.INCONCLUSIVE
    assert answer.remarks[0].code == "copy" and "reference 3" in answer.remarks[0].text


def test_another_signature_of_the_writer_is_no_copy(verifier, signatures):
    answer = verifier.verify_against(signatures[:4], signatures[4])
    assert "copy" not in {remark.code for remark in answer.remarks}


def test_the_same_reference_counts_once(verifier, signatures, tmp_path):
    again = write(tmp_path / "again.jpg", signature_image(3, 1), quality=80)
    answer = verifier.verify_against([*signatures[:2], again, signatures[0]], signatures[4])
    assert answer.references == 2
    assert [remark.code for remark in answer.reference_remarks][:2] == ["duplicate", "duplicate"]


def test_a_scan_like_none_before_gets_no_likelihood_ratio(verifier, signatures, tmp_path):
    image = cv2.resize(signature_image(3, 4), None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    answer = verifier.verify_against(signatures[:4], write(tmp_path / "b.png", image, dpi=(100, 100)))
    assert answer.decision is Decision.INCONCLUSIVE and answer.evidence is None
    assert "low-resolution" in {remark.code for remark in answer.remarks}


def test_enrolled_scans_keep_their_scale_and_find_their_copies(verifier, signatures, tmp_path):
    choices = verifier.choices
    with Verifier(choices, gallery=tmp_path / "g.db") as enrolled:
        enrolled.enroll("anna", signatures[:4])
        copied = write(tmp_path / "c.jpg", signature_image(3, 0), quality=70)
        assert enrolled.verify("anna", copied).decision is Decision.COPY
        stored = enrolled.gallery.references("anna")
        assert all(one.scan is not None and one.scan.scale_known for one in stored)
        direct = enrolled.verify_against(signatures[:4], signatures[4])
        assert enrolled.verify("anna", signatures[4]).score == pytest.approx(direct.score, abs=0.01)


def test_facts_of_a_scan_survive_json(signatures):
    facts = ScanFacts.of(read_scan(signatures[0]))
    again = ScanFacts.from_json(facts.to_json())
    assert again.measures == facts.measures and again.scale_known
    np.testing.assert_array_equal(again.picture, facts.picture)
    with pytest.raises(ValueError, match=r"damaged|size"):
        ScanFacts.from_json({**facts.to_json(), "picture": "AAAA"})


@pytest.mark.parametrize("dpi", [(400, 400), None])
def test_a_report_of_several_views(verifier, signatures, tmp_path, dpi):
    query = write(tmp_path / "q.png", signature_image(3, 4), dpi=dpi)
    case = verifier.case_against(signatures[:3], query)
    Report(tmp_path / "r.html").write(verifier, case)
    text = (tmp_path / "r.html").read_text()
    known = dpi is not None
    assert ("looks at 2 views" in text) == known  # else one view is left
    assert ("its scale is estimated" in text) != known and ("≈" in text) != known
    assert "Questioned on reference 3" in text
    width = text[text.index("width, mm") :].split("</tr>")[0]
    assert ("within" in width or "below" in width or "above" in width) == known  # an estimate is not compared
