"""Pages through worker processes, results in the order of the pages, few of them in memory at a time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import cv2
from threadpoolctl import threadpool_limits

from sigkd.errors import SigkdError
from sigkd.text.layouts import Page
from sigkd.text.options import TextOptions
from sigkd.text.page import PageResult, process_page


def worker_count(workers: int) -> int:
    """Return the number of processes for the option's value (0: one per usable core)."""
    return (
        workers or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else workers or os.cpu_count() or 1
    )


def process_pages(pages: Sequence[Page], options: TextOptions, workers: int) -> Generator[PageResult, None, None]:
    """Yield the result of every page, in order; the results do not depend on ``workers``.

    Raises:
        SigkdError: if a worker process dies (out of memory).
    """
    if workers <= 1:
        before = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            # one thread, as in a worker: sums in another order would give other bytes
            with threadpool_limits(limits=1):
                for page in pages:
                    yield process_page(page, options)
        finally:
            cv2.setNumThreads(before)
        return
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_start_worker)
    waiting: deque[Future[PageResult]] = deque()
    try:
        for page in pages:
            waiting.append(pool.submit(process_page, page, options))
            if len(waiting) >= 3 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise SigkdError(
            "a worker process died (out of memory?); the same command goes on where it stopped, try fewer --workers"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    """Keep a worker to one thread, leave Ctrl-C to the parent, and end with the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    threadpool_limits(limits=1)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)  # a worker whose parent was killed would wait for work for ever
