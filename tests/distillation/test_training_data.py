"""What is trained on: limits, signature sets joined, and the order of the images."""

import numpy as np
import pytest
from tiny import training_images

from sigkd.datasets.prepared import PreparedSignatures
from sigkd.distillation.data import Feeder, Order, TrainingImages, from_signatures
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
    data = from_signatures([signatures("a", 3)], forgeries=True)
    assert len(data.images) == 3 * 13
    assert data.forged.sum() == 9


def test_what_is_trained_on_is_in_the_hash():
    sets = [signatures("a", 3)]
    hashes = {
        from_signatures(sets, forgeries=forgeries, validation=validation, seed=seed).content_hash
        for forgeries, validation, seed in ((False, 0.1, 0), (True, 0.1, 0), (False, 0.2, 0), (False, 0.1, 1))
    }
    assert len(hashes) == 4


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
