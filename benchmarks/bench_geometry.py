"""Time of ``neighborhood_mask`` at 442 nodes, against scipy's spanning tree and hop distances.

    python benchmarks/bench_geometry.py [--batch 32] [--device cpu] [--repeat 5] [--threads 1]

The maps are SigNet's (random weights) of made-up strokes, so that blank paper gives identical vectors.
scipy gets the distances for nothing, shifted so that none is 0 ("no edge" to it); sigkd's time includes its own.
Rounds of both alternate, and medians are compared, so that other work on the machine meets both.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch
from bench_distill import drawings
from scipy.sparse.csgraph import minimum_spanning_tree as scipy_tree
from scipy.sparse.csgraph import shortest_path

from sigkd.distillation.augment import Augmentation
from sigkd.distillation.geometry import (
    as_vectors,
    minimum_spanning_tree,
    neighborhood_affinity_contrast,
    neighborhood_mask,
    squared_distances,
)
from sigkd.models.registry import build_network


def scipy_mask(distances: np.ndarray, radius: int = 5) -> np.ndarray:
    tree = scipy_tree(distances + 1e-9 * np.float64(1.0))  # 0 would be read as "no edge"
    hops = shortest_path(tree, directed=False, unweighted=True)
    return (hops >= 1) & (hops <= radius)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", default="wall", choices=("wall", "cpu"), help="cpu: for busy machines")
    options = parser.parse_args()
    clock = time.perf_counter if options.clock == "wall" else time.process_time
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    teacher = build_network("signet", seed=0).eval().to(device)
    images = Augmentation()(torch.from_numpy(drawings(options.batch)).to(device), 0)
    with torch.no_grad():
        feature_map = teacher.forward_taps(images).maps[0]
        distances = squared_distances(as_vectors(feature_map))
    mask = neighborhood_mask(feature_map)
    plain = distances.double().cpu().numpy()
    few = plain[: max(1, options.batch // 8)]

    work = {
        "scipy: tree + hop distances": (lambda: [scipy_mask(each) for each in few], len(few)),
        "neighborhood_mask, distances included": (lambda: neighborhood_mask(feature_map), options.batch),
        "  of which distances": (lambda: squared_distances(as_vectors(feature_map)), options.batch),
        "  of which tree": (lambda: minimum_spanning_tree(distances), options.batch),
        "neighborhood_affinity_contrast": (lambda: neighborhood_affinity_contrast(feature_map, mask), options.batch),
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    for round_number in range(options.repeat + 1):
        for name, (call, count) in work.items():
            if device.type == "cuda":
                torch.cuda.synchronize()
            start = clock()
            call()
            if device.type == "cuda":
                torch.cuda.synchronize()
            if round_number:  # the first warms up
                times[name].append((clock() - start) / count * 1e3)
    nodes = feature_map.shape[2] * feature_map.shape[3]
    print(f"{nodes} nodes, {device}, {options.threads} thread(s), torch {torch.__version__}, {options.clock} time")
    reference = statistics.median(times["scipy: tree + hop distances"])
    for name, values in times.items():
        middle = statistics.median(values)
        print(f"{name:40s} {middle:8.3f} ms an image   {reference / middle:6.1f} x scipy")


if __name__ == "__main__":
    main()
