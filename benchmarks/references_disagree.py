"""How often references are said not to fit the others, by the limit of verify and enroll: rightly and wrongly.

    sigkd extract dutch --out dutch.npz
    python benchmarks/references_disagree.py dutch.npz --writers 0:22

References are drawn from each writer's genuine signatures. All are the writer's own in the first column of rates, so
each remark is a false alarm; then one of them is another writer's, or a skilled forgery, and what counts is that this
very one is named. The old limit was the reject threshold at a false rejection rate of 5 %.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from sigkd.classifiers.base import PREFERRED, choose_classifier
from sigkd.classifiers.cohort import load_cohort
from sigkd.measures import threshold_at_far, threshold_at_frr
from sigkd.models.binding import Binding
from sigkd.models.features import FeatureSet
from sigkd.verification import remarks
from sigkd.verification.calibration import load_calibration
from sigkd.verification.remarks import odd_reference_limit


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("features", type=Path)
    parser.add_argument("--writers", default="0:22")
    parser.add_argument("--nref", type=int, nargs="*", default=[3, 5, 8])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--odd", type=float, nargs="*", default=[remarks.ODD])
    given = parser.parse_args()
    found = FeatureSet.load(given.features)
    binding = Binding.from_dict(found.describe())
    cohort = load_cohort(None, binding)
    calibrations = load_calibration(None, binding, cohort.hash)
    if calibrations is None:
        raise SystemExit("the default calibration does not fit these features")
    name = next(one for one in PREFERRED if calibrations.find(one, "cohort", 5) is not None)
    classifier, labels, forged = choose_classifier(name, 5), np.asarray(found.y), np.asarray(found.yforg) != 0
    chosen = np.unique(labels)[slice(*(int(end) if end else None for end in given.writers.split(":")))]
    generator = np.random.default_rng(0)
    print(f"{name}, {len(chosen)} writers, limit: a = {' '.join(map(str, given.odd))}\n")
    print("| references | draws | honest: a remark | old limit | another writer's: named | a forgery: named |")
    print("|---:|---:|---:|---:|---:|---:|")

    def agreement(rows: np.ndarray) -> np.ndarray:
        return classifier.enroll(found.features[rows], cohort)[1]

    for count in given.nref:
        own, fewer = (calibrations.find(name, "cohort", number) for number in (count, count - 1))
        if own is None or fewer is None:
            continue
        accept = threshold_at_far(own.alternative("skilled").impostor, 0.05)
        reject = min(threshold_at_frr(own.genuine, 0.05), (accept + threshold_at_frr(own.genuine, 0.05)) / 2)
        limits = []
        for remarks.ODD in given.odd:
            limits.append(odd_reference_limit(fewer.genuine, count))
        told, named = [], {"other": [], "forgery": []}
        for writer in chosen:
            genuine = np.flatnonzero((labels == writer) & ~forged)
            others = {
                "other": np.flatnonzero(np.isin(labels, chosen) & (labels != writer) & ~forged),
                "forgery": np.flatnonzero((labels == writer) & forged),
            }
            for _ in range(given.draws if len(genuine) >= count else 0):
                rows = generator.choice(genuine, count, replace=False)
                lowest = float(agreement(rows).min())
                told.append([lowest < limit for limit in [*limits, reject]])
                for kind, pool in others.items():
                    if len(pool):
                        mixed = np.append(rows[1:], generator.choice(pool))
                        named[kind].append([agreement(mixed)[-1] < limit for limit in limits])
        *honest, old = 100 * np.mean(told, axis=0)

        def shares(values: object) -> str:
            return " / ".join(f"{value:.1f}" for value in np.atleast_1d(values)) + " %"

        cells = [shares(100 * np.mean(one, axis=0)) if one else "-" for one in named.values()]
        print(f"| {count} | {len(told)} | {shares(honest)} | {old:.1f} % | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
