"""Every network fits where the paper's do; the two of the method are exactly the paper's."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from sigkd.errors import UsageError
from sigkd.models.networks import NETWORKS
from sigkd.models.registry import FEATURE_SIZE, INPUT_SIZE, MAP_SIZES, build_network, empty_network
from sigkd.models.state import fill, is_finite

# METHOD: SigNet 15.79 M without a head; ResNet-18 13.7 M with 310 classes.
PARAMETERS = {("signet", None): 15_792_160, ("resnet18", 310): 13_707_510, ("mobilenet", None): 7_291_672}
# other tests register networks of their own
SHIPPED = [name for name in NETWORKS if NETWORKS.get(name).__module__.startswith("sigkd.")]
PAPERS = ("signet", "resnet18")


@pytest.mark.parametrize("architecture", SHIPPED)
def test_taps_have_the_sizes_of_table_2(architecture):
    network = build_network(architecture, classes=7, seed=0).eval()
    taps = network.forward_taps(torch.rand(2, 1, *INPUT_SIZE))
    assert [tuple(each.shape[2:]) for each in taps.maps] == list(MAP_SIZES)
    assert taps.response.shape == (2, FEATURE_SIZE)
    assert taps.logits.shape == (2, 7)
    assert network.classes == 7
    assert network.architecture == architecture


@pytest.mark.parametrize(("architecture", "depths"), [("signet", (256, 256)), ("resnet18", (128, 256))])
def test_the_papers_maps_have_its_depths(architecture, depths):
    taps = build_network(architecture, seed=0).eval().forward_taps(torch.rand(1, 1, *INPUT_SIZE))
    assert tuple(each.shape[1] for each in taps.maps) == depths


@pytest.mark.parametrize(("architecture", "classes"), PARAMETERS)
def test_number_of_parameters(architecture, classes):
    network = build_network(architecture, classes, seed=0)
    assert sum(parameter.numel() for parameter in network.parameters()) == PARAMETERS[architecture, classes]


@pytest.mark.parametrize("architecture", SHIPPED)
def test_a_network_to_be_filled_draws_nothing(architecture):
    drawn = build_network(architecture, classes=3, seed=5).eval()
    before = torch.random.get_rng_state()
    empty = empty_network(architecture, classes=3).eval()
    assert torch.equal(torch.random.get_rng_state(), before)
    fill(empty, drawn.state_dict(), "test")
    assert {name: own.requires_grad for name, own in empty.named_parameters()} == {
        name: own.requires_grad for name, own in drawn.named_parameters()
    }
    images = torch.rand(2, 1, *INPUT_SIZE)
    with torch.inference_mode():
        assert torch.equal(empty(images), drawn(images))
    other = build_network(architecture, classes=3, seed=6)  # drawing works again
    assert not torch.equal(next(other.parameters()), next(drawn.parameters()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_finite_values_are_told_from_others(dtype):
    values = torch.full((100,), torch.finfo(dtype).max, dtype=dtype)  # their sum is too large
    assert is_finite(values)
    for wrong in (float("inf"), -float("inf"), float("nan")):
        values[7] = wrong
        assert not is_finite(values)
    assert not is_finite(torch.tensor([float("inf"), -float("inf")], dtype=dtype))


@pytest.mark.parametrize("architecture", SHIPPED)
def test_the_response_block_can_be_whitened(architecture):
    network = build_network(architecture, seed=0)
    linear, norm, _ = network.response_block
    assert isinstance(linear, nn.Linear)
    assert linear.bias is None
    assert isinstance(norm, nn.BatchNorm1d)
    network.make_linear()
    assert bool((network.eval()(torch.rand(1, 1, *INPUT_SIZE)) < 0).any())


def test_names_are_known_without_torch():
    code = "import sys; from sigkd.models.networks import NETWORKS; print(NETWORKS.names(), 'torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split("]")[1].strip() == "False"
    assert {"mobilenet", "resnet18", "signet"} <= set(NETWORKS)


@pytest.mark.parametrize("architecture", PAPERS)
def test_only_the_head_has_a_bias(architecture):
    network = build_network(architecture, classes=5, seed=0)
    with_bias = [
        name
        for name, module in network.named_modules()
        if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None
    ]
    assert with_bias == ["head"]


@pytest.mark.parametrize("architecture", SHIPPED)
def test_the_response_comes_after_a_relu(architecture):
    taps = build_network(architecture, seed=0).eval().forward_taps(torch.rand(1, 1, *INPUT_SIZE))
    assert bool((taps.response >= 0).all())
    if architecture in PAPERS:
        assert all(bool((each >= 0).all()) for each in taps.maps)
    assert taps.logits is None
    assert taps.response.shape == (1, FEATURE_SIZE)


@pytest.mark.parametrize("architecture", SHIPPED)
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
