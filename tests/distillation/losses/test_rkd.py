"""Relational distillation against the authors' formula in plain NumPy, by hand, and by its gradient."""

import numpy as np
import pytest
import torch

from sigkd.distillation.losses import StudentOutput
from sigkd.distillation.losses.rkd import RelationalDistillation, distances_and_angles


def huber(a, b):
    d = np.abs(a - b)
    return np.where(d < 1, 0.5 * d**2, d - 0.5).mean()


def relations(x):
    """The authors' code (Park et al. 2019): pairwise distances over the mean positive one, angles of all triplets."""
    x = x.double().numpy()
    distance = np.sqrt(((x[:, None] - x[None]) ** 2).sum(-1))
    way = x[None] - x[:, None]  # [i, j]: from i to j
    length = np.linalg.norm(way, axis=2, keepdims=True)
    unit = way / np.maximum(length, 1e-12)
    return distance / distance[distance > 0].mean(), np.einsum("ijd,ikd->ijk", unit, unit)


def terms(student, teacher):
    return RelationalDistillation()(StudentOutput((), student, None), None, teacher)


def test_the_formula(pair):
    student, teacher = pair
    own, told = relations(student), relations(teacher)
    values = terms(student, teacher)
    assert float(values["rkd_distance"]) == pytest.approx(huber(own[0], told[0]), rel=1e-5)
    assert float(values["rkd_angle"]) == pytest.approx(huber(own[1], told[1]), rel=1e-5)


def test_relations_by_hand():
    # a right angle at the first image, 45 degrees at the others; sides 1, 1 and sqrt 2
    distance, cosine = distances_and_angles(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], dtype=torch.float64))
    mean = (2 + 2**0.5) / 3
    assert distance[0].tolist() == pytest.approx([0, 1 / mean, 1 / mean], abs=1e-9)
    assert float(distance[1, 2]) == pytest.approx(2**0.5 / mean)
    assert float(cosine[0, 1, 2]) == pytest.approx(0, abs=1e-9)
    assert float(cosine[1, 0, 2]) == pytest.approx(0.5**0.5)
    assert float(cosine[1, 2, 2]) == pytest.approx(1)
    assert cosine[1, 1].tolist() == [0, 0, 0]


def test_turning_and_scaling_cost_nothing(pair):
    _, teacher = pair
    axes, _ = torch.linalg.qr(torch.randn(9, 9, generator=torch.Generator().manual_seed(0)))
    values = terms(3 * teacher @ axes + 5, teacher)
    assert float(values["rkd_distance"]) < 1e-8
    assert float(values["rkd_angle"]) < 1e-8


def test_gradient(small_pair):
    student, teacher = small_pair

    def value(student):
        sums = []
        for x in (student, teacher):
            way = x[None] - x[:, None]
            length = way.square().sum(-1).add(1e-300).sqrt()
            unit = way / length.clamp_min(1e-12)[..., None]
            sums.append((length / (length.sum() / 30), unit @ unit.mT))
        return sum(torch.nn.functional.smooth_l1_loss(s, t) for s, t in zip(*sums, strict=True))

    single = student.float().requires_grad_()
    sum(terms(single, teacher.float()).values()).backward()
    exact = torch.autograd.functional.jacobian(value, student)
    torch.testing.assert_close(single.grad.double(), exact, atol=1e-6, rtol=1e-4)


def test_identical_images_keep_the_gradient_finite(pair):
    student = pair[0].clone()
    student[3] = student[7]
    student.requires_grad_()
    sum(terms(student, pair[1]).values()).backward()
    assert torch.isfinite(student.grad).all()
    blank = torch.zeros(4, 9, requires_grad=True)
    sum(terms(blank, pair[1][:4]).values()).backward()
    assert torch.isfinite(blank.grad).all()
