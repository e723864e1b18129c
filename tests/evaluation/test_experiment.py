"""Opening what ``--dataset`` names."""

from __future__ import annotations

import numpy as np
import pytest

from sigkd.datasets.prepared import PreparedSignatures
from sigkd.errors import CohortError, DatasetError
from sigkd.evaluation.experiment import cohort_of_features, open_set
from sigkd.models.features import FeatureSet
from sigkd.paths import store_path
from sigkd.progress import SilentProgress


class Heard(SilentProgress):
    """Remembers what was said."""

    def __init__(self):
        self.lines = []

    def info(self, message):
        self.lines.append(message)


@pytest.fixture
def beside_a_folder(tmp_path, monkeypatch):
    """A prepared set 'mine', and a raw folder of that name in the working directory."""
    images = np.random.default_rng(0).integers(0, 255, (4, 170, 242), dtype=np.uint8)
    labels = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1], np.int8)
    stored = PreparedSignatures(images, *labels, list("abcd"), ["x", "y"], {"name": "mine", "layout": "folder"})
    store_path("mine", tmp_path / "data").parent.mkdir(parents=True)
    stored.save(store_path("mine", tmp_path / "data"))
    (tmp_path / "here" / "mine" / "x").mkdir(parents=True)
    (tmp_path / "here" / "raw").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "data"


def test_a_prepared_set_goes_before_a_folder_of_its_name(beside_a_folder):
    heard = Heard()
    opened = open_set("mine", beside_a_folder, heard)
    assert opened.labels.y.tolist() == [0, 0, 1, 1] and opened.writer_names == ["x", "y"]
    assert len(heard.lines) == 1 and "the prepared set" in heard.lines[0] and "not the folder" in heard.lines[0]


def test_extract_says_that_it_takes_the_folder(beside_a_folder, tmp_path):
    from PIL import Image

    from sigkd.models.extract import gather_images
    from sigkd.synthesis import signature_image

    Image.fromarray(signature_image(0, 0)).save(tmp_path / "here" / "mine" / "x" / "0.png")
    heard = Heard()
    batch = gather_images(["mine"], beside_a_folder, progress=heard)
    assert len(batch.images) == 1 and "the folder" in heard.lines[0] and "not the prepared set" in heard.lines[0]


def test_a_folder_that_is_not_prepared_is_refused(beside_a_folder, tmp_path):
    with pytest.raises(DatasetError, match="sigkd preprocess raw --dataset folder --name raw"):
        open_set("raw", beside_a_folder)
    with pytest.raises(DatasetError, match="a folder of images"):
        open_set(str(tmp_path / "here" / "mine"), beside_a_folder)


def test_no_cohort_fits_features_of_an_unknown_model(tmp_path):
    features = FeatureSet(np.ones((3, 4)), np.arange(3), np.zeros(3))
    with pytest.raises(CohortError, match="which model made them"):
        cohort_of_features(features, None, tmp_path)
    features.model_hash = "ab" * 32
    with pytest.raises(CohortError, match="no cohort fits"):
        cohort_of_features(features, None, tmp_path)
