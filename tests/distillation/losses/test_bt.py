"""Barlow Twins against Eq. 7 in plain NumPy, its scale by hand, its gradient."""

import pytest
import torch

from sigkd.distillation.correlation import cross_correlation
from sigkd.distillation.losses import StudentOutput
from sigkd.distillation.losses.bt import BarlowTwins, barlow_twins_loss


@pytest.mark.parametrize("redundancy", [1e-4, 0.005])
def test_the_formula(pair, correlation, redundancy):
    student, teacher = pair
    expected = sum((1 - correlation[i, i]) ** 2 for i in range(9))
    expected += redundancy * sum(correlation[i, j] ** 2 for i in range(9) for j in range(9) if i != j)
    value = BarlowTwins(redundancy)(StudentOutput((), student, None), None, teacher)["bt"]
    assert float(value) == pytest.approx(expected, rel=1e-5)


def test_it_is_a_sum():
    # 2048 elements without correlation: a sum gives 2048; all entries 1: the 2048 * 2047 others cost 1e-4 each
    assert float(barlow_twins_loss(torch.zeros(2048, 2048), 1e-4)) == 2048.0
    assert float(barlow_twins_loss(torch.ones(2048, 2048), 1e-4)) == pytest.approx(1e-4 * 2048 * 2047, rel=1e-4)


def test_gradient(small_pair):
    student, teacher = small_pair

    def value(student):
        z = [(x - x.mean(0)) / (x.std(0) + 1e-6) for x in (student, teacher)]
        c = z[0].T @ z[1] / 6
        return (1 - c.diagonal()).square().sum() + 1e-4 * (c.square().sum() - c.diagonal().square().sum())

    single = student.float().requires_grad_()
    barlow_twins_loss(cross_correlation(single, teacher.float()), 1e-4).backward()
    exact = torch.autograd.functional.jacobian(value, student)
    torch.testing.assert_close(single.grad.double(), exact, atol=1e-4, rtol=1e-3)
