"""Saving and loading networks as safetensors with metadata, and what ``--model`` may name.

The layout of a model file is in ``docs/reference/model-file.md``.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from sigkd._version import __version__
from sigkd.configuration import LARGEST_SEED
from sigkd.errors import ModelError
from sigkd.files import atomic_path, parsing
from sigkd.images.canvas import CANVAS, PREPROCESS_VERSION
from sigkd.images.placing import Placing
from sigkd.models.cards import WeightCard, card_names, find_card, is_card, shipped_path
from sigkd.models.fingerprint import feature_fingerprint
from sigkd.models.foreign import load_checkpoint
from sigkd.models.networks import NETWORKS
from sigkd.models.registry import FeatureNetwork, build_network, empty_network
from sigkd.models.state import fill, state_hash
from sigkd.models.views import Projection, from_state, to_state
from sigkd.registry import nearest

DEFAULT_MODEL = "sigkd-resnet18"


@dataclass
class LoadedModel:
    """A network ready to extract features, in evaluation mode, and what is known of it."""

    network: FeatureNetwork
    name: str
    hash: str
    """The model hash (:func:`~sigkd.models.state.state_hash`; of an ONNX file its SHA-256): what templates, features
    and calibrations are bound to."""
    preprocess_version: str | None = None
    canvas: tuple[int, int] = CANVAS
    metadata: dict[str, Any] = field(default_factory=dict)
    projections: tuple[Projection, ...] = ()
    """What becomes of the responses in each view; empty: the network looks at one canvas, and they are the features."""
    ready: bool = False
    """Whether the network is one of :meth:`for_many`."""

    def for_many(self) -> LoadedModel:
        """Return the model for many images on a processor: the same features but for rounding, in less time."""
        from sigkd.models.inference import folded

        return self if self.ready else replace(self, network=folded(self.network), ready=True)

    @property
    def placing(self) -> Placing:
        """How scans become this model's input."""
        if self.preprocess_version == PREPROCESS_VERSION:
            return Placing(self.canvas)
        return Placing(self.canvas, tuple(own.view for own in self.projections))

    def on_canvas(self) -> LoadedModel:
        """Return the same model looking at one canvas in the scans' own pixels (preprocessing version 1).

        Of several views the first stays, whose canvas is 952 pixels at 400 dpi: so the field's protocol can be run.
        """
        if not self.placing.views:
            return self
        return replace(self, preprocess_version=PREPROCESS_VERSION, projections=self.projections[:1])


def save_model(
    path: Path,
    network: FeatureNetwork,
    metadata: dict[str, Any],
    *,
    half: bool = False,
    projections: Sequence[Projection] = (),
) -> str:
    """Write a network as safetensors with metadata, atomically.

    Args:
        path: the target; an existing file is replaced.
        network: the network; its architecture and number of classes are recorded, and its feature fingerprint.
        metadata: JSON-compatible facts (training data, recipe, licence, metrics, preprocess version, canvas).
        half: store matrices and kernels as float16 (half the size; loaded back as float32). The vectors of batch norm
            stay as they are: they take no room, and small variances would lose their digits.
        projections: what becomes of the responses in each view.

    Returns:
        The hash of the stored state.
    """
    stored = {
        name: (tensor.half() if half and tensor.ndim > 1 else tensor).detach().cpu().contiguous()
        for name, tensor in {**network.state_dict(), **to_state(projections)}.items()
    }
    # As stored: the fingerprint is that of the file, with what float16 took away.
    state = {name: stored[name] for name in network.state_dict()}
    digest = state_hash(stored)
    facts = {
        **metadata,
        "architecture": network.architecture,
        "classes": network.classes,
        "whitened": network.whitened,
        "views": [own.view for own in projections],
        "sigkd_version": __version__,
        "hash": digest,
    }
    facts["seal"] = _seal(facts)
    facts.pop("fingerprint", None)
    fingerprint = _fingerprint_of(network, state)
    if all(math.isfinite(value) for value in fingerprint):
        facts["fingerprint"] = fingerprint
    with atomic_path(Path(path)) as temporary:
        save_file(stored, temporary, metadata={"sigkd": json.dumps(facts)})
    return digest


def _fingerprint_of(network: FeatureNetwork, state: dict[str, torch.Tensor]) -> list[float]:
    """Return the fingerprint that ``network`` will have with ``state`` on the CPU in float32, leaving it as it is."""
    # A copy: saving must not move or change a network that is being trained.
    twin = copy.deepcopy(network).cpu().float().eval()
    twin.load_state_dict(state)
    return list(feature_fingerprint(twin))


def read_metadata(path: Path) -> dict[str, Any]:
    """Return the metadata of a model file without reading its tensors.

    Raises:
        ModelError: absent, or not a safetensors file.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"{path}: no such model file")
    with parsing(path, "safetensors model file", ModelError), safe_open(path, framework="pt") as stream:
        facts = json.loads((stream.metadata() or {}).get("sigkd", "{}"))
    return facts if isinstance(facts, dict) else {}


def load_file(path: Path) -> LoadedModel:
    """Load a model file written by :func:`save_model`.

    Raises:
        ModelError: not a model file, unknown architecture, missing or surplus tensors, wrong shapes, values that are
            not finite, or content that is not what its metadata says.
    """
    path = Path(path)
    facts = read_metadata(path)
    with parsing(path, "model file", ModelError):
        with safe_open(path, framework="pt") as stream:
            state = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a dict
        architecture, classes = facts.get("architecture"), facts.get("classes")
        if architecture is None:
            raise ModelError(
                "names no architecture: it was not written by 'sigkd distill', 'export' or 'train-teacher'"
            )
        if architecture not in NETWORKS:
            raise ModelError(f"unknown architecture '{architecture}'; known: {', '.join(NETWORKS)}")
        height, width = (int(side) for side in facts.get("canvas") or CANVAS)
        head = state.get("head.weight")
        if classes != (None if head is None else len(head)):  # before so large a layer is made
            raise ModelError(f"its metadata is damaged: {classes!r} classes, and another classification layer")
        # Without initial values, which would all be overwritten.
        network = empty_network(architecture, classes)
        if facts.get("whitened"):
            network.make_linear()
        digest = state_hash(state)
        projections = from_state(state, facts.get("views") or (), str(path))
        fill(network, state, str(path))
        # After the shapes: a wrong tensor is the better message.
        if facts.get("hash") != digest:
            raise ModelError("the weights are not the ones that were saved (hash differs); the file is damaged")
        if facts.get("seal") not in (None, _seal(facts)):  # files of sigkd 0.1 may have none
            raise ModelError("its metadata is not what was saved; the file is damaged")
    place, version = (height, width), facts.get("preprocess_version")
    return LoadedModel(network.eval(), path.stem, digest, version, place, facts, projections)


def _seal(facts: dict[str, Any]) -> str:
    """Return the SHA-256 of what decides the features besides the weights."""
    # Not all of the metadata: remarks on the training may be edited without making the file another.
    names = ("architecture", "classes", "whitened", "canvas", "preprocess_version", "hash")
    return hashlib.sha256(json.dumps([facts.get(name) for name in names]).encode()).hexdigest()


def load_model(spec: str | Path | None = None, *, cache: Path | None = None) -> LoadedModel:
    """Load what ``--model`` names.

    Args:
        spec: None (the default student), the name of a weight card (a shipped model, or a published one in the cache),
            a file (``.safetensors``, ``.pth``, ``.onnx``), or ``ARCHITECTURE:random[:SEED]``.
        cache: the cache directory; None: ``$SIGKD_CACHE``, else the platform's.

    Raises:
        ModelError: the name is unknown, or the weights are absent or damaged; the message says how to get them.
            Random weights are used only when the name says so.
    """
    text = DEFAULT_MODEL if spec is None else str(spec)
    match = re.fullmatch(r"([\w-]+):random(?::(\d+))?", text)
    if match:
        seed = int(match[2] or 0)
        if seed > LARGEST_SEED:
            raise ModelError(f"'{text}': a seed is at most {LARGEST_SEED}")
        network = build_network(match[1], seed=seed)
        facts = {"architecture": match[1]}
        return LoadedModel(network.eval(), text, state_hash(network.state_dict()), metadata=facts)
    if is_card(text):
        return _load_named(find_card(text), cache)
    path = Path(text)
    if path.is_file():
        return load_any_file(path)
    if path.suffix or path.name != text:
        raise ModelError(f"{path}: no such model file")
    # Never random weights by mistake: they verify nothing and look as if they did.
    if text in NETWORKS:
        raise ModelError(f"'{text}' is an architecture and has no weights of its own: name a model, or '{text}:random'")
    names = card_names()
    raise ModelError(
        f"unknown model '{text}'.{nearest(text, names)} Use a file, ARCHITECTURE:random or {', '.join(names)}"
    )


def load_any_file(path: Path, architecture: str | None = None) -> LoadedModel:
    """Load a model file by its suffix: ``.onnx``, ``.pth`` or ``.pt`` (tensors only), anything else as safetensors.

    A ``.pth`` file does not say its architecture: ``architecture``, else SigNet, the published one.
    """
    suffix = path.suffix.lower()
    if suffix == ".onnx":
        return _load_onnx(path)
    if suffix in (".pth", ".pt", ".ckpt", ".bin"):
        return _load_checkpoint(path, architecture or "signet")
    return load_file(path)


def load_card_file(card: WeightCard, path: Path) -> LoadedModel:
    """Load ``path`` as the file of ``card``, whatever it is called."""
    if card.kind == "onnx":
        loaded = _load_onnx(path)
    elif card.kind == "pth":
        loaded = _load_checkpoint(path, card.architecture)
    else:
        loaded = load_file(path)
    loaded.name = card.name
    if not card.shipped:
        # Published files say nothing of their input: the card does.
        loaded.canvas, loaded.preprocess_version = card.canvas, card.preprocess_version
        about = {"training_data": card.training_data, "licence": card.licence, "paper": card.paper}
        loaded.metadata = {**loaded.metadata, **about}
        if card.fingerprint is not None:
            loaded.metadata["fingerprint"] = list(card.fingerprint)
    return loaded


def _load_named(card: WeightCard, cache: Path | None) -> LoadedModel:
    if card.shipped:
        path = shipped_path(card)
        if not path.is_file():
            raise ModelError(f"the model '{card.name}' is not in this installation ({path}); name another with `model`")
        return load_card_file(card, path)
    from sigkd.models.cache import WeightCache

    return load_card_file(card, WeightCache(cache).ensure(card))


def _load_onnx(path: Path) -> LoadedModel:
    from sigkd.models.onnx_network import load_onnx

    network, digest, custom = load_onnx(path)
    with parsing(path, "ONNX model", ModelError):
        facts = json.loads(custom.get("sigkd", "{}"))
        height, width = (int(side) for side in facts.get("canvas") or CANVAS)
    version = facts.get("preprocess_version")
    facts = {**facts, "architecture": "onnx"}
    return LoadedModel(network, path.stem, digest, version, (height, width), facts)


def _load_checkpoint(path: Path, architecture: str) -> LoadedModel:
    network = load_checkpoint(path, architecture)
    digest = state_hash(network.state_dict())
    return LoadedModel(network, path.stem, digest, metadata={"architecture": architecture})
