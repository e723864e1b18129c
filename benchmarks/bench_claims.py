"""How fast a table of claims is answered (``sigkd verify --from``), and how much memory that takes.

    python benchmarks/bench_claims.py [--claims 40] [--writers 10] [--model NAME] [--report]

Made-up writers with two references each, enrolled before; claims of genuine signatures and forgeries in any order. The
first run answers a few, so that the second shows what the model costs and what each further claim does: wall clock and
processor seconds of whole processes, the largest memory, and how much the gallery's file grows. With ``--report`` the
page of all claims is written, too. 2,000 claims of 500 writers take minutes.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
FEW = 8


def run(*words: object) -> tuple[float, float, float]:
    """Run sigkd; return wall clock, processor seconds and the largest memory in MiB."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "sigkd", *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 4):
        raise SystemExit(f"{' '.join(map(str, words))}: failed")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def table(path: Path, columns: tuple[str, str], rows: list[tuple[str, str]]) -> Path:
    """Write a table."""
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([columns, *rows])
    return path


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--claims", type=int, default=40)
    parser.add_argument("--writers", type=int, default=10)
    parser.add_argument("--model", default=None)
    parser.add_argument("--report", action="store_true")
    given = parser.parse_args()
    from sigkd.synthesis import write_signature_dataset

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_signature_dataset(folder / "scans", given.writers, 5, 1, seed=77)
        writers = sorted(one.name for one in (folder / "scans").iterdir() if one.is_dir())
        files = [f"genuine/{number:02d}.png" for number in (3, 4, 5)] + ["forged/01.png"]
        claims = [(f"scans/{writer}/{file}", writer) for writer in writers for file in files]
        random.Random(0).shuffle(claims)
        claims = (claims * -(-given.claims // len(claims)))[: given.claims]
        references = [(f"scans/{one}/genuine/{number:02d}.png", one) for one in writers for number in (1, 2)]
        options = ("--gallery", folder / "g.sigkd", *(("--model", given.model) if given.model else ()))
        run("enroll", "--from", table(folder / "refs.csv", ("path", "writer"), references), *options)
        sizes = [(folder / "g.sigkd").stat().st_size]
        found = []
        for count in (FEW, given.claims):
            source = table(folder / f"{count}.csv", ("path", "writer"), claims[:count])
            page = ("--report", folder / f"page{count}.html") if given.report else ()
            command = ("verify", "--from", source, "--out", folder / f"out{count}.csv", *page, *options)
            found.append((count, *run(*command)))
            sizes.append((folder / "g.sigkd").stat().st_size)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {len(writers)} writers")
    print("| claims | wall, s | processor, s | memory, MiB |\n|---:|---:|---:|---:|")
    for count, wall, used, memory in found:
        print(f"| {count} | {wall:.1f} | {used:.1f} | {memory:.0f} |")
    (first, wall, used, _), (last, more, spent, _) = found
    print(f"each further claim: {1000 * (more - wall) / (last - first):.0f} ms, ", end="")
    print(f"{1000 * (spent - used) / (last - first):.0f} ms of a processor")
    enrolled, _, grown = (size / 1024 for size in sizes)
    print(f"gallery: {enrolled / len(writers):.1f} KiB a writer with two references, without images, ", end="")
    print(f"{(grown - enrolled) / (first + last):.1f} KiB a claim")


if __name__ == "__main__":
    main()
