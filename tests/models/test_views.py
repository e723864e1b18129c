"""Models that look at several placings of a signature."""

import numpy as np
import pytest
import torch

from sigkd.errors import InputError, ModelError, UsageError
from sigkd.images.placing import Placing
from sigkd.models.binding import Binding
from sigkd.models.extract import ImageBatch, extract_features, extract_set, feature_length, gather_images
from sigkd.models.io import LoadedModel, load_file, save_model
from sigkd.models.registry import build_network
from sigkd.models.state import state_hash
from sigkd.models.strangers import stranger_images
from sigkd.models.views import columns_without_scale, project
from sigkd.models.whitening import linear_network, whiten_views
from sigkd.progress import SilentProgress

VIEWS = ("60mm", "fitted")


@pytest.fixture(scope="module")
def plain():
    network = build_network("resnet18", seed=0).eval()
    return LoadedModel(network, "plain", state_hash(network.state_dict()), "1")


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    images, facts = stranger_images(["made-up"], Placing(views=VIEWS), data=tmp_path_factory.mktemp("d"), count=12)
    assert images.shape == (12, 2, 170, 242)
    return images, facts


@pytest.fixture(scope="module")
def viewed(plain, strangers):
    images, facts = strangers
    return _few(plain, images, facts)


def _few(plain, images, facts):
    import sigkd.models.whitening as whitening

    check, whitening._check = whitening._check, lambda *_: None  # 12 images are too few for real axes
    try:
        return whiten_views(plain, images, VIEWS, 3, facts)
    finally:
        whitening._check = check


def test_features_are_the_leading_axes_of_each_view_side_by_side(plain, strangers, viewed):
    images, _ = strangers
    features = extract_features(viewed, images, batch_size=8)
    assert features.shape == (12, 6) and feature_length(viewed) == 6
    responses = LoadedModel(linear_network(plain.network), "", "")
    for number in (0, 1):
        z = extract_features(responses, images[:, number]).astype(np.float64)
        centred = z - z.mean(axis=0)
        u, s, _ = np.linalg.svd(centred, full_matrices=False)
        own = features[:, 3 * number : 3 * number + 3].astype(np.float64)
        # up to their signs, the scores of a singular value decomposition
        np.testing.assert_allclose(np.abs(own), np.abs((u * s)[:, :3]), rtol=2e-3, atol=2e-3 * s[0] / 3)


def test_a_model_of_views_is_saved_whole_and_bound_to_its_axes(viewed, strangers, tmp_path):
    digest = save_model(tmp_path / "m.safetensors", viewed.network, viewed.metadata, projections=viewed.projections)
    again = load_file(tmp_path / "m.safetensors")
    assert digest == viewed.hash == again.hash and again.placing.views == VIEWS
    np.testing.assert_array_equal(extract_features(again, strangers[0]), extract_features(viewed, strangers[0]))
    assert Binding.of(again).preprocess_version == "2"
    half = save_model(
        tmp_path / "h.safetensors", viewed.network, viewed.metadata, half=True, projections=viewed.projections
    )
    assert half != digest and load_file(tmp_path / "h.safetensors").hash == half


def test_views_without_scale_are_known(viewed):
    assert columns_without_scale(viewed.projections) == slice(3, 6)
    with pytest.raises(UsageError, match="fitted to the ink"):
        columns_without_scale(viewed.projections[:1])


def test_projecting_is_linear(viewed):
    z = np.random.default_rng(0).normal(size=(4, 2, 2048)).astype(np.float32)
    zero = np.zeros_like(z)
    shift = project(zero, viewed.projections)
    np.testing.assert_allclose(
        project(2 * z, viewed.projections) - shift, 2 * (project(z, viewed.projections) - shift), rtol=1e-3, atol=1e-3
    )


def test_images_of_another_placing_are_refused(viewed, strangers, made_up_signatures):
    with pytest.raises(InputError, match="60mm, fitted"):
        extract_features(viewed, strangers[0][:, 0])
    batch = gather_images([made_up_signatures], made_up_signatures, placing=viewed.placing, skip_bad=True)
    assert batch.images.shape[1:] == (2, 170, 242) and batch.preprocess_version == "2"


def test_a_damaged_view_is_refused(viewed, tmp_path):
    bad = [viewed.projections[0], viewed.projections[1]]
    bad[1] = type(bad[1])("fitted", bad[1].mean, torch.full_like(bad[1].axes, float("nan")))
    path = tmp_path / "m.safetensors"
    save_model(path, viewed.network, viewed.metadata, projections=bad)
    with pytest.raises(ModelError, match="not finite"):
        load_file(path)


def test_on_a_canvas_the_first_view_alone_looks(viewed, strangers):
    images = np.ascontiguousarray(strangers[0][:3, 0])
    batch = ImageBatch(images, np.arange(3), np.zeros(3, np.int8), ["a", "b", "c"], "1", {"canvas": [952, 1360]})
    told = []

    class Loud(SilentProgress):
        def warn(self, message):
            told.append(message)

    found = extract_set(viewed, batch, progress=Loud())
    everything = extract_features(viewed, strangers[0][:3])
    first = viewed.projections[0].axes.shape[1]
    np.testing.assert_allclose(found.features, everything[:, :first], atol=1e-5)
    assert len(told) == 1 and "the first alone" in told[0]
    assert found.preprocess_version == "1" and viewed.on_canvas().placing == Placing()
    assert Binding.of(viewed.on_canvas()).difference(Binding.of(viewed)) is not None
