"""Whitening: the folded network gives the rotated responses, uncorrelated, and survives its file."""

import numpy as np
import pytest
import torch
from torch import nn

from sigkd.errors import UsageError
from sigkd.models.export import without_head
from sigkd.models.extract import extract_features
from sigkd.models.io import LoadedModel, load_file, save_model
from sigkd.models.networks import NETWORKS
from sigkd.models.registry import INPUT_SIZE, FeatureNetwork, Taps, build_network
from sigkd.models.whitening import (
    fold,
    linear_network,
    principal_axes,
    steady_axes,
    whiten,
    whiten_file,
    whiten_views,
)


class Narrow(FeatureNetwork):
    """16 features of an image's coarse shape."""

    architecture = "narrow"

    def __init__(self, classes=None):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d((8, 12))
        self.feature = nn.Sequential(nn.Linear(96, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(inplace=True))
        self.head = None if classes is None else nn.Linear(16, classes)

    @property
    def response_block(self):
        return self.feature

    def forward_taps(self, images):
        response = self.feature(self.pool(images).flatten(1))
        return Taps((), response, None if self.head is None else self.head(response))


if "narrow" not in NETWORKS:
    NETWORKS.register("narrow")(Narrow)


def trained(network):
    """Return ``network`` with batch norm that has seen images: no factor is 1, no shift 0."""
    random = torch.Generator().manual_seed(5)
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            for tensor, low in (
                (module.weight.data, 0.5),
                (module.bias.data, -0.5),
                (module.running_mean, -0.5),
                (module.running_var, 0.5),
            ):
                tensor.copy_(low + torch.rand(tensor.shape, generator=random))
    return network.eval()


@pytest.fixture
def narrow():
    return LoadedModel(trained(build_network("narrow", 3, seed=1)), "narrow", "00" * 32, "1", (600, 850))


@pytest.fixture
def images():
    """Return 60 images whose brightness, shared by all pixels, drowns everything else."""
    random = np.random.default_rng(0)
    coarse = random.uniform(0, 60, (60, 17, 22)) + random.uniform(0, 150, (60, 1, 1))
    return np.repeat(np.repeat(coarse, 10, axis=1), 11, axis=2).astype(np.uint8)


def test_principal_axes_by_hand():
    # cov = [[20, 10], [10, 20]] / 3: axes (1, 1) and (1, -1)
    values = np.array([[7.0, 8.0], [3.0, 6.0], [6.0, 9.0], [4.0, 5.0]]) * np.sqrt(2)
    mean, axes, variances = principal_axes(values)
    assert np.allclose(mean, np.array([5, 7]) * np.sqrt(2))
    assert np.allclose(variances, [12, 4 / 3])
    assert np.allclose(np.abs(axes), np.sqrt(0.5))
    assert axes[0, 0] * axes[1, 0] > 0 > axes[0, 1] * axes[1, 1]


def test_steady_axes_by_hand():
    # S = diag(12, 4/3) along (1, 1) and (1, -1), as above; disturbances move by 6 along (1, 1): N = diag(36, 0)
    values = np.array([[7.0, 8.0], [3.0, 6.0], [6.0, 9.0], [4.0, 5.0]]) * np.sqrt(2)
    owners = np.array([3, 0, 0])
    disturbed = values[owners] + np.array([[1.0], [-1.0], [1.0]]) * 6 * np.sqrt(0.5)
    mean, axes, shares = steady_axes(values, disturbed, owners, 2)
    assert np.allclose(mean, np.array([5, 7]) * np.sqrt(2))
    assert np.allclose(shares, [1, 12 / (12 + 36)])
    assert np.allclose(axes[:, 0] / axes[0, 0], [1, -1])
    assert np.allclose(np.linalg.norm(axes, axis=0), 1)


def test_steady_axes_are_the_best_of_all_directions_and_uncorrelated():
    random = np.random.default_rng(0)
    values = random.normal(size=(300, 5)) @ random.normal(size=(5, 5))
    owners = random.integers(0, 300, 900)
    moved = random.normal(size=(900, 5)) @ random.normal(size=(5, 5))
    _, axes, shares = steady_axes(values, values[owners] + moved, owners, 3)
    between, noise = np.cov(values.T), moved.T @ moved / 900

    def share(axis):
        return axis @ between @ axis / (axis @ (between + noise) @ axis)

    assert np.allclose([share(axis) for axis in axes.T], shares)
    assert max(share(axis) for axis in random.normal(size=(2000, 5))) <= shares[0]
    for covariance in (axes.T @ between @ axes, axes.T @ noise @ axes):
        assert np.allclose(covariance, np.diag(np.diag(covariance)))


def test_steady_views_do_not_see_what_disturbances_change(narrow):
    random = np.random.default_rng(1)
    coarse = random.uniform(40, 120, (60, 1, 17, 22))
    images = np.repeat(np.repeat(coarse, 10, axis=2), 11, axis=3)
    brighter = np.arange(60), (images * random.uniform(0.3, 2, (60, 1, 1, 1))).astype(np.uint8)
    images = images.astype(np.uint8)
    moved = {}
    for name, worse in (("principal", {}), ("steady", {"owners": brighter[0], "disturbed": brighter[1]})):
        model = whiten_views(narrow, images, ["fitted"], 8, {}, **worse)
        plain, other = (extract_features(model, pictures) for pictures in (images, brighter[1]))
        moved[name] = float(np.mean(((other - plain) / plain.std(axis=0)) ** 2))
    assert moved["steady"] < 0.1 * moved["principal"]


@pytest.mark.parametrize("architecture", ["resnet18", "signet", "mobilenet"])
def test_folding_is_the_rotation_of_the_response_before_its_relu(architecture):
    network = trained(build_network(architecture, 4, seed=0))
    batch = torch.rand(3, 1, *INPUT_SIZE, generator=torch.Generator().manual_seed(2))
    linear = linear_network(network)
    assert linear.head is None
    with torch.inference_mode():
        before, z = network(batch), linear(batch)
        assert torch.equal(z.clamp(min=0), before)
        assert bool((z < 0).any())
        normal = np.random.default_rng(0).normal(size=2048)
        axes = np.eye(2048) - 2 * np.outer(normal, normal) / (normal @ normal)  # a reflection: orthonormal
        mean = np.linspace(-1, 1, 2048)
        fold(linear, mean, axes)
        found = linear(batch)
        assert torch.equal(network(batch), before)  # the original is as it was
    expected = (z.double().numpy() - mean) @ axes
    assert np.abs(found.numpy() - expected).max() < 1e-4 * np.abs(expected).max()


def test_whitened_features_are_uncorrelated_and_as_far_apart(narrow, images):
    white = whiten(narrow, images, {"source": "test"})
    before = extract_features(LoadedModel(linear_network(narrow.network), "", ""), images).astype(np.float64)
    after = extract_features(white, images).astype(np.float64)
    assert abs(np.corrcoef(before.T)[np.triu_indices(16, 1)]).max() > 0.9
    covariance = np.cov(after.T)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 1e-4 * covariance[0, 0]
    assert np.all(np.diff(np.diag(covariance)) < 1e-6)
    assert np.allclose(after.mean(axis=0), 0, atol=1e-4)
    apart = np.linalg.norm(before[:30] - before[30:], axis=1)
    assert np.allclose(np.linalg.norm(after[:30] - after[30:], axis=1), apart, rtol=1e-4)
    assert white.metadata["whitening"]["effective_axes"] < 4
    assert white.canvas == (600, 850)
    assert white.hash != narrow.hash


def test_a_whitened_model_is_whitened_in_its_file(narrow, images, tmp_path):
    white = whiten(narrow, images, {})
    for half, tolerance in ((False, 1e-6), (True, 2e-3)):
        path = tmp_path / f"{half}.safetensors"
        save_model(path, white.network, white.metadata, half=half)
        found = load_file(path)
        assert found.network.whitened
        assert without_head(found.network).whitened
        features = extract_features(found, images)
        assert features.min() < 0
        expected = extract_features(white, images)
        assert np.abs(features - expected).max() < tolerance * np.abs(expected).max()


def test_what_cannot_be_whitened(narrow, images, tmp_path):
    with pytest.raises(UsageError, match="60 images are too few for 2048 axes"):
        whiten(LoadedModel(build_network("resnet18", seed=0).eval(), "r", ""), images, {})
    white = whiten(narrow, images, {})
    with pytest.raises(UsageError, match="whitened already"):
        whiten(white, images, {})
    with pytest.raises(UsageError, match=r"ends in \.safetensors"):
        whiten_file(narrow, tmp_path / "model.onnx", ["made-up"], data=tmp_path)
    for wrong in ({"views": ["fitted"], "sources": ["text"]}, {"sources": ["made-up"]}):
        with pytest.raises(UsageError, match="`disturb` needs `views`, and made-up signatures"):
            whiten_file(
                narrow,
                tmp_path / "m.safetensors",
                data=tmp_path,
                count=40,
                components=4,
                disturbances=["blur"],
                **wrong,
            )
    # refused before any image is made
    for model, count, words in ((white, 6000, "whitened already"), (narrow, 31, "31 images are too few")):
        with pytest.raises(UsageError, match=words):
            whiten_file(model, tmp_path / "m.safetensors", ["absent"], data=tmp_path, count=count)
    assert not list(tmp_path.iterdir())


def test_command(run_sigkd, narrow, tmp_path):
    source, out = tmp_path / "narrow.safetensors", tmp_path / "white.safetensors"
    save_model(source, narrow.network, {"preprocess_version": "1", "canvas": [952, 1360]})
    result = run_sigkd("whiten", source, "--count", 40, "--out", out, "--json", expect=0)
    facts = result.json
    assert facts["images"] == 40
    assert facts["source"] == "made-up signature"
    assert facts["hash"] == load_file(out).hash
    again = run_sigkd("whiten", out, "--count", 40, "--out", tmp_path / "x.safetensors", expect=2)
    assert "whitened already" in again.stderr


def test_command_with_disturbances(run_sigkd, narrow, tmp_path):
    source, out = tmp_path / "narrow.safetensors", tmp_path / "steady.safetensors"
    save_model(source, narrow.network, {"preprocess_version": "1", "canvas": [952, 1360]})
    views = ("--views", "60.5mm", "fitted", "--components", 4, "--disturb", "ink=0.5", "binary")
    result = run_sigkd("whiten", source, *views, "--count", 12, "--out", out, "--json", expect=0)
    assert result.json["disturbances"] == ["ink=0.5", "binary"]
    assert load_file(out).metadata["whitening"]["disturbances"] == ["ink=0.5", "binary"]
    wrong = run_sigkd("whiten", source, *views, "non-square", "--count", 12, "--out", out, expect=2)
    assert "non-square: leaves pixels that are not square" in wrong.stderr
