"""What a sweep costs beside its runs: executors and a store against a bare loop in as many workers.

Run ``python benchmarks/sweep_overhead.py`` on an idle machine; it writes ``benchmarks/results/sweep.md``.
A run here is 10 ms of plain computing that releases the interpreter lock, as a kernel does, and leaves six
numbers and two short arrays. Repeats are interleaved, and the order in a repeat alternates. Overhead is the
time of the sweep over that of the loop, less one: batches, records, commits with fsync and the index, but not
the start of worker processes. CPU time is that of the coordinating process, which with threads is everything.
Target: at most 3 %.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from stepscape.lab.executors import executor
from stepscape.lab.pool import Tick, cores
from stepscape.lab.spec import Spec
from stepscape.lab.store import Store
from stepscape.lab.sweeping import sweep
from stepscape.tables.records import Record

TARGET = 0.03
_BLOCK = bytes(1 << 16)


class Chore(Spec, frozen=True, tag="benchmark-chore/1"):
    """A run of a fixed amount of computing."""

    index: int
    blocks: int


def work(chore: Chore, _tick: Tick) -> Record:
    """Hash blocks of zeros: hashlib releases the lock for blocks of this size."""
    digest = hashlib.sha256()
    for _ in range(chore.blocks):
        digest.update(_BLOCK)
    numbers = {f"number_{i}": float(byte) for i, byte in enumerate(digest.digest()[:6])}
    return Record("finished", numbers, {"x": np.arange(50.0), "y": np.full(50, chore.index)})


def bare(chores: list[Chore]) -> None:
    """Carry out runs in a row and keep nothing."""
    for chore in chores:
        work(chore, lambda _: None)


def calibrated(seconds: float) -> int:
    """Blocks that take so long."""
    start = time.perf_counter()
    work(Chore(index=0, blocks=2000), lambda _: None)
    return round(2000 * seconds / (time.perf_counter() - start))


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the wall, and of the processor in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - cpu


def loops(name: str, workers: int, chores: list[Chore]) -> tuple[float, float]:
    """Time of the bare loop, an equal share for each worker."""
    shares = [chores[i::workers] for i in range(workers)]
    if name == "processes":
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            list(pool.map(bare, [[chores[0]]] * 4 * workers))  # they are up
            return timed(lambda: list(pool.map(bare, shares)))
    with ThreadPoolExecutor(workers) as pool:
        return timed(lambda: list(pool.map(bare, shares)))


def sweeps(name: str, workers: int, chores: list[Chore]) -> tuple[float, float]:
    """Time of the same runs through a sweep into a fresh store."""
    with tempfile.TemporaryDirectory() as folder, executor(name, workers) as pool:
        store = Store.create(Path(folder) / "store")
        warm = [Chore(index=-1 - i, blocks=1000) for i in range(4 * workers)]
        sweep(store, warm, work, pool)  # they are up
        return timed(lambda: sweep(store, chores, work, pool))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--workers", type=int, default=cores())
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "sweep.md")
    options = parser.parse_args()
    os.environ["STEPSCAPE_CACHE"] = tempfile.mkdtemp()
    blocks = calibrated(0.01)
    chores = [Chore(index=i, blocks=blocks) for i in range(options.runs)]
    rows = []
    for name in ("threads", "processes"):
        ratios, extra, bares = [], [], []
        for repeat in range(options.repeats):
            first, second = (loops, sweeps) if repeat % 2 else (sweeps, loops)
            times = {f: f(name, options.workers, chores) for f in (first, second)}
            ratios.append(times[sweeps][0] / times[loops][0])
            extra.append((times[sweeps][1] - times[loops][1]) / options.runs)
            bares.append(times[loops][0])
        low, middle, high = np.percentile(np.array(ratios) - 1.0, [0, 50, 100])
        each = 1e3 * options.workers * float(np.median(bares)) / options.runs
        cpu = 1e3 * float(np.median(extra))
        rows.append(f"| {name} | {each:.1f} | {middle:+.1%} | {low:+.1%} to {high:+.1%} | {cpu:+.2f} |")
    lines = [
        "# What a sweep costs beside its runs",
        "",
        f"`python benchmarks/sweep_overhead.py --runs {options.runs} --repeats {options.repeats} --workers "
        f"{options.workers}`: {options.runs} runs, a sweep against a bare loop, interleaved; "
        f"Python {platform.python_version()}, {platform.machine()}, {cores()} cores.",
        "",
        "| executor | a run, ms | overhead, median | all repeats | CPU time more a run, coordinator, ms |",
        "|---|---|---|---|---|",
        *rows,
        "",
        f"Target: at most {TARGET:.0%}. From the first batch to the last commit, workers being up.",
    ]
    options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(options.out.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
