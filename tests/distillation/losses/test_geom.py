"""The geometric loss against Eq. 1 and 3 in plain NumPy, and its scale by hand."""

import numpy as np
import pytest
import torch

from sigkd.distillation.geometry import neighborhood_affinity_contrast, neighborhood_mask
from sigkd.distillation.losses import StudentOutput
from sigkd.distillation.losses.geom import GeometricLoss, geometric_loss
from sigkd.distillation.signals import Seen
from sigkd.distillation.signals.geometry import MapGeometry
from sigkd.models.registry import Taps


def test_it_is_half_a_sum_over_the_nodes_averaged_over_the_batch():
    # NAC off by 0.1 at every one of 442 nodes: 1/2 * 442 * 0.01, whatever the batch
    assert float(geometric_loss(torch.zeros(3, 442), torch.full((3, 442), 0.1))) == pytest.approx(2.21, rel=1e-5)
    teacher, student = torch.zeros(2, 4), torch.zeros(2, 4)
    student[0] = 1.0  # image 0: 1/2 * 4; image 1: 0
    assert float(geometric_loss(teacher, student)) == 1.0


def maps(random, depth):
    return tuple(torch.from_numpy(random.normal(size=(2, depth, h, w)).astype(np.float32)) for h, w in ((3, 4), (2, 3)))


def test_the_formula():
    random = np.random.default_rng(0)
    teacher_maps, student_maps = maps(random, 4), maps(random, 6)
    masks = [neighborhood_mask(each, 2, "index") for each in teacher_maps]
    told = tuple(
        MapGeometry(mask, neighborhood_affinity_contrast(each, mask))
        for each, mask in zip(teacher_maps, masks, strict=True)
    )
    terms = GeometricLoss(2, "index", False, 0)(StudentOutput(student_maps, None, None), None, told)
    for number in (0, 1):
        expected = 0.0
        for image in range(2):
            nac = []
            for feature_map in (teacher_maps[number], student_maps[number]):
                vectors = feature_map[image].flatten(1).T.numpy().astype(np.float64)
                distances = ((vectors[:, None] - vectors[None]) ** 2).sum(-1)
                nac.append((distances * masks[number][image].numpy()).sum(1) / distances.sum(1))
            expected += 0.5 * ((nac[0] - nac[1]) ** 2).sum() / 2
        assert float(terms[f"geom{number + 1}"]) == pytest.approx(expected, rel=1e-4)


def test_places_without_ink_are_left_out():
    """The formula over the places that have ink in their part of the image, for teacher and student alike."""
    random = np.random.default_rng(1)
    images = torch.zeros(2, 1, 12, 16)
    images[0, 0, 4:8, 3:14] = 0.5
    images[1, 0, :5, :9] = 0.7
    teacher_maps, student_maps = maps(random, 4), maps(random, 6)
    loss = GeometricLoss(1, "spatial", True, 0)
    (signal,) = loss.signals
    told = signal.unpack(signal.compute(Seen(images, np.arange(2), Taps(teacher_maps, None, None))))
    terms = loss(StudentOutput(student_maps, None, None), None, told)
    for number, (mask, _) in enumerate(told):
        height, width = teacher_maps[number].shape[2:]
        expected = 0.0
        for image in range(2):
            cells = images[image, 0].reshape(height, 12 // height, width, -1) if 16 % width == 0 else None
            inside = mask[image].any(dim=1).numpy()
            if cells is not None:
                assert np.array_equal(inside, (cells.amax(dim=(1, 3)) > 0).flatten().numpy())
            nac = []
            for feature_map in (teacher_maps[number], student_maps[number]):
                vectors = feature_map[image].flatten(1).T.double().numpy()
                distances = ((vectors[:, None] - vectors[None]) ** 2).sum(-1) * inside * inside[:, None]
                near, every = (distances * mask[image].numpy()).sum(1), distances.sum(1)
                nac.append(np.divide(near, every, out=np.zeros_like(near), where=inside))
            expected += 0.5 * ((nac[0] - nac[1]) ** 2).sum() / 2
        assert float(terms[f"geom{number + 1}"]) == pytest.approx(expected, rel=1e-4)
