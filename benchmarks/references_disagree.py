"""How often honest writers are told that a reference does not fit the others: by verify's limit, and the one before.

    sigkd extract dutch --out dutch.npz
    python benchmarks/references_disagree.py dutch.npz --writers 0:22

References are drawn from each writer's genuine signatures; all are the writer's own, so each remark is a false alarm.
The old limit was the reject threshold at a false rejection rate of 5 %.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from sigkd.classifiers.base import choose_classifier
from sigkd.classifiers.cohort import load_cohort
from sigkd.measures import threshold_at_far, threshold_at_frr
from sigkd.models.binding import Binding
from sigkd.models.features import FeatureSet
from sigkd.verification.calibration import load_calibration
from sigkd.verification.remarks import odd_reference_limit


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("features", type=Path)
    parser.add_argument("--writers", default="0:22")
    parser.add_argument("--nref", type=int, nargs="*", default=[3, 5, 8])
    parser.add_argument("--draws", type=int, default=5)
    given = parser.parse_args()
    found = FeatureSet.load(given.features)
    binding = Binding.from_dict(found.describe())
    cohort = load_cohort(None, binding)
    calibrations = load_calibration(None, binding, cohort.hash)
    if calibrations is None:
        raise SystemExit("the default calibration does not fit these features")
    classifier, labels = choose_classifier("wd", 5), np.asarray(found.y)
    chosen = np.unique(labels)[slice(*(int(end) if end else None for end in given.writers.split(":")))]
    generator = np.random.default_rng(0)
    print("| references | draws | writers with a remark | by the old limit |\n|---:|---:|---:|---:|")
    for count in given.nref:
        own, fewer = (calibrations.find("wd", "cohort", number) for number in (count, count - 1))
        if own is None or fewer is None:
            continue
        accept = threshold_at_far(own.alternative("skilled").impostor, 0.05)
        reject = threshold_at_frr(own.genuine, 0.05)
        limits = odd_reference_limit(fewer.genuine, count), min(reject, (accept + reject) / 2)
        told = []
        for writer in chosen:
            rows = np.flatnonzero((labels == writer) & (np.asarray(found.yforg) == 0))
            for _ in range(given.draws if len(rows) >= count else 0):
                _, agreement = classifier.enroll(found.features[generator.choice(rows, count, replace=False)], cohort)
                told.append([float(agreement.min()) < limit for limit in limits])
        rates = 100 * np.mean(told, axis=0)
        print(f"| {count} | {len(told)} | {rates[0]:.1f} % | {rates[1]:.1f} % |")


if __name__ == "__main__":
    main()
