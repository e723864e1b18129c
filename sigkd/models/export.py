"""Handing a model to other programs: ONNX, or safetensors of half the size."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sigkd.errors import ModelError, UsageError
from sigkd.files import atomic_path
from sigkd.json_documents import JsonDocument
from sigkd.models.fingerprint import fingerprint_image
from sigkd.models.io import LoadedModel, save_model
from sigkd.models.registry import INPUT_SIZE, FeatureNetwork, build_network

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMATS = ("onnx", "safetensors")
PARITY = 1e-4
"""The largest difference of a feature, relative to the largest one, at which an export counts as equal."""


class ModelExport(JsonDocument, format="sigkd-model-export", version=1):
    """What ``sigkd export`` prints: a model's file for other programs."""

    out: Path
    kind: str
    """``onnx`` or ``safetensors``."""
    bytes: int
    hash: str
    """SHA-256 of the weights, which the file states."""
    parity: float
    """The largest difference of a feature from the original's on fixed images, relative to the largest feature."""


def export_model(
    model: LoadedModel, path: Path, *, format: str = "onnx", half: bool = False, head: bool = False
) -> ModelExport:
    """Write ``model`` as ``format`` to ``path``, atomically, and check what was written.

    Args:
        model: a loaded torch network.
        path: the target.
        format: ``onnx`` (input ``images`` float [batch, 1, 150, 220] in [0, 1], output ``features`` [batch, 2048], any
            batch) or ``safetensors``.
        half: safetensors in float16.
        head: keep the classification layer in a safetensors file.

    Raises:
        UsageError: unknown format, or a combination that makes no sense.
        ModelError: the exported file does not give the same features.
    """
    if format not in FORMATS:
        raise UsageError(f"unknown format '{format}': use {' or '.join(FORMATS)}")
    if model.network.architecture == "onnx":
        raise UsageError(f"'{model.name}' is an ONNX graph already; it cannot be exported again")
    if format == "onnx" and model.projections:
        raise UsageError(f"'{model.name}' looks at several views; one graph has one input: use `format` safetensors")
    if format == "onnx":
        if half or head:
            raise UsageError("`half=True` and `head=True` belong to `format='safetensors'`")
        return _export_onnx(model, Path(path))
    network = model.network if head else without_head(model.network)
    digest = save_model(path, network, provenance(model), half=half, projections=model.projections)
    from sigkd.models.io import load_file

    parity = feature_parity(model.network, load_file(Path(path)).network)
    return ModelExport(out=Path(path), kind=format, bytes=Path(path).stat().st_size, hash=digest, parity=parity)


def without_head(network: FeatureNetwork) -> FeatureNetwork:
    """Return a copy of ``network`` that is only a feature extractor."""
    if network.head is None:
        return network
    bare = build_network(network.architecture, None, seed=0)
    if network.whitened:
        bare.make_linear()
    state = {name: tensor for name, tensor in network.state_dict().items() if name in bare.state_dict()}
    bare.load_state_dict(state)
    return bare.eval()


def parity_images() -> torch.Tensor:
    """Return three fixed images [3, 1, 150, 220] in [0, 1]: blank, the fingerprint's, and noise."""
    noise = np.random.default_rng(0).integers(0, 256, INPUT_SIZE, dtype=np.uint8)
    stack = np.stack([np.zeros(INPUT_SIZE, np.uint8), fingerprint_image(), noise])
    return torch.from_numpy(stack).float().div_(255.0)[:, None]


def feature_parity(reference: torch.nn.Module, other: torch.nn.Module) -> float:
    """Return the largest difference of the two networks' features on fixed images, relative to the largest feature."""
    images = parity_images()
    with torch.inference_mode():
        expected, found = reference(images), other(images)
    return float((expected - found).abs().max() / expected.abs().max().clamp(min=1e-12))


def provenance(model: LoadedModel) -> dict[str, Any]:
    """Return the metadata of a file made from ``model``: its own, and where it came from."""
    own = {"exported_from": model.name, "source_hash": model.hash, "canvas": list(model.canvas)}
    facts = {**model.metadata, "preprocess_version": model.preprocess_version, **own}
    facts.pop("views", None)  # it is written with the axes
    if isinstance(facts.get("recipe"), dict):
        # a file that is handed on names the runs it came from, not the folders of whoever trained it
        facts["recipe"] = {key: _run_name(value) for key, value in facts["recipe"].items()}
    return facts


def _run_name(value: Any) -> Any:
    """Shorten an absolute path to its last folder and name; leave anything else."""
    if isinstance(value, str) and Path(value).is_absolute():
        return "/".join(Path(value).parts[-2:])
    return value


def _export_onnx(model: LoadedModel, path: Path) -> ModelExport:
    try:
        import onnx
        import onnxruntime  # noqa: F401 - needed to check the result
        import onnxscript  # noqa: F401 - needed by torch.onnx
    except ImportError as error:
        raise UsageError(f"`format='onnx'` needs {error.name}: pip install 'sigkd[onnx]'") from None
    from sigkd.models.onnx_network import OnnxNetwork

    network = without_head(model.network).cpu().eval()
    with _quiet():
        program = torch.onnx.export(
            network,
            (torch.zeros(2, 1, *INPUT_SIZE),),
            input_names=["images"],
            output_names=["features"],
            dynamic_shapes={"images": {0: torch.export.Dim("batch")}},
            dynamo=True,
            verbose=False,
        )
    proto = program.model_proto  # type: ignore[union-attr]  # None only for the former exporter
    facts = {**provenance(model), "architecture": model.network.architecture, "hash": model.hash}
    onnx.helper.set_model_props(proto, {"sigkd": json.dumps(facts)})
    content = proto.SerializeToString()
    exported = OnnxNetwork(content, str(path))
    parity = feature_parity(network, exported)
    if parity > PARITY:
        raise ModelError(f"{path}: the exported graph gives other features (off by {parity:.1e}); nothing was written")
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return ModelExport(out=path, kind="onnx", bytes=len(content), hash=model.hash, parity=parity)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's reports off stdout, which carries results only."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
