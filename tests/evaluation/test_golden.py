"""Scores and metrics of explicit splits against the field's reference implementation."""

from __future__ import annotations

import numpy as np
import pytest

from sigkd import measures
from sigkd.evaluation.protocol import Protocol, Split, WriterSplit
from sigkd.evaluation.scoring import score_split
from sigkd.evaluation.summary import split_metrics

NAMES = {
    "FRR": "frr",
    "FAR_random": "far_random",
    "FAR_skilled": "far_skilled",
    "mean_AUC": "auc",
    "EER": "eer_global",
    "EER_userthresholds": "eer_user",
    "global_threshold": "threshold_global",
}


@pytest.fixture(scope="module")
def golden(golden_dir):
    return dict(np.load(golden_dir / "writer_dependent.npz", allow_pickle=False))


def golden_split(golden, key):
    y, forged = golden["y"], golden["yforg"]
    train, test = golden[f"{key}_train"], golden[f"{key}_test"]
    none = np.zeros(0, np.int64)
    parts = [
        WriterSplit(
            w,
            train[y[train] == w],
            test[(y[test] == w) & (forged[test] == 0)],
            test[(y[test] == w) & (forged[test] == 1)],
            none,
        )
        for w in np.unique(y)
    ]
    return Split(5, 0, tuple(parts))


@pytest.mark.shared
@pytest.mark.parametrize("key", [f"{g}_s{s}" for g in ("g0", "g1") for s in range(3)])
def test_scores_and_metrics(golden, key):
    protocol = Protocol(genuine_test=6, skilled_test=8, gamma={"g0": 2.0**-11, "g1": 2.0**-7}[key[:2]])
    scores = score_split(golden["features"], golden_split(golden, key), protocol, seed=0)
    for kind in ("genuine", "skilled", "random"):
        np.testing.assert_allclose(np.array(getattr(scores, kind)), golden[f"{key}_{kind}"], atol=1e-6)
    values = split_metrics(scores, protocol)
    for theirs, ours in NAMES.items():
        if theirs == "global_threshold":
            assert values[ours] == pytest.approx(golden[f"{key}_{theirs}"], abs=1e-6)
        else:
            assert values[ours] == golden[f"{key}_{theirs}"], theirs


@pytest.mark.shared
@pytest.mark.parametrize("key", ["g0_s0", "g1_s1"])
def test_metrics_of_the_golden_scores_are_exact(golden, key):
    genuine, skilled = golden[f"{key}_genuine"], golden[f"{key}_skilled"]
    assert measures.eer_threshold(genuine.ravel(), skilled.ravel()) == golden[f"{key}_global_threshold"]
    assert measures.eer_global(genuine.ravel(), skilled.ravel()) == golden[f"{key}_EER"]
    assert measures.eer_user(list(genuine), list(skilled)) == golden[f"{key}_EER_userthresholds"]
