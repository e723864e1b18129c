"""Each loss against the authors' formula written plainly in NumPy, its scale by hand, its gradient by differences."""

import doctest
import importlib

import numpy as np
import pytest
import torch

from sigkd.distillation.geometry import neighborhood_affinity_contrast, neighborhood_mask
from sigkd.distillation.losses import LOSSES, StudentOutput, Supervision, Targets
from sigkd.distillation.losses.barlow_colleagues import BarlowColleagues, barlow_colleagues_loss
from sigkd.distillation.losses.barlow_twins import BarlowTwins, barlow_twins_loss
from sigkd.distillation.losses.classification import ClassificationLoss
from sigkd.distillation.losses.correlation import cross_correlation, standardize
from sigkd.distillation.losses.forgery import ForgeryLoss
from sigkd.distillation.losses.geometric import GeometricLoss, geometric_loss
from sigkd.distillation.losses.temperature import TemperatureCrossEntropy, temperature_cross_entropy

MODULES = "barlow_colleagues barlow_twins classification geometric temperature".split()  # noqa: SIM905


def features(seed, batch=12, size=9):
    """Return responses as they are: after a ReLU, some elements dead."""
    values = np.random.default_rng(seed).normal(size=(batch, size)).astype(np.float32)
    values[:, size // 2] = -1.0
    return torch.from_numpy(values).relu()


def numpy_correlation(student, teacher):
    def z(x):
        x = x.numpy().astype(np.float64)
        return (x - x.mean(0)) / (x.std(0, ddof=1) + 1e-6)

    batch, size = student.shape
    zs, zt = z(student), z(teacher)
    return np.array(
        [[sum(zs[b, i] * zt[b, j] for b in range(batch)) / batch for j in range(size)] for i in range(size)]
    )


def test_cross_correlation():
    student, teacher = features(0), features(1)
    np.testing.assert_allclose(cross_correlation(student, teacher), numpy_correlation(student, teacher), atol=1e-5)


def test_cross_correlation_has_students_in_rows():
    student = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 1.0]])
    teacher = student[:, [1, 0]]
    correlation = cross_correlation(student, teacher)
    # element 0 of the student is element 1 of the teacher; z-scores with B - 1, sum over B: (B - 1) / B at most
    assert float(correlation[0, 1]) == pytest.approx(2 / 3, abs=1e-5)
    assert float(correlation[1, 0]) == pytest.approx(2 / 3, abs=1e-5)


def test_standardize_survives_dead_elements():
    values = torch.zeros(4, 2)
    values[:, 0] = torch.arange(4.0)
    values.requires_grad_()
    result = standardize(values)
    assert result[:, 1].tolist() == [0.0] * 4
    result.square().sum().backward()
    assert torch.isfinite(values.grad).all()
    with pytest.raises(ValueError, match="two images"):
        standardize(torch.ones(1, 3))


def test_correlation_is_computed_in_float32_under_autocast():
    student, teacher = features(0), features(1)
    with torch.autocast("cpu", torch.bfloat16):
        correlation = cross_correlation(student, teacher)
    assert torch.equal(correlation, cross_correlation(student, teacher))


def test_barlow_twins():
    student, teacher = features(2), features(3)
    c = numpy_correlation(student, teacher)
    expected = sum((1 - c[i, i]) ** 2 for i in range(9))
    expected += 1e-4 * sum(c[i, j] ** 2 for i in range(9) for j in range(9) if i != j)
    value = BarlowTwins()(StudentOutput((), student, None), None, Supervision(response=teacher))["bt"]
    assert float(value) == pytest.approx(expected, rel=1e-5)


def test_barlow_colleagues():
    student, teacher = features(4), features(5)
    c = numpy_correlation(student, teacher)
    best = c.argmax(1)
    expected = sum((1 - c[i, best[i]]) ** 2 for i in range(9))
    expected += 1e-4 * sum(c[i, j] ** 2 for i in range(9) for j in range(9) if j != best[i])
    value = BarlowColleagues()(StudentOutput((), student, None), None, Supervision(response=teacher))["bc"]
    assert float(value) == pytest.approx(expected, rel=1e-5)


def test_colleagues_choose_in_each_row_and_may_share():
    correlation = torch.tensor([[0.9, 0.1], [0.8, 0.3]])  # both rows like column 0: the columns are not balanced
    expected = 0.1**2 + 0.2**2 + 1e-4 * (0.1**2 + 0.3**2)
    assert float(barlow_colleagues_loss(correlation)) == pytest.approx(expected, rel=1e-5)


def test_the_maximum_not_the_largest_magnitude():
    correlation = torch.tensor([[-0.9, 0.2]])
    assert float(barlow_colleagues_loss(correlation)) == pytest.approx(0.8**2 + 1e-4 * 0.81, rel=1e-5)


def test_scales_by_hand():
    # K = 2048 elements without correlation: a sum gives 2048, a mean would give 1
    nothing = torch.zeros(2048, 2048)
    assert float(barlow_twins_loss(nothing)) == 2048.0
    assert float(barlow_colleagues_loss(nothing)) == 2048.0
    # all entries 1: the 2048 * 2047 others cost 1e-4 each
    assert float(barlow_twins_loss(torch.ones(2048, 2048))) == pytest.approx(1e-4 * 2048 * 2047, rel=1e-4)
    # NAC off by 0.1 at every one of 442 nodes: 1/2 * 442 * 0.01, whatever the batch
    assert float(geometric_loss(torch.zeros(3, 442), torch.full((3, 442), 0.1))) == pytest.approx(2.21, rel=1e-5)
    # uniform against uniform over 2048 elements: ln 2048, averaged over the batch
    assert float(temperature_cross_entropy(torch.zeros(5, 2048), torch.zeros(5, 2048))) == pytest.approx(np.log(2048))


def test_geometric_loss_averages_over_the_batch():
    teacher, student = torch.zeros(2, 4), torch.zeros(2, 4)
    student[0] = 1.0  # image 0: 1/2 * 4; image 1: 0
    assert float(geometric_loss(teacher, student)) == 1.0


def test_geometric_loss_end_to_end():
    random = np.random.default_rng(0)
    teacher_maps = [torch.from_numpy(random.normal(size=(2, 4, h, w)).astype(np.float32)) for h, w in ((3, 4), (2, 3))]
    student_maps = [torch.from_numpy(random.normal(size=(2, 6, h, w)).astype(np.float32)) for h, w in ((3, 4), (2, 3))]
    masks = tuple(neighborhood_mask(each, 2) for each in teacher_maps)
    contrasts = tuple(neighborhood_affinity_contrast(m, k) for m, k in zip(teacher_maps, masks, strict=True))
    terms = GeometricLoss()(StudentOutput(tuple(student_maps), None, None), None, Supervision(masks, contrasts))
    for number in (0, 1):
        expected = 0.0
        for image in range(2):
            nac = []
            for feature_map in (teacher_maps[number], student_maps[number]):
                vectors = feature_map[image].flatten(1).T.numpy().astype(np.float64)
                distances = ((vectors[:, None] - vectors[None]) ** 2).sum(-1)
                nac.append((distances * masks[number][image].numpy()).sum(1) / distances.sum(1))
            expected += 0.5 * ((nac[0] - nac[1]) ** 2).sum() / 2
        assert float(terms[f"geom{number + 1}"]) == pytest.approx(expected, rel=1e-4)


def test_temperature_cross_entropy():
    student, teacher = features(6) * 30, features(7) * 30

    def softmax(x):
        e = np.exp(x / 10 - (x / 10).max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    p, q = softmax(student.numpy().astype(np.float64)), softmax(teacher.numpy().astype(np.float64))
    expected = -(q * np.log(p)).sum(1).mean()
    loss = TemperatureCrossEntropy()
    value = loss(StudentOutput((), student, None), None, Supervision(response=teacher))["tce"]
    assert float(value) == pytest.approx(expected, rel=1e-5)


def test_classification_counts_genuine_images_only():
    logits = torch.tensor([[2.0, 0.0], [0.0, 3.0], [5.0, 0.0]])
    writers = torch.tensor([0, 0, 1])
    each = -torch.log_softmax(logits, 1)[torch.arange(3), writers]
    loss = ClassificationLoss()
    plain = loss(StudentOutput((), logits, logits), Targets(writers), None)["cl"]
    assert float(plain) == pytest.approx(float(each.mean()))
    forged = torch.tensor([0.0, 0.0, 1.0])
    genuine = loss(StudentOutput((), logits, logits), Targets(writers, forged), None)["cl"]
    assert float(genuine) == pytest.approx(float(each[:2].mean()))
    nobody = loss(StudentOutput((), logits, logits), Targets(writers, torch.ones(3)), None)["cl"]
    assert float(nobody) == 0.0


def test_forgery_loss():
    scores, forged = torch.tensor([1.5, -0.5]), torch.tensor([1.0, 0.0])
    value = ForgeryLoss()(StudentOutput((), None, None, scores), Targets(None, forged), None)["forgery"]
    assert float(value) == pytest.approx((np.log1p(np.exp(-1.5)) + np.log1p(np.exp(-0.5))) / 2, rel=1e-6)


@pytest.mark.parametrize("function", [barlow_twins_loss, barlow_colleagues_loss])
def test_gradients_of_the_correlation_losses(function):
    student, teacher = (features(seed, 6, 4).double() + 0.1 * torch.rand(6, 4) for seed in (8, 9))

    def value(student):
        z = [(x - x.mean(0)) / (x.std(0) + 1e-6) for x in (student, teacher)]
        return function(z[0].T @ z[1] / 6)

    single = student.float().requires_grad_()
    function(cross_correlation(single, teacher.float())).backward()
    exact = torch.autograd.functional.jacobian(value, student)
    assert torch.autograd.gradcheck(value, student.clone().requires_grad_())
    torch.testing.assert_close(single.grad.double(), exact, atol=1e-4, rtol=1e-3)


def test_gradient_of_the_temperature_loss():
    student, teacher = (features(seed, 3, 5).double() for seed in (1, 2))

    def value(student):
        return -((teacher / 10).softmax(1) * (student / 10).log_softmax(1)).sum(1).mean()

    assert torch.autograd.gradcheck(value, student.clone().requires_grad_())
    single = student.float().requires_grad_()
    temperature_cross_entropy(single, teacher.float()).backward()
    torch.testing.assert_close(single.grad.double(), torch.autograd.functional.jacobian(value, student))


@pytest.mark.parametrize("name", ["geom", "tce", "bt", "bc"])
def test_losses_say_what_they_miss(name):
    with pytest.raises(ValueError, match="teacher's"):
        LOSSES.get(name)()(StudentOutput((), torch.zeros(2, 3), None), None, None)


def test_other_losses_say_what_they_miss():
    with pytest.raises(ValueError, match="classification layer"):
        ClassificationLoss()(StudentOutput((), None, None), None, None)
    with pytest.raises(ValueError, match="forgery head"):
        ForgeryLoss()(StudentOutput((), None, None), Targets(None), None)


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_in_the_docstrings(module):
    result = doctest.testmod(importlib.import_module(f"sigkd.distillation.losses.{module}"))
    assert result.attempted > 0
    assert result.failed == 0
