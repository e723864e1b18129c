"""The geometry against an independent Kruskal and breadth-first search, with the traps of blank paper."""

from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sigkd.distillation import parallel
from sigkd.distillation.config import Ties
from sigkd.distillation.geometry import (
    as_vectors,
    minimum_spanning_tree,
    neighborhood_affinity_contrast,
    neighborhood_mask,
    pack_mask,
    packed_neighborhoods,
    squared_distances,
    teacher_geometry,
    unpack_mask,
)
from sigkd.distillation.ties import Shuffle, edge_order
from sigkd.models.registry import MAP_SIZES

SIDES = st.tuples(st.integers(1, 5), st.integers(2, 6))


def index_order(nodes):
    return edge_order(1, nodes, "index", torch.device("cpu"))


def kruskal(distances, place=lambda i, j: (i, j)):
    """Return the edges of a minimal spanning tree: all edges by length and ``place``, joined by union-find."""
    nodes = len(distances)
    root = list(range(nodes))

    def find(node):
        while root[node] != node:
            node = root[node]
        return node

    edges = []
    order = sorted((distances[i, j], place(i, j), i, j) for i in range(nodes) for j in range(i + 1, nodes))
    for _, _, i, j in order:
        a, b = find(i), find(j)
        if a != b:
            root[a] = b
            edges.append((i, j))
    return edges


def within_hops(edges, nodes, radius):
    """Return bool [N, N] by breadth-first search from every node."""
    neighbours = [[] for _ in range(nodes)]
    for i, j in edges:
        neighbours[i].append(j)
        neighbours[j].append(i)
    mask = np.zeros((nodes, nodes), bool)
    for start in range(nodes):
        seen, frontier = {start}, [start]
        for _ in range(radius):
            frontier = [n for node in frontier for n in neighbours[node] if n not in seen]
            seen.update(frontier)
        mask[start, sorted(seen - {start})] = True
    return mask


def exact_distances(feature_map):
    vectors = feature_map.double().flatten(1).T.numpy()
    return ((vectors[:, None] - vectors[None]) ** 2).sum(-1)


def tree_of(distances):
    return minimum_spanning_tree(distances, index_order(distances.shape[1]))


def edges_of(parents):
    return [(node, parent) for node, parent in enumerate(parents.tolist()) if parent < len(parents)]


def maps(seed, sides, depth=5, levels=None):
    """Return a random map [1, D, H, W]; with few ``levels`` most of its vectors are identical, as on paper."""
    random = np.random.default_rng(seed)
    if levels is None:
        values = random.normal(size=(depth, *sides))
    else:
        values = random.normal(size=(depth, levels))[:, random.integers(levels, size=sides)]
    return torch.from_numpy(values.astype(np.float32))[None]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), sides=SIDES, levels=st.sampled_from([None, 1, 2, 4]), radius=st.integers(1, 7))
def test_tree_and_mask_agree_with_kruskal_and_breadth_first_search(seed, sides, levels, radius):
    feature_map = maps(seed, sides, levels=levels)
    exact = exact_distances(feature_map[0])
    nodes = len(exact)
    parents = tree_of(squared_distances(as_vectors(feature_map)))[0]
    edges = edges_of(parents)
    assert len(edges) == nodes - 1
    assert within_hops(edges, nodes, nodes).sum() == nodes * (nodes - 1)  # connected
    ours = sum(exact[i, j] for i, j in edges)
    theirs = sum(exact[i, j] for i, j in kruskal(exact))
    assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-5)  # ties: the weight is unique, the tree is not
    mask = neighborhood_mask(feature_map, radius, "index")[0].numpy()
    assert np.array_equal(mask, within_hops(edges, nodes, radius))  # the mask, given the tree
    if levels is None:  # no ties: the tree is unique
        assert np.array_equal(mask, within_hops(kruskal(exact), nodes, radius))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), nodes=st.integers(2, 20), values=st.sampled_from([1, 2, 5]))
def test_ties_are_broken_as_kruskal_breaks_them(seed, nodes, values):
    # few different lengths, 0 among them: equally long edges everywhere, and still one tree
    half = np.triu(np.random.default_rng(seed).integers(values, size=(nodes, nodes)), 1)
    distances = torch.from_numpy((half + half.T).astype(np.float32))[None]
    expected = {frozenset(edge) for edge in kruskal(distances[0].numpy())}
    assert {frozenset(edge) for edge in edges_of(tree_of(distances)[0])} == expected
    tree = parallel.adjacency(distances, index_order(distances.shape[1]))[0]
    assert torch.equal(tree, tree.mT)
    assert {frozenset(edge) for edge in torch.nonzero(tree).tolist()} == expected


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), sides=SIDES, levels=st.sampled_from([None, 2]))
def test_mask_is_symmetric_hollow_and_grows_with_the_radius(seed, sides, levels):
    feature_map = maps(seed, sides, levels=levels)
    smaller = torch.zeros(1, *[sides[0] * sides[1]] * 2, dtype=torch.bool)
    for radius in (1, 2, 3, 5, 40):
        mask = neighborhood_mask(feature_map, radius, "index")
        assert torch.equal(mask, mask.mT)
        assert not mask.diagonal(dim1=1, dim2=2).any()
        assert (mask | smaller).equal(mask)
        smaller = mask
    assert mask.sum() == mask.shape[1] * (mask.shape[1] - 1)  # everyone is within 40 hops of 30 nodes


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), sides=SIDES)
def test_reordering_the_nodes_reorders_mask_and_contrast(seed, sides):
    feature_map = maps(seed, sides)
    order = torch.from_numpy(np.random.default_rng(seed + 1).permutation(sides[0] * sides[1]))
    moved = feature_map.flatten(2)[..., order].view_as(feature_map)
    mask, moved_mask = neighborhood_mask(feature_map, 3, "index"), neighborhood_mask(moved, 3, "index")
    assert torch.equal(moved_mask, mask[:, order][:, :, order])
    contrast = neighborhood_affinity_contrast(feature_map, mask)
    torch.testing.assert_close(neighborhood_affinity_contrast(moved, moved_mask), contrast[:, order])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), sides=SIDES, shift=st.floats(-5, 5), factor=st.floats(0.1, 10))
def test_contrast_is_the_definition_and_ignores_shift_and_scale(seed, sides, shift, factor):
    feature_map = maps(seed, sides)
    mask = neighborhood_mask(feature_map, 2, "index")
    contrast = neighborhood_affinity_contrast(feature_map, mask)[0]
    exact = exact_distances(feature_map[0])
    expected = (exact * mask[0].numpy()).sum(1) / exact.sum(1)
    np.testing.assert_allclose(contrast.numpy(), expected, atol=2e-6)
    changed = neighborhood_affinity_contrast(feature_map * factor + shift, mask)[0]
    np.testing.assert_allclose(changed.numpy(), expected, atol=2e-4)


@pytest.mark.parametrize("sides", MAP_SIZES)
def test_ties_are_exact_at_the_sizes_of_the_maps(sides):
    """Identical vectors have distance 0 and equal distances to all others, whatever their places: no bit differs."""
    feature_map = maps(0, sides, depth=256, levels=30).relu()
    distances = squared_distances(as_vectors(feature_map))[0]
    assert torch.equal(distances, distances.mT)
    _, kind = torch.unique(as_vectors(feature_map)[0], dim=0, return_inverse=True)
    assert torch.equal(distances == 0, kind[:, None] == kind[None])
    first = torch.tensor([int((kind == each).nonzero()[0]) for each in kind])
    assert torch.equal(distances, distances[first][:, first])


def test_identical_vectors_are_neighbours_not_strangers():
    # Two values only: any routine that reads distance 0 as "no edge" builds a tree of long edges here.
    feature_map = torch.zeros(1, 3, 4, 4)
    feature_map[:, :, :, 2:] = 7.0
    distances = squared_distances(as_vectors(feature_map))
    assert distances.unique().tolist() == [0.0, 3 * 49.0]
    edges = edges_of(tree_of(distances)[0])
    assert sorted(float(distances[0, i, j]) for i, j in edges) == [0.0] * 14 + [147.0]


def test_ties_are_broken_by_index():
    parents = tree_of(torch.zeros(1, 5, 5))
    assert parents.tolist() == [[5, 0, 0, 0, 0]]  # a constant map: a star around node 0
    line = torch.tensor([0.0, 1.0, 2.0, 3.0])
    distances = (line[:, None] - line[None]).square()[None]
    assert tree_of(distances).tolist() == [[4, 0, 1, 2]]


def test_two_clusters_are_joined_by_one_edge():
    random = np.random.default_rng(0)
    vectors = random.normal(size=(24, 4)) * 0.1
    vectors[12:] += 50.0
    feature_map = torch.from_numpy(vectors.T.astype(np.float32)).view(1, 4, 4, 6)
    edges = edges_of(tree_of(squared_distances(as_vectors(feature_map)))[0])
    assert sum((i < 12) != (j < 12) for i, j in edges) == 1


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, 1234.5])
def test_a_constant_map_has_contrast_zero_and_no_gradient(value):
    feature_map = torch.full((2, 7, 3, 5), value, requires_grad=True)
    mask = neighborhood_mask(feature_map, 2, "index")
    assert mask.sum() == 2 * 15 * 14  # a star: everyone within two hops
    contrast = neighborhood_affinity_contrast(feature_map, mask)
    assert contrast.tolist() == [[0.0] * 15] * 2
    contrast.sum().backward()
    assert torch.equal(feature_map.grad, torch.zeros_like(feature_map))
    assert teacher_geometry(feature_map, 5, "index")[1].tolist() == [[0.0] * 15] * 2


def test_a_blank_image_beside_others_does_not_disturb_them():
    batch = torch.cat([maps(3, (4, 5)), torch.zeros(1, 5, 4, 5)]).requires_grad_()
    mask = neighborhood_mask(batch, 3, "index")
    contrast = neighborhood_affinity_contrast(batch, mask)
    torch.testing.assert_close(contrast[:1], neighborhood_affinity_contrast(batch[:1], mask[:1]))
    contrast.square().sum().backward()
    assert torch.isfinite(batch.grad).all()
    assert batch.grad[0].abs().sum() > 0


def test_gradient_of_the_contrast():
    feature_map = maps(5, (3, 4), depth=3).double()
    mask = neighborhood_mask(feature_map.float(), 2, "index")
    small = feature_map.float().requires_grad_()
    weights = torch.linspace(-1, 1, 12)
    (neighborhood_affinity_contrast(small, mask)[0] * weights).sum().backward()

    def value(flat):
        vectors = flat.view(3, 12).T
        distances = (vectors[:, None] - vectors[None]).square().sum(-1)
        return ((distances * mask[0]).sum(1) / distances.sum(1) * weights).sum()

    exact = torch.autograd.functional.jacobian(value, feature_map.flatten()).view_as(feature_map)
    torch.testing.assert_close(small.grad.double(), exact, atol=1e-5, rtol=1e-4)


def test_geometry_stays_in_float32_under_autocast():
    # Distances of 1e-3 between vectors of length 30: lost in bfloat16, kept in float32.
    random = np.random.default_rng(1)
    vectors = (20 + random.normal(size=(20, 3)) * 0.02).astype(np.float32)
    feature_map = torch.from_numpy(vectors.T.copy()).view(1, 3, 4, 5)
    plain = (
        neighborhood_mask(feature_map, 2, "index"),
        neighborhood_affinity_contrast(feature_map, neighborhood_mask(feature_map, 2, "index")),
    )
    with torch.autocast("cpu", torch.bfloat16):
        mask = neighborhood_mask(feature_map, 2, "index")
        contrast = neighborhood_affinity_contrast(feature_map, mask)
    assert torch.equal(mask, plain[0])
    assert contrast.dtype == torch.float32
    assert torch.equal(contrast, plain[1])
    expected = within_hops(kruskal(exact_distances(feature_map[0])), 20, 2)
    assert np.array_equal(mask[0].numpy(), expected)


def test_half_precision_maps_are_accepted():
    feature_map = maps(7, (3, 4)).bfloat16()
    mask = neighborhood_mask(feature_map, 2, "index")
    assert torch.equal(mask, neighborhood_mask(feature_map.float(), 2, "index"))
    assert neighborhood_affinity_contrast(feature_map, mask).dtype == torch.float32


def test_the_batch_does_not_matter():
    batch = torch.cat([maps(seed, (5, 6), levels=None if seed % 2 else 3) for seed in range(11)])
    together = neighborhood_mask(batch, 4, "index")
    assert torch.equal(together, torch.cat([neighborhood_mask(each[None], 4, "index") for each in batch]))


def test_teacher_geometry_is_mask_and_contrast():
    batch = torch.cat([maps(seed, (5, 6), levels=6) for seed in range(5)])
    packed, contrast = teacher_geometry(batch, 3, "index")
    mask = neighborhood_mask(batch, 3, "index")
    assert torch.equal(unpack_mask(packed, 30), mask)
    assert np.array_equal(packed.numpy(), np.packbits(mask.numpy(), axis=2, bitorder="little"))
    torch.testing.assert_close(contrast, neighborhood_affinity_contrast(batch, mask), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("radius", [1, 2, 3, 5, 8])
def test_the_masks_of_cpu_and_gpu_code_are_the_same(radius):
    batch = torch.cat([maps(seed, (4, 6), levels=levels) for seed, levels in ((1, None), (2, 1), (3, 5))])
    distances = squared_distances(as_vectors(batch))
    expected = packed_neighborhoods(tree_of(distances), radius)
    reach = parallel.neighborhoods(parallel.adjacency(distances, index_order(24)), radius)
    assert torch.equal(pack_mask(reach), expected)


@pytest.mark.gpu
@pytest.mark.parametrize("ties", get_args(Ties))
@pytest.mark.parametrize("ink_only", [False, True])
def test_geometry_on_the_gpu(ties, ink_only):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    # whole numbers: distances are exact on both, and ties are everywhere
    batch = torch.cat([maps(seed, (5, 6), levels=3) for seed in range(4)]).mul(8).round()
    nodes = torch.rand(4, 30, generator=torch.Generator().manual_seed(0)) < 0.5 if ink_only else None
    here = teacher_geometry(batch, 3, ties, np.arange(4), 1, nodes)
    there = teacher_geometry(batch.cuda(), 3, ties, np.arange(4), 1, None if nodes is None else nodes.cuda())
    assert torch.equal(there[0].cpu(), here[0])
    torch.testing.assert_close(there[1].cpu(), here[1])


# --- ties -------------------------------------------------------------------------------------------------------------


def nearest_first(width):
    def place(i, j):
        return (i // width - j // width) ** 2 + (i % width - j % width) ** 2, i, j

    return place


def shuffled_place(order, image):
    return lambda i, j: int(order.names[image, i, j])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), sides=SIDES, levels=st.sampled_from([1, 2, 4]), ties=st.sampled_from(get_args(Ties)))
def test_every_order_is_kept_by_both_algorithms(seed, sides, levels, ties):
    feature_maps = [maps(seed + image, sides, levels=levels)[0].mul(8).round() for image in range(3)]
    distances = torch.from_numpy(np.stack([exact_distances(each) for each in feature_maps])).float()
    order = edge_order(*sides, ties, torch.device("cpu"), np.array([5, 9, 2]), seed)
    parents, adjacent = minimum_spanning_tree(distances, order), parallel.adjacency(distances, order)
    for image in range(3):
        place = {
            "index": lambda i, j: (i, j),
            "spatial": nearest_first(sides[1]),
            "random": shuffled_place(order, min(image, len(order.names) - 1)),
        }[ties]
        expected = {frozenset(edge) for edge in kruskal(distances[image].numpy(), place)}
        assert {frozenset(edge) for edge in edges_of(parents[image])} == expected
        assert {frozenset(edge) for edge in torch.nonzero(adjacent[image]).tolist()} == expected


@pytest.mark.parametrize("bits", [1, 2, 5, 17])
def test_a_shuffle_is_a_permutation_that_can_be_undone(bits):
    shuffle = Shuffle(np.array([3, 4]), 7, bits, torch.device("cpu"))
    values = torch.arange(1 << bits).expand(2, -1)
    places = shuffle(values)
    assert torch.equal(places.sort(dim=1).values, values)
    assert torch.equal(shuffle.inverse(places), values)
    if bits == 17:  # looks random: of neighbours a third is as far apart as of strangers, images differ
        gaps = (places[:, 1:] - places[:, :-1]).abs().double().mean() / (1 << bits)
        assert float(gaps) == pytest.approx(1 / 3, abs=0.01)
        assert float((places[0] - places[1]).abs().double().mean()) / (1 << bits) == pytest.approx(1 / 3, abs=0.01)


def test_random_orders_depend_on_image_and_seed_alone():
    feature_map = maps(1, (5, 6), levels=1).expand(4, -1, -1, -1)
    rows = np.array([10, 11, 12, 10])
    masks, _ = teacher_geometry(feature_map, 3, "random", rows, 0)
    assert torch.equal(masks[0], masks[3])
    assert not torch.equal(masks[0], masks[1])
    assert torch.equal(masks[1:3], teacher_geometry(feature_map[:2], 3, "random", rows[1:3], 0)[0])
    assert not torch.equal(masks, teacher_geometry(feature_map, 3, "random", rows, 1)[0])
    with pytest.raises(ValueError, match="places in their dataset"):
        neighborhood_mask(feature_map, 3, "random")


def test_without_ties_the_order_does_not_matter():
    feature_map = maps(4, (5, 6))
    masks = [neighborhood_mask(feature_map, 3, ties, np.zeros(1, np.int64)) for ties in get_args(Ties)]
    assert all(torch.equal(mask, masks[0]) for mask in masks)


def test_spatial_ties_join_neighbours_on_the_grid():
    blank = torch.zeros(1, 3, 5, 6)
    distances = torch.zeros(1, 30, 30)
    order = edge_order(5, 6, "spatial", torch.device("cpu"))
    lengths = [
        abs(i // 6 - j // 6) + abs(i % 6 - j % 6) for i, j in edges_of(minimum_spanning_tree(distances, order)[0])
    ]
    assert lengths == [1] * 29
    assert neighborhood_mask(blank, 1, "spatial").sum(dim=2).max() <= 4
    assert neighborhood_mask(blank, 1, "index").sum(dim=2).max() == 29  # a star


def test_spatial_ties_know_places_not_numbers():
    """The tree of a turned map is the turned tree, but for edges of one length and one distance on the grid."""
    random = np.random.default_rng(3)
    values = np.zeros((1, 2, 4, 5), np.float32)
    values[0, :, 1, :] = random.normal(size=(2, 5))  # a stroke on blank paper
    feature_map = torch.from_numpy(values)
    turned = feature_map.flip(2, 3)
    costs = []
    for each in (feature_map, turned):
        order = edge_order(4, 5, "spatial", torch.device("cpu"))
        distances = squared_distances(as_vectors(each))
        edges = edges_of(minimum_spanning_tree(distances, order)[0])
        costs.append(sorted((round(float(distances[0, i, j]), 4), nearest_first(5)(i, j)[0]) for i, j in edges))
    assert costs[0] == costs[1]


# --- places without ink -----------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), sides=SIDES, ties=st.sampled_from(get_args(Ties)))
def test_places_left_out_are_as_if_they_were_not_there(seed, sides, ties):
    feature_map = maps(seed, sides)
    count = sides[0] * sides[1]
    nodes = torch.from_numpy(np.random.default_rng(seed).random((1, count)) < 0.5)
    inside = np.flatnonzero(nodes[0])
    packed, contrast = teacher_geometry(feature_map, 2, ties, np.array([4]), 0, nodes)
    mask = unpack_mask(packed, count)
    order = edge_order(*sides, ties, torch.device("cpu"), np.array([4]))
    exact = exact_distances(feature_map[0])[np.ix_(inside, inside)]
    edges = kruskal(exact, lambda i, j: int(order.names[0, inside[i], inside[j]]))
    expected = np.zeros((count, count), bool)
    expected[np.ix_(inside, inside)] = within_hops(edges, len(inside), 2)
    assert np.array_equal(mask[0].numpy(), expected)
    every = exact.sum(1)
    wanted = np.zeros(count)
    near = (exact * expected[np.ix_(inside, inside)]).sum(1)
    wanted[inside] = np.divide(near, every, out=np.zeros_like(every), where=every > 0)
    np.testing.assert_allclose(contrast[0].numpy(), wanted, atol=2e-6)
    own = neighborhood_affinity_contrast(feature_map, mask, nodes)
    np.testing.assert_allclose(own[0].numpy(), wanted, atol=2e-5)


def test_gradient_of_the_contrast_of_some_places():
    feature_map = maps(5, (3, 4), depth=3).double()
    nodes = torch.tensor([[True, True, False, True] * 3])
    mask = unpack_mask(teacher_geometry(feature_map.float(), 2, "index", None, 0, nodes)[0], 12)
    small = feature_map.float().requires_grad_()
    weights = torch.linspace(-1, 1, 12)
    (neighborhood_affinity_contrast(small, mask, nodes)[0] * weights).sum().backward()

    def value(flat):
        vectors = flat.view(3, 12).T
        distances = (vectors[:, None] - vectors[None]).square().sum(-1) * nodes
        return ((distances * mask[0]).sum(1) / distances.sum(1) * weights * nodes[0]).sum()

    exact = torch.autograd.functional.jacobian(value, feature_map.flatten()).view_as(feature_map)
    torch.testing.assert_close(small.grad.double(), exact, atol=1e-5, rtol=1e-4)
    assert small.grad.flatten(2)[..., ~nodes[0]].abs().max() == 0


@pytest.mark.parametrize("kept", [0, 1])
def test_hardly_any_place_is_left(kept):
    feature_map = maps(2, (3, 4)).requires_grad_()
    nodes = torch.zeros(1, 12, dtype=torch.bool)
    nodes[:, :kept] = True
    packed, contrast = teacher_geometry(feature_map.detach(), 2, "spatial", None, 0, nodes)
    assert packed.max() == 0
    assert contrast.abs().max() == 0
    own = neighborhood_affinity_contrast(feature_map, unpack_mask(packed, 12), nodes)
    own.sum().backward()
    assert own.abs().max() == 0
    assert feature_map.grad.abs().max() == 0


def test_one_node_and_wrong_arguments():
    assert neighborhood_mask(torch.ones(2, 3, 1, 1), 5, "index").tolist() == [[[False]], [[False]]]
    with pytest.raises(ValueError, match="radius"):
        packed_neighborhoods(torch.zeros(1, 3, dtype=torch.int64), 0)
    with pytest.raises(ValueError, match="radius"):
        parallel.neighborhoods(torch.zeros(1, 3, 3, dtype=torch.bool), 0)
    alone = parallel.neighborhoods(parallel.adjacency(torch.zeros(2, 1, 1), index_order(1)), 5)
    assert pack_mask(alone).tolist() == [[[0]], [[0]]]
    with pytest.raises(ValueError, match="4 axes"):
        neighborhood_mask(torch.ones(3, 4, 5), 5, "index")
