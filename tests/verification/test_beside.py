"""Ink that stands beside the signature, as a date does, and what is answered then."""

import numpy as np
import pytest

from sigkd.images.scan import read_scan
from sigkd.images.scan_facts import ScanFacts, share_beside
from sigkd.synthesis import signature_image
from sigkd.synthesis.disturbances import Scan, parse_chain
from sigkd.verification.codes import CODES, NOT_COMPARABLE
from sigkd.verification.remarks import beside_remark
from sigkd.verification.wording import _ADVICE


def facts(image, dpi=400.0):
    return ScanFacts.of(read_scan(np.ascontiguousarray(image), dpi=dpi))


@pytest.fixture(scope="module")
def signatures():
    return [signature_image(2, number) for number in range(4)]


def dated(image):
    return parse_chain("line+date")(Scan(image, (400.0, 400.0), (400.0, 400.0)), seed=1).image


def test_what_stands_beside_is_told(signatures):
    remark = beside_remark(facts(dated(signatures[3])), [facts(image) for image in signatures[:3]])
    assert remark is not None
    assert remark.code == "ink-beside"
    assert remark.code in NOT_COMPARABLE
    assert remark.code in CODES
    assert remark.code in _ADVICE


def test_plain_signatures_and_those_whose_references_have_it_too_are_not(signatures):
    references = [facts(image) for image in signatures[:3]]
    line = parse_chain("line")(Scan(signatures[3], (400.0, 400.0), (400.0, 400.0)), seed=1).image
    assert beside_remark(facts(line), references) is None
    beside = facts(dated(signatures[3]))
    assert beside_remark(beside, [*references, beside]) is None


def test_nothing_is_said_without_facts(signatures):
    query = facts(signatures[3])
    assert beside_remark(None, [query]) is None
    assert beside_remark(query, []) is None
    assert beside_remark(query, [query, None]) is None


@pytest.mark.parametrize(("gap", "share"), [(8, 0.2), (3, 0.0)])
def test_share_of_two_bodies(gap, share):
    picture = np.zeros((96, 192), np.uint8)
    picture[40:44, 20:100] = 200  # 320 pixels
    picture[40:44, 100 + gap : 120 + gap] = 200  # 80
    width, height = (100.0 + gap) / 2, 2.0  # two pixels are a mm
    assert share_beside(picture, width, height) == pytest.approx(share, abs=0.001)
    assert share_beside(np.zeros_like(picture), width, height) == 0.0
