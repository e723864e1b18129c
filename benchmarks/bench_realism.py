"""How like real signatures the made-up ones are: error rates of the default model, near copies, what the reader says.

    python benchmarks/bench_realism.py [--writers 40] [--seed 73] [--genuine 13] [--skilled 8]

Made-up genuine signatures and skilled forgeries of writers with a seed of their own are read at 400 dpi, as
``sigkd verify`` reads files with that tag. Error rates are those of ``sigkd evaluate`` with five references: by the
paper's protocol (other writers are the negatives), and as ``verify`` answers (the default cohort). Near copies: the
share of pairs of genuine signatures of a writer that ``verify`` would call copies of each other.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from statistics import median

import cv2
import numpy as np

from sigkd.classifiers.cohort import load_cohort
from sigkd.errors import ImageError
from sigkd.evaluation.answers import pool
from sigkd.evaluation.evaluate import Settings, evaluate_features
from sigkd.evaluation.protocol import Protocol
from sigkd.images.copies import COPY, descriptor, similarity
from sigkd.images.placing import place_all
from sigkd.images.scan import read_scan
from sigkd.measures import eer_global
from sigkd.models.binding import Binding
from sigkd.models.extract import extract_features
from sigkd.models.io import load_model
from sigkd.synthesis import signature_image
from sigkd.synthesis.signatures import DPI

REFERENCES, SPLITS = 5, 10


def read(task):
    """Return views, descriptor, the reader's remarks and the seconds of making one signature."""
    writer, index, kind, seed, views = task
    start = time.thread_time()
    image = signature_image(writer, index, kind, seed)
    seconds = time.thread_time() - start
    try:
        scan = read_scan(image, dpi=DPI)
    except ImageError as error:
        return None, None, [f"refused: {error}"], seconds
    return place_all(scan.ink, views), descriptor(scan.ink), [remark.code for remark in scan.remarks], seconds


def errors(features, y, forged, protocol, cohort=None):
    """Return EER global and user in per cent, as ``sigkd evaluate`` does by the protocol."""
    settings = Settings(bootstrap=0, workers=2)
    found = evaluate_features(
        features, y, forged, REFERENCES, SPLITS, protocol=protocol, settings=settings, cohort=cohort
    )
    entry = found.results[0]
    pooled = pool(entry.scores())
    together = eer_global(pooled["genuine"], pooled["skilled"])
    return (*(100 * entry.metrics[name].mean for name in ("eer_global", "eer_user")), 100 * together)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("writers", 40), ("seed", 73), ("genuine", 13), ("skilled", 8)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    model = load_model(None)
    counts = {"genuine": options.genuine, "skilled": options.skilled}
    tasks = [
        (writer, index, kind, options.seed, model.placing.views)
        for writer in range(options.writers)
        for kind, count in counts.items()
        for index in range(count)
    ]
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(read, tasks))
    views, descriptors, remarks, seconds = zip(*found, strict=True)
    print(
        f"{options.writers} writers of seed {options.seed}, {options.genuine} genuine, {options.skilled} skilled each"
    )
    print(f"made in              {1000 * median(seconds):6.1f} ms a signature, one thread, median")
    for kind in counts:
        said = Counter(code for task, codes in zip(tasks, remarks, strict=True) if task[2] == kind for code in codes)
        print(f"the reader on {kind:8s}", dict(said) or "no remarks, none refused")

    rows = [row for row, view in enumerate(views) if view is not None]
    owners = np.array([tasks[row][0] for row in rows])
    forged = np.array([tasks[row][2] == "skilled" for row in rows], np.int8)
    own = [[descriptors[rows[i]] for i in np.flatnonzero((owners == w) & (forged == 0))] for w in np.unique(owners)]
    alike = [similarity(*pair) for group in own for pair in itertools.combinations(group, 2)]
    for least in (0.9, COPY):
        print(f"alike from {least:.3f}     {np.mean(np.array(alike) >= least):.2%} of {len(alike)} genuine pairs")

    features = extract_features(model, np.stack([views[row] for row in rows]))
    protocol = Protocol(genuine_test=options.genuine - REFERENCES, skilled_test=options.skilled)
    paper = errors(features, owners, forged, protocol)
    print(f"EER paper's protocol {paper[0]:6.2f} % global {paper[1]:6.2f} % user")
    answering = replace(protocol, classifier="auto", negatives="cohort")
    cohort = load_cohort(None, Binding.of(model))
    verify = errors(features, owners, forged, answering, cohort)
    print(f"EER as verify answers {verify[2]:5.2f} %")


if __name__ == "__main__":
    main()
