"""The correlation over the batch that both Barlow losses are made of."""

import numpy as np
import pytest
import torch

from sigkd.distillation.correlation import cross_correlation, standardize


def features(seed):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(12, 9)).astype(np.float32)).relu()


def test_the_formula():
    student, teacher = features(0), features(1)
    z = [(x - x.mean(0)) / (x.std(0, ddof=1) + 1e-6) for x in (each.double().numpy() for each in (student, teacher))]
    expected = [[sum(z[0][b, i] * z[1][b, j] for b in range(12)) / 12 for j in range(9)] for i in range(9)]
    np.testing.assert_allclose(cross_correlation(student, teacher), expected, atol=1e-5)


def test_students_are_in_rows():
    student = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 1.0]])
    teacher = student[:, [1, 0]]
    correlation = cross_correlation(student, teacher)
    # element 0 of the student is element 1 of the teacher; z-scores with B - 1, sum over B: (B - 1) / B at most
    assert float(correlation[0, 1]) == pytest.approx(2 / 3, abs=1e-5)
    assert float(correlation[1, 0]) == pytest.approx(2 / 3, abs=1e-5)


def test_dead_elements():
    values = torch.zeros(4, 2)
    values[:, 0] = torch.arange(4.0)
    values.requires_grad_()
    result = standardize(values)
    assert result[:, 1].tolist() == [0.0] * 4
    result.square().sum().backward()
    assert torch.isfinite(values.grad).all()
    with pytest.raises(ValueError, match="two images"):
        standardize(torch.ones(1, 3))


def test_float32_under_autocast():
    student, teacher = features(0), features(1)
    with torch.autocast("cpu", torch.bfloat16):
        correlation = cross_correlation(student, teacher)
    assert torch.equal(correlation, cross_correlation(student, teacher))
