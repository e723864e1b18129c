"""How fast ``sigkd evaluate`` is: against fitting each writer's pipeline, and with a growing number of writers.

    python benchmarks/bench_evaluate.py                 # all of 60 writers, and 10 writers of the GPDS-300 size
    python benchmarks/bench_evaluate.py naive --full    # the GPDS-300 size, every writer by the pipeline (minutes)
    python benchmarks/bench_evaluate.py writers         # 100, 400 and 1600 writers
    python benchmarks/bench_evaluate.py scale           # 4000 writers, with the peak memory

The comparison counts processor seconds of one thread (set OMP_NUM_THREADS=1), so that other work on the machine does
not matter; the other two modes count wall-clock seconds too. Features are made up: sparse, non-negative, with a centre
a writer, like the output of rectified units.
"""

from __future__ import annotations

import argparse
import json
import resource
import time

import numpy as np

REFERENCES, GENUINE, SKILLED, WIDTH = 12, 10, 10, 2048


def made_up_features(writers, width=WIDTH, seed=0):
    """Return features float32 [N, width], y and yforg for 12 references, 10 genuine and 10 skilled tests a writer."""
    rng = np.random.default_rng(seed)
    each = REFERENCES + GENUINE + SKILLED
    features = np.empty((writers * each, width), np.float32)
    for writer in range(writers):
        centre = rng.gamma(1.0, 1.0, width) * (rng.random(width) < 0.3)
        own = centre + rng.normal(0, 0.8, (each, width))
        own[REFERENCES + GENUINE :] += rng.normal(0, 0.35, width)
        features[writer * each : (writer + 1) * each] = np.maximum(own, 0)
    y = np.repeat(np.arange(writers), each)
    forged = np.tile(np.r_[np.zeros(REFERENCES + GENUINE), np.ones(SKILLED)], writers).astype(np.int8)
    return features, y, forged


def naive_writer(features, split, position):
    """Fit and score one writer as the field does: scaler and SVC from the features."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    own = split.writers[position]
    others = np.concatenate([w.references for i, w in enumerate(split.writers) if i != position])
    rows = np.concatenate([own.references, others])
    labels = np.r_[np.ones(len(own.references)), -np.ones(len(others))]
    machine = SVC(C=1, gamma=2.0**-11, class_weight={1: len(others) / len(own.references), -1: 1})
    pipeline = make_pipeline(StandardScaler(with_mean=False), machine).fit(features[rows], labels)
    random = np.concatenate([w.genuine for i, w in enumerate(split.writers) if i != position])
    return [pipeline.decision_function(features[rows]) for rows in (own.genuine, own.skilled, random)]


def ours(features, y, forged, threads=1):
    from sigkd.evaluation.protocol import Protocol, choose_split
    from sigkd.evaluation.scoring import score_split

    protocol = Protocol(genuine_test=GENUINE, skilled_test=SKILLED)
    split = choose_split(y, forged, np.unique(y), REFERENCES, 0, 1234, protocol)
    start = time.process_time()
    scores = score_split(features, split, protocol, 1234, threads=threads)
    return scores, split, time.process_time() - start


def compare(writers, measured):
    """Compare one split, all tests scored, one core for both; the naive way on ``measured`` writers."""
    features, y, forged = made_up_features(writers)
    ours(*made_up_features(5))  # imports
    scores, split, fast = ours(features, y, forged)
    start = time.process_time()
    worst = 0.0
    for position in range(measured):
        genuine, skilled, random = naive_writer(features, split, position)
        for found, expected in ((scores.genuine, genuine), (scores.skilled, skilled), (scores.random, random)):
            worst = max(worst, float(np.abs(found[position] - expected).max()))
    naive = (time.process_time() - start) * writers / measured
    return {
        "writers": writers,
        "references": writers * REFERENCES,
        "ours_cpu_seconds": round(fast, 2),
        "naive_cpu_seconds": round(naive, 1),
        "naive_is": "measured" if measured == writers else f"extrapolated from {measured} writers",
        "ratio": round(naive / fast, 1),
        "largest_score_difference": worst,
    }


def whole(writers, splits, workers):
    """Run a whole evaluation with intervals, and state time and peak memory of the process."""
    from sigkd.evaluation.evaluate import Settings, evaluate_features
    from sigkd.evaluation.protocol import Protocol

    features, y, forged = made_up_features(writers)
    start, cpu = time.perf_counter(), time.process_time()
    protocol = Protocol(genuine_test=GENUINE, skilled_test=SKILLED)
    settings = Settings(workers=workers, bootstrap=1000, keep_scores=False)
    document = evaluate_features(features, y, forged, REFERENCES, splits, protocol=protocol, settings=settings)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    (entry,) = document.results
    return {
        "writers": writers,
        "splits": splits,
        "workers": workers,
        "negatives": entry.negatives,
        "random_per_writer": entry.random_per_writer,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "cpu_milliseconds_per_writer_and_split": round(1000 * cpu / writers / splits, 1),
        "peak_gigabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "eer_global": entry.metrics["eer_global"].mean,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="naive", choices=["naive", "writers", "scale"])
    parser.add_argument("--full", action="store_true", help="every writer of the GPDS-300 size by the pipeline")
    parser.add_argument("--splits", type=int, default=2)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 400, 1600])
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    if options.what == "naive":
        rows = [compare(60, 60), compare(253, 253 if options.full else 10)]
    elif options.what == "writers":
        rows = [whole(writers, options.splits, options.workers) for writers in options.sizes]
    else:
        rows = [whole(4000, options.splits, options.workers)]
    for row in rows:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
