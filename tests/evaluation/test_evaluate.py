"""The whole evaluation: every metric recomputed from the document by other means, protocols, bounds, bad input."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from sigkd.errors import InputError, UsageError
from sigkd.evaluation.evaluate import Settings, evaluate_features
from sigkd.evaluation.protocol import Protocol

from .conftest import made_up

FAST = Settings(bootstrap=0)
SMALL = Protocol(genuine_test=4, skilled_test=5, gamma=2.0**-6)


def at_eer(genuine, forged):
    """Threshold by scikit-learn's ROC curve, as the reference implementation chooses it."""
    far, tpr, thresholds = roc_curve(np.r_[np.ones(len(genuine)), np.zeros(len(forged))], np.r_[genuine, forged])
    return thresholds[np.argmin(np.abs(far - (1 - tpr)))]


def recompute(split):
    """Metrics of one split of the document with scikit-learn and plain lines."""
    scores = {kind: [np.array(own) for own in split["scores"][kind]] for kind in split["scores"]}
    pooled = {kind: np.concatenate(own) for kind, own in scores.items() if own and any(map(len, own))}
    limit = at_eer(pooled["genuine"], pooled["skilled"])
    found = {"threshold_global": limit}
    for suffix, at in (("", limit), ("_zero", 0.0)):
        found[f"frr{suffix}"] = np.mean(pooled["genuine"] < at)
        for kind in ("skilled", "random"):
            found[f"far_{kind}{suffix}"] = np.mean(pooled[kind] >= at)
    found["eer_global"] = (found["frr"] + found["far_skilled"]) / 2
    rejected = accepted = 0
    areas = []
    for genuine, skilled in zip(scores["genuine"], scores["skilled"], strict=True):
        own = at_eer(genuine, skilled)
        rejected, accepted = rejected + np.sum(genuine < own), accepted + np.sum(skilled >= own)
        areas.append(roc_auc_score(np.r_[np.ones(len(genuine)), np.zeros(len(skilled))], np.r_[genuine, skilled]))
    found["eer_user"] = (rejected / len(pooled["genuine"]) + accepted / len(pooled["skilled"])) / 2
    found["auc"] = np.mean(areas)
    label = np.r_[np.ones(len(pooled["genuine"])), np.zeros(len(pooled["skilled"]))]
    found["auc_pooled"] = roc_auc_score(label, np.r_[pooled["genuine"], pooled["skilled"]])
    spread = np.sqrt((pooled["genuine"].var() + pooled["skilled"].var()) / 2)
    found["d_prime"] = (pooled["genuine"].mean() - pooled["skilled"].mean()) / spread
    for target in (0.01, 0.001):
        limits = np.r_[np.unique(np.r_[pooled["genuine"], pooled["skilled"]]), np.inf]
        fits = [at for at in limits if np.mean(pooled["skilled"] >= at) <= target]
        found[f"frr_at_far_{target:g}"] = np.mean(pooled["genuine"] < min(fits))
    costs = []
    for kind, sign in (("genuine", -1), ("skilled", 1)):
        lines = [split["calibration"][fold] for fold in split["fold"]]
        llr = np.concatenate([a * own + b for (a, b), own in zip(lines, scores[kind], strict=True)])
        costs.append(np.mean(np.log2(1 + np.exp(sign * llr))))
    found["cllr"] = sum(costs) / 2
    return found


def test_every_metric_can_be_recomputed_from_the_file(results_file):
    document = json.loads(results_file.read_text(encoding="utf-8"))
    for entry in document["results"][:2]:
        rows = [recompute(split) for split in entry["splits"]]
        metrics = entry["metrics"]
        for name in rows[0]:
            values = np.array([row[name] for row in rows])
            np.testing.assert_allclose(metrics[name]["values"], values, atol=1e-9, err_msg=name)
            assert metrics[name]["mean"] == pytest.approx(values.mean(), abs=1e-9)
            assert metrics[name]["std"] == pytest.approx(values.std(), abs=1e-9)
        gap = np.subtract(metrics["cllr"]["values"], metrics["min_cllr"]["values"])
        np.testing.assert_allclose(metrics["calibration_loss"]["values"], gap, atol=1e-12)


def test_intervals_hold_the_estimate(document):
    for entry in document.results:
        for name in ("eer_global", "eer_user", "auc", "cllr", "frr_zero", "eer_user_random"):
            low, high = entry.metrics[name].ci95
            assert low - 0.02 <= entry.metrics[name].mean <= high + 0.02, name


def test_the_same_call_gives_the_same_numbers_on_any_number_of_threads(features):
    one, two = (
        evaluate_features(*features, 3, 3, protocol=SMALL, settings=Settings(bootstrap=20, workers=n)) for n in (1, 2)
    )
    assert one.text() == two.text()


def test_apriori_thresholds_come_from_other_writers(features):
    document = evaluate_features(
        *features, 3, 2, protocol=Protocol("dev-threshold", 4, 5, gamma=2.0**-6), settings=FAST
    )
    (entry,) = document.results
    for split, frr in zip(entry.splits, entry.metrics["frr_apriori"].values, strict=True):
        assert len(split.thresholds) == 2 and set(split.fold) == {0, 1}
        rejected = [np.sum(own < split.thresholds[fold]) for own, fold in zip(split.genuine, split.fold, strict=True)]
        assert sum(rejected) / sum(map(len, split.genuine)) == pytest.approx(frr)
    assert entry.metrics["hter_apriori"].mean == pytest.approx(
        (entry.metrics["frr_apriori"].mean + entry.metrics["far_skilled_apriori"].mean) / 2
    )


def test_dev_threshold_does_not_see_the_tested_writers(features):
    """Changing the signatures of one fold's writers leaves that fold's threshold as it was."""
    values, y, forged = features
    protocol = Protocol("dev-threshold", 4, 5, gamma=2.0**-6)

    def run(own):
        return evaluate_features(own, y, forged, 3, 1, protocol=protocol, settings=FAST).results[0].splits[0]

    before = run(values)
    changed = values.copy()
    first = np.array(before.writers)[before.fold == 0]
    changed[np.isin(y, first)] += 0.7
    after = run(changed)
    assert after.thresholds[0] == before.thresholds[0]
    assert after.calibration[0] == before.calibration[0]
    assert after.thresholds[1] != before.thresholds[1]


def test_writer_independent_learns_from_other_writers(features):
    document = evaluate_features(
        *features, 3, 2, protocol=Protocol("writer-independent", 4, 5), settings=Settings(bootstrap=20)
    )
    (entry,) = document.results
    assert entry.writers == 10 and 0 <= entry.metrics["eer_global"].mean < 0.6
    assert entry.random_sampled and entry.random_per_writer == 10


def test_random_forgeries_alone(features):
    values, y, forged = (own[features[2] == 0] for own in features)
    document = evaluate_features(values, y, forged, 3, 2, protocol=Protocol(forgeries="random"), settings=FAST)
    (entry,) = document.results
    assert (
        "far_skilled" not in entry.metrics
        and entry.metrics["far_random"].mean <= entry.metrics["eer_global"].mean + 0.05
    )


def test_simple_forgeries_are_reported_where_asked():
    made = made_up(writers=6, simple=3)
    (entry,) = evaluate_features(*made, 3, 2, protocol=Protocol(simple_forgeries=True), settings=FAST).results
    assert entry.trials["simple"] == 18 and "far_simple_zero" in entry.metrics
    (entry,) = evaluate_features(*made, 3, 2, settings=FAST).results
    assert "far_simple" not in entry.metrics


def test_bounded_negatives_and_random_forgeries_are_stated(features):
    protocol = Protocol(genuine_test=4, skilled_test=5, gamma=2.0**-6, max_negatives=12, random_test=7)
    (entry,) = evaluate_features(*features, 3, 2, protocol=protocol, settings=Settings(bootstrap=10)).results
    assert entry.negatives == 12 and entry.random_per_writer == 7 and entry.random_sampled
    (whole,) = evaluate_features(*features, 3, 2, protocol=SMALL, settings=FAST).results
    assert whole.negatives == 27 and whole.random_per_writer == 36
    assert abs(entry.metrics["eer_global"].mean - whole.metrics["eer_global"].mean) < 0.15


def test_a_sample_of_random_forgeries_has_the_scores_of_all_of_them(features):
    def scores(count):
        protocol = Protocol(genuine_test=4, skilled_test=5, gamma=2.0**-6, random_test=count)
        return evaluate_features(*features, 3, 1, protocol=protocol, settings=FAST).results[0].splits[0]

    whole, sample = scores(None), scores(5)
    np.testing.assert_allclose(sample.genuine, whole.genuine, atol=1e-9)
    for few, every in zip(sample.random, whole.random, strict=True):
        assert all(np.min(np.abs(every - score)) < 1e-9 for score in few)


def test_splits_file_is_written_then_used(tmp_path, features):
    path = tmp_path / "splits.json"
    first = evaluate_features(*features, [2, 3], 2, protocol=SMALL, settings=FAST, splits_file=path)
    again = evaluate_features(*features, [3], 2, 99, protocol=SMALL, settings=FAST, splits_file=path)
    assert again.results[0].split_hash == first.results[1].split_hash
    assert again.results[0].metrics["eer_user"] == first.results[1].metrics["eer_user"]


def test_writers_can_be_chosen_and_short_ones_left_out(features):
    values, y, forged = features
    (entry,) = evaluate_features(values, y, forged, 3, 1, protocol=SMALL, settings=FAST, writers="2:8").results
    assert entry.writers == 6 and entry.splits[0].writers == [2, 3, 4, 5, 6, 7]
    lacking = (y != 4) | (np.arange(len(y)) % 3 == 0)
    (entry,) = evaluate_features(
        values[lacking], y[lacking], forged[lacking], 4, 1, protocol=SMALL, settings=FAST, skip_short=True
    ).results
    assert entry.writers_left_out == [4]


def test_bad_input_is_found_before_the_work(features):
    values, y, forged = features
    broken = values.copy()
    broken[3, 2] = np.nan
    with pytest.raises(InputError, match=r"NaN.*first row: 3"):
        evaluate_features(broken, y, forged, 3)
    with pytest.raises(InputError, match="do not belong together"):
        evaluate_features(values, y[:-1], forged, 3)
    with pytest.raises(InputError, match="20 references"):
        evaluate_features(values, y, forged, [3, 20])
    with pytest.raises(UsageError, match="at least 1"):
        evaluate_features(values, y, forged, 0)


@pytest.mark.slow
def test_dask_cluster_gives_the_same_numbers(features):
    distributed = pytest.importorskip("distributed")
    expected = evaluate_features(*features, [2, 3], 2, protocol=SMALL, settings=Settings(bootstrap=10))
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        settings = Settings(bootstrap=10, scheduler=cluster.scheduler_address)
        found = evaluate_features(*features, [2, 3], 2, protocol=SMALL, settings=settings)
    assert found.text() == expected.text()


def test_an_absent_scheduler_is_an_error(features, monkeypatch):
    pytest.importorskip("distributed")
    from sigkd.evaluation import schedule

    monkeypatch.setattr(schedule, "PATIENCE", "1s")
    with pytest.raises(InputError, match="no Dask scheduler answers"):
        evaluate_features(*features, 3, 1, settings=Settings(bootstrap=0, scheduler="tcp://127.0.0.1:9"))


def test_models_are_told_apart_by_their_folders():
    from sigkd.evaluation.experiment import _unique

    taken: list[str] = []
    for spec in ("runs/a/final.safetensors", "runs/b/final.safetensors", "white/a.safetensors", "signet:random", None):
        taken.append(_unique(spec, "sigkd-resnet18", taken))
    assert taken == ["a", "b", "white/a", "signet:random", "sigkd-resnet18"]
    assert _unique("white/a.safetensors", "", taken) == "white/a'"
