"""Loading the published SigNet files and other people's checkpoints, without running anything that is in them.

``torch.load(weights_only=True)`` is the only reader, and there is no fallback: it rebuilds tensors and plain
containers and refuses every other object, so a file that was made to run code is an error and nothing else.
"""

from __future__ import annotations

import pickle
import warnings
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from sigkd.errors import ModelError
from sigkd.models.registry import FeatureNetwork, build_network
from sigkd.models.state import fill

_PREFIXES = ("module.", "_orig_mod.", "model.", "base_model.", "feature_extractor.")
"""What wrappers put before the names of the tensors."""

_HEADS = ("classification", "classifier", "forgery", "head", "fc_class")
"""Tensors of layers after the feature, which a feature extractor does not have."""


def load_checkpoint(path: Path, architecture: str = "signet") -> FeatureNetwork:
    """Load a ``.pth`` file as a feature extractor (without a classification layer).

    Understood are the published form, a tuple ``(state_dict, classification weights, forgery weights)``; a state
    dictionary; and a dictionary that holds one under ``state_dict`` or ``model``.

    Raises:
        ModelError: unsafe, truncated, not a checkpoint, or not of this architecture; one line each.
    """
    state = _without_heads(_state(read_checkpoint(path), path))
    network = build_network(architecture, seed=0)
    for name in network.state_dict():
        if name.endswith("num_batches_tracked"):  # absent from files written before torch 0.4.1, and of no use here
            state.setdefault(name, torch.zeros((), dtype=torch.int64))
    fill(
        network,
        {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()},
        str(path),
    )
    return network.eval()


def read_checkpoint(path: Path) -> Any:
    """Return the tensors and containers of a ``.pth`` file; anything else in it is refused.

    Raises:
        ModelError: absent, unsafe, truncated or of another kind.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"{path}: no such model file")
    with path.open("rb") as stream:
        start = stream.read(64).lstrip().lower()
    if not start:
        raise ModelError(f"{path}: the file is empty")
    if start.startswith((b"<!doctype", b"<html")):
        raise ModelError(f"{path}: this is a web page (HTML), not a model file; the download was answered by a page")
    check_sums(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch remarks on the pickle's protocol in several lines
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if _asks_for_more(error):
            raise ModelError(
                f"{path}: refused: the file holds more than tensors ({_culprit(error)}) and could run code when loaded"
            ) from None
        raise ModelError(f"{path}: not a readable checkpoint; truncated, or another kind of file") from None
    except (RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError, OSError, zipfile.BadZipFile):
        raise ModelError(f"{path}: not a readable checkpoint; truncated, or another kind of file") from None


def check_sums(path: Path) -> None:
    """Compare the checksums in a file of ``torch.save``, which torch itself passes over.

    Raises:
        ModelError: a part of it is not what was saved.
    """
    if not zipfile.is_zipfile(path):  # of torch before 1.6, without checksums
        return
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            wrong = [name for name in names if not _is_whole(archive, name)]
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        raise ModelError(f"{path}: not a readable checkpoint; truncated, or another kind of file") from None
    if wrong and len(wrong) < len(names):  # all of them: written with torch's checksums switched off
        raise ModelError(f"{path}: the file is damaged: the checksum of '{wrong[0]}' in it is wrong")


def _is_whole(archive: zipfile.ZipFile, name: str) -> bool:
    try:
        with archive.open(name) as stream:
            while stream.read(1 << 20):
                pass
    except zipfile.BadZipFile:
        return False
    return True


def _asks_for_more(error: pickle.UnpicklingError) -> bool:
    text = str(error)
    return any(word in text for word in ("Unsupported global", "Unsupported class", "not an allowed global", "GLOBAL"))


def _culprit(error: pickle.UnpicklingError) -> str:
    """Return the name of the object that was refused, from torch's message of many lines."""
    words = str(error).replace("`", " ").split()
    for before, word in pairwise(words):
        if before == "GLOBAL":
            return word
    return "an object that is not allowed"


def _state(content: Any, path: Path) -> dict[str, torch.Tensor]:
    """Return the state dictionary inside ``content``, with the names of wrappers taken off."""
    if isinstance(content, (tuple, list)) and content:
        content = content[0]
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not content:
        raise ModelError(f"{path}: holds no state dictionary (it holds a {type(content).__name__})")
    bad = next((name for name, value in content.items() if not isinstance(value, torch.Tensor)), None)
    if bad is not None:
        raise ModelError(f"{path}: '{bad}' in it is not a tensor: not a state dictionary")
    state = {str(name): tensor for name, tensor in content.items()}
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    return state


def _without_heads(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in state.items() if not name.startswith(_HEADS)}
