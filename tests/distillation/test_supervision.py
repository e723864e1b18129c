"""Cached supervision says what online supervision says; it is made once and never mixed up."""

import dataclasses
import json

import numpy as np
import pytest
import tiny  # noqa: F401 - registers the network
import torch
from tiny import training_images

from sigkd.distillation.augment import Augmentation
from sigkd.distillation.cache import CacheKey, part_files
from sigkd.distillation.config import TrainingConfig
from sigkd.distillation.losses import Needs, Objective, StudentOutput, Targets
from sigkd.distillation.recipes import supervision_mode, teacher_names
from sigkd.distillation.supervision import make_supervisor
from sigkd.errors import InputError, UsageError
from sigkd.models.io import LoadedModel
from sigkd.models.registry import build_network
from sigkd.models.state import state_hash

BOTH = Needs.GEOMETRY | Needs.RESPONSE


def teacher(seed=1):
    network = build_network("tiny", seed=seed).eval()
    return LoadedModel(network, f"tiny{seed}", state_hash(network.state_dict()))


def supervisor(mode, cache, teachers=(1,), needs=BOTH, data=None, precision=torch.float32, **changes):
    options = {"mode": mode, "radius": 5, "precision": precision, "device": torch.device("cpu"), "cache": cache}
    return make_supervisor([teacher(seed) for seed in teachers], data or training_images(), needs, **options | changes)


def words(supervise, data, rows):
    return supervise(Augmentation()(torch.from_numpy(data.images[rows]), 0), rows)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_cached_and_online_give_the_same_losses(tmp_path, precision):
    data = training_images()
    rows = data.training[[7, 2, 11, 5]]
    online = words(supervisor("online", tmp_path, (1, 2), precision=precision), data, rows)
    cached = words(supervisor("cached", tmp_path, (1, 2), precision=precision), data, rows)
    student = build_network("tiny", 4, seed=9)
    taps = student.forward_taps(Augmentation()(torch.from_numpy(data.images[rows]), 0))
    output = StudentOutput(taps.maps, taps.response, taps.logits)
    objective = Objective(["cl", "geom", "tce", "bt", "bc"])
    targets = Targets(torch.from_numpy(data.writers[rows]))
    values = [objective(output, targets, told) for told in (online, cached)]
    torch.testing.assert_close(values[0][0], values[1][0], rtol=1e-5, atol=1e-5)
    for term, value in values[0][1].items():
        torch.testing.assert_close(value, values[1][1][term], rtol=1e-4, atol=1e-6)
    for one, other in zip(online, cached, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one.masks, other.masks, strict=True))


def test_the_teacher_is_asked_once(tmp_path, monkeypatch):
    from sigkd.distillation import supervision

    asked = []
    real = supervision.ask_packed
    monkeypatch.setattr(supervision, "ask_packed", lambda *a: asked.append(a[2]) or real(*a))
    supervisor("cached", tmp_path, needs=Needs.GEOMETRY)
    supervisor("cached", tmp_path, needs=Needs.GEOMETRY)
    assert asked == [Needs.GEOMETRY]
    supervisor("cached", tmp_path)  # only what is missing
    assert asked == [Needs.GEOMETRY, Needs.RESPONSE]
    directory = next(tmp_path.iterdir())
    facts = json.loads((directory / "key.json").read_text())
    assert facts["teacher"] == teacher().hash
    assert facts["images"] == len(training_images().training)


def test_everything_that_matters_is_in_the_key():
    data = training_images()
    base = CacheKey.of("t", data, 5, torch.float32)
    others = [
        CacheKey.of("u", data, 5, torch.float32),
        CacheKey.of("t", data, 4, torch.float32),
        CacheKey.of("t", data, 5, torch.bfloat16),
        CacheKey.of("t", data.limited(8, 0), 5, torch.float32),
        CacheKey.of("t", dataclasses.replace(data, content_hash="other"), 5, torch.float32),
    ]
    assert len({key.name() for key in [base, *others]}) == 6


def test_an_interrupted_cache_is_not_taken_for_a_whole_one(tmp_path, monkeypatch):
    from sigkd.distillation import supervision

    def interrupted(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(supervision, "ask_packed", interrupted)
        with pytest.raises(KeyboardInterrupt):
            supervisor("cached", tmp_path)
    data = training_images()
    rows = data.training[:3]
    told = words(supervisor("cached", tmp_path), data, rows)[0]
    assert torch.equal(told.masks[1], words(supervisor("online", None), data, rows)[0].masks[1])


def test_damage_and_strange_images_are_noticed(tmp_path):
    supervise = supervisor("cached", tmp_path)
    data = training_images()
    with pytest.raises(ValueError, match="does not hold"):
        supervise(None, data.validation[:1])
    directory = next(tmp_path.iterdir())
    (directory / "response" / "response.npy").write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"response\.npy: damaged"):
        supervisor("cached", tmp_path)


def test_no_room(tmp_path, monkeypatch):
    monkeypatch.setattr("sigkd.distillation.cache.shutil.disk_usage", lambda path: type("U", (), {"free": 10})())
    with pytest.raises(InputError, match="use --supervision online"):
        supervisor("cached", tmp_path)


def test_size_on_disk():
    size = sum(
        int(np.prod(shape)) * np.dtype(kind).itemsize
        for part in (Needs.GEOMETRY, Needs.RESPONSE)
        for shape, kind in part_files(part, 1).values()
    )
    assert 35_000 < size < 37_000  # as documented: about 36 KB an image


def test_mode():
    still, moving = Augmentation(), Augmentation(random_crop=True)
    assert supervision_mode(TrainingConfig(), still) == "cached"
    assert supervision_mode(TrainingConfig(), moving) == "online"
    assert supervision_mode(TrainingConfig(supervision="online"), still) == "online"
    with pytest.raises(UsageError, match="need --supervision online"):
        supervision_mode(TrainingConfig(supervision="cached"), moving)


def test_names_of_teachers(tmp_path):
    assert teacher_names("signet+signet-f") == ["signet", "signet-f"]
    odd = tmp_path / "a+b.safetensors"
    odd.touch()
    assert teacher_names(str(odd)) == [str(odd)]
    with pytest.raises(UsageError, match="no teacher"):
        teacher_names(" + ")
