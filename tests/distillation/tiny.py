"""A network and a text set so small that whole training runs take a second; as a program, sigkd with that network.

The maps have SigNet's sizes, so every loss runs as it does in earnest.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from sigkd.datasets.textset import INDEX_COLUMNS, TextCounts, TextDescription, TextSkipped, content_hash
from sigkd.distillation.data import TrainingImages
from sigkd.files import write_json
from sigkd.models.networks import NETWORKS
from sigkd.models.registry import FEATURE_SIZE, FeatureNetwork, Taps


class Tiny(FeatureNetwork):
    """Two convolutions with batch norm, maps 17x26 and 8x12."""

    architecture = "tiny"

    def __init__(self, classes=None):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, 6, (22, 20), stride=8, bias=False), nn.BatchNorm2d(6), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(6, 8, 3, stride=2, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.feature = nn.Sequential(
            nn.Linear(8 * 4 * 6, FEATURE_SIZE, bias=False), nn.BatchNorm1d(FEATURE_SIZE), nn.ReLU()
        )
        self.head = None if classes is None else nn.Linear(FEATURE_SIZE, classes)

    def forward_taps(self, images):
        map1 = self.first(images)
        map2 = self.second(map1)
        response = self.feature(nn.functional.avg_pool2d(map2, 2).flatten(1))
        return Taps((map1, map2), response, None if self.head is None else self.head(response))


if "tiny" not in NETWORKS:
    NETWORKS.register("tiny")(Tiny)


def drawings(count, writers, seed=0):
    """Return waves [count, 170, 242] whose frequency is the writer's, and the writers [count]."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % writers
    images = np.zeros((count, 170, 242), np.uint8)
    columns = np.arange(30, 210)
    for image, label in zip(images, labels, strict=True):
        rows = 85 + 30 * np.sin(columns / (4 + 3 * label) + random.random()) + random.normal(size=len(columns))
        for offset in (-1, 0, 1):
            image[np.clip(rows + offset, 0, 169).astype(int), columns] = 120 + 20 * (label % 6)
    return images, labels


def training_images(count=40, writers=4, forged=False):
    images, labels = drawings(count, writers)
    held = np.arange(count) % 5 == 4
    return TrainingImages(
        images=images,
        writers=labels.astype(np.int64),
        training=np.flatnonzero(~held),
        validation=np.flatnonzero(held),
        classes=writers,
        name="waves",
        content_hash="waves-1",
        forged=(np.arange(count) % 3 == 0).astype(np.float32) if forged else None,
        metadata={"preprocess_version": "1"},
    )


def write_text_set(directory: Path, count=40, writers=4):
    """Write a text dataset as ``sigkd prepare-text`` does."""
    directory.mkdir(parents=True)
    images, labels = drawings(count, writers)
    np.save(directory / "images.npy", images)
    index = np.zeros(count, dtype=[(name, "<i4") for name in INDEX_COLUMNS])
    index["label"], index["split"] = labels, np.arange(count) % 5 == 4
    np.save(directory / "index.npy", index)
    names = [f"w{i}" for i in range(writers)]
    per_writer = np.bincount(labels, minlength=writers).tolist()
    description = TextDescription(
        sigkd_version="test",
        preprocess_version="1",
        source="drawings",
        layout="folder",
        options={},
        size=images.shape[1:],
        canvas_names=[],
        canvas_sizes=[],
        counts=TextCounts(1, count, count, count, writers, count - count // 5, count // 5, 1, count),
        skipped=TextSkipped([], [], [], {}),
        writers=names,
        crops_per_writer=per_writer,
        pages=[],
        content_hash=content_hash(directory, names),
    )
    write_json(directory / "dataset.json", description.to_json())


if __name__ == "__main__":
    from sigkd.cli.app import main

    torch.set_num_threads(1)
    main(sys.argv[1:])
