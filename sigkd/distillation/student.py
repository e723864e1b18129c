"""The network in training: the student with what its losses need besides it, and how it starts."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from sigkd.distillation.config import TrainingConfig
from sigkd.distillation.losses import StudentOutput
from sigkd.errors import UsageError
from sigkd.models.io import load_file
from sigkd.models.registry import FEATURE_SIZE, FeatureNetwork, build_network


class StudentModule(nn.Module):
    """A network and, if forgeries are to be told apart, a second head on its response."""

    def __init__(self, network: FeatureNetwork, forgery_head: bool = False) -> None:
        super().__init__()
        self.network = network
        self.forgery = nn.Linear(FEATURE_SIZE, 1) if forgery_head else None

    def forward(self, images: Tensor) -> StudentOutput:
        """Return everything that losses ask for, from float [B, 1, 150, 220]."""
        taps = self.network.forward_taps(images)
        forgery = None if self.forgery is None else self.forgery(taps.response).squeeze(1)
        return StudentOutput(taps.maps, taps.response, taps.logits, forgery)


def build_student(config: TrainingConfig, classes: int, forgery_head: bool = False) -> tuple[StudentModule, list[str]]:
    """Return the student at its start and the names of the layers that ``--init`` could not fill.

    Raises:
        ModelError: the file of ``--init`` is not a model file.
        UsageError: it is one of another architecture.
    """
    network = build_network(config.student, classes, seed=config.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        module = StudentModule(network, forgery_head)
    if not config.init:
        return module, []
    source = load_file(Path(config.init)).network
    if source.architecture != network.architecture:
        raise UsageError(f"`init` {config.init} is a {source.architecture}, the student is a {network.architecture}")
    own = network.state_dict()
    fitting = {
        name: value for name, value in source.state_dict().items() if name in own and own[name].shape == value.shape
    }
    if source.whitened:  # its last layer has been turned and has no ReLU: no start for one that has
        last = next(name for name, module in source.named_modules() if module is source.response_block)
        fitting = {name: value for name, value in fitting.items() if not name.startswith(f"{last}.")}
    network.load_state_dict(fitting, strict=False)
    return module, sorted(set(own) - set(fitting))


def resolve_precision(name: str, device: torch.device) -> torch.dtype:
    """Return the student's arithmetic: float32, or the type that autocast uses.

    ``auto`` is bfloat16 on GPUs that have it and on CPUs with AVX-512 BF16 or AMX, where it is twice as fast; else
    float32.

    Raises:
        UsageError: float16 away from a GPU.
    """
    if name == "auto":
        return torch.bfloat16 if _has_bfloat16(device) else torch.float32
    if name == "float16" and device.type == "cpu":
        raise UsageError("float16 trains on a GPU only; use `precision='bfloat16'` or float32 on the CPU")
    kinds = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    return kinds[name]


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    if device.type != "cpu":
        return False
    tests = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, test)()) for test in tests if hasattr(torch.cpu, test))
