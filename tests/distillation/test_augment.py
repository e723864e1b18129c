"""Crops and random changes: exact where they are defined, reproducible, the same however the batch is shared."""

import numpy as np
import pytest
import torch

from sigkd.distillation.augment import Augmentation, step_seed
from sigkd.distillation.augmentations import AUGMENTATIONS, parse_augmentations
from sigkd.errors import UsageError


@pytest.fixture
def images():
    from tiny import drawings

    return torch.from_numpy(drawings(6, 3)[0])


def test_the_default_is_the_centre(images):
    crop = Augmentation()
    assert crop.deterministic
    result = crop(images, step=3)
    assert result.shape == (6, 1, 150, 220)
    assert torch.equal(result[:, 0], images[:, 10:160, 11:231].float() / 255)


def test_random_crops_are_pieces_of_the_image_and_reach_the_corners():
    grid = torch.arange(170)[:, None] % 128 + torch.zeros(242, dtype=torch.int64)
    columns = torch.zeros(170, dtype=torch.int64)[:, None] + torch.arange(242) % 256
    places = set()
    for step in range(60):
        top = Augmentation(random_crop=True, seed=1)(grid.to(torch.uint8).expand(20, -1, -1), step)[:, 0, 0, 0] * 255
        left = Augmentation(random_crop=True, seed=1)(columns.to(torch.uint8).expand(20, -1, -1), step)[:, 0, 0, 0]
        places |= set(zip(top.round().int().tolist(), (left * 255).round().int().tolist(), strict=True))
    tops, lefts = {top for top, _ in places}, {left for _, left in places}
    assert tops == set(range(21))
    assert lefts == set(range(23))


def test_parsing():
    assert parse_augmentations(["ink", "blur=2"]) == {"ink": 0.25, "blur": 2.0}
    everything = parse_augmentations(["all", "rotate=3"])
    assert set(everything) == set(AUGMENTATIONS) - {"noise"}
    assert everything["rotate"] == 3.0
    assert parse_augmentations(["rotate=3", "all"])["rotate"] == 3.0
    for text, words in (("blurr", "Did you mean 'blur'"), ("blur=x", "not a number"), ("ink=2", "between 0 and 1")):
        with pytest.raises(UsageError, match=words):
            parse_augmentations([text])


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_every_change_is_reproducible_bounded_and_changes_something(images, name):
    change = Augmentation(strengths=parse_augmentations([name]), seed=5)
    assert not change.deterministic
    result = change(images, step=9)
    assert result.shape == (6, 1, 150, 220)
    assert result.dtype == torch.float32
    assert result.min() >= 0
    assert result.max() <= 1
    assert torch.equal(result, change(images, step=9))
    assert not torch.equal(result, change(images, step=10))
    assert not torch.equal(result, Augmentation()(images, 0))


@pytest.mark.parametrize("names", [["all"], ["noise", "ink"], []])
def test_shares_of_a_batch_make_up_the_whole(images, names):
    change = Augmentation(random_crop=True, strengths=parse_augmentations(names), seed=2)
    whole = change(images, step=4)
    parts = [change(images[start : start + 2], 4, start, 6) for start in (0, 2, 4)]
    torch.testing.assert_close(torch.cat(parts), whole, atol=1e-6, rtol=0)


def test_a_clean_teacher_sees_the_student_s_crop_and_warp_with_its_own_ink(images):
    everything = parse_augmentations(["all", "noise"])
    moves = {name: everything[name] for name in ("rotate", "shear", "scale", "zoom", "elastic")}
    both = Augmentation(random_crop=True, strengths=everything, seed=4, clean_teacher=True)
    student, teacher = both.pair(images, 5)
    assert torch.equal(student, Augmentation(random_crop=True, strengths=everything, seed=4)(images, 5))
    assert torch.equal(teacher, Augmentation(random_crop=True, strengths=moves, seed=4)(images, 5))
    assert not torch.equal(student, teacher)
    same = Augmentation(random_crop=True, strengths=everything, seed=4).pair(images, 5)
    assert torch.equal(*same)


def test_a_share_of_the_images_keeps_its_ink(images):
    change = Augmentation(strengths={"ink": 0.1}, seed=1, share=0.5, clean_teacher=True)
    changed = []
    for step in range(40):
        student, teacher = change.pair(images, step)
        assert torch.equal(teacher, Augmentation()(images, 0))
        changed += (student != teacher).flatten(1).any(dim=1).tolist()
    assert 0.35 < sum(changed) / len(changed) < 0.65


def test_warp_without_strength_is_the_crop(images):
    change = Augmentation(random_crop=True, strengths={"rotate": 0.0}, seed=3)
    plain = Augmentation(random_crop=True, seed=3)
    torch.testing.assert_close(change(images, 1), plain(images, 1), atol=1e-4, rtol=0)


def test_zoom_enlarges_about_the_centre():
    image = torch.zeros(1, 170, 242, dtype=torch.uint8)
    image[:, 75:95, 101:141] = 255  # 20 x 40 in the middle
    sizes = set()
    for step in range(8):
        big = Augmentation(strengths={"zoom": 2.0}, seed=step)(image, step)[0, 0] > 0.5
        rows, columns = torch.nonzero(big.any(1)).flatten(), torch.nonzero(big.any(0)).flatten()
        assert abs(float(rows.float().mean()) - 74.5) < 1
        assert abs(float(columns.float().mean()) - 109.5) < 1
        assert len(columns) == pytest.approx(2 * len(rows), abs=3)
        sizes.add(len(rows))
    assert min(sizes) < 20 < max(sizes)


def test_thinning_takes_ink_away_and_thickening_adds(images):
    plain = Augmentation()(images, 0).sum()
    assert Augmentation(strengths={"thin": 1.0})(images, 0).sum() < plain
    assert Augmentation(strengths={"thicken": 1.0})(images, 0).sum() > plain


def test_blur_keeps_the_ink_and_leaves_some_images_alone():
    image = torch.zeros(16, 170, 242, dtype=torch.uint8)
    image[:, 80:90, 100:130] = 200
    plain = Augmentation()(image, 0)
    blurred = Augmentation(strengths={"blur": 2.0})(image, 0)
    np.testing.assert_allclose(blurred.sum((1, 2, 3)), plain.sum((1, 2, 3)), rtol=1e-4)
    same = (blurred - plain).abs().amax((1, 2, 3)) < 1e-4
    assert 0 < same.sum() < 16


def test_ink_factor_is_in_range(images):
    plain = Augmentation()(images, 0)
    for step in range(5):
        ratio = Augmentation(strengths={"ink": 0.25})(images, step).amax((1, 2, 3)) / plain.amax((1, 2, 3))
        assert (ratio >= 0.25).all()
        assert (ratio <= 1.0).all()


def test_paper_stays_black_with_noise():
    blank = torch.zeros(2, 170, 242, dtype=torch.uint8)
    assert Augmentation(strengths={"noise": 0.5})(blank, 0).max() == 0


def test_seeds_of_steps_differ():
    seeds = {step_seed(seed, step) for seed in range(20) for step in range(200)}
    assert len(seeds) == 4000
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_images_that_are_too_small():
    with pytest.raises(ValueError, match="smaller than"):
        Augmentation()(torch.zeros(1, 100, 242, dtype=torch.uint8), 0)
