"""Comparable or not: ranges of a development set, and what is answered outside of them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from sigkd import Verifier
from sigkd.errors import CalibrationError
from sigkd.evaluation.calibrate import DevelopmentSet, calibrate
from sigkd.images.resolution import Resolution
from sigkd.images.scan import read_scan
from sigkd.images.scan_facts import ScanFacts
from sigkd.synthesis import signature_image
from sigkd.synthesis.disturbances import Scan, parse_chain
from sigkd.verification.calibration import read_calibration
from sigkd.verification.decision import Decision
from sigkd.verification.ranges import MARGIN, OUTSIDE, UNLIKE, MeasureRange, fit_ranges, range_remarks, read_ranges
from tests.verification.conftest import write_scan

KNOWN = Resolution(300.0, 300.0, "tag")


@pytest.fixture(scope="module")
def facts():
    """Facts of one scan, changed as a test asks."""
    first = ScanFacts.of(read_scan(signature_image(3, 0), dpi=400.0))

    def make(resolution=KNOWN, **changes):
        plain = {"density": 0.5, "stroke": 0.4, "edge": 0.16, "levels": 200}
        return replace(first, resolution=resolution, measures=replace(first.measures, **{**plain, **changes}))

    return make


def test_ranges_of_scans_and_of_genuine_pairs(facts):
    densities = [0.4, 0.5, 0.6, 0.9, 0.3, 0.3]  # two writers, the first with a forgery of 0.9
    measures = [facts(density=density).measures for density in densities]
    found = fit_ranges(measures, np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 0, 0], np.int8))
    low, high = np.percentile(densities, (0.5, 99.5))
    assert found["density"].scans == pytest.approx((low, high), rel=1e-3)
    # 0.4 / 0.55, 0.5 / 0.5, 0.6 / 0.45, 1, 1
    low, high = np.percentile([0.4 / 0.55, 1, 0.6 / 0.45, 1, 1], (0.5, 99.5))
    assert found["density"].ratio == pytest.approx((low, high), rel=1e-3)
    assert found["tones"] == MeasureRange((2.0, 2.0), (1.0, 1.0))


RANGES = {
    "density": MeasureRange((0.3, 0.7), (0.9, 1.1)),
    "tones": MeasureRange((2.0, 2.0), (1.0, 1.0)),
    "edge": MeasureRange((0.14, 0.18), (0.95, 1.05)),
    "stroke": MeasureRange((0.3, 0.6), (0.9, 1.1)),
}


def test_what_is_like_the_calibration_passes(facts):
    near = facts(density=0.5 * 0.9 / MARGIN + 0.001, stroke=0.4 * 1.1 * MARGIN - 0.001, levels=5)
    assert range_remarks(RANGES, near, [facts(), facts()]) == []
    assert range_remarks(RANGES, facts(density=0.01), []) != []  # of the scan itself


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"density": 0.25}, UNLIKE, "darkness of the ink is 0.50 times the references', outside of 0.64 to 1.54; scan"),
        ({"density": 0.9}, UNLIKE, "1.80 times"),
        (
            {"levels": 2},
            UNLIKE,
            "the query is black and white, the references are not; scan query and references alike",
        ),
        ({"edge": 0.3}, UNLIKE, "width of the strokes' edges in mm is 1.88 times"),
        ({"stroke": 0.8}, UNLIKE, "width of strokes in mm is 2.00 times"),
    ],
)
def test_what_is_unlike_the_references_is_said(facts, changes, code, words):
    (remark,) = range_remarks(RANGES, facts(**changes), [facts(), None, facts()])
    assert remark.code == code and words in remark.text


def test_what_no_scan_of_the_calibration_was_is_said_though_the_references_are_alike(facts):
    both = facts(density=0.2, levels=2)
    assert [(one.code, one.text.split(";")[0]) for one in range_remarks(RANGES, both, [both, both])] == [
        (OUTSIDE, "darkness of the ink is 0.20, outside of 0.21 to 0.98, which the calibration knows"),
        (OUTSIDE, "the query is black and white, no scan of the calibration was"),
    ]


def test_estimated_lengths_are_not_compared(facts):
    unknown, wide = Resolution(), {"edge": 0.3, "stroke": 0.8, "density": 0.2}
    for query, reference in ((facts(unknown, **wide), facts()), (facts(**wide), facts(unknown))):
        (remark,) = range_remarks(RANGES, query, [reference])
        assert "darkness" in remark.text


@pytest.mark.parametrize("wrong", [{"density": {"scans": [0.3, 0.7]}}, {"density": {"scans": [2, 1], "ratio": [1, 1]}}])
def test_damaged_ranges_are_refused(calibrated, tmp_path, wrong):
    document = json.loads(json.dumps(calibrated.as_dict())) | {"ranges": wrong}
    (tmp_path / "c.json").write_text(json.dumps(document))
    with pytest.raises(CalibrationError, match="not a sigkd calibration"):
        read_calibration(tmp_path / "c.json")
    assert read_ranges({"of a newer sigkd": {"scans": [1, 2], "ratio": [1, 1]}}) == {}


@pytest.fixture(scope="module")
def development(views_verifier):
    """Six writers with four signatures each; what lies beside the centre of the others' stands for forgeries."""
    samples = [views_verifier.sample(read, name="s") for read in _scans(6, 4)]
    features = views_verifier.features([sample.image for sample in samples])
    y, yforg = np.repeat(np.arange(6), 4), np.zeros(24, np.int8)
    return DevelopmentSet(features, y, yforg, {"name": "made-up"}, [sample.scan.measures for sample in samples])


def _scans(writers, count):
    import io

    for writer in range(writers):
        for index in range(count):
            buffer = io.BytesIO()
            write_scan(buffer, signature_image(writer + 20, index), format="PNG")
            yield buffer.getvalue()


@pytest.fixture(scope="module")
def calibrated(views_verifier, development):
    return _calibrated(views_verifier, development)


def _calibrated(verifier, development):
    return calibrate(development, verifier.binding, verifier.cohort, [3], classifiers=["wd"], negatives=["cohort"])[0]


def test_a_calibration_keeps_its_ranges(calibrated, tmp_path, fits_schema):
    calibrated.save(tmp_path / "c.json")
    fits_schema(tmp_path / "c.json")
    again = read_calibration(tmp_path / "c.json")
    assert again.ranges == calibrated.ranges and set(again.ranges) == {"density", "tones", "edge", "stroke"}
    assert again.hash == calibrated.hash


def test_files_without_ranges_stay_readable(views_verifier, development, calibrated, tmp_path):
    document = calibrated.as_dict()
    del document["ranges"], document["seal"]  # as before there were any
    (tmp_path / "old.json").write_text(json.dumps(document))
    assert read_calibration(tmp_path / "old.json").ranges is None
    bare = _calibrated(views_verifier, replace(development, measures=None))
    assert bare.ranges is None and bare.as_dict()["ranges"] is None


@pytest.mark.parametrize("enrolled", [False, True])
def test_no_ratio_outside_of_the_ranges(views_verifier, calibrated, signatures, tmp_path, enrolled):
    choices = replace(views_verifier.choices, calibration=calibrated)
    scan = parse_chain("binary")(Scan(signature_image(3, 4), (400, 400), (400, 400)))
    query = write_scan(tmp_path / "binary.png", scan.image)
    with Verifier(choices, gallery=tmp_path / "g.db") as verifier:
        if enrolled:
            verifier.enroll("anna", signatures[:3])
        ask = (
            (lambda one: verifier.verify("anna", one))
            if enrolled
            else (lambda one: verifier.verify_against(signatures[:3], one))
        )
        plain, answer = ask(signatures[3]), ask(query)
    assert plain.evidence is not None and UNLIKE not in {remark.code for remark in plain.remarks}
    assert answer.decision is Decision.INCONCLUSIVE and answer.evidence is None
    assert "the query is black and white, the references are not" in " ".join(map(str, answer.remarks))
    without = Verifier(replace(choices, calibration=replace(calibrated, ranges=None)))
    assert without.verify_against(signatures[:3], query).evidence is not None


def test_ranges_reach_as_far_as_disturbed_scans(facts):
    def scans(*densities):
        return [facts(density=density).measures for density in densities]

    y, yforg = np.array([0, 0, 1, 1]), np.zeros(4, np.int8)
    plain = fit_ranges(scans(0.5, 0.5, 0.8, 0.8), y, yforg)["density"]
    # each kind of scan counts by itself: a writer of 0.8 scanned at 0.4, and one of 0.5 at 0.6
    both = [(scans(0.4), np.array([1])), (scans(0.6), np.array([0]))]
    wide = fit_ranges(scans(0.5, 0.5, 0.8, 0.8), y, yforg, both)["density"]
    assert plain.scans == pytest.approx((0.5, 0.8), rel=0.01)
    assert plain.ratio == pytest.approx((1, 1))
    assert wide.scans == pytest.approx((0.4, 0.8), rel=0.01)
    assert wide.ratio == pytest.approx((0.5, 1.2), rel=0.01)
    pale = facts(density=0.3), [facts(density=0.6)]
    assert range_remarks({"density": plain}, *pale)
    assert not range_remarks({"density": wide}, *pale)
