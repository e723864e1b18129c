"""Saving and loading networks as safetensors with metadata, and what ``--model`` may name."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from sigkd import __version__
from sigkd.errors import ModelError
from sigkd.files import atomic_path
from sigkd.models.registry import NETWORKS, FeatureNetwork, build_network

ASSETS = Path(__file__).parent.parent / "assets"
"""Where the models shipped with the package are."""

SHIPPED = {"sigkd-resnet18": "default.safetensors", "sigkd-signet": "sigkd-signet.safetensors"}
"""Names of the shipped models and their files in :data:`ASSETS`."""

DEFAULT_MODEL = "sigkd-resnet18"


@dataclass
class LoadedModel:
    """A network ready to extract features, in evaluation mode, and what is known of it."""

    network: FeatureNetwork
    name: str
    hash: str
    """SHA-256 over the names, shapes and values of the state; what templates, features and calibrations are bound to."""
    preprocess_version: str | None = None
    canvas: tuple[int, int] = (952, 1360)
    metadata: dict[str, Any] = field(default_factory=dict)


def state_hash(state: dict[str, torch.Tensor]) -> str:
    """Return the SHA-256 of a state: names, dtypes, shapes and bytes in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def save_model(path: Path, network: FeatureNetwork, metadata: dict[str, Any], *, half: bool = False) -> str:
    """Write a network as safetensors with metadata, atomically.

    Args:
        path: the target; an existing file is replaced.
        network: the network; its architecture and number of classes are recorded.
        metadata: JSON-compatible facts (training data, recipe, licence, metrics, preprocess version, canvas).
        half: store floating-point tensors as float16 (half the size; loaded back as float32).

    Returns:
        The hash of the stored state.
    """
    state = {
        name: (tensor.half() if half and tensor.is_floating_point() else tensor).detach().cpu().contiguous()
        for name, tensor in network.state_dict().items()
    }
    digest = state_hash(state)
    facts = {
        **metadata,
        "architecture": network.architecture,
        "classes": network.classes,
        "sigkd_version": __version__,
        "hash": digest,
    }
    with atomic_path(Path(path)) as temporary:
        save_file(state, temporary, metadata={"sigkd": json.dumps(facts)})
    return digest


def load_file(path: Path) -> LoadedModel:
    """Load a model file written by :func:`save_model`.

    Raises:
        ModelError: not a model file, unknown architecture, missing or surplus tensors, wrong shapes, values that are not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"{path}: no such model file")
    try:
        with safe_open(path, framework="pt") as stream:
            facts = json.loads((stream.metadata() or {}).get("sigkd", "{}"))
            state = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, json.JSONDecodeError, OSError) as error:
        raise ModelError(f"{path}: not a whole safetensors model file ({error})") from None
    if facts.get("architecture") not in NETWORKS:
        build_known()
    if facts.get("architecture") not in NETWORKS:
        raise ModelError(f"{path}: unknown architecture {facts.get('architecture')!r}; known: {', '.join(NETWORKS)}")
    digest = state_hash(state)
    network = build_network(facts["architecture"], facts.get("classes"), seed=0)
    fill(network, state, str(path))
    canvas = tuple(facts.get("canvas") or (952, 1360))
    return LoadedModel(network.eval(), path.stem, digest, facts.get("preprocess_version"), (canvas[0], canvas[1]), facts)


def build_known() -> None:
    """Import every architecture, so that the registry is complete."""
    build_network("signet", seed=0)


def fill(network: FeatureNetwork, state: dict[str, torch.Tensor], source: str) -> None:
    """Load ``state`` into ``network`` strictly; the error is one line naming ``source`` and the first tensor that does not fit."""
    own = network.state_dict()
    for name, tensor in own.items():
        if name not in state:
            raise ModelError(f"{source}: tensor '{name}' is missing: not a whole {network.architecture}")
        if state[name].shape != tensor.shape:
            raise ModelError(
                f"{source}: tensor '{name}' has shape {tuple(state[name].shape)}, a {network.architecture} has {tuple(tensor.shape)}"
            )
        if state[name].is_floating_point() and not bool(torch.isfinite(state[name]).all()):
            raise ModelError(f"{source}: tensor '{name}' holds values that are not finite; the file is damaged")
    surplus = sorted(set(state) - set(own))
    if surplus:
        raise ModelError(f"{source}: tensor '{surplus[0]}' is not part of a {network.architecture}")
    network.load_state_dict(state)


def load_model(spec: str | Path | None = None, *, cache: Path | None = None) -> LoadedModel:
    """Load what ``--model`` names: None (the default student), a shipped name, a file, or ``ARCHITECTURE:random[:SEED]``.

    Raises:
        ModelError: the weights are absent or damaged; the message says how to get them. Random weights are used only when the
            name says so.
    """
    spec = DEFAULT_MODEL if spec is None else spec
    match = re.fullmatch(r"(\w+):random(?::(\d+))?", str(spec))
    if match:
        network = build_network(match[1], seed=int(match[2] or 0))
        return LoadedModel(network.eval(), str(spec), state_hash(network.state_dict()), metadata={"architecture": match[1]})
    if str(spec) in SHIPPED:
        path = ASSETS / SHIPPED[str(spec)]
        if not path.is_file():
            raise ModelError(f"the model '{spec}' is not in this installation ({path} is missing); name another with --model")
        loaded = load_file(path)
        loaded.name = str(spec)
        return loaded
    return load_file(Path(spec))
