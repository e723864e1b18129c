"""Parts of the report: measures, alignment, rates, the case file, the catalogue."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from sigkd.errors import InputError, UsageError
from sigkd.images.placing import Placing
from sigkd.synthesis import signature_image
from sigkd.verification.report import Report
from sigkd.verification.report.case_file import TEMPLATE, CaseFile
from sigkd.verification.report.catalogue import FOLDER, Texts
from sigkd.verification.report.measuring import NAMES, Measured, ranges, slant
from sigkd.verification.report.scans import Frame, _registered, ink_in, placement, read_original, shown
from sigkd.verification.samples import read_sample


@pytest.mark.parametrize("degrees", [-30, -12, 0, 17, 35])
def test_slant_of_strokes(degrees):
    ink = np.full((220, 700), 255, np.uint8)
    lean = 200 * np.tan(np.radians(degrees))
    for x in range(200, 520, 40):
        cv2.line(ink, (x, 210), (round(x + lean), 10), 0, 5)
    assert slant(ink) == pytest.approx(degrees, abs=2)


def test_ranges_are_least_and_most():
    references = [Measured({"width": value, "slant": -value}, True) for value in (31.0, 28.0, 30.0)]
    assert ranges(references) == {"width": (28.0, 31.0), "slant": (-31.0, -28.0)}
    assert ranges(references[:1]) == {}
    assert set(NAMES) >= {"width", "height", "slant", "stroke", "bodies", "darkness"}


def _sample(tmp_path, image, dpi, name="s.png"):
    from PIL import Image

    Image.fromarray(image).save(tmp_path / name, **({"dpi": (dpi, dpi)} if dpi else {}))
    return read_original(read_sample(tmp_path / name, Placing(), keep=True), Placing())


def test_scans_of_different_resolution_come_to_one_scale(tmp_path):
    image = signature_image(3, 1)
    half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    large, small = _sample(tmp_path, image, 300, "l.png"), _sample(tmp_path, half, 150)
    assert large.scale_known and small.scale_known
    frame = Frame.around([large, small])
    assert frame.width * frame.unit <= 641
    boxes = [cv2.boundingRect((ink_in(one, frame) > 100).astype(np.uint8)) for one in (large, small)]
    assert np.abs(np.subtract(*boxes)).max() <= 6
    columns, rows = frame.size
    assert shown(large, frame).shape[:2] == (rows, columns)
    assert abs(shown(large, frame).astype(int) - shown(small, frame)).mean() < 6
    top, end, left, stop = large.box
    middle = placement(large, frame) @ np.array([(left + stop - 1) / 2, (top + end - 1) / 2, 1.0])
    assert middle == pytest.approx([(columns - 1) / 2, (rows - 1) / 2])
    assert not _sample(tmp_path, image, None, "u.png").scale_known


def test_the_overlay_finds_a_turned_copy():
    ink = 255 - signature_image(3, 1)
    ink = np.where(ink > 120, ink, 0).astype(np.uint8)
    height, width = ink.shape
    room = cv2.copyMakeBorder(ink, 80, 80, 80, 80, cv2.BORDER_CONSTANT, value=0)
    turn = cv2.getRotationMatrix2D(((width + 160) / 2, (height + 160) / 2), 6.0, 1.0)
    turn[:, 2] += 9, -5
    moved = cv2.warpAffine(room, turn, (width + 160, height + 160))
    warp = _registered(moved, room, np.eye(2, 3))
    back = cv2.warpAffine(moved, warp, room.shape[::-1])
    before, after = (np.corrcoef(one.ravel(), room.ravel())[0, 1] for one in (moved, back))
    assert after > 0.9 and after > before + 0.2
    assert np.degrees(np.arctan2(warp[1, 0], warp[0, 0])) == pytest.approx(6.0, abs=1.0)


@pytest.mark.parametrize("angle", [-3.0, 4.0])
def test_scans_are_levelled_by_the_line_of_a_form(tmp_path, angle):
    image = cv2.copyMakeBorder(signature_image(3, 1), 40, 60, 200, 200, cv2.BORDER_CONSTANT, value=255)
    height, width = image.shape
    rise = np.tan(np.radians(angle)) * (width - 60) / 2
    middle = height - 50
    cv2.line(image, (30, round(middle + rise)), (width - 30, round(middle - rise)), 60, 4)
    one = _sample(tmp_path, image, 300)
    assert one.tilt == pytest.approx(angle, abs=0.6)
    level = placement(one, Frame.around([one]))
    along = level[:, :2] @ np.array([np.cos(np.radians(angle)), -np.sin(np.radians(angle))])
    assert along[1] / along[0] == pytest.approx(0.0, abs=0.011)


def test_a_case_file(tmp_path):
    file = tmp_path / "case.toml"
    file.write_text('examiner = "E"\nreceived = 2026-11-20\n[[material]]\nitem = "Q1"\nfile = "q.png"\n')
    case = CaseFile.of_toml(file)
    assert dict(case.entries())["received"] == "2026-11-20" and dict(case.entries())["client"] == ""
    assert case.items(["q.png", "r.png"]) == {"q.png": "Q1"}
    with pytest.raises(UsageError, match=r"'q\.png', the scans are r\.png"):
        case.items(["r.png"])
    file.write_text('examinr = "E"\n')
    with pytest.raises(InputError, match=r"case\.toml: 'examinr': unknown field"):
        CaseFile.of_toml(file)
    with pytest.raises(InputError, match="sigkd case"):
        CaseFile.of_toml(tmp_path / "none.toml")


def test_the_template_has_every_field_and_is_a_case_file(tmp_path):
    text = TEMPLATE.read_text(encoding="utf-8")
    assert CaseFile.of_toml(TEMPLATE) == CaseFile()
    for name, _ in CaseFile().entries():
        assert re.search(rf"^{name} = ", text, re.M), name
    (tmp_path / "all.toml").write_text(re.sub(r"^# (?=\[\[|\w+ = )", "", text, flags=re.M))
    material = CaseFile.of_toml(tmp_path / "all.toml").material
    assert [one.item for one in material] == ["Q1"] and material[0].date == "2026-05-04"


def test_what_a_report_can_be(tmp_path):
    for name in ("a.pdf", "a.PDF", "a.html", "a"):
        Report(tmp_path / name)
    with pytest.raises(UsageError, match=r"\.html or \.pdf"):
        Report(tmp_path / "a.docx")
    with pytest.raises(UsageError, match="A4, Letter"):
        Report(tmp_path / "a.pdf", paper="A5")
    with pytest.raises(UsageError, match="There is: en"):
        Texts("xx")


def test_every_text_is_used_and_every_used_text_exists():
    import tomllib

    from sigkd.verification.report import batch, content

    def keys(table, before=""):
        for name, value in table.items():
            yield from keys(value, f"{before}{name}.") if isinstance(value, dict) else [before + name]

    source = "".join(Path(module.__file__).read_text(encoding="utf-8") for module in (content, batch))
    known = set(keys(tomllib.loads((FOLDER / "en.toml").read_text())))
    named = set(re.findall(r"""["']((?:[a-z_]+\.)+[A-Za-z_0-9]+)["']""", source))
    assert {one for one in named if "." in one and not one.startswith("sigkd")} <= known
    families = re.findall(r'f"((?:[a-z_]+\.)+)\{', source)
    unused = {one for one in known - named if not any(one.startswith(family) for family in families)}
    assert not unused
