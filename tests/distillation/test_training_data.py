"""What is trained on: limits, signature sets joined, and the order of the images."""

import numpy as np
import pytest
from tiny import training_images

from sigkd.datasets.prepared import PreparedSignatures
from sigkd.distillation.data import Feeder, Order, StackedImages, TrainingImages, find_training, from_signatures
from sigkd.errors import DatasetError, UsageError


def signatures(name, writers, version="1", size=(170, 242)):
    """Return a set with 10 genuine signatures and 4 forgeries a writer; each image holds its own number."""
    per = 14
    count = writers * per
    x = np.zeros((count, *size), np.uint8)
    x[:, 0, 0] = np.arange(count)
    kind = np.tile([0] * 10 + [1] * 3 + [2], writers).astype(np.int8)
    metadata = {"name": name, "preprocess_version": version, "canvas": [952, 1360]}
    names = [f"{name}{i}" for i in range(writers)]
    return PreparedSignatures(
        x, np.repeat(np.arange(writers), per), kind, [str(i) for i in range(count)], names, metadata
    )


def test_joined_sets_have_different_writers():
    data = from_signatures([signatures("a", 3), signatures("b", 2)])
    assert data.classes == 5
    assert len(data.images) == 50
    assert data.forged is None
    assert np.bincount(data.writers).tolist() == [10] * 5
    assert np.bincount(data.writers[data.validation]).tolist() == [1] * 5
    assert not set(data.training) & set(data.validation)
    assert len(data.training) + len(data.validation) == 50
    assert data.metadata["writers"] == ["a/a0", "a/a1", "a/a2", "b/b0", "b/b1"]
    assert data.metadata["preprocess_version"] == "1"


def test_forgeries_are_the_skilled_ones():
    data = from_signatures([signatures("a", 3)], forgeries="term")
    assert len(data.images) == 3 * 13
    assert data.forged.sum() == 9
    both = from_signatures([signatures("a", 3), signatures("b", 2)], forgeries="term")
    assert both.forged.sum() == 15
    assert len(both.forged) == len(both.images) == 5 * 13


def test_forgeries_as_classes():
    data = from_signatures([signatures("a", 3), signatures("b", 2)], forgeries="classes", validation=0.4)
    assert data.classes == 10
    assert data.forged is None
    assert np.bincount(data.writers).tolist() == [10, 10, 10, 3, 3, 3, 10, 10, 3, 3]
    assert np.bincount(data.writers[data.validation]).tolist() == [4, 4, 4, 1, 1, 1, 4, 4, 1, 1]
    assert data.metadata["writers"][2:5] == ["a/a2", "a/a0 forged", "a/a1 forged"]
    rows = np.flatnonzero(data.writers == 4)  # the forgeries of writer 1 of the first set
    assert [int(image[0, 0]) for image in data.images[rows]] == [24, 25, 26]


def test_stacked_images_are_one_array():
    parts = [np.random.default_rng(n).integers(0, 256, (n, 3, 4), np.uint8) for n in (2, 5, 1)]
    stacked, whole = StackedImages(parts), np.concatenate(parts)
    rows = np.array([7, 0, 2, 2, 6, 1])
    assert (len(stacked), stacked.shape, stacked.nbytes) == (8, whole.shape, whole.nbytes)
    assert np.array_equal(stacked[rows], whole[rows])
    assert np.array_equal(np.asarray(stacked), whole)


def test_text_and_signatures_together(text_home):
    signatures("made-up", 4).save(text_home / "datasets" / "made-up.npz")
    text = find_training("text", text_home)
    data = find_training("text+made-up[1:3]", text_home)
    assert data.classes == text.classes + 4
    assert len(data.images) == len(text.images) + 2 * 13
    assert np.array_equal(data.images[np.array([0])], text.images[np.array([0])])
    assert len(data.training) == len(text.training) + 2 * (9 + 3)
    assert len(data.validation) == len(text.validation) + 2
    assert data.writers[len(text.images) :].min() == text.classes
    with pytest.raises(DatasetError, match="no text dataset 'absent'"):
        find_training("text+absent", text_home)
    with pytest.raises(UsageError, match="names no dataset"):
        find_training(" + ", text_home)


def test_what_is_trained_on_is_in_the_hash():
    sets = [signatures("a", 3)]
    options = (("none", 0.1, 0), ("term", 0.1, 0), ("classes", 0.1, 0), ("none", 0.2, 0), ("none", 0.1, 1))
    hashes = {
        from_signatures(sets, forgeries=forgeries, validation=validation, seed=seed).content_hash
        for forgeries, validation, seed in options
    }
    assert len(hashes) == 5


def test_sets_that_do_not_fit_together():
    with pytest.raises(UsageError, match="different versions"):
        from_signatures([signatures("a", 2), signatures("b", 2, version="2")])
    with pytest.raises(UsageError, match="different sizes"):
        from_signatures([signatures("a", 2), signatures("b", 2, size=(160, 230))])


def test_limited():
    data = training_images()
    few = data.limited(10, seed=1)
    assert len(few.training) == 10
    assert set(few.training) <= set(data.training)
    assert np.array_equal(few.training, data.limited(10, seed=1).training)
    assert not np.array_equal(few.training, data.limited(10, seed=2).training)
    assert data.limited(None, 0) is data
    assert data.limited(10**6, 0) is data


def test_data_without_sense():
    images = np.zeros((2, 170, 242), np.uint8)
    rows = np.arange(2)
    with pytest.raises(DatasetError, match="no training images"):
        TrainingImages(images, rows, rows[:0], rows, 2, "x", "h")
    with pytest.raises(DatasetError, match=r"outside 0\.\.0"):
        TrainingImages(images, rows, rows, rows[:0], 1, "x", "h")


def test_an_epoch_is_a_pass_without_its_incomplete_batch():
    order = Order(np.arange(100, 123), batch_size=5, seed=1)
    assert order.steps == 4
    first, second = order.epoch(0), order.epoch(1)
    assert first.shape == (4, 5)
    assert len(set(first.ravel())) == 20
    assert set(first.ravel()) <= set(range(100, 123))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, Order(np.arange(100, 123), 5, 1).epoch(0))
    assert not np.array_equal(first, Order(np.arange(100, 123), 5, 2).epoch(0))


@pytest.mark.parametrize("images", [4, 10, 23, 50])
def test_short_and_long_epochs_see_everything_equally_often(images):
    order = Order(np.arange(11), batch_size=2, seed=0, images_per_epoch=images)
    assert order.steps == images // 2
    epochs = 11 * 4
    seen = np.concatenate([order.epoch(epoch).ravel() for epoch in range(epochs)])
    assert set(np.bincount(seen)) == {order.steps * 2 * epochs // 11}


def test_too_few_images_for_a_batch():
    with pytest.raises(UsageError, match="fewer than one batch"):
        Order(np.arange(7), batch_size=8, seed=0)


def test_feeder_brings_rows():
    import torch

    data = training_images(forged=True)
    batch = Feeder(data, torch.device("cpu"))(np.array([5, 3]))
    assert np.array_equal(batch.images.numpy(), data.images[[5, 3]])
    assert batch.writers.tolist() == data.writers[[5, 3]].tolist()
    assert batch.forged.tolist() == data.forged[[5, 3]].tolist()
