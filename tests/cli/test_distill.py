"""The commands ``distill`` and ``train-teacher``: the card's line, files, errors in one line."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "distillation"))

TINY = ("--student", "tiny", "--batch-size", "8", "--epochs", "2", "--precision", "float32")


@pytest.fixture
def home(tmp_path):
    from tiny import write_text_set

    write_text_set(tmp_path / "datasets" / "text")
    return tmp_path


def test_the_line_of_the_card(run_sigkd, home):
    # the published teacher is not in the cache: the words say what to do, before any training
    line = "distill --teacher signet --student resnet18 --loss geom+bc".split()  # noqa: SIM905
    outcome = run_sigkd(*line, "--data-dir", home)
    assert outcome.exit_code == 5
    assert outcome.stderr.strip().splitlines()[-1].startswith("error:")
    assert "signet" in outcome.stderr


def test_without_data_the_command_that_makes_it_is_named(run_sigkd):
    outcome = run_sigkd("distill", "--loss", "cl")
    assert outcome.exit_code == 4
    assert "sigkd prepare-text" in outcome.stderr


def test_a_run_from_the_command_line(run_sigkd, home, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text('epochs = 7\nloss = "geom"\nlr = 0.02\n')
    options = [
        "--teacher",
        "tiny:random",
        "--loss",
        "geom+bc",
        "--weight",
        "geom1=3",
        "bc=0.001",
        "--setting",
        "bc.redundancy=0.005",
        "--augment",
        "ink",
        "blur=1",
    ]
    command = ["distill", *TINY, *options, "--config", config, "--data-dir", home, "--name", "first", "--json"]
    document = run_sigkd(*command, expect=0).json
    assert document["config"]["epochs"] == 2  # the command line comes before the file
    assert document["config"]["lr"] == 0.02
    assert document["config"]["augment"] == ["ink", "blur=1"]
    assert document["weights"] == {"cl": 1.0, "geom1": 3.0, "geom2": 100.0, "bc": 0.001}
    assert document["config"]["setting"] == {"bc": {"redundancy": 0.005}}
    assert document["supervision"] == "online"
    assert (home / "runs" / "first" / "final.safetensors").is_file()
    again = run_sigkd(*command)
    assert again.exit_code == 2
    assert "--resume" in again.stderr
    resumed = run_sigkd("distill", "--resume", "--name", "first", "--data-dir", home, expect=0)
    assert "final.safetensors" in resumed.stdout
    assert "val_accuracy" in resumed.stdout


def test_cached_supervision_is_kept_in_the_data_directory(run_sigkd, home):
    run_sigkd("distill", *TINY, "--teacher", "tiny:random", "--data-dir", home, expect=0)
    assert len(list((home / "supervision").glob("geometry-*/mask1.npy"))) == 1
    assert (home / "runs" / "tiny-cl+geom+bc-from-tiny-random").is_dir()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--loss", "geon"], "Did you mean 'geom'"),
        (["--weight", "geom1"], "NAME=NUMBER"),
        (["--setting", "temperature=4"], "LOSS.SETTING=VALUE"),
        (["--loss", "tce", "--setting", "tce.temprature=4"], "Did you mean 'temperature'"),
        (["--loss", "forgery", "--teacher", "tiny:random"], "needs signatures with marked forgeries"),
        (["--loss", "cl", "--weight", "geom1=1"], "no term 'geom1'"),
        (["--schedule", "stepp"], "Did you mean 'step'"),
        (["--augment", "blurr"], "Did you mean 'blur'"),
        (["--epochs", "0"], "greater than 0"),
        (["--student", "resnet"], "Did you mean 'resnet18'"),
        (["--supervision", "cached", "--crop", "random", "--teacher", "tiny:random"], "need --supervision online"),
        (["--device", "cuda:77", "--loss", "cl"], "cuda:77"),
    ],
)
def test_wrong_options(run_sigkd, home, options, words):
    outcome = run_sigkd("distill", *options, "--data-dir", home)
    assert outcome.exit_code == 2
    assert words in outcome.stderr
    assert not (home / "runs").exists()


def signatures(home, forgeries):
    from tiny import drawings

    from sigkd.datasets.prepared import PreparedSignatures

    images, labels = drawings(48, 4)
    kind = (np.arange(48) % 3 == 2).astype(np.int8) * forgeries
    metadata = {"name": "waves", "preprocess_version": "1", "layout": "folder"}
    names = [str(i) for i in range(48)]
    store = PreparedSignatures(images, labels.astype(np.int64), kind, names, list("abcd"), metadata)
    store.save(home / "datasets" / "waves.npz")


def test_train_teacher(run_sigkd, home):
    signatures(home, True)
    options = ["--arch", "tiny", "--epochs", "2", "--batch-size", "8", "--data-dir", home, "--json"]
    plain = run_sigkd("train-teacher", "--dataset", "waves", *options, "--name", "plain", expect=0).json
    assert plain["weights"] == {"cl": 1.0}
    assert plain["config"]["crop"] == "random"
    assert plain["data"]["details"]["writers"] == ["waves/a", "waves/b", "waves/c", "waves/d"]
    forged = run_sigkd("train-teacher", "--dataset", "waves", *options, "--forgeries", "--name", "f", expect=0).json
    assert forged["weights"]["forgery"] == 0.95
    student = home / "runs" / "plain" / "final.safetensors"
    taught = run_sigkd(
        "distill", *TINY, "--teacher", student, "--loss", "bc", "--data-dir", home, "--json", expect=0
    ).json
    assert taught["teachers"][0]["hash"] == plain["final_hash"]


def test_train_teacher_without_forgeries(run_sigkd, home):
    signatures(home, False)
    outcome = run_sigkd("train-teacher", "--dataset", "waves", "--forgeries", "--arch", "tiny", "--data-dir", home)
    assert outcome.exit_code == 2
    assert "skilled forgeries" in outcome.stderr


def test_probe(run_sigkd, home):
    signatures(home, True)
    options = ["--loss", "cl", "--probe", "waves", "--probe-every", "1", "--data-dir", home, "--json"]
    last = run_sigkd("distill", *TINY, *options, expect=0).json["last"]
    assert 0 <= last["probe_eer_user"] <= 1
    assert 0 <= last["probe_eer_global"] <= 1


def test_live_view():
    from rich.console import Console

    from sigkd.cli.training_view import LiveView, clock, draw
    from sigkd.distillation.observer import Status

    assert [clock(seconds) for seconds in (5, 65, 3671)] == ["00:05", "01:05", "1:01:11"]
    previous = {"epoch": 1.0, "cl": 2.0, "accuracy": 0.4, "val_accuracy": 0.3, "val_loss": 2.5, "probe_eer_user": 0.1}
    status = Status(2, 60, 3, 9, 61.4, 3671.0, 0.01, 1.5, {"cl": 1.25, "bc": 300.0}, 0.5, previous)
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(draw(status))
    text = console.export_text()
    for words in ("epoch 2/60", "61 images/s", "1:01:11 left", "1.25", "50.0 %", "40.0 %", "30.0 %", "10.0 %"):
        assert words in text
    from rich.live import Live

    with Live(console=console) as live:
        view = LiveView(live)
        view.step_done(status)
        view.epoch_done(previous)
        view.notice("resumed [here]")
    assert "resumed [here]" in console.export_text()


@pytest.fixture(autouse=True)
def no_curves(monkeypatch):
    """Leave the curves out: a picture takes longer than a run."""
    monkeypatch.setattr("sigkd.distillation.training.draw_curves", lambda *arguments: None)
