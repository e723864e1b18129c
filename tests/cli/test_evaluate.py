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
        assert 0 <= entry["metrics"]["eer_user"]["mean"] <= 1 and entry["metrics"]["eer_global"]["std"] >= 0
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
        (("--nref", 3, "--writers", "9"), 2, "--writers 9: there is no writer '9' among 0 ... 7"),
        (("--nref", 3, "--classifier", "svm"), 2, "unknown classifier 'svm'"),
        (("--nref", 1, "--classifier", "dichotomy"), 2, "one reference is no pair"),
        (("--nref", 3, "--negatives", "nobody"), 2, "unknown negatives 'nobody'"),
        (("--nref", 3, "--negatives", "cohort"), 4, "do not say which model made them"),
        (("--nref", 3, "--cohort", "c.npz"), 2, "--cohort needs --negatives cohort"),
        (("--nref", 3, "--far", 0.1), 2, "need --answers"),
        (("--nref", 3, "--answers", "--method", "logit"), 2, "unknown calibration method 'logit'"),
        (("--nref", 3, "--plots"), 2, "--plots needs --out"),
        (("--nref", 3, "--model", "resnet18:random"), 2, "--model is not used with a features file"),
        (("--nref", 3, "--simple-forgeries"), 4, "no simple forgeries"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(run_sigkd, features_file, arguments, code, words):
    outcome = run_sigkd("evaluate", "--dataset", features_file, *arguments, expect=code)
    assert words in outcome.stderr and outcome.stdout == ""
    assert outcome.stderr.count("\n") == 1 and outcome.stderr.startswith("error: ")


@pytest.fixture(scope="module")
def bound(tmp_path_factory):
    """Features of 24 writers that say which model made them, and a cohort of that model."""
    from sigkd.classifiers import COHORT
    from sigkd.classifiers.cohort import save_cohort
    from sigkd.classifiers.negatives import Negatives
    from sigkd.models.binding import Binding
    from sigkd.models.features import FeatureSet

    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("bound")
    centres = rng.gamma(1.0, 1.0, (24, 1, 24))
    genuine = centres + rng.normal(0, 0.3, (24, 13, 24))
    skilled = centres + rng.normal(0, 0.5, (24, 1, 24)) + rng.normal(0, 0.3, (24, 8, 24))
    features = np.maximum(np.concatenate([genuine, skilled], axis=1), 0).reshape(-1, 24)
    binding = Binding("ab" * 32, "1", (952, 1360), "tiny")
    made = FeatureSet(
        features,
        np.repeat(np.arange(24), 21),
        np.tile([0] * 13 + [1] * 8, 24),
        model_hash=binding.model_hash,
        model_name="tiny",
        preprocess_version="1",
        metadata={"canvas": [952, 1360], "writers": [f"w{number:02d}" for number in range(24)]},
    )
    made.save(folder / "dutch.npz")
    strangers = np.maximum(rng.gamma(1.0, 1.0, (40, 24)) + rng.normal(0, 0.3, (40, 24)), 0).astype(np.float32)
    save_cohort(Negatives(strangers, "strangers", COHORT, None, binding), folder / "cohort.npz")
    return folder


def test_the_model_cards_command(run_sigkd, repository, bound):
    """The command of the card's table, with other features in the place of the collection."""
    import re
    import shlex

    card = (repository / "docs" / "model-card.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"`sigkd (evaluate [^`]*--answers[^`]*)`", card)
    words = [str(bound / "dutch.npz") if word == "dutch" else word for word in shlex.split(command)]
    found = run_sigkd(
        *words, "--cohort", bound / "cohort.npz", "--splits", 3, "--bootstrap", 0, "--json", expect=0
    ).json
    rows = re.findall(r"^\| (\d+) \| centred \|", card, flags=re.M)
    assert [(entry["nref"], entry["classifier"]) for entry in found["results"]] == [
        (int(count), "wd-centred") for count in rows
    ]
    for entry in found["results"]:
        given = entry["answers"]
        assert entry["writers"] == given["writers"] == 22 and entry["negatives"] == 40
        assert given["negatives"] == "cohort" and given["alternative"] == "skilled" and given["method"] == "logistic"
        assert 0 <= given["frr"] < 0.3 and 0 <= given["far_skilled"] < 0.3
    table = run_sigkd(*words, "--cohort", bound / "cohort.npz", "--splits", 3, "--bootstrap", 0, expect=0).stdout
    assert "As `sigkd verify` answers" in table and "inconclusive" in table


@pytest.mark.parametrize("classifier", ["wd", "wi", "dichotomy"])
@pytest.mark.parametrize("negatives", ["writers", "cohort"])
def test_a_single_reference(run_sigkd, bound, classifier, negatives):
    more = ["--protocol", "writer-independent"] if classifier == "dichotomy" else []
    if negatives == "cohort":
        more += ["--cohort", bound / ("dutch.npz" if classifier == "dichotomy" else "cohort.npz")]
    arguments = ["evaluate", "--dataset", bound / "dutch.npz", "--nref", 1, "--classifier", classifier]
    found = run_sigkd(*arguments, "--negatives", negatives, *FAST, *more, "--json", expect=0).json
    (entry,) = found["results"]
    assert entry["classifier"] == classifier and entry["metrics"]["eer_global"]["mean"] < 0.4
    assert found["protocol"]["negatives"] == negatives and entry["splits"][0]["rows"]["references"][0][1:] == []


def test_a_features_file_needs_neither_images_nor_a_data_directory(run_sigkd, bound, tmp_path):
    report = tmp_path / "report.html"
    arguments = ["evaluate", "--dataset", bound / "dutch.npz", "--nref", 3, "--writers", "w03, w04,w07, w20", *FAST]
    outcome = run_sigkd(*arguments, "--report", report, "--json", "--data-dir", tmp_path / "absent", expect=0)
    assert outcome.json["results"][0]["splits"][0]["writers"] == [3, 4, 7, 20]
    assert outcome.json["datasets"]["dutch"]["source"] == "features" and report.is_file()
    assert "pictures" not in outcome.stderr


def test_writers_without_forgeries_are_said_and_used(run_sigkd, bound, tmp_path):
    with np.load(bound / "dutch.npz") as made:
        keep = (made["yforg"] == 0) | (made["y"] >= 2)
        np.savez(tmp_path / "few.npz", **{key: made[key][keep] if made[key].ndim else made[key] for key in made.files})
    arguments = ["evaluate", "--dataset", tmp_path / "few.npz", "--nref", 3, *FAST]
    assert "2 writers have no skilled forgeries: w00, w01" in run_sigkd(*arguments, expect=4).stderr
    outcome = run_sigkd(*arguments, "--skip-short-writers", "--json", expect=0)
    assert "2 writers without forgeries serve as random forgeries only: w00, w01" in outcome.stderr
    (entry,) = outcome.json["results"]
    assert (entry["writers"], entry["writers_without_forgeries"], entry["writers_left_out"]) == (22, [0, 1], [])
    assert entry["random_per_writer"] == 23 * 10 and entry["negatives"] == 21 * 3
    assert [own["writer"] for own in entry["splits"][0]["bystanders"]] == [0, 1]


def test_classifiers_can_be_compared_on_the_same_trials(run_sigkd, bound, tmp_path):
    for name in ("wd", "wi"):
        run_sigkd(
            "evaluate", "--dataset", bound / "dutch.npz", "--nref", 3, *FAST, "--classifier", name,
            "--out", tmp_path / name, expect=0,
        )  # fmt: skip
    files = [tmp_path / name / "results.json" for name in ("wd", "wi")]
    (comparison,) = run_sigkd("stats", *files, "--bootstrap", 50, "--json", expect=0).json["comparisons"]
    assert comparison["pairs"][0]["difference"] != 0


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
    assert "far_skilled" not in found["results"][0]["metrics"]


def test_stats(run_sigkd, features_file, tmp_path):
    for name, more in (("a", ()), ("b", ()), ("other", ("--seed", 5))):
        run_sigkd("evaluate", "--dataset", features_file, "--nref", 3, *FAST, "--out", tmp_path / name, *more, expect=0)
    files = [tmp_path / name / "results.json" for name in "ab"]
    found = run_sigkd("stats", *files, "--bootstrap", 50, "--json", expect=0)
    (comparison,) = found.json["comparisons"]
    assert comparison["systems"] == ["made (a)", "made (b)"] and comparison["pairs"][0]["wilcoxon"]["p"] == 1
    assert "not independent" in found.stderr
    refused = run_sigkd("stats", files[0], tmp_path / "other" / "results.json", expect=4)
    assert "differ in the seed: 1234 and 5" in refused.stderr
    assert "cut.json: not JSON" in run_sigkd("stats", _cut(files[0], tmp_path), files[1], expect=4).stderr


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


def test_disturbed_scans(run_sigkd, made_up_signatures, tmp_path, fits_schema):
    few = ("--nref", 2, "--test-genuine", 1, "--test-skilled", 1, "--writers", "0:2")
    model = ("--model", "resnet18:random", "--cohort", tmp_path / "c.npz", "--workers", 1)
    run_sigkd("cohort", "build", "--from", "made-up", "--count", 8, *model[:2], "--out", model[3], expect=0)
    command = ("evaluate", "--dataset", made_up_signatures, *few, *model, "--disturb", "line", "turn=1")
    found = run_sigkd(*command, "--out", tmp_path / "out", "--json", expect=0).json
    assert [row["disturbance"] for row in found["rows"]] == ["plain", "line", "turn=1"]
    assert [row["genuine"]["trials"] for row in found["rows"]] == [2, 2, 2]
    fits_schema(tmp_path / "out" / "disturbed.json")
    table = (tmp_path / "out" / "disturbed.md").read_text()
    assert run_sigkd(*command, "--format", "markdown", expect=0).stdout == table
    assert table.count(" of 2 ") == 3 * 6 and "| turn=1 |" in table
    rows = (tmp_path / "out" / "disturbed.csv").read_text().splitlines()
    assert len(rows) == 1 + 3 * 3 * 5 and rows[1].startswith("plain,genuine,accepted,")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--disturb", "lines"), 2, "Did you mean 'line'"),
        (("--disturb", "line", "--splits", 3), 2, "--splits has no meaning with --disturb"),
        (("--dpi", 400), 2, "--dpi needs --disturb"),
        (("--disturb", "line", "--nref", 3, 5), 2, "--disturb takes one value of --nref, not 2"),
        (("--disturb", "line", "--layout", "foldr"), 2, "Did you mean 'folder'"),
        (("--disturb", "line", "--disturb-side", "all"), 2, "unknown side 'all'"),
        (("--disturb", "line", "--calibration", "absent.json"), 4, "absent.json: no such calibration"),
        (("--disturb", "line", "--nref", 6), 4, "6 references and at least one test need 7"),
    ],
)
def test_what_is_wrong_with_disturbing_is_said(run_sigkd, made_up_signatures, arguments, code, words):
    outcome = run_sigkd("evaluate", "--dataset", made_up_signatures, *arguments, expect=code)
    assert words in outcome.stderr and outcome.stdout == ""
    assert outcome.stderr.count("\n") == 1 and outcome.stderr.startswith("error: ")


def test_a_calibration_without_ranges_says_so(run_sigkd, tmp_path):
    from sigkd.classifiers.cohort import load_cohort
    from sigkd.models.binding import Binding
    from sigkd.models.features import FeatureSet
    from sigkd.models.io import load_model

    bound, rng = Binding.of(load_model(None)), np.random.default_rng(0)
    usual = load_cohort(None, bound).features.std(axis=0)
    centres = rng.normal(0, 1, (8, 1, len(usual)))
    spread = np.array([0.5] * 4 + [1.0] * 2)[:, None]  # of genuine signatures and of forgeries
    features = ((centres + spread * rng.normal(0, 1, (8, 6, len(usual)))) * usual).reshape(48, -1).astype(np.float32)
    names = [str(row) for row in range(48)]
    labels = np.repeat(np.arange(8), 6), np.tile(np.array([0] * 4 + [1] * 2, np.int8), 8)
    made = FeatureSet(features, *labels, names, bound.model_hash, bound.preprocess_version, bound.model_name, {})
    made.save(tmp_path / "f.npz")
    how = ("--nref", 2, "--splits", 2, "--classifier", "wd", "--negatives", "cohort", "--workers", 1)
    out = run_sigkd("calibrate", "--dataset", tmp_path / "f.npz", *how, "--out", tmp_path / "c.json", expect=0)
    assert "has no measures of its scans" in out.stderr
    assert json.loads((tmp_path / "c.json").read_text())["ranges"] is None
