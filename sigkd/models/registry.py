"""What every network must offer, and building one by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from sigkd.models.networks import NETWORKS

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
        block = self.feature
        assert isinstance(block, nn.Sequential)  # noqa: S101 - what __init__ put there
        return block

    def add_response(self, inputs: int, classes: int | None) -> None:
        """Put ``feature`` [B, inputs] -> [B, 2048] and ``head`` (None without classes) at the end, as students do."""
        self.feature = nn.Sequential(
            nn.Linear(inputs, FEATURE_SIZE, bias=False), nn.BatchNorm1d(FEATURE_SIZE), nn.ReLU(inplace=True)
        )
        self.head = None if classes is None else nn.Linear(FEATURE_SIZE, classes)

    def initialise(self, convolution: Callable[[Tensor], Tensor], linear: Callable[[Tensor], Tensor]) -> None:
        """Draw the weights of all convolutions and linear layers anew, in place; biases become zero."""
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                (convolution if isinstance(module, nn.Conv2d) else linear)(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

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


class _Undrawn(TorchFunctionMode):
    """While it is on, weights of this thread keep whatever was in their memory instead of random values.

    PyTorch's own way, construction on the device ``meta``, imports a second's worth of reference implementations first.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in (Tensor.uniform_, Tensor.normal_, nn.init.kaiming_uniform_):
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


def empty_network(name: str, classes: int | None = None) -> FeatureNetwork:
    """Build a network whose weights are anything: all of them are to be filled. Drawing them takes longer than that.

    Raises:
        UsageError: an unknown name.
    """
    constructor = NETWORKS.get(name)
    with torch.random.fork_rng(devices=[]), _Undrawn():  # some draw in other ways: not from the caller's state
        return constructor(classes)


def build_network(name: str, classes: int | None = None, seed: int | None = None) -> FeatureNetwork:
    """Build a freshly initialised network.

    Args:
        name: a registered architecture.
        classes: outputs of the classification layer; None leaves it out.
        seed: makes the initial weights reproducible without touching torch's global random state; None draws from that
            state.

    Raises:
        UsageError: an unknown name; the message has the nearest and the list.
    """
    constructor = NETWORKS.get(name)
    if seed is None:
        return constructor(classes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return constructor(classes)
