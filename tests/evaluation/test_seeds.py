"""Several seeds: what is drawn anew, and what follows."""

from __future__ import annotations

import numpy as np
import pytest

from sigkd.errors import InputError
from sigkd.evaluation.evaluate import Settings, Source, evaluate_features
from sigkd.evaluation.protocol import Protocol
from sigkd.evaluation.seeds import compare_seeds, seed_grids
from sigkd.evaluation.tables import markdown

from .conftest import made_up

PROTOCOL = Protocol(genuine_test=4, skilled_test=5, gamma=2.0**-6)


def trained(noise, seed):
    """Results of a network that is as good as ``noise`` is small."""
    values, y, forged = made_up(noise=0.2)
    values = values + np.random.default_rng([seed, round(1000 * noise)]).normal(0, noise, values.shape).astype(
        np.float32
    )
    source, settings = Source(dataset="made", model=f"{noise} {seed}"), Settings(bootstrap=0)
    return evaluate_features(values, y, forged, 3, 3, protocol=PROTOCOL, settings=settings, source=source).results[0]


@pytest.fixture(scope="module")
def systems():
    return {f"noise {noise}": {seed: trained(noise, seed) for seed in (1, 2, 3)} for noise in (0.1, 0.11, 3.0)}


def test_what_differs_is_told_from_what_does_not(systems):
    found = compare_seeds(systems, "eer_user", PROTOCOL, count=500)
    assert [pair.test.significant for pair in found.pairs] == [False, True, True]
    near, far, _ = found.pairs
    assert near.ci95[0] < 0 < near.ci95[1] and far.ci95[1] < 0
    for one in found.systems:
        values = [systems[one.system][seed].metrics["eer_user"].mean for seed in (1, 2, 3)]
        assert (one.mean, one.std) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
        assert one.ci95[0] < one.mean < one.ci95[1]
    assert found.writers == 10
    assert "**" in markdown(seed_grids(found)[1])


def test_seeds_widen_the_interval(systems):
    runs = systems["noise 0.1"]
    alike = {"a": dict.fromkeys((1, 2, 3), runs[1]), "b": dict.fromkeys((1, 2, 3), systems["noise 0.11"][1])}
    apart = {"a": runs, "b": systems["noise 0.11"]}
    narrow, wide = (compare_seeds(each, "eer_user", PROTOCOL, count=2000).pairs[0] for each in (alike, apart))
    assert np.ptp(narrow.ci95) < np.ptp(wide.ci95)


def test_two_seeds_give_no_test_and_shared_ones_are_paired(systems):
    one, other = systems["noise 0.1"], systems["noise 3.0"]
    found = compare_seeds({"a": {1: one[1], 2: one[2]}, "b": {2: other[2], 3: other[3]}}, "eer_user", PROTOCOL)
    (pair,) = found.pairs
    assert pair.by_seed == [one[2].metrics["eer_user"].mean - other[2].metrics["eer_user"].mean]
    assert pair.test is None and pair.ci95 is None and found.systems[0].ci95 is None
    assert "-" in markdown(seed_grids(found)[1])


def test_other_splits_are_refused(systems):
    values, y, forged = made_up()
    other = evaluate_features(values, y, forged, 2, 3, protocol=PROTOCOL, settings=Settings(bootstrap=0)).results[0]
    with pytest.raises(InputError, match="different splits"):
        compare_seeds({"a": systems["noise 0.1"], "b": {1: other}}, "eer_user", PROTOCOL)
    with pytest.raises(InputError, match="no results"):
        compare_seeds({}, "eer_user", PROTOCOL)
    with pytest.raises(InputError, match="'eer'"):
        compare_seeds(systems, "eer", PROTOCOL)
