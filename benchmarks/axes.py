"""How many axes a model of views keeps: errors on clean scans, and what becomes of scans with another ink.

    python benchmarks/axes.py NETWORK --clean dutch-views --disturbed dutch-pale dutch-binary --writers 22:43

NETWORK is not whitened yet; the sets are prepared in the same views, the disturbed ones from the same files (`sigkd
preprocess --disturb`). Among 512 principal axes a view the steadiest are kept (`sigkd whiten --disturb`). Five
references, the writer-dependent classifier against 600 of the made-up signatures that the axes are from; thresholds at
the EER of the clean scans.
"""

from __future__ import annotations

import argparse

import numpy as np

from sigkd.classifiers.kinds.wd import WriterDependent
from sigkd.classifiers.negatives import Negatives
from sigkd.datasets.prepared import find_prepared
from sigkd.evaluation.protocol import pick_writers
from sigkd.images.placing import Placing
from sigkd.measures.rates import eer_global, eer_threshold, eer_user
from sigkd.models.extract import extract_features
from sigkd.models.io import LoadedModel, load_model
from sigkd.models.strangers import disturbed_strangers
from sigkd.models.whitening import linear_network, steady_axes
from sigkd.paths import data_dir

DISTURBANCES = (
    *("ink=0.35", "ink=0.5", "ink=1.7", "ink=0.6+blur", "binary", "binary-local"),
    *("pen-wider", "pen-thinner", "blur", "jpeg", "resolution=150", "resolution=200"),
)
REFERENCES, TESTS, COHORT = 5, 10, 600


def responses(network, images):
    """Return the responses float32 [V, n, F] to images [n, V, H, W]."""
    bare = LoadedModel(network, "", "")
    return np.stack([extract_features(bare, np.ascontiguousarray(images[:, view])) for view in range(images.shape[1])])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network")
    parser.add_argument("--clean", required=True)
    parser.add_argument("--disturbed", nargs="*", default=[])
    parser.add_argument("--writers")
    parser.add_argument("--components", type=int, nargs="+", default=[512, 500, 480, 448, 400, 256, 128])
    parser.add_argument("--count", type=int, default=1200, help="made-up signatures")
    parser.add_argument("--splits", type=int, default=4)
    chosen = parser.parse_args()
    network = linear_network(load_model(chosen.network).network)
    stores = [find_prepared(name, data_dir()) for name in (chosen.clean, *chosen.disturbed)]
    clean = stores[0]
    strangers, worse, owners = disturbed_strangers(
        Placing(views=tuple(clean.metadata["views"])), DISTURBANCES, count=chosen.count, seed=1
    )
    values, moved = responses(network, strangers), responses(network, worse)
    found = [responses(network, store.x) for store in stores]
    places = [{name: row for row, name in enumerate(store.filenames)} for store in stores]
    forgeries = [
        writer for writer in pick_writers(chosen.writers, clean.writers) if np.any(clean.yforg[clean.y == writer])
    ]
    for components in chosen.components:
        bases = [steady_axes(*pair, owners, components)[:2] for pair in zip(values, moved, strict=True)]

        def features(response, bases=bases):
            return np.concatenate(
                [(one - mean) @ axes for one, (mean, axes) in zip(response, bases, strict=True)], axis=1
            )

        negatives = Negatives(features(values[:, :COHORT]).astype(np.float32))
        sets = [features(response).astype(np.float32) for response in found]
        random = np.random.default_rng(0)
        rows = {name: [] for name in ("global", "user", *chosen.disturbed)}
        for _ in range(chosen.splits):
            scores = [([], []) for _ in sets]
            for writer in forgeries:
                genuine = random.permutation(np.flatnonzero((clean.y == writer) & (clean.yforg == 0)))
                forged = np.flatnonzero((clean.y == writer) & (clean.yforg == 1))
                template = WriterDependent().fit(sets[0][genuine[:REFERENCES]], negatives)
                for number, values_of in enumerate(sets):
                    for kind, wanted in enumerate((genuine[REFERENCES : REFERENCES + TESTS], forged)):
                        names = [clean.filenames[row] for row in wanted]
                        at = [places[number][name] for name in names if name in places[number]]
                        scores[number][kind].append(template.scores(values_of[at]))
            rows["user"].append(eer_user(*scores[0]))
            pooled = [[np.concatenate(kind) for kind in kinds] for kinds in scores]
            rows["global"].append(eer_global(*pooled[0]))
            border = eer_threshold(*pooled[0])
            for name, (g, f) in zip(chosen.disturbed, pooled[1:], strict=True):
                rows[name].append((np.mean(g >= border), np.mean(f >= border)))
        told = [f"EER global {100 * np.mean(rows['global']):5.2f} user {100 * np.mean(rows['user']):5.2f}"]
        for name in chosen.disturbed:
            accepted = 100 * np.mean(rows[name], axis=0)
            told.append(f"{name}: genuine accepted {accepted[0]:4.1f}, forgeries {accepted[1]:4.1f}")
        print(f"{components:4d} axes a view: {'; '.join(told)}", flush=True)


if __name__ == "__main__":
    main()
