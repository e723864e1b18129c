"""The geometry of a feature map: minimal spanning tree, neighbourhoods on it, Neighborhood Affinity Contrast.

A feature map [B, D, H, W] is read as B sets of N = H * W vectors of D elements. Everything here computes in float32,
also under autocast: in half precision the expansion ||a||^2 + ||b||^2 - 2ab loses the small distances that the tree is
made of. Ties are everywhere, because blank paper gives identical vectors (:mod:`sigkd.distillation.ties`).
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sigkd.distillation import parallel
from sigkd.distillation.config import Ties
from sigkd.distillation.ties import EdgeOrder, edge_order

_DEGENERATE = 1e-11
"""A map whose spread is below this part of its squared norms is constant: no contrast is defined on it."""
_CHUNK = 8
"""Images whose trees grow at once on the CPU; their distances stay in the cache."""


def as_vectors(feature_map: Tensor) -> Tensor:
    """Return the vectors of a feature map, [B, D, H, W] of any floating type -> float32 [B, N, D], row by row."""
    if feature_map.ndim != 4:
        raise ValueError(f"a feature map has 4 axes [B, D, H, W], not {tuple(feature_map.shape)}")
    return feature_map.flatten(2).transpose(1, 2).float()


def squared_distances(vectors: Tensor) -> Tensor:
    """Return all pairwise squared Euclidean distances, [B, N, D] -> float32 [B, N, N], exactly 0 for identical vectors.

    The vectors are centred first (distances do not change, cancellation does). ||a||^2 is taken from the Gram matrix
    itself: for identical vectors its entries are the same sums, so that nothing is left of their difference. The two
    squares are added first: so the matrix is symmetric to the last bit, and edges from identical vectors are ties.
    """
    with torch.autocast(vectors.device.type, enabled=False):
        centred = vectors.float()
        centred = centred - centred.mean(dim=1, keepdim=True)
        if centred.device.type != "cpu" or centred.requires_grad:
            gram = centred @ centred.mT
            norms = gram.diagonal(dim1=1, dim2=2)
            return ((norms.unsqueeze(2) + norms.unsqueeze(1)) - 2 * gram).clamp_min(0.0)
        batch, nodes, _ = vectors.shape
        result, both = torch.empty(batch, nodes, nodes), torch.empty(nodes, nodes)
        for each, out in zip(centred.contiguous(), result, strict=True):  # one matrix at a time stays in the cache
            torch.mm(each, each.T, out=out)
            lengths = out.diagonal()
            torch.add(lengths[:, None], lengths[None], out=both)
            torch.sub(both, out, alpha=2, out=out).clamp_min_(0.0)
        return result


def minimum_spanning_tree(distances: Tensor, order: EdgeOrder) -> Tensor:
    """Return the minimal spanning trees of complete graphs by Prim's algorithm, grown from node 0.

    Args:
        distances: float32 [B, N, N], symmetric, not negative, finite, on the CPU. 0 is a distance like any other.
        order: of equally long edges.

    Returns:
        int64 [B, N]: the parent of each node in the tree rooted at node 0; the root's parent is N.

    N - 1 steps over a [B, N] frontier, O(B N^2).
    """
    newest, edges = _prim(_keys(distances.numpy(), order.names.numpy()))
    # the edge's ends add up to (node + parent), of which the node itself is taken off below
    batch, nodes, _ = distances.shape
    parents = torch.full((batch, nodes), nodes)
    ends = order.ends(torch.from_numpy(edges & 0xFFFFFFFF))
    return parents.scatter_(1, torch.from_numpy(newest), ends.sum(dim=2) - torch.from_numpy(newest))


def _keys(distances: NDArray[np.float32], names: NDArray[np.int32]) -> NDArray[np.int64]:
    """Pack (distance, name of the edge) into int64, so that one comparison orders edges by both.

    The bits of a float that is not negative order like the float.
    """
    # Names are unique, so no two edges are equal and the tree is the only one: every machine finds the same.
    keys = np.empty(distances.shape, dtype=np.int64)
    low, high = (0, 1) if sys.byteorder == "little" else (1, 0)
    halves = keys.view(np.int32).reshape(*distances.shape, 2)
    halves[..., low] = names
    halves[..., high] = np.ascontiguousarray(distances).view(np.int32)
    return keys


def _prim(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Grow the trees of a few images at once; return the nodes in the order in which they join, and by which edge.

    Both are [B, N - 1].

    A node inside has the key -1: no minimum changes it, and read as an unsigned number it is the largest, so that it is
    never chosen.
    """
    batch, nodes, _ = keys.shape
    keys = keys.reshape(batch * nodes, nodes)
    offsets = np.arange(batch) * nodes
    frontier = keys[offsets]
    flat, unsigned = frontier.reshape(-1), frontier.view(np.uint64)
    flat[offsets] = -1
    row = np.empty_like(frontier)
    places = np.empty(batch, dtype=np.int64)
    order, edges = np.empty((2, max(nodes - 1, 0), batch), dtype=np.int64)
    for newest, edge in zip(order, edges, strict=True):
        # Of the same memory as ``frontier``: no copy for the unsigned view.
        unsigned.argmin(axis=1, out=newest)
        np.add(offsets, newest, out=places)
        # "clip" spares the check of places, which are right by construction, and the copy that it needs
        flat.take(places, out=edge, mode="clip")
        flat[places] = -1
        keys.take(places, axis=0, out=row, mode="clip")
        np.minimum(frontier, row, out=frontier)
    return np.ascontiguousarray(order.T), np.ascontiguousarray(edges.T)


def packed_neighborhoods(parents: Tensor, radius: int) -> Tensor:
    """Return who lies within 1..``radius`` hops on rooted trees, as bits, by walking the trees.

    A node within r hops is reached by going a steps up and at most r - a steps down, so the ball around i is the union
    over a of the descendants, at most r - a levels deep, of i's a-th ancestor. Descendants are sets of bits: a few
    operations on small arrays instead of a power of an N x N matrix.

    Args:
        parents: int64 [B, N] as from :func:`minimum_spanning_tree`.
        radius: number of hops, at least 1; the length of the edges does not count.

    Returns:
        uint8 [B, N, ceil(N / 8)]: bit ``j % 8`` of byte ``j // 8`` in row i is m_ij (little endian, as
        ``numpy.packbits(bitorder="little")``).
    """
    if radius < 1:
        raise ValueError(f"the radius must be at least 1 hop, not {radius}")
    batch, nodes = parents.shape
    device = parents.device
    width = (nodes + 63) // 64  # in words: rows of them are gathered, scattered and joined
    beyond = torch.full((batch, 1), nodes, dtype=torch.int64, device=device)
    upward = torch.cat([parents, beyond], dim=1)  # node N stands for "above the root"
    node = torch.arange(nodes, device=device)
    word = node // 64
    bit = torch.ones_like(node).bitwise_left_shift(node % 64).expand(batch, nodes)
    first = (torch.arange(batch, device=device) * (nodes + 1)).unsqueeze(1)
    ancestor = node.expand(batch, nodes)
    level = torch.zeros(batch * (nodes + 1), width, dtype=torch.int64, device=device)
    ancestors, descendants = [], []
    for _ in range(radius + 1):
        # each (ancestor, node) pair occurs once, so adding bits is the same as joining the sets
        level = level.flatten().index_add(0, ((ancestor + first) * width + word).flatten(), bit.flatten())
        level = level.view(batch * (nodes + 1), width)
        # What climbed beyond the root is nobody's descendant.
        level[first.squeeze(1) + nodes] = 0
        ancestors.append((ancestor + first).flatten())
        descendants.append(level)
        ancestor = upward.gather(1, ancestor)
    ball = torch.zeros(batch * nodes, width, dtype=torch.int64, device=device)
    for up, places in enumerate(ancestors):
        ball |= descendants[radius - up].index_select(0, places)
    own = torch.arange(batch * nodes, device=device) * width + word.repeat(batch)
    ball.view(-1).index_add_(0, own, bit.flatten(), alpha=-1)  # bit i of row i is set: take it off
    octets = ball.view(batch, nodes, width).view(torch.uint8) if sys.byteorder == "little" else _octets(ball, batch)
    return octets[..., : (nodes + 7) // 8].contiguous()


def _octets(words: Tensor, batch: int) -> Tensor:
    """Return the bytes of int64 words from the lowest up, on machines that keep them the other way round."""
    octets = words.view(torch.uint8).view(*words.shape, 8).flip(-1)
    return octets.reshape(batch, -1, words.shape[1] * 8)


def unpack_mask(packed: Tensor, nodes: int) -> Tensor:
    """Return the masks of :func:`packed_neighborhoods` as bool [B, N, N]."""
    shifts = torch.arange(8, dtype=torch.uint8, device=packed.device)
    bits = (packed.unsqueeze(-1) >> shifts) & 1
    return bits.view(torch.bool).flatten(2)[..., :nodes]


def neighborhood_mask(feature_map: Tensor, radius: int, ties: Ties, rows: NDArray[np.int64] | None = None) -> Tensor:
    """Return the neighbourhood masks of feature maps (paper, Eq. 2).

    m_ij = 1 if j is 1 to ``radius`` hops from i on the minimal spanning tree of the map's vectors under Euclidean
    distance.

    Args:
        feature_map: [B, D, H, W], any floating type.
        radius: number of hops.
        ties: which of equally long edges come first.
        rows: [B] places of the images in their dataset, for ``ties`` "random".

    Returns:
        bool [B, N, N], symmetric, False on the diagonal. No gradient: the mask is the teacher's, once per image.
    """
    packed, _ = teacher_geometry(feature_map, radius, ties, rows)
    return unpack_mask(packed, packed.shape[1])


@torch.no_grad()
def teacher_geometry(
    feature_map: Tensor,
    radius: int,
    ties: Ties,
    rows: NDArray[np.int64] | None = None,
    seed: int = 0,
    nodes: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Return mask and contrast of a teacher's feature maps at once, from one computation of the distances.

    Args:
        feature_map: [B, D, H, W], any floating type.
        radius: number of hops.
        ties: which of equally long edges come first.
        rows: [B] places of the images in their dataset, for ``ties`` "random".
        seed: for ``ties`` "random".
        nodes: bool [B, N]: the places that take part in tree and sums; None: all.

    Returns:
        The mask of :func:`neighborhood_mask` as bits, uint8 [B, N, ceil(N / 8)], and the contrast under it,
        float32 [B, N]. A place that takes no part has no neighbours and the contrast 0. No gradient.
    """
    vectors, (height, width) = as_vectors(feature_map), feature_map.shape[2:]
    on_cpu = vectors.device.type == "cpu"
    step = _CHUNK if on_cpu else max(len(vectors), 1)  # on the CPU a chunk's distances stay in the cache
    masks, contrasts = [], []
    for start in range(0, max(len(vectors), 1), step):
        place = slice(start, start + step)
        part, inside = vectors[place], None if nodes is None else nodes[place]
        order = edge_order(height, width, ties, vectors.device, None if rows is None else rows[place], seed)
        # Squares order like the distances themselves, and the contrast is made of squares anyway.
        lengths = distances = squared_distances(part)
        if inside is not None:
            pairs = inside[:, None] & inside[:, :, None]
            # edges to places outside are longer than any other: no way between two places inside leads over them
            lengths = distances.masked_fill(~pairs, torch.finfo(torch.float32).max)
            distances = distances * pairs
        if on_cpu:
            packed = packed_neighborhoods(minimum_spanning_tree(lengths, order), radius)
        else:
            packed = pack_mask(parallel.neighborhoods(parallel.adjacency(lengths, order), radius))
        if inside is not None:
            packed = packed & pack_mask(pairs)
        every = distances.sum(dim=2)
        # In place, after the sum over all: the distances are not needed again.
        near = distances.mul_(unpack_mask(packed, part.shape[1])).sum(dim=2)
        taken = part if inside is None else part * inside.unsqueeze(2)
        count = part.shape[1] if inside is None else inside.sum(dim=1, keepdim=True).clamp_min(1)
        defined = _has_spread(taken, every.sum(dim=1, keepdim=True) / (2 * count))
        masks.append(packed)
        contrasts.append(torch.where(defined, near / torch.where(every > 0, every, 1.0), 0.0))
    return torch.cat(masks), torch.cat(contrasts)


def pack_mask(mask: Tensor) -> Tensor:
    """Return masks, bool [B, N, N], as bits, uint8 [B, N, ceil(N / 8)]; :func:`unpack_mask` undoes it."""
    batch, nodes, _ = mask.shape
    # Eight to a byte: kept masks of a large set are what fills the disk.
    octets = torch.nn.functional.pad(mask.to(torch.uint8), (0, -nodes % 8)).view(batch, nodes, -1, 8)
    shifts = torch.arange(8, dtype=torch.uint8, device=mask.device)
    return (octets << shifts).sum(dim=3, dtype=torch.uint8)


def _has_spread(vectors: Tensor, spread: Tensor) -> Tensor:
    """Whether maps are more than constant but for rounding, [B, 1], by their summed squared deviations."""
    raw = vectors.detach().square().sum(dim=(1, 2)).unsqueeze(1)
    return (spread > _DEGENERATE * raw) & (spread > 0)


def neighborhood_affinity_contrast(feature_map: Tensor, mask: Tensor, nodes: Tensor | None = None) -> Tensor:
    """Return the Neighborhood Affinity Contrast of every vector of feature maps (paper, Eq. 1).

    NAC_i = sum_j d_ij m_ij / sum_j d_ij with d_ij = ||x_i - x_j||^2; the normalisation of d in the paper cancels.

    Args:
        feature_map: [B, D, H, W], any floating type; computed in float32 also under autocast.
        mask: [B, N, N] bool, or 0/1 in float32; symmetric.
        nodes: bool [B, N]: the places that take part in the sums, which hold all that have neighbours; None: all.

    Returns:
        float32 [B, N] in [0, 1], differentiable (once) in ``feature_map``; 0, without gradient, on a constant map and
        at places that take no part.
    """
    with torch.autocast(feature_map.device.type, enabled=False):
        inside = None if nodes is None else nodes.to(torch.float32)
        result: Tensor = _Contrast.apply(as_vectors(feature_map), mask.to(torch.float32), inside)
        return result


class _Contrast(torch.autograd.Function):
    """The contrast from two products with the mask M, one each way; the N x N distances are never formed.

    With centred vectors c and s_i = ||c_i||^2: sum_j m_ij d_ij = deg_i s_i + (M s)_i - 2 c_i (M c)_i, and
    sum_j d_ij = N s_i + S, S = sum_j s_j. For an upstream gradient u let g_i = u_i / sum_j d_ij and h_i = -g_i NAC_i:
    dL/dx_k = 2 [(g_k deg_k + (M g)_k + N h_k + sum h) c_k - g_k (M c)_k - (M (g c))_k - sum_i h_i c_i].
    Where places take no part, N counts those that do, the centre is theirs, and c and the gradient are 0 at the others.
    """

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, mask: Tensor, inside: Tensor | None) -> Tensor:
        count: float | Tensor = float(vectors.shape[1])
        if inside is None:
            centred = vectors - vectors.mean(dim=1, keepdim=True)
        else:
            count = inside.sum(dim=1, keepdim=True).clamp_min(1.0)
            vectors = vectors * inside.unsqueeze(2)
            centre = vectors.sum(dim=1, keepdim=True) / count.unsqueeze(2)
            centred = vectors - centre * inside.unsqueeze(2)
        depth = vectors.shape[2]
        squares = torch.linalg.vecdot(centred, centred)
        total = squares.sum(dim=1, keepdim=True)
        # One product with the mask for three sums.
        extended = torch.cat([centred, squares.unsqueeze(2), torch.ones_like(squares).unsqueeze(2)], dim=2)
        product = mask @ extended
        near = product[..., depth + 1] * squares + product[..., depth]
        near -= 2 * torch.linalg.vecdot(centred, product[..., :depth])
        # On a blank map all distances are rounding errors, and their ratio would be noise with a huge gradient.
        defined = _has_spread(vectors, total)
        every = torch.where(defined, count * squares + total, 1.0)
        contrast = torch.where(defined, near.clamp_min(0.0) / every, 0.0)
        ctx.save_for_backward(extended, product, mask, contrast, torch.where(defined, 1.0 / every, 0.0))
        ctx.count, ctx.inside = count, inside
        return contrast

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        extended, product, mask, contrast, inverse = ctx.saved_tensors
        depth = extended.shape[2] - 2
        centred = extended[..., :depth]
        g = upstream.float() * inverse
        h = -g * contrast
        # the last column of ``extended`` is 1, so that of the product is M g
        back = mask.mT @ (extended * g.unsqueeze(2))
        factor = g * product[..., depth + 1] + back[..., depth + 1] + ctx.count * h + h.sum(dim=1, keepdim=True)
        shift = h.unsqueeze(1) @ centred
        gradient = factor.unsqueeze(2) * centred
        gradient.addcmul_(g.unsqueeze(2), product[..., :depth], value=-1).sub_(back[..., :depth]).sub_(shift)
        if ctx.inside is not None:
            gradient *= ctx.inside.unsqueeze(2)
        return gradient.mul_(2), None, None
