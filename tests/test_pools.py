"""Pools: results in order whatever the workers, few at a time, and clean ends."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import cv2
import pytest

from sigkd import pools
from sigkd.errors import SigkdError

RUN = """
import signal, sys, time
from functools import partial
from sigkd.pools import in_order
if __name__ == "__main__":
    for number in in_order(partial(pow, 2), range(100_000), workers=2, processes=sys.argv[1] == "processes"):
        print(number % 7, flush=True)
        time.sleep(0.01)
"""


@pytest.mark.parametrize("processes", [False, True])
@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order(workers, processes):
    work = partial(pow, exp=2)
    found = pools.in_order(work, range(3 * pools.AHEAD), workers=workers, processes=processes)
    assert list(found) == [number**2 for number in range(3 * pools.AHEAD)]
    assert list(pools.in_order(work, [], workers=workers)) == []


def test_results_do_not_pile_up():
    """Whoever takes them slowly has only so many of them waiting."""
    started = []
    results = pools.in_order(started.append, range(20 * pools.AHEAD), workers=2)
    next(results)
    time.sleep(0.3)
    assert len(started) <= 2 * pools.AHEAD
    results.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_threads_of_opencv_are_given_back(workers):
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    try:
        assert set(pools.in_order(lambda _: cv2.getNumThreads(), range(4), workers=workers)) == {1}
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_comes_through(workers):
    with pytest.raises(ZeroDivisionError):
        list(pools.in_order(partial(divmod, 1), [1, 2, 0, 4], workers=workers))


def test_a_worker_that_dies_is_one_line():
    with pytest.raises(SigkdError, match="a worker process died"):
        list(pools.in_order(os._exit, [1, 1], workers=2, processes=True))


def children(group: int) -> list[str]:
    """The processes of a group that still live."""
    listed = subprocess.run(["ps", "-eo", "pgid,stat,args"], capture_output=True, text=True, check=True)
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return [row[2] for row in rows if row[0] == str(group) and not row[1].startswith("Z")]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/bin/ps").exists(), reason="needs ps")
@pytest.mark.parametrize("kind", ["processes", "threads"])
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_is_left(kind, end, tmp_path):
    (tmp_path / "run.py").write_text(RUN)
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "run.py"), kind],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout.readline().strip() == "1"
    # Ctrl-C reaches the whole group, kill only the parent
    os.killpg(process.pid, end) if end == signal.SIGINT else process.send_signal(end)
    for _ in range(100):
        if process.poll() is not None and not children(process.pid):
            break
        time.sleep(0.1)
    assert children(process.pid) == []
    words = process.communicate()[1]
    if end == signal.SIGINT:
        assert words.count("Traceback") == 1  # the parent's own
