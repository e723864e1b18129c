"""What this installation is made of, and whether its default model computes what it should: behind ``sigkd info``."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch

from sigkd._version import __version__
from sigkd.errors import ModelError, SigkdError
from sigkd.json_documents import JsonDocument
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


@dataclass(frozen=True)
class DeviceFacts:
    """A device that ``--device`` may name."""

    device: str
    name: str
    memory_bytes: int | None


@dataclass(frozen=True)
class Folder:
    """A folder of the program."""

    path: Path
    exists: bool
    writable: bool
    free_bytes: int
    """Room on its disk."""


@dataclass(frozen=True)
class DefaultModel:
    """What the default model's file says of itself."""

    name: str
    path: Path
    bytes: int | None
    """Null: the file is not in this installation."""
    architecture: str | None = None
    hash: str | None = None
    preprocess_version: str | None = None
    licence: str | None = None


@dataclass(frozen=True)
class FingerprintCheck:
    """Whether a model computes the features that it should, on one device."""

    name: str
    hash: str
    device: str
    fingerprint: list[float]
    expected: list[float] | None
    """Null: the file states none."""
    distance: float | None
    """Of the two; null where they cannot be compared."""
    tolerance: float
    ok: bool | None
    """Null: there is nothing to compare with."""

    def require(self) -> None:
        """Raise ModelError if the features are other ones than expected."""
        if self.ok is False:
            distance = "beyond comparison" if self.distance is None else f"off by {self.distance:.1e}"
            raise ModelError(
                f"the features of '{self.name}' on {self.device} are not the expected ones: {distance}, at most "
                f"{self.tolerance:g} is allowed; this installation computes something else"
            )


class Environment(JsonDocument, format="sigkd-environment", version=1):
    """What ``sigkd info`` prints: what this installation is made of, and whether it computes what it should."""

    versions: dict[str, str | None]
    """Of sigkd, Python and the libraries; null: not installed."""
    platform: str
    devices: list[DeviceFacts]
    data: Folder
    cache: Folder
    cached_weights: dict[str, int]
    """Bytes by the model's name."""
    offline: bool
    """Whether ``SIGKD_OFFLINE`` forbids network calls."""
    default_model: DefaultModel
    check: FingerprintCheck | None = None
    """With ``--check``, unless the model cannot be loaded."""
    check_error: str | None = None
    """Why it cannot."""
    network: dict[str, str] | None = None
    """With ``--network``: what the hosts of the published weights answer."""


def versions() -> dict[str, str | None]:
    """Return the versions of this package, Python and the libraries, without importing them; None: not installed."""
    found: dict[str, str | None] = {"sigkd": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    return found


def devices() -> list[DeviceFacts]:
    """Return the devices that ``--device`` may name, the one that ``auto`` takes first."""
    found = []
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            facts = torch.cuda.get_device_properties(index)
            found.append(DeviceFacts(f"cuda:{index}", facts.name, facts.total_memory))
    if torch.backends.mps.is_available():
        found.append(DeviceFacts("mps", platform.processor() or "Apple GPU", None))
    name = platform.processor() or platform.machine()
    return [*found, DeviceFacts("cpu", f"{name}, {os.cpu_count()} cores", None)]


def folder_facts(path: Path) -> Folder:
    """Return whether a folder exists, can be written, and how much room its disk has."""
    existing = path
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    return Folder(path, path.is_dir(), os.access(existing, os.W_OK), shutil.disk_usage(existing).free)


def default_model() -> DefaultModel:
    """Return what the default model's file says of itself, without reading its weights."""
    path = shipped_path(find_card(DEFAULT_MODEL))
    if not path.is_file():
        return DefaultModel(DEFAULT_MODEL, path, None)
    metadata = read_metadata(path)
    facts = (metadata.get(key) for key in ("architecture", "hash", "preprocess_version", "licence"))
    return DefaultModel(DEFAULT_MODEL, path, path.stat().st_size, *facts)


def check_fingerprint(spec: str | Path | None, *, cache: Path | None = None, device: str = "cpu") -> FingerprintCheck:
    """Load a model, which checks its hash, and recompute its feature fingerprint.

    Raises:
        ModelError: the model is absent or damaged.
    """
    model = load_model(spec, cache=cache)
    found = feature_fingerprint(model.network.to(device), device)
    expected = model.metadata.get("fingerprint")
    distance = None if expected is None else fingerprint_distance(found, expected)
    return FingerprintCheck(
        model.name,
        model.hash,
        device,
        list(found),
        expected,
        distance if distance is not None and distance != float("inf") else None,
        TOLERANCE,
        None if distance is None else distance <= TOLERANCE,
    )


def environment(
    *,
    cache: Path | None = None,
    data: Path | None = None,
    check: bool = False,
    device: str = "cpu",
    network: bool = False,
) -> Environment:
    """Return everything that ``sigkd info`` shows.

    Args:
        cache: the cache directory, None for the usual one.
        data: the data directory, None for the usual one.
        check: recompute the default model's hash and fingerprint.
        device: where the check computes.
        network: ask the hosts of the published weights whether they answer (the only network calls).
    """
    store = WeightCache(cache)
    cached = [card for card in CARDS if not card.shipped and store.status(card) == "cached"]
    found, problem = None, None
    if check:
        try:
            found = check_fingerprint(None, cache=cache, device=device)
        except SigkdError as error:
            problem = str(error)
    return Environment(
        versions=versions(),
        platform=platform.platform(),
        devices=devices(),
        data=folder_facts(data_dir(data)),
        cache=folder_facts(cache_dir(cache)),
        cached_weights={card.name: store.path(card).stat().st_size for card in cached},
        offline=offline(),
        default_model=default_model(),
        check=found,
        check_error=problem,
        network={host: reachable(host) for host in hosts()} if network else None,
    )
