"""Commands that write files, small enough to be disturbed often; as a program: runs some of them and kills them.

``python -m tests.cli.faults FOLDER``: each command is run in a process of its own that kills itself at the moment
when the file is whole under its temporary name, once it gets SIGTERM there, and twice at once; prints what was left.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

MODEL = "tiny:random"
OFTEN = ("policy init", "extract", "look", "verify report", "evaluate", "gallery export")
"""Commands that suffer everything; the others' files are written by the same functions."""
WRITING: dict[str, tuple[str, str]] = {
    "policy init": ("policy init {out}", "ours.toml"),
    "preprocess": ("preprocess {signatures} --dataset folder --canvas 952x1360 --out {out} --workers 1", "set.npz"),
    "extract": ("extract {set} --model tiny:random --device cpu --out {out}", "features.npz"),
    "extract csv": ("extract {set} --model tiny:random --device cpu --out {out}", "features.csv"),
    "extract parquet": ("extract {set} --model tiny:random --device cpu --out {out}", "features.parquet"),
    "extract mat": ("extract {set} --model tiny:random --device cpu --out {out}", "features.mat"),
    "evaluate": ("evaluate --dataset {features} --nref 2 --splits 1 --bootstrap 0 --out {out}", "results"),
    "evaluate report": (
        "evaluate --dataset {features} --nref 2 --splits 1 --bootstrap 0 --report {out}",
        "report.html",
    ),
    "evaluate splits": (
        "evaluate --dataset {features} --nref 2 --splits 1 --bootstrap 0 --splits-file {out}",
        "s.json",
    ),
    "export": ("export tiny:random --format safetensors --out {out}", "model.safetensors"),
    "cohort build": ("cohort build --model tiny:random --from {set} --count 12 --device cpu --out {out}", "cohort.npz"),
    "disturb": ("disturb {scan} --with blur=0.3 --out {out}", "disturbed"),
    "disturb sheet": ("disturb {scan} --with blur=0.3 --sheet {out}", "sheet.png"),
    "look": ("look {scan} --out {out}", "looks"),
    "documents": ("documents --out {out} --kind card --count 1", "documents"),
    "verify report": (
        "verify {scan} {scan2} --query {scan3} --model tiny:random --cohort {cohort} --calibration none --device cpu "
        "--classifier wi --report {out}",
        "answer.html",
    ),
    "verify csv": (
        "verify {scan} {scan2} --query {scan3} --model tiny:random --cohort {cohort} --calibration none --device cpu "
        "--classifier wi --csv {out}",
        "answer.csv",
    ),
    "gallery export": ("gallery export {out} --gallery {gallery}", "writers.npz"),
}
"""Command line and name of what it writes."""


def prepare(folder: Path, signatures: Path, run) -> dict[str, Path]:
    """Make what the commands read; ``run`` runs the program."""
    import tests.distillation.tiny  # noqa: F401 - registers the network

    scans = sorted((signatures / "001").rglob("genuine/*.png"))
    known = {
        "signatures": signatures,
        "set": folder / "set.npz",
        "features": folder / "features.npz",
        "cohort": folder / "cohort.npz",
        "gallery": folder / "gallery.sigkd",
        "scan": scans[0],
        "scan2": scans[1],
        "scan3": scans[2],
    }
    for name in ("preprocess", "extract", "cohort build"):
        words, out = WRITING[name]
        run(*line(words, known, folder / out))
    given = ["--model", MODEL, "--cohort", known["cohort"], "--device", "cpu"]
    run("enroll", "Ada", *scans[:3], "--gallery", known["gallery"], "--keep-images", *given)
    return known


def line(words: str, known: dict[str, Path], out: Path) -> list[str]:
    """Return a command's words with the files in their places."""
    return [word.format(**known, out=out) for word in words.split(" ")]


def _child(words: list[str], act, log: Path) -> int:
    """Run a command in a forked process, with ``act`` in the place of flushing a file to the disk."""
    import sigkd.files

    child = os.fork()
    if child == 0:
        stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(stream, 1)
        os.dup2(stream, 2)
        if act is not None:
            sigkd.files.os.fsync = act
        from sigkd.cli.app import main

        try:
            main(words)
        except SystemExit as stop:
            sys.stdout.flush()
            os._exit(int(stop.code or 0))
        os._exit(99)
    return child


def _ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "log")


def main() -> None:
    import torch

    import sigkd.cli.app  # noqa: F401
    import tests.distillation.tiny  # noqa: F401

    torch.set_num_threads(1)
    root = Path(sys.argv[1])
    known = {name: Path(path) for name, path in json.loads((root / "known.json").read_text()).items()}
    ends = {"kill": lambda handle: os.kill(os.getpid(), signal.SIGKILL), "term": lambda handle: _term()}
    report: dict[str, dict[str, object]] = {}
    for number, name in enumerate(OFTEN):
        words, out = WRITING[name]
        found: dict[str, object] = {}
        for how, act in ends.items():
            folder = root / f"{number}-{how}"
            folder.mkdir()
            code = _ended(_child(line(words, known, folder / out), act, folder / "log"))
            found[how] = [code, _left(folder), (folder / "log").read_text(errors="replace")[-300:]]
            found[f"{how}, again"] = _ended(_child(line(words, known, folder / out), None, folder / "log"))
            found[f"{how}, after"] = (folder / out).exists()
        report[name] = found
        folder = root / f"{number}-both"
        folder.mkdir()
        both = [_child(line(words, known, folder / out), None, root / f"log-{one}") for one in (0, 1)]
        found["both"] = [sorted(_ended(one) for one in both), [one for one in _left(folder) if one.startswith(".")]]
        found["both, after"] = (folder / out).exists()
    print(json.dumps(report))


def _term() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
