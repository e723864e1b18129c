"""Disturb every kind of file that the program reads, and see that it answers, or says which file is bad.

``python -m tests.fuzz.run [TARGET ...] [--share 1.0] [--first 0]``: each target in a process of its own, one at a
time. A case is its number: ``--first N --cases 1`` repeats it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.mutate import damaged
from tests.fuzz.targets import ALL, DAMAGE, TARGETS, Target, digest

SECONDS, BYTES = 2.0, 2**30
"""What one case may take: time of the processor, and memory above what the process had before."""
_PATIENCE = 600.0


@dataclass
class Tally:
    """What became of a target's cases."""

    cases: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    """``refused``: with a line that names the file; ``same``: what the good file says; ``other``: something else."""
    slowest: float = 0.0
    largest: int = 0
    found: list[str] = field(default_factory=list)
    """What should not be, with the case's number."""


class Fuzzer:
    """One target's good files in a folder, and its cases."""

    def __init__(self, target: Target, folder: Path) -> None:
        self.target, self.folder = target, folder
        self.files = target.make(folder)
        self.contents = {path: path.read_bytes() for path in self.files}
        self.good = {path: digest(target.read(folder if target.folder else path)) for path in self.files}
        for path in self.files:  # reading may complete a file
            path.write_bytes(self.contents[path])
        self.tally = Tally()

    def content(self, number: int) -> tuple[Path, bytes, bool]:
        """Return which file case ``number`` disturbs, its new content, and whether it is mere damage."""
        rng = random.Random(f"{self.target.name} {number}")
        path = rng.choice(self.files)
        known = [damaged, *self.target.changes]
        mutation = rng.choice(known)
        try:
            content = mutation(self.contents[path], rng)
        except (UnicodeDecodeError, ValueError):  # another kind of file than the mutation knows
            mutation, content = damaged, damaged(self.contents[path], rng)
        return path, content, mutation is damaged

    def run(self, number: int) -> None:
        """Run a case."""
        from sigkd.errors import SigkdError

        path, content, damage = self.content(number)
        if content == self.contents[path]:
            return
        path.write_bytes(content)
        given = self.folder if self.target.folder else path
        before, start, problem = _peak(), time.process_time(), ""
        try:
            found = digest(self.target.read(given))
            outcome = "same" if found == self.good[path] else "other"
            if outcome == "other" and (self.target.sealed == ALL or (damage and self.target.sealed == DAMAGE)):
                problem = "says something else, and nobody knows"
        except SigkdError as error:
            outcome = "refused"
            if path.name not in str(error) and self.folder.name not in str(error):
                problem = f"the file is not named: {error}"
            elif "\n" in str(error):
                problem = f"several lines: {error}"
        except Exception:  # what a user would see as a traceback
            outcome, problem = "broken", traceback.format_exc(limit=-3)
        spent, memory = time.process_time() - start, _peak(reset=False) - before
        if spent > SECONDS:
            problem = problem or f"{spent:.1f} s"
        if memory > BYTES:
            problem = problem or f"{memory / 2**20:.0f} MiB"
        tally = self.tally
        tally.cases += 1
        tally.outcomes[outcome] += 1
        tally.slowest, tally.largest = max(tally.slowest, spent), max(tally.largest, memory)
        if problem:
            tally.found.append(f"case {number}: {path.name}: {problem}")
        path.write_bytes(self.contents[path])


def _peak(reset: bool = True) -> int:
    """Return the largest memory of this process since the last reset, in bytes (Linux; else 0)."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        return 0


def quiet() -> None:
    """Leave one core to the work, and the terminal to the report."""
    warnings.simplefilter("ignore")
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"


def fuzz(name: str, first: int, cases: int, sink: Any = None) -> Tally:
    """Run cases of a target in this process; tell ``sink`` before each which it is."""
    quiet()
    place = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="sigkd-fuzz-", dir=place))
    try:
        fuzzer = Fuzzer(TARGETS[name], folder)
        for number in range(first, first + cases):
            if sink is not None:
                sink.send((number, fuzzer.tally if number % 100 == 0 else None))
            fuzzer.run(number)
        if sink is not None:
            sink.send((first + cases, fuzzer.tally))
        return fuzzer.tally
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def supervised(name: str, first: int, cases: int) -> Tally:
    """Run cases in a process of its own; where it dies or hangs that is a finding, and the next goes on."""
    whole, context = Tally(), multiprocessing.get_context("spawn")
    place, end = first, first + cases
    while place < end:
        source, sink = context.Pipe(duplex=False)
        process = context.Process(target=fuzz, args=(name, place, end - place, sink))
        process.start()
        sink.close()
        at, tally, why = place - 1, Tally(), ""
        try:
            while at < end:
                if not source.poll(_PATIENCE):
                    why = f"no end after {_PATIENCE:.0f} s"
                    break
                at, told = source.recv()
                tally = told or tally
        except EOFError:
            pass
        process.kill() if why else process.join()
        process.join()
        _add(whole, tally)
        if at < end:
            whole.found.append(f"case {at}: {why or f'the process ended with {process.exitcode}'}")
            if at < place:  # not even the good files could be read
                break
        place = at + 1
    return whole


def _add(whole: Tally, part: Tally) -> None:
    whole.cases += part.cases
    whole.outcomes += part.outcomes
    whole.slowest, whole.largest = max(whole.slowest, part.slowest), max(whole.largest, part.largest)
    whole.found += part.found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help=", ".join(TARGETS))
    parser.add_argument("--share", type=float, default=1.0, help="of the cases of a full run")
    parser.add_argument("--cases", type=int, help="of each target")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--shown", type=int, default=5, help="findings of a target")
    parser.add_argument("--out", type=Path, help="a JSON file with all of them")
    options = parser.parse_args()
    if unknown := set(options.targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    bad, report = 0, {}
    for name in options.targets or TARGETS:
        start = time.perf_counter()
        tally = supervised(name, options.first, options.cases or max(1, round(TARGETS[name].cases * options.share)))
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(tally.outcomes.items()))
        print(
            f"{name:24} {tally.cases:6} cases: {outcomes}; at most {tally.slowest:.2f} s, "
            f"{tally.largest / 2**20:.0f} MiB; {len(tally.found)} found ({time.perf_counter() - start:.0f} s)",
            flush=True,
        )
        for line in tally.found[: options.shown]:
            print("    " + line.replace("\n", "\n    "), flush=True)
        bad += len(tally.found)
        report[name] = {"cases": tally.cases, "outcomes": dict(tally.outcomes), "found": tally.found}
    if options.out is not None:
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
