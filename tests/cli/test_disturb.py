import numpy as np
import pytest

from sigkd.images.reader import read_file
from sigkd.synthesis.disturbances import all_disturbances


def test_scans_are_disturbed_one_by_one(run_sigkd, made_up_signatures, tmp_path):
    scans = sorted(made_up_signatures.glob("001/genuine/*.png"))[:2]
    chains = ["resolution=100", "line+shade=0.3"]
    out = tmp_path / "out"
    result = run_sigkd("disturb", *scans, "--with", *chains, "--dpi", 400, "--out", out, "--json", expect=0)
    names = [f"{scan.stem}-{chain}.png" for scan in scans for chain in chains]
    assert result.json["files"] == [str(out / name) for name in names]
    first = read_file(out / names[0])
    assert first.resolution.x == 100
    assert abs(first.grey.shape[1] * 4 - read_file(scans[0]).grey.shape[1]) <= 2
    assert not np.array_equal(read_file(out / names[1]).grey, read_file(out / names[3]).grey)


def test_the_sheet_shows_all_of_them_on_a_made_up_signature(run_sigkd, tmp_path):
    sheet = tmp_path / "new" / "sheet.png"
    run_sigkd("disturb", "--sheet", sheet, expect=0)
    picture = read_file(sheet).rgb
    assert picture.shape[1] > 1900 and picture.shape[0] > 220 * len(all_disturbances()) / 6
    before = sheet.read_bytes()
    run_sigkd("disturb", "--sheet", sheet, expect=0)
    assert sheet.read_bytes() == before


def test_list(run_sigkd):
    rows = run_sigkd("disturb", "--list", "--json", expect=0).json["disturbances"]
    assert [row["name"] for row in rows] == [entry.name for entry in all_disturbances()]
    table = run_sigkd("disturb", "--list", expect=0).stdout
    assert "0.08 to 0.8" in table and "phone-photo" in table


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--with", "line"], "--out FOLDER, --sheet FILE.png"),
        (["--with", "lines", "--sheet", "x.png"], "Did you mean 'line'"),
        (["--with", "line=9", "--sheet", "x.png"], "between 0.08 and 0.8 mm thick"),
        (["--with", "line", "--out", "x", "--suffix", "bmp"], ".png, .jpg"),
    ],
)
def test_wrong_use_is_said(run_sigkd, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    result = run_sigkd("disturb", *arguments, expect=2)
    assert words in result.stderr and result.stderr.count("\n") == 1
