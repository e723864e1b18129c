"""State dictionaries: their hash, and filling a network with one."""

from __future__ import annotations

import hashlib

import torch

from sigkd.errors import ModelError
from sigkd.models.registry import FeatureNetwork


def state_hash(state: dict[str, torch.Tensor]) -> str:
    """Return the model hash: SHA-256 over the names, types, shapes and bytes of the stored tensors, ordered by name.

    Metadata is not part of it: a file whose notes are edited keeps its hash. The type is: the same weights rounded to
    float16 are another model, with slightly other features.
    """
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def is_finite(tensor: torch.Tensor) -> bool:
    """Tell whether all values are finite."""
    # a sum is as finite as its terms, but where it is too large itself: then each is looked at
    return bool(torch.isfinite(tensor.sum())) or bool(torch.isfinite(tensor).all())


def fill(network: FeatureNetwork, state: dict[str, torch.Tensor], source: str) -> None:
    """Load ``state`` into ``network`` strictly; the error is one line naming ``source`` and the first misfit."""
    own = network.state_dict()
    kind = network.architecture
    for name, tensor in own.items():
        if name not in state:
            raise ModelError(f"{source}: tensor '{name}' is missing: not a whole {kind}")
        found = tuple(state[name].shape)
        if found != tuple(tensor.shape):
            raise ModelError(f"{source}: tensor '{name}' has shape {found}, a {kind} has {tuple(tensor.shape)}")
        if state[name].is_floating_point() and not is_finite(state[name]):
            raise ModelError(f"{source}: tensor '{name}' holds values that are not finite; the file is damaged")
    surplus = sorted(set(state) - set(own))
    if surplus:
        raise ModelError(f"{source}: tensor '{surplus[0]}' is not part of a {kind}")
    network.load_state_dict(state)
