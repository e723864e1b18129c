"""Run by torchrun in two processes: gradients and running statistics of one step on the halves of a joint batch."""

import sys

import tiny  # noqa: F401 - registers the network
import torch
from torch.nn.parallel import DistributedDataParallel

from sigkd.distillation.distributed import join_world, leave_world, synchronize_batch_norm
from sigkd.distillation.losses import Objective, Supervision, Targets
from sigkd.distillation.student import StudentModule
from sigkd.models.registry import build_network

LOSSES = ["cl", "geom", "tce", "bt", "bc"]
BATCH = 8


def batch():
    """Return images, targets and supervision of a joint batch."""
    torch.manual_seed(3)
    sizes = (442, 96)
    masks = tuple(torch.rand(BATCH, n, n) < 0.1 for n in sizes)
    supervision = Supervision(masks, tuple(torch.rand(BATCH, n) for n in sizes), torch.rand(BATCH, 2048))
    return torch.rand(BATCH, 1, 150, 220), torch.arange(BATCH) % 3, supervision


def step(module, start, stop):
    """Take forward and backward passes on part of the batch; return the total and the terms."""
    images, writers, whole = batch()
    part = slice(start, stop)
    told = Supervision(
        tuple(mask[part] for mask in whole.masks), tuple(nac[part] for nac in whole.contrasts), whole.response[part]
    )
    weights = {"geom1": 1.0, "geom2": 1.0, "tce": 1.0, "bt": 1.0, "bc": 1.0}
    total, terms = Objective(LOSSES, weights)(module(images[part]), Targets(writers[part]), [told])
    total.backward()
    return total, terms


def student():
    """Return the student at its start."""
    return StudentModule(build_network("tiny", 3, seed=0))


def result(module, terms):
    """Return what must not depend on the number of processes."""
    gradients = {name: value.grad for name, value in module.named_parameters()}
    return {"gradients": gradients, "buffers": dict(module.named_buffers()), "correlations": [terms["bt"], terms["bc"]]}


if __name__ == "__main__":
    torch.set_num_threads(1)
    world = join_world(torch.device("cpu"))
    module = student()
    synchronize_batch_norm(module)
    each = BATCH // world.size
    terms = step(DistributedDataParallel(module, broadcast_buffers=False), world.rank * each, (world.rank + 1) * each)[
        1
    ]
    if world.writes:
        torch.save(result(module, terms), sys.argv[1])
    leave_world()
