"""What every loss keeps: a file of its name with a test, an example that runs, words that can be kept."""

import doctest
import importlib
from pathlib import Path

import numpy as np
import pytest
import torch

from sigkd.distillation.config import TrainingConfig
from sigkd.distillation.losses import LOSSES, StudentOutput, Targets
from sigkd.distillation.objective import make_loss
from sigkd.distillation.signals import Seen
from sigkd.models.registry import MAP_SIZES, Taps

HERE = Path(__file__).parent
SHIPPED = [name for name in LOSSES if LOSSES.get(name).__module__.startswith("sigkd.")]


def taps(seed):
    generator = torch.Generator().manual_seed(seed)
    maps = tuple(torch.rand(4, 3, *size, generator=generator) for size in MAP_SIZES)
    return Taps(maps, torch.rand(4, 2048, generator=generator), torch.rand(4, 3, generator=generator))


def test_the_papers_losses_are_there():
    assert {"cl", "geom", "tce", "bt", "bc"} <= set(LOSSES)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_loss_is_a_function_of_student_and_signals(name):
    """Terms are finite float32 scalars with a gradient, the same from fresh words and from words that were kept."""
    loss = make_loss(name, TrainingConfig())
    seen = Seen(torch.rand(4, 1, 150, 220), np.arange(4), taps(0))
    student = taps(1)
    leaves = [each.requires_grad_() for each in (*student.maps, student.response, student.logits)]
    output = StudentOutput(*student, forgery=student.response[:, 0])
    targets = Targets(torch.tensor([0, 1, 2, 0]), torch.tensor([0.0, 0.0, 1.0, 0.0]))
    words = []
    for signal in loss.signals:
        arrays = signal.compute(seen)
        assert all(len(array) == 4 and not array.requires_grad for array in arrays.values())
        kept = {file: torch.from_numpy(array.numpy().copy()) for file, array in arrays.items()}
        words.append((signal.unpack(arrays), signal.unpack(kept)))
    fresh, kept = (loss(output, targets, *(pair[which] for pair in words)) for which in (0, 1))
    assert fresh.keys() == loss.weights.keys()
    for term, value in fresh.items():
        assert value.dtype == torch.float32
        assert value.shape == ()
        assert torch.isfinite(value)
        assert torch.equal(value, kept[term])
    sum(fresh.values()).backward()
    gradients = [leaf.grad for leaf in leaves if leaf.grad is not None]
    assert gradients
    assert all(torch.isfinite(each).all() for each in gradients)
    assert any(each.abs().max() > 0 for each in gradients)


@pytest.mark.parametrize("name", SHIPPED)
def test_signals_can_be_told_apart(name):
    signals = make_loss(name, TrainingConfig()).signals
    assert signals == make_loss(name, TrainingConfig()).signals
    assert len({signal.name for signal in signals}) == len(signals)


def test_a_geometry_of_another_radius_is_another_signal():
    one, other = (make_loss("geom", TrainingConfig(radius=radius)).signals for radius in (5, 3))
    assert one != other


@pytest.mark.parametrize("name", SHIPPED)
def test_every_loss_has_its_tests(name):
    assert (HERE / f"test_{name.replace('-', '_')}.py").is_file()


@pytest.mark.parametrize("name", SHIPPED)
def test_the_examples_in_the_docstrings(name):
    result = doctest.testmod(importlib.import_module(LOSSES.get(name).__module__))
    assert result.failed == 0
    assert result.attempted > 0 or name == "forgery"
