"""Many items through threads or processes: results in order, few in memory at a time, Ctrl-C clean."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from sigkd.errors import SigkdError

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 16
"""Items a worker that are given out at once: so many results may wait for whoever takes them."""


def cores() -> int:
    """Return the number of cores that this process may use."""
    # In a container, or under taskset, fewer than the machine has.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep OpenCV and BLAS to one thread: the jobs are the parallelism, and sums in another order give other bytes."""
    import cv2
    from threadpoolctl import threadpool_limits

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        cv2.setNumThreads(before)


def in_order(
    function: Callable[[T], R], items: Sequence[T], *, workers: int = 0, processes: bool = False
) -> Generator[R, None, None]:
    """Yield ``function(item)`` for each item, in order; the results do not depend on the number of workers.

    Args:
        function: must be picklable for processes.
        items: read :data:`AHEAD` a worker at a time.
        workers: 0: one per core that this process may use.
        processes: for work that holds the interpreter's lock; else threads.

    Raises:
        SigkdError: a worker process died (out of memory).
    """
    # One job runs here, in this thread: no pool to start for a single image.
    jobs = max(1, min(workers or cores(), len(items)))
    with one_thread():
        if jobs == 1:
            yield from map(function, items)
            return
        import joblib

        options: dict[str, Any] = {"backend": "threading"}
        if processes:
            start = partial(_start_worker, os.getpid())
            # max_nbytes: no array is passed through a temporary file
            options = {"backend": "loky", "initializer": start, "max_nbytes": None, "inner_max_num_threads": 1}
        try:
            with joblib.Parallel(n_jobs=jobs, return_as="generator", **options) as pool:
                for first in range(0, len(items), AHEAD * jobs):
                    # workers start at the first of these calls
                    with _deaf_to_interrupts():
                        results = pool(joblib.delayed(function)(item) for item in items[first : first + AHEAD * jobs])
                    try:
                        # "yield from" would close the results before the warning is off
                        for result in results:  # noqa: UP028
                            yield result
                    finally:
                        with warnings.catch_warnings():
                            warnings.simplefilter("ignore")  # that work in progress is given up is what was asked for
                            results.close()
        except BrokenProcessPool as error:
            raise SigkdError(
                "a worker process died (out of memory?); the same command goes on where it stopped, try fewer `workers`"
            ) from error


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Ignore Ctrl-C for a moment: a worker that starts meanwhile inherits it, and cannot die noisily in its imports."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _start_worker(parent: int) -> None:
    """Keep a worker to one thread, leave Ctrl-C to the parent, and end with it: else it would wait for work."""
    import cv2

    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        threading.Event().wait(1.0)
    os._exit(1)
