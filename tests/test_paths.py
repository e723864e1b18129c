"""Names stay in the data directory, and seeds are numbers that generators take."""

import pytest

from sigkd.errors import ExitCode, UsageError
from sigkd.paths import plain_name, run_path, store_path


@pytest.mark.parametrize("name", ["cedar", "my set", "v1.2", "group/cedar", "-x", "..a", "Zoë"])
def test_plain_names(name, tmp_path):
    assert plain_name(name) == name
    assert store_path(name, tmp_path).is_relative_to(tmp_path)
    assert store_path(name, tmp_path).name.endswith(".npz")


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/../../x", "/abs"])
def test_names_that_lead_elsewhere(name, run_sigkd, made_up_signatures, made_up_pages, tmp_path):
    with pytest.raises(UsageError, match="leads out of the data directory"):
        plain_name(name)
    home = tmp_path / "home"
    for words in (
        ("preprocess", made_up_signatures),
        ("prepare-text", made_up_pages, "--layout", "folder"),
        ("distill", "--teacher", "signet:random"),
        ("train-teacher", "--dataset", "x"),
    ):
        outcome = run_sigkd(*words, "--data-dir", home, f"--name={name}", expect=ExitCode.USAGE)
        assert "--name" in outcome.stderr
    assert list(tmp_path.iterdir()) == []
    assert run_path("r", home).parent == home / "runs"


@pytest.mark.parametrize("seed", ["-1", str(10**23)])
@pytest.mark.parametrize(
    "words",
    [
        ("evaluate", "--dataset", "x"),
        ("calibrate", "--dataset", "x"),
        ("cohort", "build", "--from", "made-up"),
        ("disturb", "x.png", "--with", "blur", "--out", "y"),
        ("prepare-text", "x", "--layout", "folder"),
        ("distill", "--teacher", "signet:random"),
        ("train-teacher", "--dataset", "x"),
        ("reproduce", "table5", "--text", "x"),
    ],
)
def test_seeds(words, seed, run_sigkd):
    outcome = run_sigkd(*words, f"--seed={seed}")
    assert outcome.exit_code in (ExitCode.USAGE, ExitCode.INPUT)
    assert "seed" in outcome.stderr


def test_the_seed_of_random_weights(run_sigkd, tmp_path):
    outcome = run_sigkd("export", f"signet:random:{10**23}", "--out", tmp_path / "x.onnx", expect=ExitCode.WEIGHTS)
    assert "seed" in outcome.stderr
