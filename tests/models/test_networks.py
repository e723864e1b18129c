"""The two networks of the method are exactly those of the paper: sizes, parameters, biases, initial values."""

import pytest
import torch
from torch import nn

from sigkd.errors import UsageError
from sigkd.models.registry import FEATURE_SIZE, INPUT_SIZE, MAP_SIZES, build_network


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.fixture(params=["signet", "resnet18"])
def architecture(request):
    return request.param


def test_taps_have_the_sizes_of_table_2(architecture):
    taps = build_network(architecture, classes=7, seed=0).eval().forward_taps(torch.rand(2, 1, *INPUT_SIZE))
    depth = {"signet": (256, 256), "resnet18": (128, 256)}[architecture]
    assert [tuple(m.shape) for m in taps.maps] == [(2, d, *size) for d, size in zip(depth, MAP_SIZES, strict=True)]
    assert taps.response.shape == (2, FEATURE_SIZE)
    assert taps.logits.shape == (2, 7)


def test_number_of_parameters():
    # METHOD: SigNet 15.79 M without a head; ResNet-18 13.7 M with 310 classes.
    assert parameters(build_network("signet", seed=0)) == 15_792_160
    assert parameters(build_network("resnet18", 310, seed=0)) == 13_707_510


def test_only_the_head_has_a_bias(architecture):
    network = build_network(architecture, classes=5, seed=0)
    with_bias = [
        name
        for name, module in network.named_modules()
        if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None
    ]
    assert with_bias == ["head"]


def test_maps_and_response_come_after_a_relu(architecture):
    taps = build_network(architecture, seed=0).eval().forward_taps(torch.rand(1, 1, *INPUT_SIZE))
    assert all(bool((x >= 0).all()) for x in (*taps.maps, taps.response))
    assert taps.logits is None


def test_the_seed_decides_the_weights_and_leaves_the_global_state_alone(architecture):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first, second, other = (build_network(architecture, seed=s).state_dict() for s in (1, 1, 2))
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_initial_scale_of_the_student():
    network = build_network("resnet18", 310, seed=0)
    conv = network.stage3[1].conv1.weight  # Glorot: variance 2 / (fan_in + fan_out)
    assert conv.var().item() == pytest.approx(2 / (256 * 9 * 2), rel=0.02)
    assert network.feature[0].weight.var().item() == pytest.approx(2 / 3840, rel=0.02)  # He


def test_signet_keeps_the_names_of_the_published_file():
    names = set(build_network("signet", seed=0).state_dict())
    assert {"conv_layers.conv1.conv.weight", "conv_layers.conv5.bn.running_var", "fc_layers.fc2.fc.weight"} <= names


def test_an_unknown_architecture_gets_the_nearest_name():
    with pytest.raises(UsageError, match="Did you mean 'resnet18'"):
        build_network("resnet-18")
