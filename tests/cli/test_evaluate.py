"""``sigkd evaluate``, ``stats`` and ``reproduce`` from the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest

FAST = ("--splits", 5, "--bootstrap", 20, "--workers", 1)


@pytest.fixture(scope="module")
def features_file(tmp_path_factory):
    rng = np.random.default_rng(0)
    centres = rng.gamma(1.0, 1.0, (8, 1, 24))
    genuine = centres + rng.normal(0, 0.7, (8, 8, 24))
    skilled = centres + rng.normal(0, 0.5, (8, 1, 24)) + rng.normal(0, 0.7, (8, 4, 24))
    path = tmp_path_factory.mktemp("evaluate") / "made.npz"
    np.savez(
        path,
        features=np.maximum(np.concatenate([genuine, skilled], axis=1), 0).reshape(-1, 24).astype(np.float32),
        y=np.repeat(np.arange(8), 12),
        yforg=np.tile([0] * 8 + [1] * 4, 8),
    )
    return path


def test_json_contract(run_sigkd, features_file):
    found = run_sigkd("evaluate", "--dataset", features_file, "--nref", 2, 4, *FAST, "--json", expect=0).json
    assert [entry["nref"] for entry in found["results"]] == [2, 4]
    assert found["protocol"]["name"] == "paper" and found["seed"] == 1234
    for entry in found["results"]:
        assert 0 <= entry["eer_user"]["mean"] <= 1 and entry["eer_global"]["std"] >= 0
        assert len(entry["splits"]) == 5 and len(entry["splits"][0]["scores"]["genuine"]) == 8


def test_options_in_any_position(run_sigkd, features_file):
    one = run_sigkd("evaluate", "--nref", 2, 4, "--dataset", features_file, *FAST, "--json", expect=0).json
    two = run_sigkd("evaluate", *FAST, "--json", "--dataset", features_file, "--nref", 2, 4, expect=0).json
    assert one == two


def test_table_and_files(run_sigkd, features_file, tmp_path):
    out = run_sigkd(
        "evaluate", "--dataset", features_file, "--nref", 3, *FAST, "--out", tmp_path / "out",
        "--splits-file", tmp_path / "splits.json", expect=0,
    )  # fmt: skip
    assert "EER global" in out.stdout and "optimistic" in out.stdout and "EER" not in out.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "results.csv",
        "results.json",
        "table.md",
        "table.tex",
    ]
    assert json.loads((tmp_path / "splits.json").read_text())["format"] == "sigkd-splits"
    markdown = run_sigkd(
        "evaluate", "--dataset", features_file, "--nref", 3, *FAST, "--format", "markdown",
        "--splits-file", tmp_path / "splits.json", expect=0,
    )  # fmt: skip
    assert markdown.stdout == (tmp_path / "out" / "table.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--nref", 20), 4, "20 references and at least one test need 21"),
        (("--nref", 3, "--protocol", "papr"), 2, "Did you mean 'paper'"),
        (("--nref", 3, "--format", "html"), 2, "unknown format 'html'"),
        (("--nref", 3, "--writers", "9"), 2, "--writers 9: give A:B"),
        (("--nref", 3, "--plots"), 2, "--plots needs --out"),
        (("--nref", 3, "--model", "resnet18:random"), 2, "--model is not used with a features file"),
        (("--nref", 3, "--simple-forgeries"), 4, "no simple forgeries"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(run_sigkd, features_file, arguments, code, words):
    outcome = run_sigkd("evaluate", "--dataset", features_file, *arguments, expect=code)
    assert words in outcome.stderr and outcome.stdout == ""
    assert outcome.stderr.count("\n") == 1 and outcome.stderr.startswith("error: ")


def test_absent_dataset_names_the_command(run_sigkd):
    outcome = run_sigkd("evaluate", "--dataset", "mcyt75", "--nref", 3, 5, 10, expect=4)
    assert "sigkd preprocess" in outcome.stderr


def test_genuine_only_set(run_sigkd, features_file, tmp_path):
    with np.load(features_file) as made:
        keep = made["yforg"] == 0
        np.savez(tmp_path / "genuine.npz", **{key: made[key][keep] for key in made.files})
    arguments = ("evaluate", "--dataset", tmp_path / "genuine.npz", "--nref", 3, *FAST)
    assert "--forgeries random" in run_sigkd(*arguments, expect=4).stderr
    found = run_sigkd(*arguments, "--forgeries", "random", "--json", expect=0).json
    assert "far_skilled" not in found["results"][0]


def test_stats(run_sigkd, features_file, tmp_path):
    for name, more in (("a", ()), ("b", ()), ("other", ("--seed", 5))):
        run_sigkd("evaluate", "--dataset", features_file, "--nref", 3, *FAST, "--out", tmp_path / name, *more, expect=0)
    files = [tmp_path / name / "results.json" for name in "ab"]
    found = run_sigkd("stats", *files, "--bootstrap", 50, "--json", expect=0)
    (comparison,) = found.json["comparisons"]
    assert comparison["systems"] == ["made (a)", "made (b)"] and comparison["pairs"][0]["wilcoxon_p"] == 1
    assert "not independent" in found.stderr
    refused = run_sigkd("stats", files[0], tmp_path / "other" / "results.json", expect=4)
    assert "differ in the seed: 1234 and 5" in refused.stderr
    assert "truncated" in run_sigkd("stats", _cut(files[0], tmp_path), files[1], expect=4).stderr


def _cut(path, folder):
    target = folder / "cut.json"
    target.write_text(path.read_text()[:-200])
    return target


@pytest.mark.slow
def test_images_to_table(run_sigkd, made_up_signatures, tmp_path):
    data = ("--data-dir", tmp_path)
    run_sigkd("preprocess", made_up_signatures, "--dataset", "folder", "--name", "made", *data, expect=0)
    report = tmp_path / "report.html"
    found = run_sigkd(
        "evaluate", "--dataset", "made", "--model", "resnet18:random", "signet:random", "--nref", 3, "--splits", 2,
        "--bootstrap", 0, "--device", "cpu", "--out", tmp_path / "out", "--report", report, *data, "--json",
        expect=0,
    )  # fmt: skip
    assert [entry["model"] for entry in found.json["results"]] == ["resnet18:random", "signet:random"]
    assert found.json["results"][0]["split_hash"] == found.json["results"][1]["split_hash"]
    assert found.json["models"]["signet:random"]["hash"] != found.json["models"]["resnet18:random"]["hash"]
    assert "worst errors" in report.read_text() or "wrong side" in report.read_text()
