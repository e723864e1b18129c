"""ONNX feature extractors through onnxruntime (extra ``onnx``), behind the same interface as the torch networks."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sigkd.errors import ModelError, UsageError
from sigkd.models.registry import FEATURE_SIZE, INPUT_SIZE, FeatureNetwork, Taps


class OnnxNetwork(FeatureNetwork):
    """An ONNX graph that maps images [B, 1, 150, 220] in [0, 1] to responses [B, 2048].

    Graphs with a fixed batch of 1, such as the authors' own files, are run image by image. They offer no feature
    maps, so they can be used to extract and verify, and not as teachers of the geometric loss. They compute on the CPU.
    """

    architecture = "onnx"
    head = None

    def __init__(self, content: bytes, source: str) -> None:
        super().__init__()
        self.source = source
        self._session = _session(content, source)
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise ModelError(f"{source}: a feature extractor has one input, this graph has {len(inputs)}")
        shape = list(inputs[0].shape)
        if len(shape) != 4 or shape[1:] != [1, *INPUT_SIZE] or inputs[0].type != "tensor(float)":
            raise ModelError(f"{source}: the input is {inputs[0].type} {shape}, not float [N, 1, 150, 220]")
        self._input = inputs[0].name
        self._batch = shape[0] if isinstance(shape[0], int) else None
        self._output = self._feature_output()

    def _feature_output(self) -> str:
        """Return the name of the output with 2048 values an image, found by running a blank image."""
        names = [output.name for output in self._session.get_outputs()]
        blank = np.zeros((self._batch or 1, 1, *INPUT_SIZE), np.float32)
        sizes = {}
        for name, value in zip(names, self._run(blank, names), strict=True):
            sizes[name] = int(value.size) // len(blank)
            if sizes[name] == FEATURE_SIZE:
                return str(name)
        raise ModelError(f"{self.source}: no output has {FEATURE_SIZE} values an image (found: {sizes})")

    def _run(self, images: np.ndarray[Any, Any], names: list[str]) -> list[np.ndarray[Any, Any]]:
        try:
            return list(self._session.run(names, {self._input: images}))
        except Exception as error:  # onnxruntime raises its own unrelated classes, hidden in a private module
            raise ModelError(f"{self.source}: onnxruntime cannot run the graph ({_line(error)})") from error

    def forward_taps(self, images: Tensor) -> Taps:
        """Return the response only: an ONNX graph has no feature maps to tap."""
        return Taps((), self.forward(images), None)

    def forward(self, images: Tensor) -> Tensor:
        """Return the response [B, 2048] of ``images`` [B, 1, 150, 220]."""
        batch = images.detach().float().cpu().numpy()
        step = self._batch or max(len(batch), 1)
        parts = []
        for start in range(0, len(batch), step):
            chunk = batch[start : start + step]
            missing = step - len(chunk) if self._batch else 0
            if missing:  # a fixed batch above 1: fill it up and drop the surplus
                chunk = np.concatenate([chunk, np.zeros((missing, *chunk.shape[1:]), np.float32)])
            response = self._run(np.ascontiguousarray(chunk), [self._output])[0].reshape(len(chunk), FEATURE_SIZE)
            parts.append(response[: len(chunk) - missing])
        features = np.concatenate(parts) if parts else np.zeros((0, FEATURE_SIZE), np.float32)
        return torch.from_numpy(features.astype(np.float32, copy=False)).to(images.device)


def load_onnx(path: Path) -> tuple[OnnxNetwork, str, dict[str, str]]:
    """Load an ONNX file.

    If the graph only gives class scores, the 2048 values that its last fully connected layer reads are taken.

    Returns:
        The network, the SHA-256 of the file (its model hash) and the file's metadata.

    Raises:
        UsageError: onnxruntime is not installed. ModelError: not a usable feature extractor.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"{path}: no such model file")
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    try:
        network = OnnxNetwork(content, str(path))
    except ModelError as error:
        if "no output has" not in str(error):
            raise
        network = OnnxNetwork(_with_feature_output(content, path, error), str(path))
    metadata = dict(network._session.get_modelmeta().custom_metadata_map)
    return network.eval(), digest, metadata


def check_architecture(path: Path, architecture: str) -> None:
    """Refuse a graph whose convolutions are not those of a registered architecture.

    Compared are the shapes of the kernels, in any order; fully connected layers may be written as convolutions. It
    tells another architecture, not another training of the same one.

    Raises:
        UsageError: onnx is not installed. ModelError: another architecture, or a file that this program exported.
    """
    from sigkd.models.registry import build_network

    try:
        import onnx
    except ImportError:
        raise UsageError(f"{path}: a look inside the graph needs onnx: pip install 'sigkd[onnx]'") from None
    model = onnx.load_from_string(Path(path).read_bytes())
    if any(entry.key == "sigkd" for entry in model.metadata_props):
        raise ModelError(f"{path}: was exported by sigkd, so it is no file that its authors published")
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    shapes |= {
        node.output[0]: tuple(node.attribute[0].t.dims) for node in model.graph.node if node.op_type == "Constant"
    }
    kernels = [shapes.get(node.input[1], ()) for node in model.graph.node if node.op_type == "Conv"]
    found = sorted(shape for shape in kernels if not any(side >= FEATURE_SIZE for side in shape[:2]))
    wanted = sorted(
        tuple(value.shape) for value in build_network(architecture, seed=0).state_dict().values() if value.ndim == 4
    )
    if found != wanted:
        raise ModelError(
            f"{path}: no {architecture}: its {len(found)} convolutions are not the {len(wanted)} of that architecture"
        )


def _session(content: bytes, source: str) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise UsageError(f"{source}: ONNX models need onnxruntime: pip install 'sigkd[onnx]'") from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # its own complaints would appear beside the one line
    try:
        # from bytes, so that a graph cannot point at other files of this machine (external data)
        # without a second try, of which onnxruntime tells on stdout
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except Exception as error:  # onnxruntime raises its own unrelated classes, hidden in a private module
        raise ModelError(f"{source}: not a readable ONNX file ({_line(error)})") from error


def _with_feature_output(content: bytes, path: Path, reason: ModelError) -> bytes:
    """Return the graph with one more output: what its last fully connected layer reads."""
    try:
        import onnx
    except ImportError:
        raise ModelError(f"{reason}; a look inside the graph needs onnx: pip install 'sigkd[onnx]'") from None
    model = onnx.load_from_string(content)
    layers = [node for node in model.graph.node if node.op_type in ("Gemm", "MatMul", "Conv")]
    if not layers or layers[-1].input[0] in {value.name for value in model.graph.input}:
        raise ModelError(f"{path}: no layer of the graph reads {FEATURE_SIZE} features")
    feature = layers[-1].input[0]
    model.graph.output.append(onnx.helper.make_tensor_value_info(feature, onnx.TensorProto.FLOAT, None))
    return bytes(model.SerializeToString())


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
