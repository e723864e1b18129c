import json

import numpy as np

from sigkd.images.reader import read_file, read_image


def test_pages_and_their_truth(run_sigkd, tmp_path):
    out, sheet = tmp_path / "out", tmp_path / "sheet.png"
    result = run_sigkd(
        "documents", "--kind", "cheque-line", "envelope", "--count", 2, "--with", "turn=2", "resolution=100", "--dpi",
        150, "--masks", "--out", out, "--sheet", sheet, "--json", expect=0,
    )  # fmt: skip
    made = result.json["documents"]
    assert [page["labels"]["layout"].partition("-")[0] for page in made] == ["cheque"] * 2 + ["envelope"] * 2
    for page in made:
        path, row = out / page["file"].rpartition("/")[2], page["labels"]
        file = read_file(path)
        assert list(file.grey.shape) == row["size"] and file.resolution.x == row["dpi"][0]
        assert json.loads(path.with_suffix(".json").read_text()) == row
        assert len(row["signatures"]) == sum(field["signed"] for field in row["fields"])
        mask = read_image(path.with_name(f"{path.stem}.print.png"))
        assert mask.shape == file.grey.shape
        for signature in row["signatures"]:
            left, top, right, bottom = signature["box"]
            ink = read_image(path.with_name(f"{path.stem}.signature.png"))[top:bottom, left:right]
            assert ink.max() > 200
            assert signature["box_mm"][2] == round(right * 25.4 / row["dpi"][0], 2)
    assert read_image(sheet).shape[1] > 1000


def test_held_out_and_unsigned(run_sigkd, tmp_path):
    words = run_sigkd(
        "documents", "--kind", "card", "--count", 3, "--split", "held-out", "--unsigned", "--dpi", 100,
        "--out", tmp_path, expect=0,
    ).stdout  # fmt: skip
    assert "3 documents with 0 signatures in 3 places" in words
    rows = [json.loads(path.read_text()) for path in sorted(tmp_path.glob("*.json"))]
    assert {row["layout"] for row in rows} == {"card-licence"}
    assert len({read_image(path).tobytes() for path in tmp_path.glob("*.png")}) == 3
    assert not np.any([row["signatures"] for row in rows])


def test_wrong_use(run_sigkd, tmp_path):
    assert "training or held-out" in run_sigkd("documents", "--split", "test", "--out", tmp_path, expect=2).stderr
    assert "Did you mean 'cheque'" in run_sigkd("documents", "--kind", "chequ", "--out", tmp_path, expect=2).stderr
    assert "no such font" in run_sigkd("documents", "--font", tmp_path / "x", "--out", tmp_path, expect=4).stderr
