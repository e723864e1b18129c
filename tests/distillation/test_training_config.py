"""The configuration: the paper's defaults in one place, files with understandable errors, the schedules."""

import dataclasses

import pytest

from sigkd.configuration import options, read_toml, update
from sigkd.distillation.config import TrainingConfig, config_toml, teacher_config
from sigkd.distillation.recipes import run_name
from sigkd.distillation.schedule import learning_rate
from sigkd.errors import InputError, UsageError


def test_defaults_are_the_papers():
    config = TrainingConfig()
    assert (config.epochs, config.batch_size, config.lr, config.momentum) == (60, 64, 0.01, 0.9)
    assert (config.weight_decay, config.radius, config.loss, config.crop) == (0.0, 5, "geom+bc", "center")


def test_every_field_is_an_option_with_a_sentence():
    for option in options(TrainingConfig(), "distill"):
        assert option.help.endswith(".")
        assert "{" not in option.help
    assert {option.name for option in options(TrainingConfig(), "distill")} == set(TrainingConfig().as_dict())
    assert "loss" not in {option.name for option in options(teacher_config(), "train-teacher")}


def test_toml_round_trip(tmp_path):
    config = TrainingConfig(
        loss="tce",
        weight={"tce": 0.5},
        setting={"tce": {"temperature": 4.0, "squared": True}},
        augment=["ink", "blur=2"],
        lr=0.1,
        no_cl=True,
    )
    path = tmp_path / "config.toml"
    path.write_text(config_toml(config))
    assert read_toml(path, TrainingConfig()) == config


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epocs = 3", "unknown key 'epocs'. Did you mean 'epochs'"),
        ("epochs = 'many'", "must be a whole number"),
        ("epochs = true", "must be a whole number"),
        ("lr = 'x'", "must be a number"),
        ("schedule = 'steps'", "Did you mean 'step'"),
        ("weight = 3", "must be a table"),
        ("augment = 'ink'", "a list of strings"),
        ("epochs = 0", "greater than 0"),
        ("momentum = 1.0", r"in \[0, 1\)"),
        ("seed = -1", "seed"),
        ("augment_share = 0", r"lie in \(0, 1\]"),
        ("[weight]\ngeom1 = 'x'", "'weight'.geom1 must be a number"),
    ],
)
def test_wrong_values(tmp_path, text, words):
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        read_toml(path, TrainingConfig())


def test_files_that_are_no_configuration(tmp_path):
    with pytest.raises(InputError, match="no such"):
        read_toml(tmp_path / "absent.toml", TrainingConfig())
    (tmp_path / "broken.toml").write_text("epochs = = 3")
    with pytest.raises(InputError, match="not TOML"):
        read_toml(tmp_path / "broken.toml", TrainingConfig())


def test_whole_numbers_and_hyphens_are_understood(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("lr = 1\nbatch-size = 8\n[weight]\ngeom1 = 3\n")
    config = read_toml(path, TrainingConfig())
    assert (config.lr, config.batch_size, config.weight) == (1.0, 8, {"geom1": 3.0})


def test_update_keeps_the_rest():
    assert update(TrainingConfig(), {"epochs": 3}, "here").batch_size == 64


def rates(schedule, epochs=60, steps=10, **changes):
    config = TrainingConfig(schedule=schedule, epochs=epochs, **changes)
    return [learning_rate(config, epoch, step, steps) for epoch in range(epochs) for step in range(steps)]


def test_step_schedule_of_the_paper():
    values = rates("step", steps=1)
    assert values[:20] == [0.01] * 20
    assert values[20:40] == pytest.approx([0.001] * 20)
    assert values[40:] == pytest.approx([0.0001] * 20)


def test_steps_are_at_thirds_for_any_length():
    values = rates("step", epochs=7, steps=1)
    assert [round(value * 1e4) for value in values] == [100, 100, 100, 10, 10, 1, 1]
    assert [round(v * 1e4) for v in rates("step", epochs=5, steps=1, step_epochs=2)] == [100, 100, 10, 10, 1]


def test_smooth_schedules():
    cosine = rates("cosine")
    assert cosine[0] == 0.01
    assert cosine == sorted(cosine, reverse=True)
    assert cosine[-1] < 1e-6
    cycle = rates("one-cycle")
    peak = cycle.index(max(cycle))
    assert cycle[0] == pytest.approx(0.01 / 25)
    assert max(cycle) == pytest.approx(0.01, rel=1e-3)
    assert peak == 180
    assert cycle[-1] < 1e-6
    assert set(rates("constant")) == {0.01}


def test_recipe_of_teachers():
    config = teacher_config()
    assert (config.student, config.loss, config.lr, config.batch_size) == ("signet", "cl", 1e-3, 32)
    assert (config.weight_decay, config.crop, config.step_epochs, config.epochs) == (1e-4, "random", 20, 60)
    forged = teacher_config(0.95)
    assert forged.loss == "cl+forgery"
    assert forged.weight == pytest.approx({"cl": 0.05, "forgery": 0.95})


def test_names_of_runs(tmp_path):
    assert run_name(TrainingConfig()) == "resnet18-cl+geom+bc-from-signet"
    assert run_name(TrainingConfig(loss="cl")) == "resnet18-cl"
    assert run_name(TrainingConfig(teacher=f"{tmp_path}/my teacher.safetensors")).endswith("from-my-teacher")
    assert run_name(dataclasses.replace(TrainingConfig(), loss="bc", no_cl=True)) == "resnet18-bc-from-signet"
