"""Signatures that are enrolled under another writer already: are near copies found, are others left alone, how fast?

    sigkd extract dutch --out dutch.npz
    python benchmarks/bench_elsewhere.py dutch.npz --writers 0:22     # other people's signatures
    python benchmarks/bench_elsewhere.py --copies --writers ::2       # five kinds of copies of research data
    python benchmarks/bench_elsewhere.py --gallery 10000              # time and memory, with made-up features

The limit of distance was chosen on the Dutch writers 22:43.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from sigkd.verification.elsewhere import LEADING, NEAR

FITTED = 480
"""Features of the default model's last view, which needs no resolution."""


def distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Cosine distances [n, m] by the view that needs no resolution."""
    one, other = one[:, -FITTED:][:, :LEADING], other[:, -FITTED:][:, :LEADING]
    return 1 - (one @ other.T) / np.outer(np.linalg.norm(one, axis=1), np.linalg.norm(other, axis=1))


def others(path: Path, writers: slice) -> None:
    """How near signatures of different writers are."""
    from sigkd.models.features import FeatureSet

    found = FeatureSet.load(path)
    labels, genuine = np.asarray(found.y), np.asarray(found.yforg) == 0
    kept = genuine & np.isin(labels, np.unique(labels)[writers])
    labels = labels[kept]
    apart = distances(found.features[kept], found.features[kept])
    pairs = np.triu(labels[:, None] != labels[None])
    near = apart[pairs]
    print(
        f"{path.name}: {len(np.unique(labels))} writers, {len(near)} pairs of different ones; nearest {near.min():.3f}"
    )
    print(f"looked at closely (up to {NEAR}): {int((near <= NEAR).sum())}")


def copies(writers: slice) -> None:
    """How near copies are to what they were made of."""
    import torch
    from bench_copies import KINDS, copied

    from sigkd.images.copies import COPY, similarity
    from sigkd.images.reader import read_image
    from sigkd.images.resolution import given_resolution
    from sigkd.models.extract import extract_features
    from sigkd.models.io import load_model
    from sigkd.verification.samples import read_sample

    shared = Path(os.environ.get("SIGKD_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    root = shared / "data/sigcomp2011_dutch"
    model, rng = load_model(None), np.random.default_rng(0)
    samples = []
    for folder in sorted(root.glob("[0-9][0-9][0-9]"))[writers]:
        image = read_image(sorted(folder.glob("*.png"))[0])
        for kind in ("original", *KINDS):
            scan = image if kind == "original" else np.ascontiguousarray(copied(image, kind, rng))
            samples.append(read_sample(scan, model.placing, name=kind, dpi=given_resolution(400.0)))
    images = np.stack([sample.image for sample in samples])
    features = extract_features(model, images, device=torch.device("cpu"))
    for number, kind in enumerate(KINDS, 1):
        rows = range(0, len(samples), 1 + len(KINDS))
        apart = [distances(features[row : row + 1], features[row + number : row + number + 1])[0, 0] for row in rows]
        alike = [similarity(samples[row].scan.picture, samples[row + number].scan.picture) for row in rows]
        told = sum(far <= NEAR and like >= COPY for far, like in zip(apart, alike, strict=True))
        by_pictures = sum(like >= COPY for like in alike)
        print(f"{kind}: found {told} of {len(apart)}, by pictures alone {by_pictures}; farthest {max(apart):.3f}")


def timing(writers: int, passphrase: str | None) -> None:
    """How long it takes among so many writers of five references."""
    from sigkd.gallery import Gallery, StoredReference
    from sigkd.images.ink_measures import InkMeasures
    from sigkd.models.binding import Binding
    from sigkd.verification.elsewhere import Elsewhere
    from sigkd.verification.samples import Sample

    generator, ink = np.random.default_rng(0), InkMeasures(100, 300, 4.0, 120.0, 0, False, 200)
    binding = Binding("ab" * 32, "1", (952, 1360), "made-up")
    image = np.zeros((170, 242), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        gallery = Gallery.create(Path(folder) / "g", passphrase=passphrase)
        for first in range(0, writers, 500):
            batch = []
            for number in range(first, min(first + 500, writers)):
                rows = generator.normal(size=(5, 3 * FITTED)).astype(np.float32)
                kept = [StoredReference(row, "r", f"{number:060x}{place:04x}", ink) for place, row in enumerate(rows)]
                batch.append((f"writer {number}", kept))
            gallery.enroll_many(batch, binding)
        start = time.process_time()
        index = Elsewhere(gallery, slice(2 * FITTED, 3 * FITTED))
        read = time.process_time() - start
        known = gallery.references("writer 7")
        new = [Sample("new.png", one.digest, image, ink) for one in known]
        start = time.process_time()
        found = index.take("somebody", new, np.stack([one.features for one in known]))
        looked = time.process_time() - start
        assert len(found) == 5 and "writer 7" in found[0].text
        size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{writers} writers, {'encrypted' if passphrase else 'plain'}: read in {read:.2f} s of a processor")
        print(f"five references looked for and found in {1000 * looked:.0f} ms; {size:.0f} MiB at most")
        gallery.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("features", type=Path, nargs="?")
    parser.add_argument("--writers", default="0:22")
    parser.add_argument("--copies", action="store_true")
    parser.add_argument("--gallery", type=int)
    parser.add_argument("--passphrase")
    given = parser.parse_args()
    chosen = slice(*(int(end) if end else None for end in given.writers.split(":")))
    if given.features is not None:
        others(given.features, chosen)
    if given.copies:
        copies(chosen)
    if given.gallery or not (given.features or given.copies):
        timing(given.gallery or 1000, given.passphrase)


if __name__ == "__main__":
    main()
