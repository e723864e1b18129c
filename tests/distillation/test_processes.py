"""Runs in processes of their own: killed without warning and resumed, and shared by two processes."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from sigkd.models.io import load_file

HERE = Path(__file__).parent
TINY = str(HERE / "tiny.py")
COMMAND = "distill --student tiny --teacher tiny:random --loss geom+bc --precision float32 --batch-size 8".split()  # noqa: SIM905
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port"]


def environment():
    paths = [str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "OMP_NUM_THREADS": "1"}


def start(arguments):
    return subprocess.Popen(arguments, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return out, err


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.mark.slow
def test_killed_and_resumed_is_the_same_as_never_killed(text_home):
    options = [*COMMAND, "--epochs", "12", "--crop", "random", "--augment", "ink", "--data-dir", str(text_home)]
    whole = start([sys.executable, TINY, *options, "--name", "whole"])
    killed = start([sys.executable, TINY, *options, "--name", "killed"])
    run = text_home / "runs" / "killed"
    limit = time.monotonic() + 200
    while not (run / "metrics.csv").exists():  # after the first epoch
        assert time.monotonic() < limit
        assert killed.poll() is None, killed.communicate()
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert not (run / "final.safetensors").exists(), "it was too fast to be killed"
    finish(start([sys.executable, TINY, "distill", "--resume", "--name", "killed", "--data-dir", str(text_home)]))
    finish(whole)
    one, other = (load_file(text_home / "runs" / name / "final.safetensors") for name in ("whole", "killed"))
    assert one.hash == other.hash
    assert not list(run.glob(".*")) or all(path.suffix == ".ckpt" for path in run.glob(".*"))


@pytest.mark.slow
def test_gradients_of_two_processes_are_those_of_one(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    from two_processes import BATCH, result, step, student

    process = start([*TORCHRUN, free_port(), str(HERE / "two_processes.py"), str(tmp_path / "two.pt")])
    module = student()
    _, terms = step(module, 0, BATCH)
    one = result(module, terms)
    finish(process)
    two = torch.load(tmp_path / "two.pt", weights_only=True)
    for name, gradient in one["gradients"].items():
        largest = float(gradient.abs().max())
        torch.testing.assert_close(
            two["gradients"][name], gradient, rtol=1e-3, atol=1e-4 * largest, msg=lambda m, n=name: n + m
        )
    for name, buffer in one["buffers"].items():
        torch.testing.assert_close(two["buffers"][name], buffer, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(torch.stack(two["joint"]), torch.stack(one["joint"]), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_a_run_shared_by_two_processes(text_home):
    options = [
        *COMMAND,
        "--epochs",
        "2",
        "--lr",
        "0.001",
        "--crop",
        "random",
        "--augment",
        "all",
        "--data-dir",
        str(text_home),
    ]
    shared = start([*TORCHRUN, free_port(), TINY, *options, "--name", "shared", "--json"])
    _, alone_said = finish(start([sys.executable, TINY, *options, "--name", "alone"]))
    output, said = finish(shared)
    assert output.count('"status": "complete"') == 1  # one process reports
    assert "Warning" not in said
    # the first line on the way has the mean over both processes, which is that of the joint batch
    first = [
        [float(value) for value in re.search(r"left: cl (\S+) geom1 (\S+) geom2 (\S+) bc (\S+)", text).groups()]
        for text in (alone_said, said)
    ]
    assert first[1] == pytest.approx(first[0], rel=2e-3)
    one, two = (
        load_file(text_home / "runs" / name / "final.safetensors").network.state_dict() for name in ("alone", "shared")
    )
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-2, atol=2e-3, msg=lambda m, n=name: n + m)
    rows = [
        (text_home / "runs" / name / "metrics.csv").read_text().splitlines()[-1].split(",")
        for name in ("alone", "shared")
    ]
    assert [float(value) for value in rows[1][:-1]] == pytest.approx(
        [float(value) for value in rows[0][:-1]], rel=2e-2, abs=1e-3
    )
