"""Neighbourhoods for devices that do much at once: Boruvka's algorithm and powers of the adjacency matrix.

The same tree as the CPU's: edges have one total order, (length, name), under which it is unique.
Prim's N - 1 steps one after another would keep a GPU waiting; here about log2(N) rounds of a few large operations find
the tree, and a few products of N x N matrices the neighbourhoods.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sigkd.distillation.ties import EdgeOrder

_NO_EDGE = torch.iinfo(torch.int64).max


def adjacency(distances: Tensor, order: EdgeOrder) -> Tensor:
    """Return the minimal spanning trees of complete graphs.

    In each round every component takes its shortest edge to another one; components so joined become one.

    Args:
        distances: float32 [B, N, N], symmetric, not negative, finite.
        order: of equally long edges.

    Returns:
        bool [B, N, N]: whether two nodes are joined by an edge of the tree.
    """
    batch, nodes, _ = distances.shape
    # the bits of a float that is not negative order like the float: one number orders by length, then by name
    keys = distances.float().contiguous().view(torch.int32).to(torch.int64) << 32 | order.names
    tree = torch.zeros(batch, nodes * nodes, dtype=torch.bool, device=distances.device)
    own = torch.arange(nodes, device=distances.device).expand(batch, nodes)
    component = own
    rounds = max(nodes - 1, 0).bit_length()
    for _ in range(rounds):
        inside = component.unsqueeze(2) == component.unsqueeze(1)
        nearest = keys.masked_fill(inside, _NO_EDGE).amin(dim=2)
        best = torch.full_like(nearest, _NO_EDGE).scatter_reduce(1, component, nearest, "amin")
        chosen = best < _NO_EDGE  # by number of the component; the numbers of joined ones are not in use any more
        # some edge stands in where none was chosen
        first, second = order.ends(torch.where(chosen, best & 0xFFFFFFFF, order.names[:, 0, -1:])).unbind(dim=2)
        place = torch.where(chosen, first * nodes + second, 0)  # place 0 is node 0 with itself: not an edge
        tree.scatter_(1, place, True)
        ends = [component.gather(1, end) for end in (first, second)]
        target = torch.where(chosen, ends[0] + ends[1] - own, own)
        # the only circles are pairs that chose each other: the smaller number stays
        leads = target.gather(1, target) == own
        target = torch.where(leads & (own < target), own, target)
        # each step doubles the way to the leader, which is N at the most
        for _ in range(rounds):
            target = target.gather(1, target)
        component = target.gather(1, component)
    tree[:, 0] = False
    half = tree.view(batch, nodes, nodes)
    return half | half.mT


def neighborhoods(tree: Tensor, radius: int) -> Tensor:
    """Return who is within 1..``radius`` hops, bool [B, N, N], from the adjacency of trees."""
    if radius < 1:
        raise ValueError(f"the radius must be at least 1 hop, not {radius}")
    kind = torch.float32 if tree.device.type == "cpu" else torch.bfloat16  # only zero or not matters
    self_loop = torch.eye(tree.shape[1], dtype=torch.bool, device=tree.device)
    step = tree | self_loop
    reach = self_loop.expand_as(tree)
    while radius:
        if radius & 1:
            reach = (reach.to(kind) @ step.to(kind)) > 0
        radius >>= 1
        if radius:
            step = (step.to(kind) @ step.to(kind)) > 0
    return reach & ~self_loop
