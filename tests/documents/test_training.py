"""The recipes of the two small networks run: what they make is looked at, and a step is trained and written."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def recipes(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import train_ink_network
    import train_signature_detector

    threads = torch.get_num_threads(), cv2.getNumThreads()
    yield train_ink_network, train_signature_detector
    torch.set_num_threads(threads[0])
    cv2.setNumThreads(threads[1])
    for name in ("train_ink_network", "train_signature_detector"):
        sys.modules.pop(name)


def test_everybody_who_signs_leaves_ink(recipes):
    sign = recipes[1].signer(np.random.default_rng(3), True, chance=1.0)
    made = [sign(None) for _ in range(12)]
    signed = [one for one in made if one is not None]
    assert len(signed) >= 9 and {one.dpi == (400.0, 400.0) for one in signed} == {True, False}  # scribbles are at 400
    assert all((one.presence > 127).any() for one in signed)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("which", "amount", "length", "outputs"),
    [
        (0, ("--number", "12"), ("--steps", "1"), {"kinds": (1, 4, 64, 96)}),
        (1, ("--pages", "2"), ("--minutes", "0.001"), {"cells": (1, 5, 8, 12), "strokes": (1, 1, 32, 48)}),
    ],
)
def test_a_network_is_trained_and_written(recipes, tmp_path, monkeypatch, which, amount, length, outputs):
    recipe, out = recipes[which], tmp_path / "network.onnx"
    for words in (("make", tmp_path / "set", *amount), ("train", *length, "--out", out, tmp_path / "set")):
        monkeypatch.setattr(sys, "argv", ["recipe", *map(str, words)])
        recipe.main()
    network = cv2.dnn.readNetFromONNX(str(out))
    network.setInput(np.zeros((1, 3, 64, 96), np.float32))
    assert {name: value.shape for name, value in zip(outputs, network.forward(list(outputs)), strict=True)} == outputs
    assert out.with_suffix(".pt").is_file()
