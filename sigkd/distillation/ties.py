"""In which order equally long edges of a feature map's spanning tree are taken.

Most of a page is blank, so that a sixth of the pairs of vectors in FM1 have distance 0: the order of such pairs decides
the tree, and with it the neighbourhoods. An order names every edge by its place in it, so that (length, name) orders
all edges and the tree is unique, whatever algorithm finds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sigkd.distillation.config import Ties

_MAX_EDGES = 2**31
_ROUNDS = 3


@dataclass(frozen=True)
class EdgeOrder:
    """The names of the edges of a complete graph over N nodes, in an order for each image or in one for all."""

    names: Tensor
    """int32 [B, N, N] or [1, N, N], symmetric; an edge's place in the order (the diagonal is no edge)."""
    _ends: Tensor
    """int64 [E, 2]: smaller and larger node, by place in the order that all images have or that is shuffled."""
    _shuffle: Shuffle | None = None

    def ends(self, names: Tensor) -> Tensor:
        """Return smaller and larger node of edges by their names, int64 [B, K] -> [B, K, 2]."""
        return self._ends[names if self._shuffle is None else self._shuffle.inverse(names)]


def edge_order(
    height: int, width: int, ties: Ties, device: torch.device, rows: NDArray[np.int64] | None = None, seed: int = 0
) -> EdgeOrder:
    """Return the order of the edges between the ``height`` x ``width`` places of a feature map.

    Args:
        height: of the map.
        width: of the map.
        ties: what the order is.
        device: where it is wanted.
        rows: [B] int64; the images' places in their dataset, which with ``seed`` decide the random orders.
        seed: of the random orders.
    """
    if ties != "random":
        return _fixed_order(height, width, ties, device)
    if rows is None:
        raise ValueError("a random order of each image needs the images' places in their dataset")
    plain = _fixed_order(height, width, "index", device)
    count = len(plain._ends)
    shuffle = Shuffle(rows, seed, max(count - 1, 1).bit_length(), device)
    names = shuffle(torch.arange(max(count, 1), device=device).expand(len(rows), -1)).to(torch.int32)
    return EdgeOrder(names[:, plain.names[0].long()], plain._ends, shuffle)


@lru_cache(maxsize=16)
def _fixed_order(height: int, width: int, ties: Ties, device: torch.device) -> EdgeOrder:
    nodes = height * width
    if nodes * (nodes - 1) // 2 >= _MAX_EDGES:
        raise ValueError(f"{nodes} nodes have more edges than can be named")
    first, second = np.triu_indices(nodes, 1)
    if ties == "spatial":
        away = (first // width - second // width) ** 2 + (first % width - second % width) ** 2
        order = np.argsort(away, kind="stable")
        first, second = first[order], second[order]
    names = np.zeros((1, nodes, nodes), dtype=np.int32)
    names[0, first, second] = names[0, second, first] = np.arange(len(first), dtype=np.int32)
    ends = torch.from_numpy(np.stack([first, second], axis=1).astype(np.int64))
    return EdgeOrder(torch.from_numpy(names).to(device), ends.to(device))


class Shuffle:
    """A permutation of 0 .. 2^bits - 1 for each image, computed and undone in integers, the same on every device.

    Three rounds of x -> a x + c (a odd), with x -> x xor (x >> h) between them, h at least half of the bits.
    """

    def __init__(self, rows: NDArray[np.int64], seed: int, bits: int, device: torch.device) -> None:
        self._last, self._half = (1 << bits) - 1, (bits + 1) // 2
        drawn = np.array(
            [np.random.default_rng([seed, 0x71E5, int(row)]).integers(1 << bits, size=(2, _ROUNDS)) for row in rows],
            dtype=np.int64,
        ).reshape(len(rows), 2, _ROUNDS, 1)
        factors, self._added = drawn[:, 0] | 1, torch.from_numpy(drawn[:, 1]).to(device)
        inverse = [pow(int(factor), -1, 1 << bits) for factor in factors.ravel()]
        self._factors = torch.from_numpy(factors).to(device)
        self._inverse = torch.tensor(inverse, dtype=torch.int64).view(factors.shape).to(device)

    def __call__(self, values: Tensor) -> Tensor:
        """Return the values' places, int64 [B, K]."""
        for number in range(_ROUNDS):
            if number:
                values = values ^ (values >> self._half)
            values = (values * self._factors[:, number] + self._added[:, number]) & self._last
        return values

    def inverse(self, places: Tensor) -> Tensor:
        """Return the values that have these places, int64 [B, K]."""
        for number in reversed(range(_ROUNDS)):
            places = ((places - self._added[:, number]) * self._inverse[:, number]) & self._last
            if number:
                places = places ^ (places >> self._half)
        return places
