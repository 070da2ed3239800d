"""Dask: batches on a cluster of this machine, on an existing scheduler, or on jobs that Slurm starts."""

from __future__ import annotations

import contextlib
import importlib
import logging
import math
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from typing import Any

from stepscape.errors import InputError, OutputError, StepscapeError, Unavailable, bad
from stepscape.lab.address import address, answer_within, greet, quiet
from stepscape.lab.batch import Batch, Died, Done, carry_out_batch, packed, sentence, unpacked
from stepscape.lab.execution import Executor
from stepscape.lab.one_thread import VARIABLES, keep_to_one_thread
from stepscape.lab.processes import interrupts_blocked

CONNECT = 5.0  # seconds for a scheduler to greet,
ANSWER = 10.0  # and to answer later, when it may be busy
PATIENCE = 60.0  # seconds that a sweep waits while there is no worker at all
_COUNTED = 2.0  # seconds for which a number of workers is believed

# Nobody but this machine has a use for the web server of a scheduler or worker, and it asks for no password.
_OURS = {"dashboard_address": "127.0.0.1:0", "dashboard": False}
_WORKERS = ["--no-dashboard", "--dashboard-address", str(_OURS["dashboard_address"])]
_CONFIG = {
    # Each death is reported, so that the sweep decides.
    "distributed.scheduler.allowed-failures": 0,
    # A worker that takes long to start again on a busy machine would be given up, and none be left.
    "distributed.deploy.lost-worker-timeout": "1 day",
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


@contextmanager
def dask(workers: int, scheduler: str | None, options: Mapping[str, Any]) -> Iterator[Executor]:
    """Yield an executor on Dask; see `stepscape.lab.executors.executor`."""
    distributed = _library("distributed")
    if scheduler not in (None, "slurm"):
        address(str(scheduler))
    with ExitStack() as stack:
        stack.enter_context(quiet())
        stack.enter_context(importlib.import_module("dask").config.set(_CONFIG))
        patience = PATIENCE
        if scheduler == "slurm":
            cluster = stack.enter_context(closing(_slurm(workers, options)))
            patience = math.inf  # a queue may take days
        elif scheduler is None:
            cluster = stack.enter_context(closing(_local(workers)))
        else:
            cluster = scheduler
            greet(scheduler, CONNECT)
        client = stack.enter_context(_closing(_client(distributed, cluster)))
        _refuse_strangers(client)
        yield _Cluster(client, patience)


def job_script(options: Mapping[str, Any]) -> str:
    """Return the script that Slurm would get for one job; nothing is submitted."""
    with closing(_slurm_cluster(options)) as cluster:
        return str(cluster.job_script())


class _Cluster:
    """An executor on the workers of one scheduler, which may come and go."""

    def __init__(self, client: Any, patience: float) -> None:
        self._client, self._pool = client, client.get_executor(pure=False)
        self._dumps = _library("cloudpickle").dumps  # Dask's own: it also sends what a script defines
        self._workers, self._counted = 0, float("-inf")
        self._patience, self._alone = patience, time.monotonic()

    @property
    def workers(self) -> int:
        if time.monotonic() - self._counted > _COUNTED:
            self._counted = float("inf")  # a scheduler that does not answer is asked once
            self._workers = self._count()
            self._counted = time.monotonic()
            self._refuse_loneliness()
        return self._workers

    def _count(self) -> int:
        says = "the Dask scheduler does not answer any more"
        nthreads = partial(self._client.nthreads, callback_timeout=ANSWER)
        return sum(answer_within(2 * ANSWER, nthreads, says).values())

    def _refuse_loneliness(self) -> None:
        """Refuse to wait for ever for workers that may never come."""
        now = time.monotonic()
        if self._workers:
            self._alone = now
        elif now - self._alone > self._patience:
            raise OutputError(
                f"the Dask scheduler has had no worker for {self._patience:g} s; start some and resume"
            )

    def submit(self, batch: Batch) -> Future[Done]:
        reported: Future[Done] = Future()
        message = packed(batch, self._dumps)
        self._pool.submit(_on_worker, message).add_done_callback(partial(_forward, reported))
        return reported

    def stop(self) -> None:
        self._pool.shutdown(wait=False)


def _on_worker(message: bytes) -> Done:
    # Unpacked here, because what Dask itself cannot load takes its worker down.
    keep_to_one_thread()
    return carry_out_batch(unpacked(message))


def _forward(reported: Future[Done], future: Future[Done]) -> None:
    """Pass a result on, and an exception in the words of the lab."""
    if future.cancelled():
        reported.set_exception(CancelledError())
        return
    error = future.exception()
    if error is None:
        reported.set_result(future.result())
    elif type(error).__name__ == "KilledWorker":
        lives = 1 + getattr(error, "allowed_failures", 0)
        # Not certain: Dask blames whatever was handed to that worker, begun or not.
        reported.set_exception(Died("its Dask worker was lost", lives, certain=False))
    elif isinstance(error, StepscapeError | CancelledError):
        reported.set_exception(error)
    else:
        reported.set_exception(OutputError(f"a Dask worker could not carry out a batch: {sentence(error)}"))


def _local(workers: int) -> Any:
    with _quiet_about_semaphores(), interrupts_blocked():
        make = _library("distributed").LocalCluster
        try:
            return make(
                n_workers=workers,
                threads_per_worker=1,
                memory_limit=0,
                host="127.0.0.1",
                dashboard_address=_OURS["dashboard_address"],
                scheduler_kwargs={"dashboard": _OURS["dashboard"]},
                silence_logs=logging.CRITICAL,
            )
        except (RuntimeError, OSError) as error:  # a worker killed before it was up, for one
            raise OutputError(f"a Dask cluster on this machine could not start: {sentence(error)}") from None


@contextmanager
def _quiet_about_semaphores() -> Iterator[None]:
    # A process of Python's own, which starts with the first worker, warns of them after an interrupt.
    before = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, [before, "ignore:resource_tracker:UserWarning"]))
    try:
        yield
    finally:
        os.environ.pop("PYTHONWARNINGS")
        if before is not None:
            os.environ["PYTHONWARNINGS"] = before


def _client(distributed: Any, cluster: Any) -> Any:
    make = partial(distributed.Client, cluster, timeout=CONNECT, set_as_default=False)
    return answer_within(2 * ANSWER, make, f"cannot reach the Dask scheduler {cluster!r}")


@contextmanager
def _closing(client: Any) -> Iterator[Any]:
    """Close a client, also one whose scheduler is gone or hangs."""
    try:
        yield client
    finally:
        with contextlib.suppress(OutputError):
            answer_within(ANSWER, partial(client.close, timeout=CONNECT), "it does not close")


def _refuse_strangers(client: Any) -> None:
    find = partial(client.run, find_spec, "stepscape", on_error="return", callback_timeout=2 * ANSWER)
    for worker, found in answer_within(3 * ANSWER, find, "the Dask workers do not answer").items():
        if not isinstance(found, ModuleSpec):
            raise OutputError(f"the Dask worker {worker} does not have stepscape; install it there")


def _slurm(workers: int, options: Mapping[str, Any]) -> Any:
    if workers < 1:
        raise bad(
            "workers", "be at least 1 with Slurm", workers, "it is how many worker processes to ask for"
        )
    cluster = _slurm_cluster(options)
    if shutil.which("sbatch") is None:
        cluster.close()
        raise OutputError("Slurm's command sbatch is not found; start the sweep where jobs can be submitted")
    cluster.scale(workers)
    return cluster


def _slurm_cluster(options: Mapping[str, Any]) -> Any:
    """One thread per worker process, as everywhere; other options come from Dask's own configuration."""
    exports = [f"export {name}=1" for name in VARIABLES]
    chosen = {"cores": 1, "scheduler_options": dict(_OURS), "worker_extra_args": _WORKERS, **options}
    chosen.setdefault("processes", chosen["cores"])
    chosen["job_script_prologue"] = [*exports, *chosen.get("job_script_prologue", [])]
    try:
        return _library("dask_jobqueue").SLURMCluster(**chosen)
    except (ValueError, TypeError, OSError) as error:
        if "memory" not in options:
            need = 'add memory = "4GB", or as much as a job needs'
            raise bad("[cluster]", "say how much memory a job needs", "no memory", need) from None
        raise InputError(f"[cluster] does not describe a job: {sentence(error)}") from None


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise Unavailable(f"{name} is not installed; pip install 'stepscape[cluster]'") from None
