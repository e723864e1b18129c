"""What this installation is made of, and whether its default model computes what it should: behind ``sigkd info``."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from pathlib import Path
from typing import Any

import torch

from sigkd._version import __version__
from sigkd.errors import ModelError, SigkdError
from sigkd.models.cache import WeightCache
from sigkd.models.cards import CARDS, find_card, hosts, shipped_path
from sigkd.models.download import offline, reachable
from sigkd.models.fingerprint import TOLERANCE, feature_fingerprint, fingerprint_distance
from sigkd.models.io import DEFAULT_MODEL, load_model, read_metadata
from sigkd.paths import cache_dir, data_dir

PACKAGES = (
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "scikit-learn",
    "scikit-image",
    "opencv-python-headless",
    "safetensors",
    "pillow",
    "typer",
    "rich",
    "requests",
    "onnxruntime",
    "pyarrow",
)
"""Libraries whose versions matter for a result; optional ones are reported as absent."""


def versions() -> dict[str, str | None]:
    """Return the versions of this package, Python and the libraries, without importing them; None: not installed."""
    found: dict[str, str | None] = {"sigkd": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    return found


def devices() -> list[dict[str, Any]]:
    """Return the devices that ``--device`` may name, the one that ``auto`` takes first."""
    found: list[dict[str, Any]] = []
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            facts = torch.cuda.get_device_properties(index)
            found.append({"device": f"cuda:{index}", "name": facts.name, "memory_bytes": facts.total_memory})
    if torch.backends.mps.is_available():
        found.append({"device": "mps", "name": platform.processor() or "Apple GPU", "memory_bytes": None})
    name = platform.processor() or platform.machine()
    found.append({"device": "cpu", "name": f"{name}, {os.cpu_count()} cores", "memory_bytes": None})
    return found


def folder_facts(path: Path) -> dict[str, Any]:
    """Return whether a folder exists, can be written, and how much room (bytes) its disk has."""
    existing = path
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    usage = shutil.disk_usage(existing)
    return {
        "path": str(path),
        "exists": path.is_dir(),
        "writable": os.access(existing, os.W_OK),
        "free_bytes": usage.free,
    }


def default_model() -> dict[str, Any]:
    """Return what the default model's file says of itself, without reading its weights."""
    path = shipped_path(find_card(DEFAULT_MODEL))
    facts: dict[str, Any] = {"name": DEFAULT_MODEL, "path": str(path), "present": path.is_file()}
    if path.is_file():
        metadata = read_metadata(path)
        facts["bytes"] = path.stat().st_size
        facts |= {key: metadata.get(key) for key in ("architecture", "hash", "preprocess_version", "licence")}
    return facts


def check_fingerprint(spec: str | Path | None, *, cache: Path | None = None, device: str = "cpu") -> dict[str, Any]:
    """Load a model, which checks its hash, and recompute its feature fingerprint.

    Returns:
        name, hash, device, the fingerprint found and expected (None: the file has none), their distance, the
        tolerance, and ``ok`` (None where there is nothing to compare with).

    Raises:
        ModelError: the model is absent or damaged.
    """
    model = load_model(spec, cache=cache)
    found = feature_fingerprint(model.network.to(device), device)
    expected = model.metadata.get("fingerprint")
    distance = None if expected is None else fingerprint_distance(found, expected)
    return {
        "name": model.name,
        "hash": model.hash,
        "device": device,
        "fingerprint": list(found),
        "expected": expected,
        "distance": distance if distance is not None and distance != float("inf") else None,
        "tolerance": TOLERANCE,
        "ok": None if distance is None else distance <= TOLERANCE,
    }


def require_fingerprint(facts: dict[str, Any]) -> None:
    """Raise ModelError if :func:`check_fingerprint` found other features than expected."""
    if facts["ok"] is False:
        distance = "beyond comparison" if facts["distance"] is None else f"off by {facts['distance']:.1e}"
        raise ModelError(
            f"the features of '{facts['name']}' on {facts['device']} are not the expected ones: {distance}, "
            f"at most {facts['tolerance']:g} is allowed; this installation computes something else"
        )


def environment(
    *,
    cache: Path | None = None,
    data: Path | None = None,
    check: bool = False,
    device: str = "cpu",
    network: bool = False,
) -> dict[str, Any]:
    """Return everything that ``sigkd info`` shows as one JSON document.

    Args:
        cache: the cache directory, None for the usual one.
        data: the data directory, None for the usual one.
        check: recompute the default model's hash and fingerprint; the outcome, or the error, is under ``check``.
        device: where the check computes.
        network: ask the hosts of the published weights whether they answer (the only network calls).
    """
    store = WeightCache(cache)
    cached = [card for card in CARDS if not card.shipped and store.status(card) == "cached"]
    document: dict[str, Any] = {
        "versions": versions(),
        "platform": platform.platform(),
        "devices": devices(),
        "data": folder_facts(data_dir(data)),
        "cache": folder_facts(cache_dir(cache))
        | {
            "models": [card.name for card in cached],
            "bytes": sum(store.path(card).stat().st_size for card in cached),
        },
        "offline": offline(),
        "default_model": default_model(),
    }
    if check:
        try:
            document["check"] = check_fingerprint(None, cache=cache, device=device)
        except SigkdError as error:
            document["check"] = {"ok": False, "error": str(error)}
    if network:
        document["network"] = {host: reachable(host) for host in hosts()}
    return document
