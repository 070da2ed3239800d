"""Executors by name: threads and processes of this machine, or Dask."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from queue import SimpleQueue
from typing import Any

from stepscape.arguments import function, mapping, text, whole
from stepscape.errors import InputError, unknown
from stepscape.lab.batch import Batch, Done, carry_out_batch
from stepscape.lab.execution import Executor
from stepscape.lab.one_thread import limit_loaded, one_thread
from stepscape.lab.pool import submit
from stepscape.lab.workers import workers as sensible

NAMES = ("serial", "threads", "processes", "dask")


def executor(
    name: str,
    workers: int = 0,
    scheduler: str | None = None,
    options: Mapping[str, Any] | None = None,
    runs: int | None = None,
    warn: Callable[[str], None] | None = None,
) -> AbstractContextManager[Executor]:
    """Return a context manager that yields an executor.

    Parameters
    ----------
    name : "serial" | "threads" | "processes" | "dask"
        Threads are the default of the command line: the compiled kernels release the interpreter lock. Serial
        is one thread. Processes are spawned, for work that holds the lock; a process that is killed loses
        the batch that it was working on.
    workers : int
        0 means one per core or, with an existing Dask scheduler, as many as it has. More than the machine or
        the runs can occupy are not started.
    scheduler : str, optional
        With Dask: the address of a scheduler, or "slurm". Without, a cluster on this machine.
    options : mapping, optional
        With "slurm": the resources of each job, as dask-jobqueue's ``SLURMCluster`` calls it.
    runs : int, optional
        How many are to be carried out.
    warn : callable, optional
        Takes the sentence that says that there are fewer workers than asked for; by default a `UserWarning`.

    Raises
    ------
    InputError
        An unknown name, or options that do not go together.
    Unavailable
        Dask is not installed.
    """
    if not isinstance(name, str) or name not in NAMES:
        raise unknown("executor", name, NAMES)
    if scheduler is not None:
        text("scheduler", scheduler)
    if options is not None:
        mapping("options", options)
    if runs is not None:
        whole("runs", runs)
    if warn is not None:
        function("warn", warn)
    count, fewer = sensible(workers, scheduler, runs)
    if fewer:
        (warn or warnings.warn)(fewer)
    if name == "dask":
        from stepscape.lab.cluster import dask

        return dask(count, scheduler, options or {})
    if scheduler is not None:
        raise InputError(f"a scheduler needs the executor 'dask', got {name!r}")
    if name == "processes":
        return _processes(count)
    return _threads(1 if name == "serial" else count)


class _Pool:
    """Threads, each of which carries out a batch itself or has a process do it."""

    def __init__(
        self,
        workers: int,
        threads: ThreadPoolExecutor,
        carry_out: Callable[[Batch], Done],
        stop: Callable[[], None],
    ) -> None:
        self.workers = workers
        self._threads, self._carry_out, self._stop = threads, carry_out, stop

    def submit(self, batch: Batch) -> Future[Done]:
        return submit(self._threads, self._carry_out, batch)

    def stop(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._stop()


@contextmanager
def _threads(workers: int) -> Iterator[Executor]:
    stopped = threading.Event()
    carry_out = partial(carry_out_batch, stopped=stopped.is_set)
    with one_thread(), ThreadPoolExecutor(workers, "worker", limit_loaded) as threads:
        pool = _Pool(workers, threads, carry_out, stopped.set)
        try:
            yield pool
        finally:
            pool.stop()


@contextmanager
def _processes(workers: int) -> Iterator[Executor]:
    from stepscape.lab.processes import WorkerProcess

    processes = [WorkerProcess() for _ in range(workers)]
    idle: SimpleQueue[WorkerProcess] = SimpleQueue()
    for process in processes:
        idle.put(process)

    def carry_out(batch: Batch) -> Done:
        process = idle.get()  # as many processes as threads: there always is one
        try:
            return process.carry_out(batch)
        finally:
            idle.put(process)

    def stop() -> None:
        for process in processes:
            process.stop()

    with ThreadPoolExecutor(workers, "worker") as threads:
        pool = _Pool(workers, threads, carry_out, stop)
        try:
            yield pool
        finally:
            pool.stop()
