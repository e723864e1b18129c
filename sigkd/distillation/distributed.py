"""Several processes that train one student: who writes, who reads what, and batches joined over all of them.

Started by ``torchrun``; without it everything here is the identity of one process.
"""

from __future__ import annotations

import inspect
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class World:
    """This process among the ``size`` that train together."""

    rank: int = 0
    size: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes files and reports."""
        return self.rank == 0

    def share(self, batch: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return this process's part of a global batch (an array of indices, divisible by ``size``)."""
        # Contiguous parts: joined in the order of the ranks they are the batch again.
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
    return World(dist.get_rank(), dist.get_world_size())


def leave_world() -> None:
    """Part from the other processes."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def gather_batch(local: Tensor) -> Tensor:
    """Return the batches of all processes joined along the first axis; gradients flow back to where they came from."""
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return local
    joined: Tensor = _Joined.apply(local)
    return joined


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


# torch's own differentiable collectives changed their names between the releases that are supported
class _Joined(torch.autograd.Function):
    """The tensors of all processes, one after the other; each process gets the gradient of its part from all."""

    @staticmethod
    def forward(ctx: Any, local: Tensor) -> Tensor:
        parts = [torch.empty_like(local) for _ in range(dist.get_world_size())]
        # Parts of equal length: the trainer refuses a batch that cannot be shared evenly.
        dist.all_gather(parts, local.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        # Every process computed the loss of the whole batch, so each of them has a gradient for this part.
        return _all_reduced(gradient).chunk(dist.get_world_size())[dist.get_rank()]


class _Summed(torch.autograd.Function):
    """The sum over all processes, of values and of gradients."""

    @staticmethod
    def forward(ctx: Any, local: Tensor) -> Tensor:
        return _all_reduced(local)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _all_reduced(gradient)


def _all_reduced(value: Tensor) -> Tensor:
    total = value.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(total)
    return total


def _sum_over_world(value: Tensor) -> Tensor:
    total: Tensor = _Summed.apply(value)
    return total


def in_parallel(module: nn.Module, device: torch.device, *, every_parameter_used: bool) -> nn.Module:
    """Return ``module`` wrapped so that gradients are averaged over all processes.

    Buffers are not sent before each pass: they are equal already, since batch norm sees the global batch.
    """
    name = "forward_sync_buffers"
    accepted = inspect.signature(DistributedDataParallel.__init__).parameters
    # torch renames the argument, with a warning about the old name
    buffers: dict[str, Any] = {name if name in accepted else "broadcast_buffers": False}
    return DistributedDataParallel(
        module,
        device_ids=[device.index] if device.type == "cuda" else None,
        find_unused_parameters=not every_parameter_used,
        **buffers,
    )


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
        # About the global mean, in a second pass: E[x^2] - E[x]^2 would cancel in float32.
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
            # In place: parameters, buffers and their names stay, and so does the optimizer's hold on them.
            child.__class__ = GlobalBatchNorm
    return module


def stop_together(wanted: bool, device: torch.device) -> bool:
    """Return whether any process wants to stop, so that all of them stop in the same step."""
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return wanted
    flag = torch.tensor(float(wanted), device=device)
    # As a tensor on the device: nccl sends no others.
    dist.all_reduce(flag, op=dist.ReduceOp.MAX)
    return bool(flag > 0)
