"""The networks by name, and what every one of them must offer."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sigkd.errors import UsageError
from sigkd.registry import Registry, nearest

INPUT_SIZE = (150, 220)
"""Height and width in pixels of a network's input."""

FEATURE_SIZE = 2048
"""Length of the response, the feature vector of a signature."""

MAP_SIZES = ((17, 26), (8, 12))
"""Heights and widths of the two feature maps whose geometry is distilled (paper, Table 2)."""


class Taps(NamedTuple):
    """What one forward pass offers to the losses."""

    maps: tuple[Tensor, ...]
    """FM1 and FM2: [B, D1, 17, 26] and [B, D2, 8, 12]."""
    response: Tensor
    """The feature, [B, 2048]: after its ReLU, or whitened (without one)."""
    logits: Tensor | None
    """Scores of the classes, [B, C]; None for a network without a classification layer."""


class FeatureNetwork(nn.Module):
    """Base of the networks: [B, 1, 150, 220] float in [0, 1], ink bright on black, to a [B, 2048] response."""

    architecture: str = ""
    """The name under which the architecture is registered."""
    head: nn.Linear | None
    """The classification layer, the only one with a bias; None in a pure feature extractor."""
    whitened: bool = False
    """Whether the response is linear, along principal axes (:mod:`sigkd.models.whitening`)."""

    @property
    def response_block(self) -> nn.Sequential:
        """The last layers before the response, in place: linear without bias, batch norm, ReLU."""
        raise NotImplementedError

    def make_linear(self) -> None:
        """Drop the ReLU of the response, as a whitened network has it."""
        block = self.response_block
        block[2] = nn.Identity()
        self.whitened = True

    def forward_taps(self, images: Tensor) -> Taps:
        """Return the feature maps, the response and the logits of ``images`` [B, 1, 150, 220]."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> Tensor:
        """Return the response [B, 2048] of ``images`` [B, 1, 150, 220]."""
        return self.forward_taps(images).response

    @property
    def classes(self) -> int | None:
        """Number of classes of the head, None without one."""
        return None if self.head is None else self.head.out_features


NETWORKS: Registry[Callable[[int | None], FeatureNetwork]] = Registry("architecture")
"""Constructors by name; each takes the number of classes (None: no classification layer)."""


# Each architecture is imported when it is first built: one may need a library that the others do not (torchvision takes
# as long to import as torch, and "sigkd verify" starts cold every time).
_MODULES = {
    "signet": "sigkd.models.signet",
    "resnet18": "sigkd.models.resnet",
    "mobilenet": "sigkd.models.mobilenet",
}


def network_names() -> list[str]:
    """Return the names of all architectures without importing them."""
    return list(dict.fromkeys([*_MODULES, *NETWORKS]))


def build_network(name: str, classes: int | None = None, seed: int | None = None) -> FeatureNetwork:
    """Build a freshly initialised network.

    Args:
        name: a registered architecture.
        classes: outputs of the classification layer; None leaves it out.
        seed: makes the initial weights reproducible without touching torch's global random state; None draws from that
            state.
    """
    if name in _MODULES:
        importlib.import_module(_MODULES[name])
    if name not in NETWORKS:
        known = network_names()
        raise UsageError(f"unknown architecture '{name}'.{nearest(name, known)} Known: {', '.join(known)}")
    constructor = NETWORKS.get(name)
    if seed is None:
        return constructor(classes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return constructor(classes)
