"""Where the work runs: threads of this process, or the workers of an existing Dask cluster, both through joblib."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sigkd.errors import InputError, UsageError

T = TypeVar("T")

PATIENCE = "10s"
"""How long a scheduler may take to answer."""


@contextmanager
def backend(scheduler: str | None) -> Iterator[None]:
    """Send joblib's work to the Dask scheduler at ``tcp://host:port``; None: to this process's threads.

    Raises:
        UsageError: if Dask is not installed.
        InputError: if nothing answers at the address, or the cluster has no workers.
    """
    import joblib

    if scheduler is None:
        with joblib.parallel_config(backend="threading"):
            yield
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise UsageError("`scheduler` needs Dask: pip install 'sigkd[cluster]'") from error
    try:
        client = Client(scheduler, timeout=PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(f"{scheduler}: no Dask scheduler answers ({error})") from error
    with client:
        if not client.scheduler_info(n_workers=-1)["workers"]:
            raise InputError(f"{scheduler}: the cluster has no workers")
        with joblib.parallel_config(backend="dask", client=client, wait_for_workers_timeout=10):
            yield


def run(
    function: Callable[..., T], work: Sequence[tuple[Any, ...]], *, workers: int, scheduler: str | None
) -> Iterator[T]:
    """Yield ``function(*arguments)`` for each item of ``work``, in its order, as the results arrive."""
    import joblib
    from threadpoolctl import threadpool_limits

    with backend(scheduler):
        jobs = -1 if scheduler else max(1, min(workers, len(work)))
        pool = joblib.Parallel(n_jobs=jobs, return_as="generator")
        # One BLAS thread a job: the jobs are the parallelism.
        with threadpool_limits(1 if jobs != 1 else None):
            yield from pool(joblib.delayed(function)(*arguments) for arguments in work)
