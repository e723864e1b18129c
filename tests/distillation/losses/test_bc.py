"""Barlow Colleagues against Eq. 8 in plain NumPy, its choice by hand, its scale, its gradient."""

import numpy as np
import pytest
import torch

from sigkd.distillation.correlation import cross_correlation
from sigkd.distillation.losses import StudentOutput
from sigkd.distillation.losses.bc import BarlowColleagues, barlow_colleagues_loss


@pytest.mark.parametrize("redundancy", [1e-4, 0.02])
def test_the_formula(pair, correlation, redundancy):
    student, teacher = pair
    best = correlation.argmax(1)
    expected = sum((1 - correlation[i, best[i]]) ** 2 for i in range(9))
    expected += redundancy * sum(correlation[i, j] ** 2 for i in range(9) for j in range(9) if j != best[i])
    value = BarlowColleagues(redundancy)(StudentOutput((), student, None), None, teacher)["bc"]
    assert float(value) == pytest.approx(expected, rel=1e-5)


def test_students_choose_in_their_rows_and_may_share():
    correlation = torch.tensor([[0.9, 0.1], [0.8, 0.3]])  # both rows like column 0: the columns are not balanced
    expected = 0.1**2 + 0.2**2 + 1e-4 * (0.1**2 + 0.3**2)
    assert float(barlow_colleagues_loss(correlation, 1e-4)) == pytest.approx(expected, rel=1e-5)


def test_the_maximum_not_the_largest_magnitude():
    correlation = torch.tensor([[-0.9, 0.2]])
    assert float(barlow_colleagues_loss(correlation, 1e-4)) == pytest.approx(0.8**2 + 1e-4 * 0.81, rel=1e-5)


def test_it_is_a_sum():
    # 2048 elements without correlation: a sum gives 2048, a mean would give 1
    assert float(barlow_colleagues_loss(torch.zeros(2048, 2048), 1e-4)) == 2048.0


def test_gradient(small_pair):
    student, teacher = small_pair

    def value(student):
        z = [(x - x.mean(0)) / (x.std(0) + 1e-6) for x in (student, teacher)]
        c = z[0].T @ z[1] / 6
        best = c.detach().argmax(1)
        chosen = c[torch.arange(4), best]
        return (1 - chosen).square().sum() + 1e-4 * (c.square().sum() - chosen.square().sum())

    single = student.float().requires_grad_()
    barlow_colleagues_loss(cross_correlation(single, teacher.float()), 1e-4).backward()
    exact = torch.autograd.functional.jacobian(value, student)
    torch.testing.assert_close(single.grad.double(), exact, atol=1e-4, rtol=1e-3)
    assert np.abs(exact.numpy()).max() > 0.01
