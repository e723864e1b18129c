"""Several processes that train one student: who writes, who reads what, and batches joined over all of them.

Started by ``torchrun``; without it everything here is the identity of one process.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.distributed.nn.functional import all_gather, all_reduce


@dataclass(frozen=True)
class World:
    """This process among the ``size`` that train together."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes files and reports."""
        return self.rank == 0

    def share(self, batch: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return this process's part of a global batch (an array of indices, divisible by ``size``)."""
        each = len(batch) // self.size
        return batch[self.rank * each : (self.rank + 1) * each]


ALONE = World()
"""One process."""


def join_world(device: torch.device) -> World:
    """Join the processes started by ``torchrun`` (nothing to do without it): nccl between GPUs, gloo between CPUs."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1 and not dist.is_initialized():
        return World()
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return World(dist.get_rank(), dist.get_world_size(), int(os.environ.get("LOCAL_RANK", "0")))


def leave_world() -> None:
    """Part from the other processes."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def gather_batch(local: Tensor) -> Tensor:
    """Return the batches of all processes joined along the first axis; gradients flow back to where they came from."""
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return local
    return torch.cat(list(all_gather(local.contiguous())))  # type: ignore[no-untyped-call]


def mean_over_world(value: Tensor) -> Tensor:
    """Return the mean of a tensor over all processes, without gradient."""
    if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
        value = value.clone()
        dist.all_reduce(value)
        value /= dist.get_world_size()
    return value


def barrier() -> None:
    """Wait for all processes."""
    if dist.is_available() and dist.is_initialized():
        dist.barrier()


def _sum_over_world(value: Tensor) -> Tensor:
    total: Tensor = all_reduce(value)  # type: ignore[no-untyped-call]
    return total


class GlobalBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm over the batches of all processes, for the CPU, where torch's ``SyncBatchNorm`` does not run.

    Same parameters, buffers and results as batch norm of the joined batch in one process.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"batch norm needs at least 2 axes, got {input.ndim}")

    def forward(self, input: Tensor) -> Tensor:
        """Normalise [B, C, ...] per channel over the global batch."""
        if not self.training:
            return super().forward(input)
        values = input.float()
        axes = [axis for axis in range(values.ndim) if axis != 1]
        shape = [1, -1] + [1] * (values.ndim - 2)
        count = float(values.numel() // values.shape[1] * dist.get_world_size())
        mean = _sum_over_world(values.sum(dim=axes)) / count
        centred = values - mean.view(shape)
        variance = _sum_over_world(centred.square().sum(dim=axes)) / count
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            with torch.no_grad():
                self.num_batches_tracked.add_(1)
                # without momentum: the mean over all batches, as torch's
                momentum = 1 / int(self.num_batches_tracked) if self.momentum is None else self.momentum
                self.running_mean.lerp_(mean, momentum)
                self.running_var.lerp_(variance * (count / (count - 1)), momentum)
        result = centred * (variance + self.eps).rsqrt().view(shape)
        if self.weight is not None:
            result = result * self.weight.view(shape) + self.bias.view(shape)
        output: Tensor = result.to(input.dtype)
        return output


def synchronize_batch_norm(module: nn.Module) -> nn.Module:
    """Make every batch norm of ``module`` normalise over the global batch; the state keeps its names."""
    if next(module.parameters()).device.type == "cuda":
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
        return converted
    for child in module.modules():
        if isinstance(child, nn.modules.batchnorm._BatchNorm):
            child.__class__ = GlobalBatchNorm
    return module


def stop_together(wanted: bool, device: torch.device) -> bool:
    """Return whether any process wants to stop, so that all of them stop in the same step."""
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return wanted
    flag = torch.tensor(float(wanted), device=device)
    dist.all_reduce(flag, op=dist.ReduceOp.MAX)
    return bool(flag > 0)
