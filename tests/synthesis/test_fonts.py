import numpy as np
import pytest

from sigkd.errors import InputError
from sigkd.synthesis import fonts


def test_shipped_fonts_are_on_one_side_each_and_print_their_letters():
    known = fonts.shipped_fonts()
    sides = {}
    for font in known:
        sides.setdefault(font.family, set()).add(font.split)
        coverages = {letter: fonts.text_coverage(letter, font, 40) for letter in "AegS4"}
        assert len({coverage.tobytes() for coverage in coverages.values()}) == 5  # no placeholder boxes
        assert all(coverage.max() > 200 for coverage in coverages.values())
    assert all(len(side) == 1 for side in sides.values())
    assert {next(iter(side)) for side in sides.values()} == {"training", "held-out"} and len(sides) >= 7


def test_text_stands_on_its_baseline():
    font = fonts.shipped_fonts()[1]
    for text in ("xxx", "xlx", "xpx"):
        coverage, rise = fonts.text_coverage(text, font, 60), fonts.text_rise(text, font, 60)
        columns = np.flatnonzero(coverage.any(axis=0))
        first = coverage[:, columns[0] : columns[0] + 12]  # the x at its beginning
        assert np.flatnonzero(first.any(axis=1))[-1] + 1 == pytest.approx(rise, abs=2)


def test_pillows_font_serves_where_matplotlibs_are_absent(monkeypatch, tmp_path):
    monkeypatch.setattr(fonts, "_matplotlib_fonts", lambda: tmp_path)
    [font] = fonts.shipped_fonts.__wrapped__()
    assert font.split == "training" and fonts.text_coverage("Aa", font, 30).max() > 200


def test_fonts_of_the_machine(tmp_path):
    folder = fonts._matplotlib_fonts()
    found = fonts.font_files([folder / "DejaVuSans.ttf", folder / "cmr10.ttf"])
    assert [font.family for font in found] == ["DejaVu Sans", "cmr10"]
    assert fonts.font_files([folder / "DejaVuSans.ttf"])[0].split == found[0].split
    with pytest.raises(InputError, match="no such font"):
        fonts.font_files([tmp_path / "absent"])
    (tmp_path / "bad.ttf").write_bytes(b"no font")
    with pytest.raises(InputError, match="cannot be read as a font"):
        fonts.font_files([tmp_path])
