"""Hints against Romero et al.'s formula in plain NumPy, for both distances."""

import numpy as np
import pytest
import torch

from sigkd.distillation.losses import StudentOutput
from sigkd.distillation.losses.hint import Hint


def term(student, teacher, *settings):
    return Hint(*settings)(StudentOutput((), student, None), None, teacher)["hint"]


def test_l2(pair):
    s, t = (each.double().numpy() for each in pair)
    assert float(term(*pair)) == pytest.approx((0.5 * ((t - s) ** 2).sum(1)).mean(), rel=1e-5)


def test_cosine(pair):
    s, t = (each.double().numpy() for each in pair)
    cosines = (s * t).sum(1) / np.sqrt((s**2).sum(1) * (t**2).sum(1))
    assert float(term(*pair, "cosine")) == pytest.approx((1 - cosines).mean(), rel=1e-5)


def test_it_is_half_a_sum_over_the_elements():
    assert float(term(torch.zeros(3, 2048), torch.full((3, 2048), 0.1))) == pytest.approx(0.5 * 20.48, rel=1e-5)


@pytest.mark.parametrize("distance", ["l2", "cosine"])
def test_gradient(small_pair, distance):
    student, teacher = small_pair

    def value(s):
        if distance == "l2":
            return 0.5 * (teacher - s).square().sum(1).mean()
        return (1 - (s * teacher).sum(1) / (s.norm(dim=1) * teacher.norm(dim=1))).mean()

    single = student.float().requires_grad_()
    term(single, teacher.float(), distance).backward()
    torch.testing.assert_close(single.grad, torch.autograd.functional.jacobian(value, student).float())
