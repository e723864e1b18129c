"""The third student fits where the paper's students fit."""

import torch

from sigkd.models.registry import FEATURE_SIZE, INPUT_SIZE, MAP_SIZES, build_network


def test_maps_have_the_teachers_sizes():
    network = build_network("mobilenet", 7, seed=0).eval()
    taps = network.forward_taps(torch.rand(2, 1, *INPUT_SIZE))
    assert [tuple(each.shape[2:]) for each in taps.maps] == list(MAP_SIZES)
    assert taps.response.shape == (2, FEATURE_SIZE)
    assert (taps.response >= 0).all()
    assert taps.logits.shape == (2, 7)
    assert network.classes == 7


def test_without_a_head():
    network = build_network("mobilenet", seed=0).eval()
    assert network.classes is None
    assert network(torch.rand(1, 1, *INPUT_SIZE)).shape == (1, FEATURE_SIZE)
    assert sum(parameter.numel() for parameter in network.parameters()) == 7_291_672
