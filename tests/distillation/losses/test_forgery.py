"""The forgery term of SigNet-F: binary cross-entropy."""

import numpy as np
import pytest
import torch

from sigkd.distillation.losses import StudentOutput, Targets
from sigkd.distillation.losses.forgery import ForgeryLoss


def test_the_formula():
    scores, forged = torch.tensor([1.5, -0.5]), torch.tensor([1.0, 0.0])
    value = ForgeryLoss()(StudentOutput((), None, None, scores), Targets(None, forged))["forgery"]
    assert float(value) == pytest.approx((np.log1p(np.exp(-1.5)) + np.log1p(np.exp(-0.5))) / 2, rel=1e-6)


def test_what_it_needs():
    with pytest.raises(ValueError, match="forgery head"):
        ForgeryLoss()(StudentOutput((), None, None), Targets(None))
