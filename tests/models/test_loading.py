"""Model files: what ``--model`` may name, and what every kind of bad file is answered with."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file as read_tensors
from safetensors.torch import save_file

from sigkd.errors import ModelError, UsageError
from sigkd.models import cards, io
from sigkd.models.cards import CARDS, WeightCard
from sigkd.models.extract import extract_features
from sigkd.models.fingerprint import (
    TOLERANCE,
    feature_fingerprint,
    fingerprint_distance,
    fingerprint_image,
)
from sigkd.models.foreign import load_checkpoint, read_checkpoint
from sigkd.models.io import load_model, read_metadata, save_model
from sigkd.models.registry import FeatureNetwork, build_network
from sigkd.models.state import state_hash


@pytest.fixture(scope="module")
def student() -> FeatureNetwork:
    return build_network("resnet18", classes=3, seed=1).eval()


@pytest.fixture(scope="module")
def signet() -> FeatureNetwork:
    return build_network("signet", seed=2).eval()


@pytest.fixture(scope="module")
def model_file(student: FeatureNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "student.safetensors"
    save_model(path, student, {"preprocess_version": "1", "canvas": [600, 850], "licence": "research"})
    return path


def rewrite(source: Path, target: Path, change: Callable[[dict[str, torch.Tensor], dict[str, Any]], None]) -> Path:
    """Copy a model file with its tensors or facts changed."""
    state, facts = read_tensors(source), io.read_metadata(source)
    change(state, facts)
    save_file(state, target, metadata={"sigkd": json.dumps(facts)})
    return target


def test_round_trip(model_file: Path, student: FeatureNetwork) -> None:
    loaded = load_model(model_file)
    assert loaded.name == "student" and loaded.canvas == (600, 850) and loaded.preprocess_version == "1"
    assert loaded.network.classes == 3 and not loaded.network.training
    assert loaded.hash == state_hash(student.state_dict()) == loaded.metadata["hash"]
    images = np.random.default_rng(0).integers(0, 256, (2, 150, 220), dtype=np.uint8)
    expected = student(torch.from_numpy(images).float()[:, None] / 255).detach().numpy()
    np.testing.assert_allclose(extract_features(loaded, images), expected, rtol=1e-5, atol=1e-6)


def test_half_is_another_model_and_notes_are_not(model_file: Path, student: FeatureNetwork, tmp_path: Path) -> None:
    half = tmp_path / "half.safetensors"
    save_model(half, student, {}, half=True)
    assert half.stat().st_size < 0.51 * model_file.stat().st_size
    whole, rounded = load_model(model_file), load_model(half)
    assert whole.hash != rounded.hash
    assert next(rounded.network.parameters()).dtype == torch.float32
    assert fingerprint_distance(rounded.metadata["fingerprint"], whole.metadata["fingerprint"]) < TOLERANCE
    noted = rewrite(model_file, tmp_path / "noted.safetensors", lambda state, facts: facts.update(licence="other"))
    assert load_model(noted).hash == whole.hash
    assert hashlib.sha256(noted.read_bytes()).digest() != hashlib.sha256(model_file.read_bytes()).digest()


def test_saving_leaves_the_network_alone(tmp_path: Path) -> None:
    network = build_network("resnet18", seed=0).train()
    before = state_hash(network.state_dict())
    save_model(tmp_path / "m.safetensors", network, {})
    assert network.training and state_hash(network.state_dict()) == before


def test_fingerprint(model_file: Path, student: FeatureNetwork) -> None:
    image = fingerprint_image()
    assert image.shape == (150, 220) and image.dtype == np.uint8
    assert hashlib.sha256(image.tobytes()).hexdigest().startswith("fee24c96cf094283")
    facts = load_model(model_file).metadata
    found = feature_fingerprint(student)
    assert len(found) == 16 and fingerprint_distance(found, facts["fingerprint"]) < 1e-5
    response = student(torch.from_numpy(image).float()[None, None] / 255).detach().numpy().reshape(16, 128)
    np.testing.assert_allclose(found, response.mean(1), rtol=1e-5)
    assert fingerprint_distance(feature_fingerprint(build_network("resnet18", seed=9).eval()), found) > 100 * TOLERANCE
    assert fingerprint_distance([1.0], [1.0, 2.0]) == fingerprint_distance([float("nan")], [1.0]) == float("inf")


@pytest.mark.parametrize("architecture", ["signet", "resnet18"])
def test_random_weights_only_by_name(architecture: str, tmp_path: Path) -> None:
    one, same, other = (load_model(f"{architecture}:random{seed}") for seed in ("", ":0", ":1"))
    assert one.hash == same.hash != other.hash
    reason = {"resnet18": "name a model, or 'resnet18:random'", "signet": "not in the cache"}[architecture]
    with pytest.raises(ModelError, match=reason):
        load_model(architecture, cache=tmp_path)


def test_a_network_imports_only_what_it_needs(repository: Path) -> None:
    # a verification starts cold: torchvision, which only one architecture uses, takes as long to import as torch
    code = "import sys; from sigkd.models.io import load_model; load_model('resnet18:random'); "
    code += "print([m for m in ('torchvision', 'onnxruntime', 'requests', 'scipy') if m in sys.modules])"
    outcome = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True)
    assert outcome.stdout.strip() == "[]"


def test_names_that_do_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"unknown model 'sigkd-resnet'\. Did you mean 'sigkd-resnet18'\?"):
        load_model("sigkd-resnet")
    for spec in (tmp_path / "absent.safetensors", "absent.pth", "folder/absent"):
        with pytest.raises(ModelError, match="no such model file"):
            load_model(spec)
    with pytest.raises(UsageError, match="unknown architecture 'vgg'"):
        load_model("vgg:random")


def test_known_names_that_are_absent_say_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "ASSETS", tmp_path)
    with pytest.raises(ModelError, match=r"'sigkd weights pull signet' downloads.*add signet FILE' imports.* have$"):
        load_model("signet", cache=tmp_path)
    (tmp_path / "sigkd-signet.safetensors").touch()
    with pytest.raises(ModelError, match=r"'sigkd-signet', our own teacher, is at hand"):
        load_model("signet", cache=tmp_path)
    with pytest.raises(ModelError, match="pull fkd-signet --trust-first-use"):
        load_model("fkd-signet", cache=tmp_path)
    with pytest.raises(ModelError, match=r"not in this installation.*`model`"):
        load_model(None)


def test_shipped_models(model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "ASSETS", tmp_path)
    (tmp_path / "default.safetensors").write_bytes(model_file.read_bytes())
    assert load_model().name == load_model("sigkd-resnet18").name == "sigkd-resnet18"
    assert load_model().canvas == (600, 850)


def test_bad_safetensors(model_file: Path, signet: FeatureNetwork, tmp_path: Path) -> None:
    def refused(match: str, change: Callable[[dict[str, torch.Tensor], dict[str, Any]], None]) -> None:
        path = rewrite(model_file, tmp_path / "bad.safetensors", change)
        with pytest.raises(ModelError, match=rf"^[^\n]*bad\.safetensors: [^\n]*{match}[^\n]*$"):
            load_model(path)

    refused("'feature.0.weight' is missing", lambda state, facts: state.pop("feature.0.weight"))
    refused("'extra' is not part", lambda state, facts: state.update(extra=torch.zeros(1)))
    refused("4 classes, and another", lambda state, facts: facts.update(classes=4))
    refused("unknown architecture 'vgg'", lambda state, facts: facts.update(architecture="vgg"))
    refused("'conv_layers.conv1.conv.weight' is missing", lambda state, facts: facts.update(architecture="signet"))
    refused("names no architecture", lambda state, facts: facts.clear())
    refused("metadata is damaged", lambda state, facts: facts.update(classes="many"))
    refused("hash differs", lambda state, facts: state["head.bias"].add_(1))
    refused("not finite", lambda state, facts: state["head.bias"].fill_(float("nan")))

    whole = model_file.read_bytes()
    flawed = tmp_path / "flawed.safetensors"
    for content in (b"", b"{}", whole[:4], whole[: len(whole) // 2], b"<html>" * 100, b"\xff" * 64):
        flawed.write_bytes(content)
        with pytest.raises(ModelError, match=r"^[^\n]*flawed\.safetensors: not a readable safetensors"):
            load_model(flawed)


class Malicious:
    """A pickle that would create a file when loaded."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.target}",)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_malicious_pickle_is_refused(signet: FeatureNetwork, tmp_path: Path, zipped: bool) -> None:
    loot = tmp_path / "executed"
    path = tmp_path / "evil.pth"
    torch.save((dict(signet.state_dict()), Malicious(loot), None), path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ModelError, match=r"^[^\n]*evil\.pth: refused: the file holds more than tensors \(\S*system\)"):
        load_model(path)
    path.write_bytes(pickle.dumps(Malicious(loot)))
    with pytest.raises(ModelError, match=r"evil\.pth: (refused|not a readable)"):
        load_model(path)
    assert not loot.exists()


def published(network: FeatureNetwork) -> tuple[Any, ...]:
    """The form of the published files: state, classification weights, forgery weights."""
    return dict(network.state_dict()), [torch.zeros(531, 2048), torch.zeros(531)], [torch.zeros(1, 2048)]


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("form", ["tuple", "state", "wrapped", "old"])
def test_the_published_form(signet: FeatureNetwork, tmp_path: Path, zipped: bool, form: str) -> None:
    state, *rest = published(signet)
    content: Any = {
        "tuple": (state, *rest),
        "state": {**state, "classifier.weight": rest[0][0]},
        "wrapped": {"epoch": 3, "state_dict": {f"module.{name}": tensor for name, tensor in state.items()}},
        "old": ({name: tensor for name, tensor in state.items() if "num_batches" not in name}, rest[0], None),
    }[form]
    torch.save(content, tmp_path / "signet.pth", _use_new_zipfile_serialization=zipped)
    loaded = load_model(tmp_path / "signet.pth")
    assert loaded.network.architecture == "signet" and loaded.network.head is None
    assert loaded.hash == state_hash(signet.state_dict())
    assert feature_fingerprint(loaded.network) == pytest.approx(feature_fingerprint(signet), rel=1e-5)


def test_bad_checkpoints(signet: FeatureNetwork, student: FeatureNetwork, tmp_path: Path) -> None:
    path = tmp_path / "bad.pth"

    def refused(match: str) -> None:
        with pytest.raises(ModelError, match=rf"^[^\n]*bad\.pth: [^\n]*{match}[^\n]*$"):
            load_model(path)

    torch.save((dict(student.state_dict()), None, None), path)
    refused("'conv_layers.conv1.conv.weight' is missing: not a whole signet")
    state = dict(signet.state_dict())
    state.pop("fc_layers.fc2.fc.weight")
    torch.save((state, None, None), path)
    refused("'fc_layers.fc2.fc.weight' is missing")
    state = {name: tensor.clone() for name, tensor in signet.state_dict().items()}
    state["conv_layers.conv2.bn.running_var"][3] = float("nan")
    torch.save((state, None, None), path)
    refused("'conv_layers.conv2.bn.running_var' holds values that are not finite")
    torch.save([1, 2], path)
    refused("no state dictionary")
    torch.save({"a": "text"}, path)
    refused("'a' in it is not a tensor")
    for zipped in (True, False):
        torch.save(published(signet), path, _use_new_zipfile_serialization=zipped)
        content = path.read_bytes()
        for cut in (len(content) // 2, len(content) - 100):
            path.write_bytes(content[:cut])
            refused("truncated")
    path.write_bytes(b"")
    refused("empty")
    path.write_bytes(b"\n<!DOCTYPE html><html>")
    refused("web page")
    path.write_bytes(b"PK\x03\x04 nothing")
    refused("not a readable checkpoint")
    with pytest.raises(ModelError, match="no such model file"):
        read_checkpoint(tmp_path / "absent.pth")
    torch.save((dict(student.state_dict()), None), path)
    assert load_checkpoint(path, "resnet18").architecture == "resnet18"


def test_a_model_of_the_cache(
    signet: FeatureNetwork, make_card: Callable[..., WeightCard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sigkd.models.cache import WeightCache

    file = tmp_path / "by-hand.pth"
    torch.save(published(signet), file)
    card = make_card(file.read_bytes(), name="signet-test", pin="git")
    monkeypatch.setattr(cards, "CARDS", (*CARDS, card))
    WeightCache(tmp_path / "cache").add(card, file)
    loaded = load_model("signet-test", cache=tmp_path / "cache")
    assert loaded.name == "signet-test" and loaded.canvas == (952, 1360) and loaded.metadata["licence"] == "none"


def test_a_damaged_checkpoint_is_noticed(signet: FeatureNetwork, tmp_path: Path) -> None:
    """torch itself compares no checksum: every flipped bit of a weight would be loaded."""
    path = tmp_path / "signet.pth"
    torch.save(published(signet), path)
    content, before = path.read_bytes(), load_model(path).hash
    noticed = 0
    for place in np.linspace(1000, len(content) - 1000, 12).astype(int):
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        try:
            assert load_model(path).hash == before  # between the parts
        except ModelError as error:
            assert "signet.pth" in str(error)
            noticed += 1
    assert noticed >= 10


def test_checkpoints_without_checksums_are_read(signet: FeatureNetwork, tmp_path: Path) -> None:
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(published(signet), tmp_path / "signet.pth")
    finally:
        torch.serialization.set_crc32_options(True)
    assert load_model(tmp_path / "signet.pth").hash == state_hash(signet.state_dict())


@pytest.mark.parametrize(
    "change",
    [
        {"canvas": [952, 1361]},
        {"preprocess_version": "2"},
        {"whitened": True},
        {"classes": 600_000},
        {"classes": 1},
        {"architecture": "signet"},
        {"hash": None},
        {"canvas": ["a", "b"]},
        {"canvas": 7},
    ],
)
def test_damaged_metadata_is_noticed(student: FeatureNetwork, tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "m.safetensors"
    save_model(path, student, {"canvas": [952, 1360], "preprocess_version": "1"})
    facts = {**read_metadata(path), **change}
    save_file(student.state_dict(), path, metadata={"sigkd": json.dumps(facts)})
    with pytest.raises(ModelError, match=r"^[^\n]*m\.safetensors: [^\n]*$"):
        load_model(path)
