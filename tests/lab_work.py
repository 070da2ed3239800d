"""Work for sweeps in tests: cheap, with every outcome, found by other processes by name."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

from stepscape.lab import throughput as pace
from stepscape.lab.executors import executor
from stepscape.lab.spec import Spec, identity, stream
from stepscape.lab.store import Store
from stepscape.lab.sweeping import sweep
from stepscape.tables.records import Record


class Chore(Spec, frozen=True, tag="chore/1"):
    """A run whose numbers follow from its index; it takes `lasting` seconds, and may remember in a folder."""

    index: int
    lasting: float = 0.0
    folder: str = ""


def work(spec, tick):
    """One run in eleven diverges, one in thirteen fails."""
    # The variable is no part of the spec: an uninterrupted sweep of the same runs need not wait.
    end = time.perf_counter() + (spec.lasting or float(os.environ.get("LAB_WORK_SECONDS", "0")))
    while (left := end - time.perf_counter()) > 0:
        tick(0.5)
        time.sleep(min(left, 0.005))
    rng = np.random.default_rng(stream(spec.index, "chore"))
    matrix = rng.normal(size=(90, 90))
    values = np.linalg.eigvalsh(matrix @ matrix.T)  # large enough for BLAS to share it among threads
    if spec.index % 13 == 5:
        raise ValueError(f"run {spec.index} cannot be carried out")
    numbers = {"largest": values[-1], "sum": matrix.sum(), "nothing": float("nan")}
    if spec.index % 11 == 3:
        return Record("diverged", numbers, {"values": values[:5]}, f"run {spec.index} went far")
    return Record("finished", numbers, {"values": values, "matrix": matrix[:3]})


def outcome(index):
    """How `work` ends."""
    return "failed" if index % 13 == 5 else "diverged" if index % 11 == 3 else "finished"


def chores(count, seconds=0.0, folder=""):
    return [Chore(index=index, lasting=seconds, folder=str(folder)) for index in range(count)]


def noting(spec, _tick):
    """Work that leaves a mark in its folder each time it is begun, and fails while the folder says so."""
    folder = Path(spec.folder)
    with open(folder / "begun.txt", "a") as file:
        file.write(f"{spec.index}\n")
    if (folder / "broken").exists() and spec.index % 13 == 5:
        raise ValueError("broken")
    return Record("finished", {"noted": spec.index})


def marking(spec, tick):
    """Work that leaves a mark in its folder when it has finished."""
    record = Record("finished", {"marked": spec.index})
    end = time.perf_counter() + spec.lasting
    while time.perf_counter() < end:
        tick(0.5)
        time.sleep(0.002)
    with open(Path(spec.folder) / "finished.txt", "a") as file:
        file.write(f"{spec.index}\n")
    return record


def finished(folder):
    """Index of every run that has left its mark."""
    file = Path(folder) / "finished.txt"
    return [int(line) for line in file.read_text().split("\n")[:-1]] if file.exists() else []


def begun(folder):
    """How often each index was begun."""
    lines = (Path(folder) / "begun.txt").read_text().split()
    return {int(line): lines.count(line) for line in lines}


def deadly(spec, tick):
    """Work that kills its process: always at index 7, and once for each folder at index 3."""
    once = Path(spec.folder) / "died"
    if spec.index == 7 or (spec.index == 3 and not once.exists()):
        once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return work(spec, tick)


def threads(_spec, _tick):
    """How many threads the linear algebra may use, in the worst of the libraries."""
    np.linalg.eigvalsh(np.eye(3))
    import scipy.linalg  # loads a BLAS of its own, after the executor has begun

    scipy.linalg.eigh(np.eye(3))
    most = max(library["num_threads"] for library in threadpool_info())
    return Record("finished", {"threads": most})


def deaf(_spec, _tick):
    """Work that never looks whether it was called off, for a while."""
    time.sleep(1.0)
    return Record("finished")


def wrong(_spec, _tick):
    return {"not": "a record"}


def carried_out(store, specs, where="threads", workers=2, work=work, **options):
    with executor(where, workers) as pool:
        return sweep(store, specs, work, pool, **options)


def by_identity(specs):
    return {identity(spec): spec for spec in specs}


def times_on_record(store):
    """How many segments hold each run, read from the manifests themselves."""
    held = [
        row["identity"]
        for file in (store.path / "segments").glob("*.json")
        for row in json.loads(file.read_text())["content"]["rows"]
    ]
    return {name: held.count(name) for name in held}


def main():
    """Sweep on two processes, with small batches, so that there is much to interrupt: ``STORE COUNT``."""
    path, count = sys.argv[1:]
    pace.TARGET = 0.1
    with executor("processes", 2) as pool:
        summary = sweep(Store.create(path), chores(int(count)), work, pool)
    print(json.dumps(vars(summary)))
