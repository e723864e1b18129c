"""The vectorised bootstrap against resampling the writers one by one."""

from __future__ import annotations

import numpy as np
import pytest

from sigkd import measures
from sigkd.evaluation import bootstrap
from sigkd.evaluation.protocol import Protocol, Split, WriterSplit
from sigkd.evaluation.scoring import SplitScores
from sigkd.evaluation.summary import split_metrics, split_replicates


def made_up_scores(seed=0, writers=7):
    rng = np.random.default_rng(seed)

    def draw(centre, low, high):
        return [np.round(rng.normal(centre, 1, rng.integers(low, high)), 1) for _ in range(writers)]

    fold = np.arange(writers) % 2
    parts = draw(1, 4, 8), draw(0, 3, 9), draw(-1, 2, 4), draw(-2, 10, 12)
    return SplitScores(split_of(range(writers)), *parts, fold, [(1.5, 0.2), (0.9, -0.1)], [0.4, 0.6])


def split_of(writers):
    none = np.zeros(0, np.int64)
    return Split(3, 0, tuple(WriterSplit(int(writer), none, none, none, none) for writer in writers))


def repeated(scores, counts):
    """The scores of a replicate, written out."""
    chosen = np.repeat(np.arange(len(counts)), counts)
    kinds = [[getattr(scores, kind)[i] for i in chosen] for kind in ("genuine", "skilled", "simple", "random")]
    return SplitScores(split_of(chosen), *kinds, scores.fold[chosen], scores.calibration, scores.thresholds)


def plain_threshold(genuine, forged):
    """The global threshold among all distinct scores."""
    limits = np.r_[np.inf, np.unique(np.r_[genuine, forged])[::-1]]
    far = np.array([np.mean(forged >= limit) for limit in limits])
    frr = np.array([np.mean(genuine < limit) for limit in limits])
    return limits[np.argmin(np.round(np.abs(far - frr), 12))]


@pytest.mark.parametrize("seed", range(3))
def test_replicates_are_those_of_explicit_resampling(seed):
    scores, protocol = made_up_scores(seed), Protocol(forgeries="both", simple_forgeries=True)
    counts = bootstrap.draw_writers(7, 15, seed)
    found = split_replicates(scores, protocol, counts)
    for row, drawn in enumerate(counts):
        again = repeated(scores, drawn)
        expected = split_metrics(again, protocol)
        genuine, forged = np.concatenate(again.genuine), np.concatenate(again.skilled)
        threshold = plain_threshold(genuine, forged)
        expected["frr"], expected["far_skilled"] = np.mean(genuine < threshold), np.mean(forged >= threshold)
        expected["eer_global"] = (expected["frr"] + expected["far_skilled"]) / 2
        expected["far_random"] = np.mean(np.concatenate(again.random) >= threshold)
        expected["far_simple"] = np.mean(np.concatenate(again.simple) >= threshold)
        expected.pop("eer_global_random")
        for name in set(found) & set(expected):
            assert found[name][row] == pytest.approx(expected[name], abs=1e-9), name


def test_chunks_change_nothing(monkeypatch):
    scores, counts = made_up_scores(), bootstrap.draw_writers(7, 20, 0)
    whole = split_replicates(scores, Protocol(), counts)
    monkeypatch.setattr(bootstrap, "CELLS", 100)
    for name, values in split_replicates(scores, Protocol(), counts).items():
        np.testing.assert_allclose(values, whole[name], rtol=1e-12)


def test_every_reported_metric_but_the_named_ones_has_replicates():
    scores = made_up_scores()
    missing = set(split_metrics(scores, Protocol())) - set(split_replicates(scores, Protocol(), np.ones((1, 7), int)))
    assert missing == {"threshold_global", "min_cllr", "calibration_loss"}


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    # The share of heads of 40 writers with 5 tosses each; 95 % intervals of 200 repetitions.
    rng = np.random.default_rng(1)
    inside = 0
    for repetition in range(200):
        heads = rng.binomial(5, rng.beta(6, 4, 40))
        counts = bootstrap.draw_writers(40, 300, repetition)
        low, high = bootstrap.interval(bootstrap.ratio(counts, heads, np.full(40, 5)))
        inside += low <= 0.6 <= high
    assert 0.89 <= inside / 200 <= 0.99


def test_same_seed_draws_the_same_writers():
    np.testing.assert_array_equal(bootstrap.draw_writers(9, 5, 3), bootstrap.draw_writers(9, 5, 3))
    assert (bootstrap.draw_writers(9, 5, 3).sum(axis=1) == 9).all()


def test_auc_pooled_counts_ties_half():
    found = bootstrap.threshold_metrics(np.ones((1, 1), int), [np.array([1.0, 2.0])], [np.array([1.0, 0.0])], {}, ())
    assert found["auc_pooled"][0] == measures.auc(np.array([1.0, 2.0]), np.array([1.0, 0.0])) == 0.875
