"""How fast verification is: cold, warm, and with 10,000 enrolled writers.

    python benchmarks/bench_verify.py [--model NAME] [--cold 3] [--warm 100] [--writers 300] [--only PART]

Cold: whole processes, ``sigkd verify`` with five references against ``python -c "import torch"``, run in turns so that
other load on the machine touches both alike; medians. Warm: ``Verifier.verify`` of one enrolled writer, image file to
logged answer. Gallery: features of the right size without images, enrolled in transactions of 32 writers, classifiers
included; ``--writers 10000`` takes some minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).parents[1]


def _seconds(command: list[str]) -> tuple[float, float]:
    """Run a process; return its wall-clock and its processor seconds."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1, 3):
        raise SystemExit(f"{' '.join(command)}: failed")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime


def cold(files: list[Path], options: list[str], runs: int) -> dict[str, float]:
    """Median seconds of ``sigkd verify`` and of ``import torch``, and the ratios, wall-clock and processor."""
    verify = [sys.executable, "-m", "sigkd", "verify", *map(str, files[:6]), *options]
    bare = [sys.executable, "-c", "import torch"]
    times: dict[str, list[tuple[float, float]]] = {"verify": [], "import_torch": []}
    for command in (verify, bare):
        _seconds(command)  # fills the file cache
    for _ in range(runs):
        times["verify"].append(_seconds(verify))
        times["import_torch"].append(_seconds(bare))
    results = {}
    for place, kind in enumerate(("seconds", "cpu_seconds")):
        one, two = (statistics.median(run[place] for run in times[name]) for name in ("verify", "import_torch"))
        results |= {f"verify_{kind}": one, f"import_torch_{kind}": two, f"ratio_{kind}": one / two}
    return results


def warm(verifier, files: list[Path], runs: int, threads: int) -> dict[str, float]:
    """Verifications a second through the Python interface, preprocessing and log included."""
    verifier.enroll("warm", files[:5])
    verifier.verify("warm", files[5])
    each = runs // threads

    def work() -> None:
        for number in range(each):
            verifier.verify("warm", files[5 + number % (len(files) - 5)])

    workers = [threading.Thread(target=work) for _ in range(threads)]
    start, used = time.perf_counter(), time.process_time()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - start
    cpu = 1000 * (time.process_time() - used) / (each * threads)
    return {"per_second": each * threads / seconds, "threads": threads, "cpu_ms_each": cpu}


def gallery(verifier, path: Path, writers: int) -> dict[str, float]:
    """Enrol many writers with five references each; time enrolment, one more enrolment, opening and loading."""
    from sigkd.images.ink_measures import InkMeasures
    from sigkd.verification.samples import Sample

    generator = np.random.default_rng(0)
    ink = InkMeasures(100, 300, 4.0, 120.0, 0, False, 200)
    blank = np.zeros((170, 242), np.uint8)
    enrolled = verifier.open_gallery(create=True)
    cohort = verifier.cohort.features

    def features(count: int) -> np.ndarray:
        centres = cohort[generator.integers(len(cohort), size=count)] * generator.uniform(
            0.7, 1.3, (count, cohort.shape[1])
        )
        noise = generator.normal(0, 0.2 * cohort.std(), (count, 5, cohort.shape[1]))
        return np.maximum(centres[:, None] + noise, 0).astype(np.float32).reshape(count * 5, -1)

    start = time.perf_counter()
    for first in range(0, writers, 32):
        names = [f"writer {number}" for number in range(first, min(first + 32, writers))]
        samples = [Sample(f"{place}.png", f"{place:064x}", blank, ink) for place in range(5)]
        enrolled.enroll_many([(name, samples) for name in names], features(len(names)))
    bulk = time.perf_counter() - start
    size = sum(file.stat().st_size for file in path.parent.glob(path.name + "*"))
    samples = [Sample(f"{place}.png", f"{place:064x}", blank, ink) for place in range(5)]
    singles, loads = [], []
    for number in range(20):
        one = features(1)
        start = time.perf_counter()
        enrolled.enroll_many([(f"single {number}", samples)], one)
        singles.append(time.perf_counter() - start)
        start = time.perf_counter()
        enrolled.comparison(f"writer {number * (writers // 20)}")
        loads.append(time.perf_counter() - start)
    start = time.perf_counter()
    removed = enrolled.gallery.remove("single 0")
    return {
        "writers": writers,
        "enrol_seconds": bulk,
        "enrol_per_second": writers / bulk,
        "enrol_one_ms": 1000 * statistics.median(singles),
        "load_one_ms": 1000 * statistics.median(loads),
        "remove_ms": 1000 * (time.perf_counter() - start),
        "erased": bool(removed),
        "size_mb": size / 1e6,
        "kb_per_writer": size / 1e3 / writers,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="default: the default student")
    parser.add_argument("--cohort", help="a cohort file; default: the default cohort, else one is built")
    parser.add_argument("--cold", type=int, default=3)
    parser.add_argument("--warm", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--writers", type=int, default=300)
    parser.add_argument("--only", choices=("cold", "warm", "gallery"), help="one part")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    sys.path.insert(0, str(REPOSITORY))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        import torch
        from PIL import Image

        from sigkd import Choices, Verifier
        from sigkd.classifiers.cohort import build_cohort, save_cohort
        from sigkd.errors import SigkdError
        from sigkd.models.io import load_model
        from sigkd.synthesis import signature_image

        files = []
        for index in range(12):
            files.append(folder / f"{index}.png")
            Image.fromarray(signature_image(0, index)).save(files[-1])
        if options.model is None:
            try:
                load_model()
            except SigkdError:  # an installation without the default student: the architecture is what costs
                options.model = "resnet18:random"
        model = load_model(options.model)
        verifier = Verifier(Choices(model, device="cpu"), gallery=folder / "g.sigkd")
        arguments = ["--device", "cpu"] + (["--model", options.model] if options.model else [])
        try:
            count = len(verifier.cohort)
        except SigkdError:
            file = Path(options.cohort) if options.cohort else folder / "cohort.npz"
            if not options.cohort:
                save_cohort(build_cohort(["made-up"], model, data=folder), file)
            verifier = Verifier(Choices(model, cohort=file, device="cpu"), gallery=folder / "g.sigkd")
            arguments += ["--cohort", str(file)]
            count = len(verifier.cohort)
        torch.set_num_threads(max(1, 2 // options.threads))
        results = {
            "model": model.name,
            "cohort": count,
            "cores": os.cpu_count(),
            "load_average": os.getloadavg()[0],
        }
        parts = {
            "cold": lambda: cold(files, arguments, options.cold),
            "warm": lambda: warm(verifier, files, options.warm, options.threads),
            "gallery": lambda: gallery(verifier, folder / "g.sigkd", options.writers),
        }
        for title, part in parts.items():
            if options.only in (None, title):
                results[title] = part()
        verifier.close()
    if options.json:
        print(json.dumps(results, indent=2))
        return
    for title, found in results.items():
        if isinstance(found, dict):
            print(
                f"{title}: "
                + ", ".join(
                    f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}"
                    for key, value in found.items()
                )
            )
        else:
            print(f"{title}: {found}")


if __name__ == "__main__":
    main()
