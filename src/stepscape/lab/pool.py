"""Run independent tasks on threads (the kernels release the interpreter lock) and stay interruptible."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from stepscape.errors import OutputError, bad
from stepscape.lab.one_thread import limit_loaded, one_thread

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")
Tick = Callable[[float], None]


class Stopped(BaseException):
    """Unwinds a task whose run was called off; never leaves this module."""


def run_all(
    work: Callable[[Task, Tick], Outcome],
    tasks: Sequence[Task],
    workers: int,
    progress: Callable[[float], None],
) -> list[Outcome]:
    """Return ``[work(task, tick) for task in tasks]``, computed by `workers` threads (0: one per core).

    A task calls ``tick(fraction done)`` often. `progress` is called from the calling thread alone, with the
    fraction of everything. Whatever interrupts the caller, Ctrl-C included, ends every task at its next tick;
    so does the first task that fails, and its exception is raised. The order and the number of workers change
    no bit: each is held to one thread of the libraries for linear algebra.
    """
    if workers < 0:
        raise bad("workers", "not be negative", workers, "0 means one per core")
    done = [0.0] * len(tasks)
    stop = threading.Event()

    def carry_out(index: int) -> Outcome:
        def tick(fraction: float) -> None:
            if stop.is_set():
                raise Stopped
            done[index] = fraction

        tick(0.0)
        outcome = work(tasks[index], tick)
        done[index] = 1.0
        return outcome

    threads = min(workers or cores(), max(1, len(tasks)), 4 * cores())
    with one_thread(), ThreadPoolExecutor(threads, initializer=limit_loaded) as pool:
        futures = [submit(pool, carry_out, index) for index in range(len(tasks))]
        try:
            _watch(futures, lambda: progress(sum(done) / max(1, len(done))))
            return [future.result() for future in futures]
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


def submit(pool: ThreadPoolExecutor, work: Callable[[Task], Outcome], task: Task) -> Future[Outcome]:
    """Hand a task to a thread, or say in one sentence that no thread can start."""
    try:
        return pool.submit(work, task)
    except RuntimeError as error:  # a limit on the threads of this user or container
        raise OutputError(f"no worker can start: {error}; give fewer workers") from None


def _watch(futures: Sequence[Future[Outcome]], report: Callable[[], None]) -> None:
    pending = set(futures)
    while pending:
        finished, pending = wait(pending, timeout=0.1, return_when=FIRST_COMPLETED)
        for future in finished:
            future.result()
        report()


def cores() -> int:
    """Count the cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux knows
        return os.cpu_count() or 1
