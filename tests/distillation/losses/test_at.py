"""Attention transfer against the authors' formula in plain NumPy, its signal, its gradient."""

import numpy as np
import pytest
import torch

from sigkd.distillation.losses import StudentOutput
from sigkd.distillation.losses.at import Attention, AttentionTransfer, attention
from sigkd.distillation.signals import Seen
from sigkd.models.registry import Taps

SIDES = ((3, 4), (2, 3))


def maps(seed, depth):
    random = np.random.default_rng(seed)
    return tuple(torch.from_numpy(random.normal(size=(5, depth, *side)).astype(np.float32)).relu() for side in SIDES)


def formula(feature_map):
    """``F.normalize(x.pow(2).mean(1).view(x.size(0), -1))`` of their code."""
    energy = (feature_map.double().numpy() ** 2).mean(1).reshape(5, -1)
    return energy / np.maximum(np.sqrt((energy**2).sum(1, keepdims=True)), 1e-12)


def test_the_formula():
    student, teacher = maps(0, 4), maps(1, 7)
    signal = Attention()
    arrays = signal.compute(Seen(None, None, Taps(teacher, None, None)))
    terms = AttentionTransfer()(StudentOutput(student, None, None), None, signal.unpack(arrays))
    for number, (own, told) in enumerate(zip(student, teacher, strict=True), start=1):
        expected = ((formula(own) - formula(told)) ** 2).mean()
        assert float(terms[f"at{number}"]) == pytest.approx(expected, rel=1e-5)


def test_depth_and_brightness_do_not_matter():
    student = maps(3, 4)
    louder = tuple(torch.cat([each, each], dim=1) * 7 for each in student)
    terms = AttentionTransfer()(StudentOutput(student, None, None), None, tuple(attention(each) for each in louder))
    assert max(float(value) for value in terms.values()) < 1e-12


def test_a_blank_map():
    blank = torch.zeros(2, 3, 4, 5, requires_grad=True)
    assert attention(blank).abs().max() == 0
    AttentionTransfer()(StudentOutput((blank,), None, None), None, (torch.ones(2, 20),))["at1"].backward()
    assert torch.isfinite(blank.grad).all()


def test_gradient():
    student, told = maps(5, 4)[0][:2], attention(maps(6, 3)[0][:2]).double()

    def value(x):
        energy = x.square().mean(1).flatten(1)
        return (energy / energy.norm(dim=1, keepdim=True) - told).square().mean()

    single = student.clone().requires_grad_()
    AttentionTransfer()(StudentOutput((single,), None, None), None, (told.float(),))["at1"].backward()
    torch.testing.assert_close(single.grad, torch.autograd.functional.jacobian(value, student.double()).float())
