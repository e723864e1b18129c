"""A service for a quarter of an hour: four threads enrol, verify and forget through one Verifier; memory stays flat.

``python benchmarks/soak.py [--minutes 15] [--threads 4]`` prints what was done and the memory by minute, and ends with
1 where an answer was another than at first, an error came, or the memory of the last third is above that of the second
by more than a twentieth.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import torch

from sigkd import Choices, Verifier
from sigkd.gallery.maintenance import check
from sigkd.synthesis import signature_image

REFERENCES = 3
GROWTH = 1.05


def memory() -> float:
    """Return the resident memory of this process in MiB."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--model", default=None)
    options = parser.parse_args()
    # The service's threads share the cores. The environment is too late for a torch that is loaded.
    torch.set_num_threads(1)
    scans = {writer: [signature_image(writer, index) for index in range(REFERENCES + 2)] for writer in range(6)}
    done: Counter[str] = Counter()
    errors: list[str] = []
    first: dict[tuple[int, int], float] = {}
    lock = threading.Lock()
    with tempfile.TemporaryDirectory(prefix="sigkd-soak-") as folder:
        verifier = Verifier(Choices(model=options.model, device="cpu", dpi=400.0), gallery=Path(folder) / "g.sigkd")
        verifier.prepare()
        verifier.enroll("somebody", scans[0][:REFERENCES])
        end = time.monotonic() + 60 * options.minutes

        def serve(number: int) -> None:
            turn = 0
            while time.monotonic() < end and not errors:
                turn += 1
                writer = (number + turn) % len(scans)
                name = f"{number}-{turn}"
                try:
                    verifier.enroll(name, scans[writer][:REFERENCES])
                    for query in (REFERENCES, REFERENCES + 1):
                        found = verifier.verify(name, scans[writer][query])
                        with lock:
                            wanted = first.setdefault((writer, query), float(found.score))
                            done["verified"] += 1
                        if float(found.score) != wanted:
                            raise RuntimeError(f"writer {writer}, query {query}: {found.score} and {wanted} before")
                    verifier.verify("somebody", scans[writer][REFERENCES])
                    verifier.gallery.remove(name)
                    with lock:
                        done["enrolled and forgotten"] += 1
                        done["verified"] += 1
                except Exception as error:
                    errors.append(f"{type(error).__name__}: {error}")

        threads = [threading.Thread(target=serve, args=(number,)) for number in range(options.threads)]
        for thread in threads:
            thread.start()
        sizes, step = [], max(0.5, 60 * options.minutes / 60)
        while any(thread.is_alive() for thread in threads):
            time.sleep(step)
            sizes.append(memory())
        health = check(verifier.gallery)
        size = verifier.gallery.path.stat().st_size / 2**20
        verifier.close()
    third = len(sizes) // 3
    before, after = statistics.median(sizes[third : 2 * third] or sizes), statistics.median(sizes[2 * third :])
    print(f"{options.minutes:g} minutes, {options.threads} threads: {dict(done)}, {len(errors)} errors")
    print(f"memory MiB: {' '.join(f'{size:.0f}' for size in sizes[:: max(1, len(sizes) // 15)])}")
    print(
        f"second third {before:.0f} MiB, last third {after:.0f} MiB ({after / before - 1:+.1%}); gallery {size:.1f} MiB"
    )
    for line in (*errors, *health.problems):
        print(f"error: {line}")
    return int(bool(errors or health.problems or after > GROWTH * before))


if __name__ == "__main__":
    sys.exit(main())
