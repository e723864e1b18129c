"""Extraction: the centre crop, batches, memory that runs out, precision, and where images come from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from sigkd.errors import InputError, ModelError, UsageError
from sigkd.models.extract import ImageBatch, crop_to_input, extract_features, extract_set, gather_images
from sigkd.models.io import LoadedModel, load_model
from sigkd.progress import SilentProgress, Task


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model("resnet18:random")


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 170, 242), dtype=np.uint8)


class Warnings(SilentProgress):
    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.done = 0

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    @contextmanager
    def task(self, description: str, total: int | None = None, unit: str = "") -> Iterator[Task]:
        outer = self

        class Counting:
            def advance(self, amount: int = 1) -> None:
                outer.done += amount

            def describe(self, text: str) -> None:
                pass

        yield Counting()


def test_crop_is_the_centre(images: np.ndarray) -> None:
    np.testing.assert_array_equal(crop_to_input(images), images[:, 10:160, 11:231])
    np.testing.assert_array_equal(crop_to_input(images[:, None]), images[:, 10:160, 11:231])
    ready = images[:, :150, :220]
    np.testing.assert_array_equal(crop_to_input(ready), ready)


@pytest.mark.parametrize(
    "bad",
    [np.zeros((2, 100, 220), np.uint8), np.zeros((2, 150, 220), np.float32), np.zeros((150, 220), np.uint8)],
)
def test_wrong_images_are_refused(model: LoadedModel, bad: np.ndarray) -> None:
    with pytest.raises(InputError, match="uint8 N x H x W"):
        extract_features(model, bad)


def test_features_do_not_depend_on_the_batch(model: LoadedModel, images: np.ndarray) -> None:
    whole = extract_features(model, images)
    parts = extract_features(model, images, batch_size=2)
    assert whole.shape == (5, 2048) and whole.dtype == np.float32
    np.testing.assert_allclose(parts, whole, rtol=1e-4, atol=1e-5)
    by_hand = model.network(torch.from_numpy(crop_to_input(images).copy()).float()[:, None] / 255).detach().numpy()
    np.testing.assert_allclose(by_hand, whole, rtol=1e-4, atol=1e-5)


def test_no_images(model: LoadedModel, images: np.ndarray) -> None:
    assert extract_features(model, images[:0]).shape == (0, 2048)


def test_bfloat16_is_close(model: LoadedModel, images: np.ndarray) -> None:
    exact, rough = (extract_features(model, images[:2], precision=p) for p in ("float32", "bfloat16"))
    assert rough.dtype == np.float32
    assert 0 < np.abs(rough - exact).max() < 0.05 * np.abs(exact).max()


def test_wrong_options(model: LoadedModel, images: np.ndarray) -> None:
    with pytest.raises(UsageError, match="float32, bfloat16, float16"):
        extract_features(model, images, precision="float8")
    with pytest.raises(UsageError, match="at least 1"):
        extract_features(model, images, batch_size=0)


class SmallMemory(torch.nn.Module):
    """A network that can hold only ``room`` images, like a small GPU."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room, self.seen = room, []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append(len(x))
        if len(x) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return x.flatten(1)[:, :4]


def test_the_batch_is_halved_when_memory_runs_out(images: np.ndarray) -> None:
    network, progress = SmallMemory(1), Warnings()
    features = extract_features(LoadedModel(network, "m", "h"), images, batch_size=4, progress=progress)
    assert network.seen == [4, 2, 1, 1, 1, 1, 1]
    assert progress.done == 5 and len(progress.warnings) == 2
    np.testing.assert_allclose(features, crop_to_input(images)[:, 0, :4] / 255, rtol=1e-6)
    with pytest.raises(ModelError, match="one image"):
        extract_features(LoadedModel(SmallMemory(0), "m", "h"), images)


def test_features_that_are_not_finite_are_refused(images: np.ndarray) -> None:
    class Broken(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.flatten(1)[:, :4] * float("nan")

    with pytest.raises(ModelError, match="not finite"):
        extract_features(LoadedModel(Broken(), "m", "h"), images)


def test_provenance_and_warnings(model: LoadedModel, images: np.ndarray) -> None:
    progress = Warnings()
    made_for = LoadedModel(model.network, "m", model.hash, "2", (600, 850))
    batch = ImageBatch(
        images[:1], np.array([3]), np.array([0], np.int8), ["a"], "1", {"dataset": "d", "canvas": [952, 1360]}
    )
    features = extract_set(made_for, batch, progress=progress)
    assert features.model_hash == model.hash and features.preprocess_version == "1"
    assert features.metadata == {"dataset": "d", "canvas": [952, 1360], "precision": "float32"}
    assert len(progress.warnings) == 2 and "600x850" in progress.warnings[1]


def test_sources_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no images in this folder"):
        gather_images([tmp_path], tmp_path)
    with pytest.raises(InputError, match="no such file"):
        gather_images([tmp_path / "a.png", tmp_path / "b.png"], tmp_path)
