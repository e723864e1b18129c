"""The weighted sum: names, weights, several teachers, and how a loss is added."""

import pytest
import torch

from sigkd.distillation.losses import LOSSES, Loss, Needs, Objective, StudentOutput, Supervision, Targets
from sigkd.distillation.losses.objective import parse_losses
from sigkd.errors import UsageError


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
    assert Objective(["cl", "geom", "tce", "bt", "bc"]).weights == {
        "cl": 1.0,
        "geom1": 10.0,
        "geom2": 100.0,
        "tce": 0.001,
        "bt": 0.0001,
        "bc": 0.0001,
    }


def test_weights_can_be_changed():
    objective = Objective(["cl", "geom"], {"geom1": 3, "cl": 0.5})
    assert objective.weights == {"cl": 0.5, "geom1": 3.0, "geom2": 100.0}
    with pytest.raises(UsageError, match="Did you mean 'geom1'"):
        Objective(["cl", "geom"], {"gem1": 1.0})
    with pytest.raises(UsageError, match="not below 0"):
        Objective(["cl"], {"cl": -1.0})


def outputs():
    torch.manual_seed(0)
    student = StudentOutput((), torch.rand(6, 5), torch.rand(6, 3))
    return student, Targets(torch.arange(6) % 3), [Supervision(response=torch.rand(6, 5)) for _ in range(2)]


def test_sum_of_weighted_terms_and_mean_over_teachers():
    student, targets, supervisions = outputs()
    objective = Objective(["cl", "bt", "tce"], {"bt": 0.5})
    total, terms = objective(student, targets, supervisions)
    assert list(terms) == ["cl", "bt", "tce"]
    expected = terms["cl"] + 0.5 * terms["bt"] + 0.001 * terms["tce"]
    torch.testing.assert_close(total, expected)
    alone = [Objective(["bt"])(student, targets, [each])[1]["bt"] for each in supervisions]
    torch.testing.assert_close(terms["bt"], (alone[0] + alone[1]) / 2)


def test_a_loss_of_weight_zero_is_not_computed_and_needs_no_teacher():
    student, targets, _ = outputs()
    objective = Objective(["cl", "bc"], {"bc": 0.0})
    assert objective.needs is Needs.NOTHING
    assert list(objective(student, targets)[1]) == ["cl"]


def test_needs():
    assert Objective(["cl"]).needs is Needs.NOTHING
    assert Objective(["cl", "geom"]).needs is Needs.GEOMETRY
    assert Objective(["geom", "bc"]).needs == Needs.GEOMETRY | Needs.RESPONSE
    student, targets, _ = outputs()
    with pytest.raises(ValueError, match="need a teacher"):
        Objective(["bc"])(student, targets)


def test_adding_a_loss(monkeypatch):
    monkeypatch.setattr(LOSSES, "_entries", dict(LOSSES._entries))

    @LOSSES.register("distance")
    class Distance(Loss):
        weights = {"distance": 2.0}  # noqa: RUF012
        needs = Needs.RESPONSE

        def __call__(self, student, targets, supervision):
            return {"distance": (student.response - supervision.response).square().sum(1).mean()}

    student, targets, supervisions = outputs()
    objective = Objective(parse_losses("distance", classification=False))
    total, terms = objective(student, targets, supervisions[:1])
    torch.testing.assert_close(total, 2 * terms["distance"])
