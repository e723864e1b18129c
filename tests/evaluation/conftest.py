"""Made-up features with the structure of real ones: a centre a writer, forgeries a little off it."""

from __future__ import annotations

import numpy as np
import pytest


def made_up(writers=10, genuine=9, skilled=5, simple=0, width=32, seed=0, noise=0.8):
    """Return features, y and yforg."""
    rng = np.random.default_rng(seed)
    features, y, forged = [], [], []
    for writer in range(writers):
        centre = rng.gamma(1.0, 1.0, width)
        for kind, count, shift in ((0, genuine, 0.0), (1, skilled, 0.5), (2, simple, 0.9)):
            off = rng.normal(0, shift, width) if shift else 0.0
            features.append(np.maximum(centre + off + rng.normal(0, noise, (count, width)), 0))
            y += [writer] * count
            forged += [kind] * count
    return np.concatenate(features).astype(np.float32), np.array(y), np.array(forged, np.int8)


@pytest.fixture(scope="session")
def features():
    return made_up()


@pytest.fixture(scope="session")
def features_file(tmp_path_factory, features):
    path = tmp_path_factory.mktemp("features") / "made.npz"
    np.savez(path, features=features[0], y=features[1], yforg=features[2])
    return path


@pytest.fixture(scope="session")
def document(features):
    """Results of two models and two numbers of references, with every score."""
    from sigkd.evaluation import results
    from sigkd.evaluation.evaluate import Settings, Source, evaluate_features
    from sigkd.evaluation.output import finish
    from sigkd.evaluation.protocol import Protocol

    values, y, forged = features
    noisy = np.maximum(values + np.random.default_rng(5).normal(0, 1.2, values.shape), 0).astype(np.float32)
    third = np.maximum(values + np.random.default_rng(6).normal(0, 0.4, values.shape), 0).astype(np.float32)
    protocol = Protocol(genuine_test=4, skilled_test=5, gamma=2.0**-6, forgeries="both")
    made = [
        evaluate_features(
            own,
            y,
            forged,
            [2, 4],
            splits=5,
            protocol=protocol,
            settings=Settings(bootstrap=100),
            source=Source(dataset="made", model=name, model_hash=name),
        )
        for name, own in (("good", values), ("bad", noisy), ("middle", third))
    ]
    joined = results.merge(made)
    finish(joined)
    return joined


@pytest.fixture(scope="session")
def results_file(tmp_path_factory, document):
    path = tmp_path_factory.mktemp("results") / "results.json"
    document.save(path)
    return path
