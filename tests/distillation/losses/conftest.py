"""Responses as they are (after a ReLU, with a dead element), and the correlation of two of them in plain NumPy."""

import numpy as np
import pytest
import torch


def features(seed, batch=12, size=9):
    """Return responses, float32 [batch, size]."""
    values = np.random.default_rng(seed).normal(size=(batch, size)).astype(np.float32)
    values[:, size // 2] = -1.0
    return torch.from_numpy(values).relu()


@pytest.fixture(params=[0, 1])
def pair(request):
    """A student's and a teacher's responses."""
    return features(2 * request.param), features(2 * request.param + 1)


@pytest.fixture
def correlation(pair):
    """Eq. 6 for ``pair``, element by element in float64."""
    z = [(x - x.mean(0)) / (x.std(0, ddof=1) + 1e-6) for x in (each.double().numpy() for each in pair)]
    batch, size = pair[0].shape
    return np.array(
        [[sum(z[0][b, i] * z[1][b, j] for b in range(batch)) / batch for j in range(size)] for i in range(size)]
    )


@pytest.fixture
def small_pair():
    """Responses of 6 images with 4 elements, float64, none of them dead: for exact gradients."""
    torch.manual_seed(8)
    return tuple(features(seed, 6, 4).double() + 0.1 + 0.1 * torch.rand(6, 4, dtype=torch.float64) for seed in (8, 9))
