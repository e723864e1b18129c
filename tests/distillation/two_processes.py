"""Run by torchrun in two processes: gradients and running statistics of one step on the halves of a joint batch."""

import sys

import numpy as np
import tiny  # noqa: F401 - registers the network
import torch

from sigkd.distillation.config import TrainingConfig
from sigkd.distillation.distributed import in_parallel, join_world, leave_world, synchronize_batch_norm
from sigkd.distillation.losses import LOSSES, Targets
from sigkd.distillation.objective import Objective
from sigkd.distillation.signals import Seen
from sigkd.distillation.student import StudentModule
from sigkd.models.registry import MAP_SIZES, Taps, build_network

NAMES = [name for name in LOSSES if name != "forgery"]
BATCH = 8


def objective():
    """Return all losses that need no forgeries, each term with weight 1."""
    terms = [term for name in NAMES for term in LOSSES.get(name).weights]
    return Objective(TrainingConfig(loss="+".join(NAMES), weight=dict.fromkeys(terms, 1.0)))


def batch():
    """Return images, targets and a teacher's look at a joint batch."""
    torch.manual_seed(3)
    images = torch.rand(BATCH, 1, 150, 220)
    maps = tuple(torch.rand(BATCH, 4, *size) for size in MAP_SIZES)
    return images, torch.arange(BATCH) % 3, Seen(images, np.arange(BATCH), Taps(maps, torch.rand(BATCH, 2048), None))


def step(module, start, stop):
    """Take forward and backward passes on part of the batch; return the total and the terms."""
    images, writers, seen = batch()
    part, losses = slice(start, stop), objective()
    words = {signal: signal.compute(seen) for signal in losses.signals}
    told = {
        signal: signal.unpack({name: array[part] for name, array in arrays.items()}) for signal, arrays in words.items()
    }
    total, terms = losses(module(images[part]), Targets(writers[part]), [told])
    total.backward()
    return total, terms


def student():
    """Return the student at its start."""
    return StudentModule(build_network("tiny", 3, seed=0))


def result(module, terms):
    """Return what must not depend on the number of processes."""
    gradients = {name: value.grad for name, value in module.named_parameters()}
    return {
        "gradients": gradients,
        "buffers": dict(module.named_buffers()),
        "joint": [terms["bt"], terms["bc"], terms["rkd_distance"], terms["rkd_angle"]],
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    world = join_world(torch.device("cpu"))
    module = student()
    synchronize_batch_norm(module)
    each = BATCH // world.size
    parallel = in_parallel(module, torch.device("cpu"), every_parameter_used=True)
    terms = step(parallel, world.rank * each, (world.rank + 1) * each)[1]
    if world.writes:
        torch.save(result(module, terms), sys.argv[1])
    leave_world()
