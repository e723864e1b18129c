import dataclasses
import sys
from pathlib import Path

import cv2
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "text"))

from written_pages import write_page

from sigkd.cli.app import main
from sigkd.errors import InputError
from sigkd.text.options import TextOptions


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    root = tmp_path_factory.mktemp("pages")
    for writer in "ab":
        (root / writer).mkdir()
        cv2.imwrite(str(root / writer / "1.png"), write_page(2, seed=ord(writer), width=1000))
    return root


def run(capsys, *args):
    with pytest.raises(SystemExit) as stop:
        main(["prepare-text", *map(str, args)])
    streams = capsys.readouterr()
    return stop.value.code or 0, streams.out, streams.err


def test_json_summary(pages, tmp_path, run_sigkd):
    asked = (pages, "--layout", "folder", "--data-dir", tmp_path, "--json", "--workers", 1)
    document = run_sigkd("prepare-text", *asked, expect=0).json
    counts = document["dataset"]["counts"]
    assert (counts["pages"], counts["lines"], counts["writers"]) == (2, 4, 2)
    assert counts["crops"] == counts["train"] + counts["validation"] > 0
    assert Path(document["path"]) == tmp_path / "datasets" / "text"
    assert document["dataset"]["writers"] == ["a", "b"]
    assert sum(document["dataset"]["crops_per_writer"]) == counts["crops"]


def test_table_histogram_and_preview(pages, tmp_path, capsys):
    sheet = tmp_path / "sheet.png"
    args = (pages, "--layout", "folder", "--out", tmp_path / "t", "--workers", 1, "--preview", sheet)
    code, out, err = run(capsys, *args)
    assert code == 0, err
    assert "stripes" in out
    assert "crops per writer" in out
    assert "#" in out
    assert sheet.exists()
    assert "sheet-pages.png" in err
    code, out, err = run(capsys, *args)
    assert code == 4
    assert "--overwrite" in err


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("--layout", "foldr"), 2, "Did you mean 'folder'"),
        (("--layout", "cvl"), 4, "no page fits"),
        (("--layout", "iam"), 4, "forms.txt"),
        (("--layout", "folder", "--scale", "big"), 2, "LOW:HIGH"),
        (("--layout", "folder", "--lines", "x"), 2, "line finder"),
        (("--layout", "folder", "--preview", "x.txt"), 2, "name ends in .png"),
        (("--layout", "folder", "--beside", "x"), 2, "--preview"),
    ],
)
def test_mistakes_are_named_in_one_line(pages, tmp_path, capsys, args, code, message):
    got, out, err = run(capsys, pages, *args, "--out", tmp_path / "t", "--workers", 1)
    assert got == code
    assert message in err
    assert "Traceback" not in err
    assert out == ""


REACHING = {
    "lines": ("paper", "paper"),
    "canvases": ("gpds,cedar", ["gpds", "cedar"]),
    "aspect": ("mcyt", "mcyt"),
    "per_position": ("2", 2),
    "per_canvas": ("3", 3),
    "scale": ("1.5:4", "1.5:4"),
    "blur": ("0.5", "0.5"),
    "threshold": ("blurred", "blurred"),
    "match": ("signatures", "signatures"),
    "pen": ("crop", "crop"),
    "views": ("fitted", ["fitted"]),
    "validation": ("0.1", 0.1),
    "min_crops": ("7", 7),
    "keep_small": (None, True),
    "max_images": ("9", 9),
    "seed": ("5", 5),
}


def test_every_option_is_tried():
    assert set(REACHING) == {field.name for field in dataclasses.fields(TextOptions)}


@pytest.mark.parametrize("name", REACHING)
def test_options_reach_the_work(name, pages, tmp_path, capsys, monkeypatch):
    seen = []

    def stops(source, target, layout, options, **rest):
        seen.append(options)
        raise InputError("seen")

    monkeypatch.setattr("sigkd.text.prepare.prepare_text", stops)
    given, expected = REACHING[name]
    words = [f"--{name.replace('_', '-')}", *([] if given is None else [given])]
    code, _, err = run(capsys, pages, "--layout", "folder", "--data-dir", tmp_path, *words)
    assert (code, err) == (4, "error: seen\n")
    assert seen == [dataclasses.replace(TextOptions(), **{name: expected})]
    assert seen != [TextOptions()]
