"""A network for many images gives the same responses."""

import threading

import pytest
import torch
from torch import nn

from sigkd.models.inference import folded
from sigkd.models.networks import NETWORKS


def settled(network: nn.Module) -> nn.Module:
    """Give batch normalisation statistics that are not 0 and 1."""
    generator = torch.Generator().manual_seed(3)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values, low in ((module.running_mean, -0.2), (module.running_var, 0.5), (module.weight.data, 0.5)):
                values.copy_(low + torch.rand(values.shape, generator=generator))
    return network.eval()


@pytest.mark.parametrize("name", ["resnet18", "signet"])
def test_the_responses_are_the_same(name):
    network = settled(NETWORKS.get(name)())
    before = {key: value.clone() for key, value in network.state_dict().items()}
    images = torch.rand(2, 1, 150, 220, generator=torch.Generator().manual_seed(5))
    made = folded(network)
    with torch.inference_mode():
        expected, found = network(images), made(images)
    assert expected.std() > 0.01
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-4)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in made.modules())
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


class Shared(nn.Module):
    """One normalisation for two convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.shared = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3), nn.BatchNorm2d(2)

    def forward(self, x):
        return self.shared(self.second(self.shared(self.first(x)))).mean((1, 2, 3))


class Branched(nn.Module):
    """What goes into the normalisation goes elsewhere, too."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.own = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)

    def forward(self, x):
        y = self.first(x)
        return (self.own(y) + y).mean((1, 2, 3))


@pytest.mark.parametrize("kind", [Shared, Branched])
def test_what_cannot_be_folded_is_left(kind):
    network = settled(kind())
    made = folded(network)
    assert any(isinstance(module, nn.BatchNorm2d) for module in made.modules())
    images = torch.rand(2, 1, 9, 9, generator=torch.Generator().manual_seed(5))
    with torch.inference_mode():
        torch.testing.assert_close(made(images), network(images), atol=1e-6, rtol=1e-5)


def test_other_threads_go_on_meanwhile():
    network = settled(NETWORKS.get("resnet18")())
    image = torch.rand(1, 1, 150, 220, generator=torch.Generator().manual_seed(5))
    with torch.inference_mode():
        expected = network(image)
    done, wrong = threading.Event(), []

    def use() -> None:
        while not done.is_set():
            with torch.inference_mode():
                wrong.append(float((network(image) - expected).abs().max()))

    thread = threading.Thread(target=use)
    thread.start()
    for _ in range(3):
        folded(network)
    done.set()
    thread.join()
    assert wrong and max(wrong) < 1e-4
