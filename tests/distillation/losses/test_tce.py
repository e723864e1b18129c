"""The temperature cross-entropy against Eq. 4 and 5 in plain NumPy, its scale and gradient, the squared temperature."""

import numpy as np
import pytest
import torch

from sigkd.distillation.losses import StudentOutput
from sigkd.distillation.losses.tce import TemperatureCrossEntropy, temperature_cross_entropy
from sigkd.errors import UsageError


def formula(student, teacher, temperature):
    def softmax(x):
        e = np.exp(x / temperature - (x / temperature).max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    p, q = (softmax(each.double().numpy()) for each in (student, teacher))
    return -(q * np.log(p)).sum(1).mean()


def term(student, teacher, **settings):
    return TemperatureCrossEntropy(**settings)(StudentOutput((), student, None), None, teacher)["tce"]


def test_the_formula(pair):
    student, teacher = (30 * each for each in pair)
    assert float(term(student, teacher)) == pytest.approx(formula(student, teacher, 10), rel=1e-5)
    assert float(term(student, teacher, temperature=4.0)) == pytest.approx(formula(student, teacher, 4), rel=1e-5)
    squared = term(student, teacher, temperature=4.0, squared=True)
    assert float(squared) == pytest.approx(16 * formula(student, teacher, 4), rel=1e-5)


def test_scale_by_hand():
    # uniform against uniform over 2048 elements: ln 2048, averaged over the batch
    value = temperature_cross_entropy(torch.zeros(5, 2048), torch.zeros(5, 2048), 10.0)
    assert float(value) == pytest.approx(np.log(2048))


def test_gradient(small_pair):
    student, teacher = small_pair

    def value(student):
        return -((teacher / 10).softmax(1) * (student / 10).log_softmax(1)).sum(1).mean()

    single = student.float().requires_grad_()
    temperature_cross_entropy(single, teacher.float(), 10.0).backward()
    torch.testing.assert_close(single.grad, torch.autograd.functional.jacobian(value, student).float())


def test_the_squared_temperature_keeps_the_gradient_s_size(pair):
    sizes = {}
    for temperature in (10.0, 100.0):
        for squared in (False, True):
            student = pair[0].clone().requires_grad_()
            term(student, pair[1], temperature=temperature, squared=squared).backward()
            sizes[temperature, squared] = float(student.grad.norm())
    assert sizes[100.0, True] == pytest.approx(sizes[10.0, True], rel=0.1)
    assert sizes[100.0, False] == pytest.approx(sizes[10.0, False] / 100, rel=0.1)


def test_a_temperature_must_be_positive():
    with pytest.raises(UsageError, match=r"'tce\.temperature' must be greater than 0, not 0"):
        TemperatureCrossEntropy(0.0)
