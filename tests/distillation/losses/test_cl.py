"""Classification: cross-entropy of the writers of genuine images, with smoothed labels."""

import numpy as np
import pytest
import torch

from sigkd.distillation.losses import StudentOutput, Targets
from sigkd.distillation.losses.cl import ClassificationLoss

LOGITS = torch.tensor([[2.0, 0.0], [0.0, 3.0], [5.0, 0.0]])
WRITERS = torch.tensor([0, 0, 1])


def value(targets, smoothing=0.0):
    return float(ClassificationLoss(smoothing)(StudentOutput((), LOGITS, LOGITS), targets)["cl"])


def test_genuine_images_count():
    each = -torch.log_softmax(LOGITS, 1)[torch.arange(3), WRITERS]
    assert value(Targets(WRITERS)) == pytest.approx(float(each.mean()))
    assert value(Targets(WRITERS, torch.tensor([0.0, 0.0, 1.0]))) == pytest.approx(float(each[:2].mean()))
    assert value(Targets(WRITERS, torch.ones(3))) == 0.0


@pytest.mark.parametrize("forged", [None, torch.zeros(3)])
def test_smoothing(forged):
    log = LOGITS.double().numpy()
    log = log - np.log(np.exp(log).sum(1, keepdims=True))
    wanted = np.full((3, 2), 0.1 / 2)
    wanted[np.arange(3), WRITERS] += 0.9
    assert value(Targets(WRITERS, forged), 0.1) == pytest.approx(-(wanted * log).sum(1).mean(), rel=1e-6)


def test_a_student_without_classes():
    with pytest.raises(ValueError, match="classification layer"):
        ClassificationLoss(0.0)(StudentOutput((), None, None), Targets(None))
