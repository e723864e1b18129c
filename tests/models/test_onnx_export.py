"""ONNX in both directions, through onnxruntime; safetensors for shipping."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sigkd.errors import ModelError, UsageError
from sigkd.models.export import PARITY, export_model, parity_images, without_head
from sigkd.models.extract import extract_features
from sigkd.models.io import LoadedModel, load_model, save_model
from sigkd.models.onnx_network import check_architecture
from sigkd.models.registry import build_network

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def graph(
    path: Path, *, batch: int | str = 1, outputs: int = 2048, classes: int | None = None, pixels: int = 220
) -> Path:
    """A tiny graph in the manner of the authors' files: a fully connected layer, ReLU, perhaps class scores."""
    rng = np.random.default_rng(0)
    helper, tensor = onnx.helper, onnx.numpy_helper.from_array
    weights = [tensor((rng.standard_normal((pixels, outputs)) / 15).astype(np.float32), "fc")]
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["row"], axes=[1, 2], keepdims=0),
        helper.make_node("MatMul", ["row", "fc"], ["linear"]),
        helper.make_node("Relu", ["linear"], ["feature"]),
    ]
    last, size = "feature", outputs
    if classes:
        weights.append(tensor(rng.standard_normal((outputs, classes)).astype(np.float32), "head"))
        nodes += [
            helper.make_node("MatMul", ["feature", "head"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        ]
        last, size = "probabilities", classes
    kind = onnx.TensorProto.FLOAT
    made = helper.make_graph(
        nodes,
        "made-up",
        [helper.make_tensor_value_info("image", kind, [batch, 1, 150, pixels])],
        [helper.make_tensor_value_info(last, kind, [batch, size])],
        weights,
    )
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 170, 242), dtype=np.uint8)


@pytest.mark.parametrize("batch", [1, 2, "n"])
def test_every_batch_size_of_a_graph(tmp_path: Path, images: np.ndarray, batch: int | str) -> None:
    loaded = load_model(graph(tmp_path / "m.onnx", batch=batch))
    assert loaded.hash == hashlib.sha256((tmp_path / "m.onnx").read_bytes()).hexdigest()
    features = extract_features(loaded, images, batch_size=4)
    one_by_one = extract_features(loaded, images, batch_size=1)
    assert features.shape == (5, 2048) and features.dtype == np.float32
    np.testing.assert_allclose(features, one_by_one, rtol=1e-4, atol=1e-6)
    assert loaded.network.forward_taps(torch.rand(1, 1, 150, 220)).maps == ()


def test_features_before_the_class_scores(tmp_path: Path, images: np.ndarray) -> None:
    plain = extract_features(load_model(graph(tmp_path / "plain.onnx")), images)
    with_head = extract_features(load_model(graph(tmp_path / "head.onnx", classes=310)), images)
    np.testing.assert_allclose(with_head, plain, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"outputs": 100}, "no output has 2048 values"), ({"pixels": 200}, r"not float \[N, 1, 150, 220\]")],
)
def test_graphs_of_other_networks(tmp_path: Path, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ModelError, match=rf"^[^\n]*m\.onnx: [^\n]*{reason}"):
        load_model(graph(tmp_path / "m.onnx", **options))


def test_damaged_graphs(tmp_path: Path) -> None:
    path = graph(tmp_path / "m.onnx")
    whole = path.read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"<html>" * 50):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"^[^\n]*m\.onnx: [^\n]*$"):
            load_model(path)


def test_export_onnx(tmp_path: Path, images: np.ndarray) -> None:
    network = build_network("resnet18", classes=4, seed=3).eval()
    save_model(tmp_path / "m.safetensors", network, {"preprocess_version": "1", "canvas": [600, 850]})
    model = load_model(tmp_path / "m.safetensors")
    facts = export_model(model, tmp_path / "m.onnx")
    assert facts.parity <= PARITY
    again = load_model(tmp_path / "m.onnx")
    assert again.canvas == (600, 850) and again.preprocess_version == "1" and again.metadata["hash"] == model.hash
    exact, through_onnx = extract_features(model, images), extract_features(again, images)  # 5 images: a dynamic batch
    assert np.abs(through_onnx - exact).max() <= 1e-4 * np.abs(exact).max()
    checked = onnx.load(str(tmp_path / "m.onnx"))
    onnx.checker.check_model(checked)
    assert [value.name for value in checked.graph.input] == ["images"]
    assert [value.name for value in checked.graph.output] == ["features"]
    with pytest.raises(UsageError, match="ONNX graph already"):
        export_model(again, tmp_path / "again.onnx")
    with pytest.raises(ModelError, match="was exported by sigkd"):
        check_architecture(tmp_path / "m.onnx", "resnet18")
    del checked.metadata_props[:]
    onnx.save(checked, str(tmp_path / "bare.onnx"))
    check_architecture(tmp_path / "bare.onnx", "resnet18")
    with pytest.raises(ModelError, match=r"no signet: its 20 convolutions are not the 5 of"):
        check_architecture(tmp_path / "bare.onnx", "signet")


def test_an_export_that_differs_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sigkd.models.export.feature_parity", lambda reference, other: 1e-2)
    program = type("Program", (), {"model_proto": onnx.load(str(graph(tmp_path / "made-up.onnx")))})
    monkeypatch.setattr(torch.onnx, "export", lambda *args, **options: program)
    with pytest.raises(ModelError, match=r"other features \(off by 1\.0e-02\); nothing was written"):
        export_model(load_model("resnet18:random"), tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


def test_an_export_does_not_tell_where_it_was_trained(tmp_path: Path) -> None:
    model = load_model("resnet18:random")
    model.metadata["recipe"] = {"teacher": str(tmp_path / "runs" / "expert" / "final.safetensors"), "epochs": 4}
    export_model(model, tmp_path / "m.safetensors", format="safetensors")
    assert load_model(tmp_path / "m.safetensors").metadata["recipe"] == {
        "teacher": "expert/final.safetensors",
        "epochs": 4,
    }


@pytest.mark.parametrize("half", [False, True])
def test_export_safetensors(tmp_path: Path, images: np.ndarray, half: bool) -> None:
    network = build_network("resnet18", classes=300, seed=3).eval()
    model = LoadedModel(network, "m", "h" * 64, "1", (600, 850), {"licence": "research"})
    facts = export_model(model, tmp_path / "m.safetensors", format="safetensors", half=half)
    again = load_model(tmp_path / "m.safetensors")
    assert again.network.head is None and again.hash == facts.hash and again.canvas == (600, 850)
    assert again.metadata["source_hash"] == model.hash and again.metadata["licence"] == "research"
    assert facts.bytes == (tmp_path / "m.safetensors").stat().st_size < (28e6 if half else 56e6)
    assert facts.parity < (2e-3 if half else 1e-6)
    kept = export_model(model, tmp_path / "h.safetensors", format="safetensors", head=True)
    assert load_model(kept.out).network.classes == 300


def test_wrong_wishes(tmp_path: Path) -> None:
    model = load_model("resnet18:random")
    with pytest.raises(UsageError, match="onnx or safetensors"):
        export_model(model, tmp_path / "m", format="tflite")
    with pytest.raises(UsageError, match="`half=True`"):
        export_model(model, tmp_path / "m", format="onnx", half=True)
    assert without_head(model.network) is model.network
    assert parity_images().shape == (3, 1, 150, 220)


@pytest.mark.slow
def test_export_signet(tmp_path: Path) -> None:
    assert export_model(load_model("signet:random"), tmp_path / "signet.onnx").parity <= PARITY
