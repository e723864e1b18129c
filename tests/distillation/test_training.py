"""The loop: it learns, keeps its files whole, resumes exactly, and stops as it should."""

import csv
import dataclasses
import json
import signal

import numpy as np
import pytest
import torch
from tiny import training_images

from sigkd.configuration import read_toml
from sigkd.distillation import recipes, supervision
from sigkd.distillation.augment import Augmentation
from sigkd.distillation.config import TrainingConfig, teacher_config
from sigkd.distillation.data import Feeder, Order
from sigkd.distillation.losses import LOSSES
from sigkd.distillation.losses.cl import ClassificationLoss
from sigkd.distillation.observer import SilentObserver
from sigkd.distillation.record import TrainingRun
from sigkd.distillation.rundir import RunDirectory
from sigkd.distillation.student import build_student
from sigkd.distillation.training import DivergedError, Trainer
from sigkd.errors import InputError, UsageError
from sigkd.models.io import load_file, load_model, save_model
from sigkd.models.networks import NETWORKS
from sigkd.models.registry import build_network

CPU = torch.device("cpu")
CONFIG = TrainingConfig(
    student="tiny", teacher="tiny:random", loss="geom+tce", epochs=3, batch_size=8, precision="float32", lr=0.02
)


@pytest.fixture(autouse=True)
def no_curves(request, monkeypatch):
    """Draw curves in one test only: a picture takes longer than a run."""
    if request.function is not test_a_run_learns_and_leaves_its_files:
        monkeypatch.setattr("sigkd.distillation.training.draw_curves", lambda *arguments: None)


class Watcher(SilentObserver):
    def __init__(self, at=None, do=None):
        self.statuses, self.rows, self.notices, self.at, self.do = [], [], [], at, do

    def step_done(self, status):
        self.statuses.append(status)
        if self.do and (status.epoch, status.step) == self.at:
            self.do()

    def epoch_done(self, row):
        self.rows.append(dict(row))

    def notice(self, message):
        self.notices.append(message)


def distill(run, config=CONFIG, **changes):
    data = changes.pop("data", None) or training_images()
    return recipes.distill(config, data, run, load_model, device=CPU, **changes)


def state(path):
    return load_file(path).network.state_dict()


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_learns_and_leaves_its_files(tmp_path, fits_schema):
    watcher = Watcher()
    config = dataclasses.replace(CONFIG, epochs=8, loss="geom+tce+bt+bc", weight={"geom1": 100.0})
    record = distill(tmp_path / "run", config, observer=watcher, cache=tmp_path / "cache")
    run = tmp_path / "run"
    assert {path.name for path in run.iterdir()} == {
        "config.toml",
        "run.json",
        "metrics.csv",
        "last.ckpt",
        "best.safetensors",
        "final.safetensors",
        "curves.png",
    }
    with (run / "metrics.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == [str(i) for i in range(1, 9)]
    terms = ["cl", "geom1", "geom2", "tce", "bt", "bc"]
    for term in ("cl", "geom1", "geom2"):  # the weights of the others hardly move them in 32 steps
        assert float(rows[-1][term]) < float(rows[0][term]), term
    assert float(rows[-1]["accuracy"]) > 0.9
    assert float(rows[-1]["val_accuracy"]) > 0.5
    weighted = sum(record.weights[term] * float(rows[-1][term]) for term in terms)
    assert weighted == pytest.approx(float(rows[-1]["loss"]), rel=1e-4)
    assert read_toml(run / "config.toml", TrainingConfig()) == config
    fits_schema(run / "run.json")
    assert TrainingRun.read(run / "run.json") == record
    written = json.loads((run / "run.json").read_text())
    assert written["status"] == "complete"
    assert written["data"]["content_hash"] == "waves-1"
    assert written["teachers"][0]["name"] == "tiny:random"
    assert written["supervision"] == "cached"
    assert written["final_hash"] == record.final_hash == load_file(run / "final.safetensors").hash
    model = load_file(run / "final.safetensors")
    assert model.preprocess_version == "1"
    assert model.metadata["recipe"]["loss"] == "geom+tce+bt+bc"
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert len(watcher.statuses) == 8 * 4
    assert watcher.statuses[-1].seconds_left == 0
    assert watcher.statuses[-1].previous == watcher.rows[-2]


def test_the_same_seed_gives_the_same_student(tmp_path):
    config = dataclasses.replace(CONFIG, epochs=1, crop="random", augment=["all"])
    for name in "ab":
        distill(tmp_path / name, config)
    distill(tmp_path / "c", dataclasses.replace(config, seed=1))
    final = {name: state(tmp_path / name / "final.safetensors") for name in "abc"}
    assert equal(final["a"], final["b"])
    assert not equal(final["a"], final["c"])


@pytest.mark.parametrize("at", [(2, 1), (1, 4)])
def test_resuming_is_exact(tmp_path, at):
    config = dataclasses.replace(CONFIG, crop="random", augment=["ink", "rotate"], schedule="one-cycle")
    distill(tmp_path / "whole", config)
    stop = Watcher(at, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt, match="continue with `resume=True`"):
        distill(tmp_path / "broken", config, observer=stop)
    assert not (tmp_path / "broken" / "final.safetensors").exists()
    watcher = Watcher()
    distill(tmp_path / "broken", config, resume=True, observer=watcher)
    assert "resumed at epoch" in watcher.notices[0]
    assert equal(*(state(tmp_path / name / "final.safetensors") for name in ("whole", "broken")))
    metrics = [(tmp_path / name / "metrics.csv").read_text().splitlines() for name in ("whole", "broken")]
    without_seconds = [[line.rsplit(",", 1)[0] for line in lines] for lines in metrics]
    assert without_seconds[0] == without_seconds[1]


def test_a_finished_run_resumes_to_itself(tmp_path):
    config = dataclasses.replace(CONFIG, epochs=1)
    first = distill(tmp_path, config)
    assert distill(tmp_path, config, resume=True).final_hash == first.final_hash


def test_runs_are_not_overwritten_nor_continued_otherwise(tmp_path):
    config = dataclasses.replace(CONFIG, epochs=1, loss="cl")
    with pytest.raises(InputError, match="no checkpoint to resume"):
        distill(tmp_path, config, resume=True)
    distill(tmp_path, config)
    with pytest.raises(UsageError, match="continue it with `resume=True`"):
        distill(tmp_path, config)
    with pytest.raises(UsageError, match=r"began with lr = 0\.02"):
        distill(tmp_path, dataclasses.replace(config, lr=0.5), resume=True)
    other = dataclasses.replace(training_images(), content_hash="other")
    with pytest.raises(UsageError, match="is not the one that the run began with"):
        distill(tmp_path, config, resume=True, data=other)


def test_damaged_and_dangerous_checkpoints_are_refused(tmp_path):
    config = dataclasses.replace(CONFIG, epochs=1, loss="cl")
    distill(tmp_path, config)
    checkpoint = tmp_path / "last.ckpt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1000])
    with pytest.raises(InputError, match="not a readable checkpoint"):
        distill(tmp_path, config, resume=True)
    torch.save({"format": 1, "model": print}, checkpoint)
    with pytest.raises(InputError, match="not a readable checkpoint"):
        distill(tmp_path, config, resume=True)
    torch.save({"format": 99}, checkpoint)
    with pytest.raises(InputError, match="not a checkpoint of this version"):
        RunDirectory(tmp_path).load_checkpoint()


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path, monkeypatch):
    real, calls = ClassificationLoss.__call__, []

    def poisoned(self, *arguments):
        calls.append(1)
        terms = real(self, *arguments)
        return {"cl": terms["cl"] * float("nan")} if len(calls) == 6 else terms

    config = dataclasses.replace(CONFIG, loss="cl")
    with monkeypatch.context() as patch:
        patch.setattr(ClassificationLoss, "__call__", poisoned)
        with pytest.raises(
            DivergedError, match=r"step 6 of the run \(epoch 2\); the last good checkpoint is .*last\.ckpt"
        ):
            distill(tmp_path / "nan", config)
    kept = RunDirectory(tmp_path / "nan").load_checkpoint()
    assert all(torch.isfinite(value).all() for value in kept["model"].values() if value.is_floating_point())
    distill(tmp_path / "nan", config, resume=True)  # the checkpoint is good: the run can go on
    distill(tmp_path / "plain", config)
    assert equal(*(state(tmp_path / name / "final.safetensors") for name in ("nan", "plain")))


def test_checkpoints_inside_an_epoch_change_nothing(tmp_path, monkeypatch):
    saved = []
    real = RunDirectory.save_checkpoint
    monkeypatch.setattr(
        RunDirectory, "save_checkpoint", lambda self, s: saved.append((s["epoch"], s["step"])) or real(self, s)
    )
    config = dataclasses.replace(CONFIG, epochs=1, loss="cl")
    distill(tmp_path / "a", config)
    assert saved == [(0, 0), (1, 0)]
    object.__setattr__(often := dataclasses.replace(config), "checkpoint_seconds", -1)
    distill(tmp_path / "b", often)
    assert (0, 2) in saved
    assert equal(*(state(tmp_path / name / "final.safetensors") for name in "ab"))


def test_bfloat16_and_no_classification(tmp_path):
    config = dataclasses.replace(CONFIG, epochs=1, precision="bfloat16", loss="geom+bc", no_cl=True)
    record = distill(tmp_path, config)
    assert record.precision == "bfloat16"
    assert "cl" not in record.last
    assert np.isfinite(record.last["loss"])


def test_warm_start(tmp_path):
    config = dataclasses.replace(CONFIG, epochs=1, loss="cl")
    distill(tmp_path / "first", config)
    source = tmp_path / "first" / "final.safetensors"
    watcher = Watcher()
    more = training_images(40, writers=5)
    warm = dataclasses.replace(config, init=str(source), lr=1e-12, momentum=0.0)
    distill(tmp_path / "second", warm, data=more, observer=watcher)
    assert "fresh: head.bias, head.weight" in watcher.notices[0]
    torch.testing.assert_close(
        state(tmp_path / "second" / "final.safetensors")["first.0.weight"], state(source)["first.0.weight"]
    )
    with pytest.raises(UsageError, match="is a tiny, the student is a signet"):
        distill(tmp_path / "third", dataclasses.replace(warm, student="signet"))


def test_lengths_reach_the_loop(tmp_path):
    config = dataclasses.replace(CONFIG, loss="cl", epochs=2, images_per_epoch=16, max_images=24)
    watcher = Watcher()
    record = distill(tmp_path, config, observer=watcher)
    assert record.steps_per_epoch == 2
    assert record.data.training_images == 24
    assert len(watcher.statuses) == 4


def one_step(tmp_path, name, **changes):
    """Return the first convolution before and after a run of one step, and the record."""
    fields = {"loss": "cl", "epochs": 1, "batch_size": 32, "schedule": "constant", "lr": 0.5, **changes}
    config = dataclasses.replace(CONFIG, **fields)
    record = distill(tmp_path / name, config)
    start, _ = build_student(config, 4)
    return (
        start.network.first[0].weight.detach(),
        state(tmp_path / name / "final.safetensors")["first.0.weight"],
        record,
    )


def test_weight_decay_reaches_the_loop(tmp_path):
    start, plain, _ = one_step(tmp_path, "plain", momentum=0.0)
    _, decayed, _ = one_step(tmp_path, "decayed", momentum=0.0, weight_decay=0.1)
    torch.testing.assert_close(plain - decayed, 0.5 * 0.1 * start)  # lr * decay * weight


def test_kinds_of_momentum(tmp_path):
    start, without, _ = one_step(tmp_path, "without", momentum=0.0)
    _, plain, _ = one_step(tmp_path, "plain", momentum_kind="plain")
    _, nesterov, _ = one_step(tmp_path, "nesterov")
    torch.testing.assert_close(plain, without)  # of plain momentum the first step knows nothing
    torch.testing.assert_close(nesterov - start, 1.9 * (without - start), rtol=1e-4, atol=1e-6)  # g + 0.9 g


def test_label_smoothing_reaches_the_loop(tmp_path, monkeypatch):
    seen = []
    real = ClassificationLoss.__call__
    monkeypatch.setattr(
        ClassificationLoss, "__call__", lambda self, *a: seen.append(self.label_smoothing) or real(self, *a)
    )
    _, _, plain = one_step(tmp_path, "plain")
    _, _, smooth = one_step(tmp_path, "smooth", label_smoothing=0.3)
    assert seen == [0.0, 0.3]
    assert plain.last["cl"] != smooth.last["cl"]


@pytest.mark.parametrize(("limit", "expected"), [(3, 3), (2000, 8), (0, 0)])
def test_so_many_images_are_validated_on(tmp_path, monkeypatch, limit, expected):
    validated = set()
    real = Feeder.__call__

    def feed(self, rows):
        validated.update(set(rows.tolist()) & set(training_images().validation.tolist()))
        return real(self, rows)

    monkeypatch.setattr(Feeder, "__call__", feed)
    record = distill(tmp_path, dataclasses.replace(CONFIG, loss="cl", epochs=2, validation_images=limit))
    assert len(validated) == expected
    assert ("val_accuracy" in record.last) == (limit > 0)


def test_the_best_is_that_of_the_best_validation(tmp_path, monkeypatch):
    accuracies = iter([0.25, 0.75, 0.5])
    kept = []
    monkeypatch.setattr(Trainer, "_validate", lambda self, module: {"val_loss": 1.0, "val_accuracy": next(accuracies)})
    real = Trainer._finish_epoch

    def finish(self):
        weights = {name: value.clone() for name, value in self.module.network.state_dict().items()}
        kept.append(weights)
        real(self)

    monkeypatch.setattr(Trainer, "_finish_epoch", finish)
    distill(tmp_path, dataclasses.replace(CONFIG, loss="cl"))
    assert equal(state(tmp_path / "best.safetensors"), kept[1])
    assert equal(state(tmp_path / "final.safetensors"), kept[2])
    assert load_file(tmp_path / "best.safetensors").metadata["metrics"]["epoch"] == 2


def test_shares_of_the_gradient(tmp_path):
    watcher = Watcher()
    config = dataclasses.replace(CONFIG, loss="geom+tce", epochs=2, weight={"tce": 1e-9})
    distill(tmp_path, config, observer=watcher)
    for row in watcher.rows:
        shares = {name: value for name, value in row.items() if name.startswith("share_")}
        assert shares.keys() == {"share_cl", "share_geom1", "share_geom2", "share_tce"}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
    warned = [notice for notice in watcher.notices if notice.startswith("warning")]
    assert len(warned) == 1
    assert "the term 'tce' had" in warned[0]
    assert "with the weight 1e-09 it does next to nothing" in warned[0]
    assert "share_geom1" in (tmp_path / "metrics.csv").read_text().splitlines()[0]
    assert "share_tce" not in watcher.statuses[-1].terms


def test_shares_are_those_of_the_terms_alone(tmp_path, monkeypatch):
    found = []
    real = Trainer._gradient_shares
    monkeypatch.setattr(Trainer, "_gradient_shares", lambda self, terms: found.append(real(self, terms)) or found[-1])
    norms = {}
    for loss, no_cl in (("cl", False), ("bt", True)):  # one plain step each: the way gone is the gradient
        name = f"alone-{loss}"
        config = {"loss": loss, "no_cl": no_cl, "momentum": 0.0, "weight": {"bt": 0.01} if no_cl else {}}
        one_step(tmp_path, name, **config)
        start, _ = build_student(dataclasses.replace(CONFIG, **config), 4)
        after = state(tmp_path / name / "final.safetensors")
        ways = [after[key] - value.detach() for key, value in start.network.named_parameters()]
        norms[loss] = float(torch.sqrt(sum(way.square().sum() for way in ways))) / 0.5
    assert not found  # one term has everything
    one_step(tmp_path, "both", loss="bt", weight={"bt": 0.01})
    whole = sum(norms.values())
    assert {term: float(value) for term, value in found[0].items()} == pytest.approx(
        {f"share_{loss}": norm / whole for loss, norm in norms.items()}, rel=1e-3
    )


def test_averaged_weights(tmp_path, monkeypatch):
    kept = []
    real = Trainer._average_weights
    monkeypatch.setattr(
        Trainer,
        "_average_weights",
        lambda self: kept.append({k: v.detach().clone() for k, v in self.module.named_parameters()}) or real(self),
    )
    config = dataclasses.replace(CONFIG, loss="cl", epochs=5, average=3)
    record = distill(tmp_path / "whole", config)
    final = state(tmp_path / "whole" / "final.safetensors")
    for name in ("first.0.weight", "head.bias"):
        expected = torch.stack([weights[f"network.{name}"] for weights in kept[2:]]).mean(dim=0)
        torch.testing.assert_close(final[name], expected)
    assert not equal(final, state(tmp_path / "whole" / "best.safetensors"))
    # batch norm is estimated anew: as a pass over the same images by the averaged weights gives it
    network = load_file(tmp_path / "whole" / "final.safetensors").network
    order = Order(training_images().training, 8, 0).epoch(5)
    seen = [Augmentation()(torch.from_numpy(training_images().images[rows]), 0) for rows in order]
    means = torch.stack([network.first[0](each).mean(dim=(0, 2, 3)) for each in seen]).mean(dim=0)
    torch.testing.assert_close(network.first[1].running_mean, means.detach(), rtol=1e-4, atol=1e-5)
    assert record.averaged.keys() == {"val_loss", "val_accuracy"}
    stop = Watcher((5, 2), lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        distill(tmp_path / "broken", config, observer=stop)
    distill(tmp_path / "broken", config, resume=True)
    assert equal(final, state(tmp_path / "broken" / "final.safetensors"))


def test_the_teacher_sees_the_clean_image(tmp_path, monkeypatch):
    asked = []
    real = supervision.ask
    monkeypatch.setattr(supervision, "ask", lambda *a: asked.append((a[1], a[2])) or real(*a))
    config = dataclasses.replace(CONFIG, epochs=1, loss="bc", augment=["ink=0.1", "blur"], teacher_sees="clean")

    def clean(images, rows):
        plain = torch.from_numpy(training_images().images[rows][:, 10:160, 11:231]).float() / 255
        return torch.equal(images[:, 0], plain)

    record = distill(tmp_path / "cached", config, cache=tmp_path / "cache")
    assert record.supervision == "cached"  # what the teacher sees never changes
    distill(tmp_path / "online", dataclasses.replace(config, supervision="online"))
    assert all(clean(images, rows) for images, rows in asked)
    cached, online = (state(tmp_path / name / "final.safetensors") for name in ("cached", "online"))
    # the teacher is asked in other batches: on some processors that changes the last bits
    assert all(torch.allclose(cached[name].float(), online[name].float(), atol=1e-4) for name in cached)
    asked.clear()
    distill(tmp_path / "same", dataclasses.replace(config, teacher_sees="same"))
    assert not any(clean(images, rows) for images, rows in asked)


def test_an_option_younger_than_the_run_is_named(tmp_path):
    config = dataclasses.replace(CONFIG, epochs=1, loss="cl")
    distill(tmp_path, config)
    directory = RunDirectory(tmp_path)
    kept = directory.load_checkpoint()
    del kept["config"]["momentum_kind"]
    directory.save_checkpoint(kept)
    watcher = Watcher()
    distill(tmp_path, config, resume=True, observer=watcher)
    assert "without the option 'momentum_kind' and goes on with 'nesterov'" in watcher.notices[0]


def test_probe(tmp_path):
    seen = []

    def probe(network):
        assert not network.training
        seen.append(network.architecture)
        return {"eer_user": 0.25}

    record = distill(tmp_path, dataclasses.replace(CONFIG, loss="cl", probe_every=2), probe=probe)
    assert seen == ["tiny", "tiny"]  # after epoch 2 and at the end
    assert record.last["probe_eer_user"] == 0.25
    lines = (tmp_path / "metrics.csv").read_text().splitlines()
    assert [line.split(",")[lines[0].split(",").index("probe_eer_user")] for line in lines[1:]] == ["", "0.25", "0.25"]


def test_teacher_with_forgeries(tmp_path):
    config = dataclasses.replace(teacher_config(0.9), student="tiny", epochs=4, batch_size=8, lr=0.02)
    record = recipes.train_teacher(config, training_images(forged=True), tmp_path, device=CPU)
    assert set(record.last) >= {"cl", "forgery", "accuracy", "val_accuracy"}
    assert record.weights == pytest.approx({"cl": 0.1, "forgery": 0.9})
    assert load_file(tmp_path / "final.safetensors").network.classes == 4
    with pytest.raises(UsageError, match="learns from signatures alone"):
        recipes.train_teacher(dataclasses.replace(config, loss="bc"), training_images(), tmp_path / "x", device=CPU)


def test_float16_needs_a_gpu(tmp_path):
    with pytest.raises(UsageError, match="float16 trains on a GPU only"):
        distill(tmp_path, dataclasses.replace(CONFIG, precision="float16"))


@pytest.mark.parametrize("student", [name for name in NETWORKS if name != "tiny"])
def test_every_student_takes_a_step_with_every_loss(tmp_path, student):
    names = [name for name in LOSSES if name != "forgery"]
    config = dataclasses.replace(
        CONFIG, student=student, loss="+".join(names), epochs=1, batch_size=4, max_images=4, validation_images=0
    )
    record = distill(tmp_path, config)
    assert {term for name in names for term in LOSSES.get(name).weights} <= set(record.last)
    assert np.isfinite(record.last["loss"])


def test_a_whitened_model_gives_all_but_its_last_layer(tmp_path):
    source = build_network("resnet18", seed=3)
    path = tmp_path / "white.safetensors"
    source.make_linear()
    save_model(path, source, {})
    config = TrainingConfig(student="resnet18", init=str(path), seed=0)
    module, fresh = build_student(config, classes=3)
    assert not module.network.whitened
    assert {name.split(".")[0] for name in fresh} == {"feature", "head"}
    assert torch.equal(module.network.stage4[1].conv2.weight, source.stage4[1].conv2.weight)
    plain = build_network("resnet18", 3, seed=0)
    assert torch.equal(module.network.feature[0].weight, plain.feature[0].weight)
