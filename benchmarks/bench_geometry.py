"""Time of ``neighborhood_mask`` at 442 nodes, against scipy's spanning tree and hop distances; and what ties decide.

    python benchmarks/bench_geometry.py [--batch 32] [--device cpu] [--repeat 5] [--threads 1]
    python benchmarks/bench_geometry.py --text SET [--images 256] [--teacher sigkd-signet]

The maps are SigNet's (random weights) of made-up strokes, so that blank paper gives identical vectors.
scipy gets the distances for nothing, shifted so that none is 0 ("no edge" to it); sigkd's time includes its own.
Rounds of both alternate, and medians are compared, so that other work on the machine meets both.

With ``--text`` (a directory of ``prepare-text``) it takes no times. For images of the set it prints how many pairs of
the teacher's vectors are identical, and for each order of ties, places without ink left out, and a teacher in bfloat16:
the neighbours of a place, how far the masks agree with those of ``--ties index`` (Jaccard), and GEOM of an untrained
ResNet-18 with its gradient's size and direction beside those of ``--ties index``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from bench_distill import drawings
from scipy.sparse.csgraph import minimum_spanning_tree as scipy_tree
from scipy.sparse.csgraph import shortest_path

from sigkd.datasets.textset import TextDataset
from sigkd.distillation.augment import Augmentation
from sigkd.distillation.config import Ties
from sigkd.distillation.geometry import (
    as_vectors,
    minimum_spanning_tree,
    neighborhood_affinity_contrast,
    neighborhood_mask,
    squared_distances,
)
from sigkd.distillation.losses import StudentOutput
from sigkd.distillation.losses.geom import GeometricLoss
from sigkd.distillation.signals import Seen
from sigkd.distillation.ties import edge_order
from sigkd.models.io import load_model
from sigkd.models.registry import build_network

WAYS = {ties: (ties, False, torch.float32) for ties in get_args(Ties)} | {
    "spatial, ink only": ("spatial", True, torch.float32),
    "spatial, bfloat16": ("spatial", False, torch.bfloat16),
    "index, bfloat16": ("index", False, torch.bfloat16),
}
"""name -> ties, ink only, the teacher's arithmetic."""


def scipy_mask(distances: np.ndarray, radius: int = 5) -> np.ndarray:
    tree = scipy_tree(distances + 1e-9 * np.float64(1.0))  # 0 would be read as "no edge"
    hops = shortest_path(tree, directed=False, unweighted=True)
    return (hops >= 1) & (hops <= radius)


def ties(options: argparse.Namespace) -> None:
    dataset = TextDataset.open(options.text)
    rows = np.sort(np.random.default_rng(0).permutation(len(dataset))[: options.images])
    teacher = load_model(options.teacher).network.eval()
    student = build_network("resnet18", 10, seed=0).train()
    names = ("geom1", "geom2")
    agreed = {name: {term: [] for term in names} for name in WAYS}
    near = {name: {term: [] for term in names} for name in WAYS}
    values = {name: dict.fromkeys(names, 0.0) for name in WAYS}
    gradients = {name: dict.fromkeys(names, 0.0) for name in WAYS}
    identical, inked = ({term: [] for term in names} for _ in range(2))
    for start in range(0, len(rows), 64):
        part = rows[start : start + 64]
        images = Augmentation()(torch.from_numpy(np.ascontiguousarray(dataset.images[part])), 0)
        images = images.contiguous(memory_format=torch.channels_last)
        looks = {}
        for kind in (torch.float32, torch.bfloat16):
            with torch.no_grad(), torch.autocast("cpu", kind, enabled=kind != torch.float32):
                looks[kind] = Seen(images, part, teacher.forward_taps(images))
        with torch.no_grad():
            maps = student.forward_taps(images).maps
        for each in maps:
            each.requires_grad_()
        for term, each in zip(names, looks[torch.float32].taps.maps, strict=True):
            distances = squared_distances(as_vectors(each))
            nodes = distances.shape[1]
            identical[term].append(((distances == 0).float().mean() * nodes - 1) / (nodes - 1))
            inked[term].append((torch.nn.functional.adaptive_max_pool2d(images, each.shape[2:]) > 0).float().mean())
        plain = None
        for name, (order, ink_only, kind) in WAYS.items():
            loss = GeometricLoss(options.radius, order, ink_only, 0)
            (signal,) = loss.signals
            told = signal.unpack(signal.compute(looks[kind]))
            plain = told if plain is None else plain
            terms = loss(StudentOutput(maps, None, None), None, told)
            for number, term in enumerate(names):
                mask = told[number].mask
                places = mask.any(dim=2)
                near[name][term].append(mask.sum() / places.sum())
                both, either = (mask & plain[number].mask).sum((1, 2)), (mask | plain[number].mask).sum((1, 2))
                agreed[name][term].append((both / either).mean())
                values[name][term] += terms[term].item()
                (slope,) = torch.autograd.grad(terms[term], maps[number])
                gradients[name][term] = gradients[name][term] + [slope] if start else [slope]
    print(f"{len(rows)} images of {options.text}, teacher {options.teacher}, {options.radius} hops")
    for term in names:
        share, ink = (float(torch.stack(each[term]).mean()) for each in (identical, inked))
        print(f"{term}: {100 * share:.1f} % of the pairs are identical, {100 * ink:.0f} % of the places have ink")
        first = torch.cat([each.flatten() for each in gradients["index"][term]])
        for name in WAYS:
            slope = torch.cat([each.flatten() for each in gradients[name][term]])
            cosine = torch.nn.functional.cosine_similarity(slope, first, dim=0)
            print(
                f"  {name:20s} neighbours {float(torch.stack(near[name][term]).mean()):6.1f}   "
                f"Jaccard {float(torch.stack(agreed[name][term]).mean()):.3f}   "
                f"{term} x {values[name][term] / values['index'][term]:.3f}   "
                f"gradient x {float(slope.norm() / first.norm()):.3f}, cosine {float(cosine):.3f}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", default="wall", choices=("wall", "cpu"), help="cpu: for busy machines")
    parser.add_argument("--text", type=Path, help="a text set: print what ties decide")
    parser.add_argument("--teacher", default="sigkd-signet", help="of --text")
    parser.add_argument("--images", type=int, default=256, help="of --text")
    parser.add_argument("--radius", type=int, default=5, help="of --text")
    options = parser.parse_args()
    clock = time.perf_counter if options.clock == "wall" else time.process_time
    torch.set_num_threads(options.threads)
    if options.text:
        ties(options)
        return
    device = torch.device(options.device)
    teacher = build_network("signet", seed=0).eval().to(device)
    images = Augmentation()(torch.from_numpy(drawings(options.batch)).to(device), 0)
    with torch.no_grad():
        feature_map = teacher.forward_taps(images).maps[0]
        distances = squared_distances(as_vectors(feature_map))
    mask = neighborhood_mask(feature_map, 5, "spatial")
    order = edge_order(17, 26, "spatial", device)
    rows = np.arange(options.batch)
    plain = distances.double().cpu().numpy()
    few = plain[: max(1, options.batch // 8)]

    work = {
        "scipy: tree + hop distances": (lambda: [scipy_mask(each) for each in few], len(few)),
        "neighborhood_mask, distances included": (lambda: neighborhood_mask(feature_map, 5, "spatial"), options.batch),
        "  of which distances": (lambda: squared_distances(as_vectors(feature_map)), options.batch),
        "  of which tree": (lambda: minimum_spanning_tree(distances, order), options.batch),
        "neighborhood_mask, random ties": (lambda: neighborhood_mask(feature_map, 5, "random", rows), options.batch),
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
