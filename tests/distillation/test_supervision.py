"""Cached supervision says what online supervision says; it is made once and never mixed up."""

import dataclasses
import json

import numpy as np
import pytest
import tiny  # noqa: F401 - registers the network
import torch
from tiny import training_images

from sigkd.distillation.augment import Augmentation
from sigkd.distillation.cache import CacheKey
from sigkd.distillation.config import TrainingConfig
from sigkd.distillation.losses import LOSSES, StudentOutput, Targets
from sigkd.distillation.objective import Objective
from sigkd.distillation.recipes import supervision_mode, teacher_names
from sigkd.distillation.signals.geometry import Geometry
from sigkd.distillation.signals.response import Response
from sigkd.distillation.supervision import make_supervisor
from sigkd.errors import InputError, UsageError
from sigkd.models.io import LoadedModel
from sigkd.models.registry import build_network
from sigkd.models.state import state_hash

GEOMETRY = Geometry(5, "spatial", False)
BOTH = (GEOMETRY, Response())
LOSS = "+".join(name for name in LOSSES if name != "forgery")


def teacher(seed=1):
    network = build_network("tiny", seed=seed).eval()
    return LoadedModel(network, f"tiny{seed}", state_hash(network.state_dict()))


def supervisor(mode, cache, teachers=(1,), signals=BOTH):
    loaded = [teacher(seed) for seed in teachers]
    return make_supervisor(loaded, training_images(), signals, mode=mode, device=torch.device("cpu"), cache=cache)


def words(supervise, data, rows):
    return supervise(Augmentation()(torch.from_numpy(data.images[rows]), 0), rows)


@pytest.mark.parametrize(("ties", "ink_only"), [("spatial", False), ("random", False), ("index", True)])
def test_cached_and_online_give_the_same_losses(tmp_path, ties, ink_only):
    """All losses that need a teacher, whatever they need: nothing is known of it but their signals."""
    data = training_images()
    rows = data.training[[7, 2, 11, 5]]
    objective = Objective(TrainingConfig(loss=LOSS, ties=ties, ink_only=ink_only, seed=3))
    online = words(supervisor("online", tmp_path, (1, 2), objective.signals), data, rows)
    cached = words(supervisor("cached", tmp_path, (1, 2), objective.signals), data, rows)
    student = build_network("tiny", 4, seed=9)
    taps = student.forward_taps(Augmentation()(torch.from_numpy(data.images[rows]), 0))
    output = StudentOutput(taps.maps, taps.response, taps.logits)
    targets = Targets(torch.from_numpy(data.writers[rows]))
    values = [objective(output, targets, told) for told in (online, cached)]
    torch.testing.assert_close(values[0][0], values[1][0], rtol=1e-5, atol=1e-5)
    for term, value in values[0][1].items():
        torch.testing.assert_close(value, values[1][1][term], rtol=1e-4, atol=1e-6)
    for one, other in zip(online, cached, strict=True):
        assert one.keys() == other.keys() == set(objective.signals)
        geometry = next(signal for signal in objective.signals if isinstance(signal, Geometry))
        for a, b in zip(one[geometry], other[geometry], strict=True):
            assert torch.equal(a.mask, b.mask)


def test_the_teacher_computes_in_float32_also_beside_a_student_in_bfloat16(tmp_path):
    data = training_images()
    plain = words(supervisor("online", None), data, data.training[:4])[0]
    with torch.autocast("cpu", torch.bfloat16):
        beside = words(supervisor("online", None), data, data.training[:4])[0]
    assert torch.equal(plain[Response()], beside[Response()])
    assert torch.equal(plain[GEOMETRY][0].mask, beside[GEOMETRY][0].mask)
    assert torch.equal(plain[GEOMETRY][0].contrast, beside[GEOMETRY][0].contrast)


def test_the_teacher_is_asked_once(tmp_path, monkeypatch):
    from sigkd.distillation import supervision

    asked = []
    real = supervision.ask
    monkeypatch.setattr(supervision, "ask", lambda *a: asked.append((len(a[2]), a[3])) or real(*a))
    count = len(training_images().training)
    supervisor("cached", tmp_path, signals=BOTH[:1])
    supervisor("cached", tmp_path, signals=BOTH[:1])
    assert asked == [(1, [GEOMETRY]), (count, [GEOMETRY])]  # one image to learn the shapes, then all
    supervisor("cached", tmp_path)  # only what is missing
    assert asked[2:] == [(1, [Response()]), (count, [Response()])]
    facts = [json.loads((directory / "key.json").read_text()) for directory in sorted(tmp_path.iterdir())]
    assert [each["signal"] for each in facts] == [
        {"name": "geometry", "radius": 5, "ties": "spatial", "ink_only": False, "seed": 0},
        {"name": "response"},
    ]
    assert {each["teacher"] for each in facts} == {teacher().hash}
    assert {each["images"] for each in facts} == {count}


def test_everything_that_matters_is_in_the_key():
    data = training_images()
    keys = [
        CacheKey.of("t", data, GEOMETRY),
        CacheKey.of("u", data, GEOMETRY),
        CacheKey.of("t", data, dataclasses.replace(GEOMETRY, radius=4)),
        CacheKey.of("t", data, dataclasses.replace(GEOMETRY, ties="index")),
        CacheKey.of("t", data, dataclasses.replace(GEOMETRY, ink_only=True)),
        CacheKey.of("t", data, dataclasses.replace(GEOMETRY, ties="random", seed=1)),
        CacheKey.of("t", data, dataclasses.replace(GEOMETRY, ties="random", seed=2)),
        CacheKey.of("t", data, Response()),
        CacheKey.of("t", data.limited(8, 0), GEOMETRY),
        CacheKey.of("t", dataclasses.replace(data, content_hash="other"), GEOMETRY),
    ]
    assert len({key.name() for key in keys}) == len(keys)


def test_an_interrupted_cache_is_not_taken_for_a_whole_one(tmp_path, monkeypatch):
    from sigkd.distillation import supervision

    def interrupted(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(supervision, "ask", interrupted)
        with pytest.raises(KeyboardInterrupt):
            supervisor("cached", tmp_path)
    data = training_images()
    rows = data.training[:3]
    told = words(supervisor("cached", tmp_path), data, rows)[0]
    assert torch.equal(told[GEOMETRY][1].mask, words(supervisor("online", None), data, rows)[0][GEOMETRY][1].mask)


def test_damage_and_strange_images_are_noticed(tmp_path):
    supervise = supervisor("cached", tmp_path)
    data = training_images()
    with pytest.raises(ValueError, match="does not hold"):
        supervise(None, data.validation[:1])
    directory = next(tmp_path.glob("response-*"))
    (directory / "response.npy").write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"response\.npy: damaged"):
        supervisor("cached", tmp_path)
    np.save(directory / "response.npy", np.zeros((3, 2048), np.float32))
    with pytest.raises(InputError, match=r"of 3 images, not 32\); remove"):
        supervisor("cached", tmp_path)
    (directory / "response.npy").unlink()
    with pytest.raises(InputError, match=r"response\.npy: damaged"):
        supervisor("cached", tmp_path)


def test_no_room(tmp_path, monkeypatch):
    monkeypatch.setattr("sigkd.distillation.cache.shutil.disk_usage", lambda path: type("U", (), {"free": 10})())
    with pytest.raises(InputError, match="use `supervision='online'`"):
        supervisor("cached", tmp_path)


def test_size_on_disk(tmp_path):
    supervisor("cached", tmp_path)
    size = sum(np.load(path).nbytes for path in tmp_path.glob("*/*.npy")) / len(training_images().training)
    assert 35_000 < size < 37_000  # as documented: about 36 KB an image


def test_mode():
    still, moving = Augmentation(), Augmentation(random_crop=True)
    assert supervision_mode(TrainingConfig(), still) == "cached"
    assert supervision_mode(TrainingConfig(), moving) == "online"
    assert supervision_mode(TrainingConfig(supervision="online"), still) == "online"
    with pytest.raises(UsageError, match="need `supervision='online'`"):
        supervision_mode(TrainingConfig(supervision="cached"), moving)
    inked = {"strengths": {"ink": 0.5}}
    assert supervision_mode(TrainingConfig(), Augmentation(**inked)) == "online"
    assert supervision_mode(TrainingConfig(), Augmentation(**inked, clean_teacher=True)) == "cached"
    for moved in ({"random_crop": True}, {"strengths": {"ink": 0.5, "rotate": 3.0}}):
        assert supervision_mode(TrainingConfig(), Augmentation(**(inked | moved), clean_teacher=True)) == "online"


def test_names_of_teachers(tmp_path):
    assert teacher_names("signet+signet-f") == ["signet", "signet-f"]
    odd = tmp_path / "a+b.safetensors"
    odd.touch()
    assert teacher_names(str(odd)) == [str(odd)]
    with pytest.raises(UsageError, match="no teacher"):
        teacher_names(" + ")
