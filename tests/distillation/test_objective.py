"""The weighted sum: names, weights, settings, several teachers, and how a loss is added."""

import pytest
import torch

from sigkd.distillation.config import TrainingConfig
from sigkd.distillation.losses import LOSSES, Loss, StudentOutput, Targets
from sigkd.distillation.objective import Objective, make_loss, parse_losses
from sigkd.distillation.signals.geometry import Geometry
from sigkd.distillation.signals.response import Response
from sigkd.errors import UsageError

GEOMETRY = Geometry(5, "spatial", False)


def objective(loss, **fields):
    return Objective(TrainingConfig(loss=loss, **fields))


def test_names():
    assert parse_losses("geom+bc") == ["cl", "geom", "bc"]
    assert parse_losses("cl") == ["cl"]
    assert parse_losses("bt+cl") == ["cl", "bt"]
    assert parse_losses("geom + tce", classification=False) == ["geom", "tce"]


@pytest.mark.parametrize(
    ("text", "classification", "words"),
    [
        ("geon", True, "Did you mean 'geom'"),
        ("bc+bc", True, "twice"),
        ("cl", False, "no loss is left"),
        ("", False, "no loss"),
    ],
)
def test_wrong_names(text, classification, words):
    with pytest.raises(UsageError, match=words):
        parse_losses(text, classification)


def test_the_papers_weights():
    assert objective("geom+tce+bt+bc").weights == {
        "cl": 1.0,
        "geom1": 10.0,
        "geom2": 100.0,
        "tce": 0.001,
        "bt": 0.0001,
        "bc": 0.0001,
    }


def test_weights_can_be_changed():
    assert objective("geom", weight={"geom1": 3, "cl": 0.5}).weights == {"cl": 0.5, "geom1": 3.0, "geom2": 100.0}
    with pytest.raises(UsageError, match="Did you mean 'geom1'"):
        objective("geom", weight={"gem1": 1.0})
    with pytest.raises(UsageError, match="not below 0"):
        objective("cl", weight={"cl": -1.0})


def test_settings_reach_the_losses():
    made = objective("tce+bc", setting={"tce": {"temperature": 4, "squared": True}, "bc": {"redundancy": 0.01}})
    assert (made.losses["tce"].temperature, made.losses["tce"].factor) == (4.0, 16.0)
    assert made.losses["bc"].redundancy == 0.01
    assert objective("tce").losses["tce"].temperature == 10.0
    assert objective("cl", label_smoothing=0.2).losses["cl"].label_smoothing == 0.2
    assert objective("geom", ties="random", seed=3).signals == (Geometry(5, "random", False, 3),)
    assert objective("geom", ties="index", seed=3, ink_only=True).signals == (Geometry(5, "index", True, 0),)
    assert objective("geom", radius=3).signals == (Geometry(3, "spatial", False),)


@pytest.mark.parametrize(
    ("loss", "setting", "words"),
    [
        ("tce", {"tce": {"temprature": 4.0}}, "no setting 'temprature'. Did you mean 'temperature'"),
        ("tce", {"tce": {"temperature": "hot"}}, r"'tce\.temperature' must be a number, not 'hot'"),
        ("tce", {"tce": {"squared": 1}}, "must be true or false"),
        ("hint", {"hint": {"distance": "l1"}}, "must be one of l2, cosine"),
        ("bc", {"tce": {"temperature": 4.0}}, "no loss 'tce' to set.* In this run: cl, bc"),
        ("geom", {"geom": {"radius": 4}}, "no setting 'radius'. It has none"),
    ],
)
def test_wrong_settings(loss, setting, words):
    with pytest.raises(UsageError, match=words):
        objective(loss, setting=setting)


def outputs():
    torch.manual_seed(0)
    student = StudentOutput((), torch.rand(6, 5), torch.rand(6, 3))
    return student, Targets(torch.arange(6) % 3), [{Response(): torch.rand(6, 5)} for _ in range(2)]


def test_sum_of_weighted_terms_and_mean_over_teachers():
    student, targets, told = outputs()
    total, terms = objective("bt+tce", weight={"bt": 0.5})(student, targets, told)
    assert list(terms) == ["cl", "bt", "tce"]
    expected = terms["cl"] + 0.5 * terms["bt"] + 0.001 * terms["tce"]
    torch.testing.assert_close(total, expected)
    alone = [objective("bt", no_cl=True)(student, targets, [each])[1]["bt"] for each in told]
    torch.testing.assert_close(terms["bt"], (alone[0] + alone[1]) / 2)


def test_a_loss_of_weight_zero_is_not_computed_and_needs_no_teacher():
    student, targets, _ = outputs()
    silent = objective("bc", weight={"bc": 0.0})
    assert silent.signals == ()
    assert list(silent(student, targets)[1]) == ["cl"]


def test_signals_of_several_losses_are_asked_for_once():
    assert objective("cl").signals == ()
    assert objective("geom+bc+bt+rkd").signals == (GEOMETRY, Response())
    student, targets, _ = outputs()
    with pytest.raises(ValueError, match="need a teacher"):
        objective("bc")(student, targets)


def test_adding_a_loss(monkeypatch):
    monkeypatch.setattr(LOSSES, "_entries", dict(LOSSES._entries))

    @LOSSES.register("distance")
    class Distance(Loss):
        weights = {"distance": 2.0}  # noqa: RUF012
        signals = (Response(),)

        def __init__(self, seed, power=2.0):
            self.seed, self.power = seed, power

        def __call__(self, student, targets, response):
            return {"distance": (student.response - response).abs().pow(self.power).sum(1).mean()}

    config = TrainingConfig(loss="distance", no_cl=True, seed=7, setting={"distance": {"power": 1.0}})
    student, targets, told = outputs()
    total, terms = Objective(config)(student, targets, told[:1])
    torch.testing.assert_close(total, 2 * terms["distance"])
    torch.testing.assert_close(terms["distance"], (student.response - told[0][Response()]).abs().sum(1).mean())
    assert make_loss("distance", config).seed == 7  # an option without a default is a field of the configuration
