"""What keeping records costs: a commit beside the runs it keeps, and questions to a store of 100 000 runs.

Usage: python benchmarks/store.py [--quick] [--no-write]; writes results/store.{md,json}.

A run leaves 20 numbers and some arrays of 100 numbers. Seconds of CPU and of wall time, the least of several
turns; the disk is that of the temporary directory.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from engine import machine
from stepscape.lab.spec import Spec, identity
from stepscape.lab.store import Entry, Store
from stepscape.tables.records import Record

RESULTS = Path(__file__).parent / "results"
SECONDS = 0.010  # of a run
BATCHES = (100, 200)  # runs: one and two seconds
ARRAYS = (0, 2, 5)  # a run
RUNS, QUICK_RUNS = 100_000, 5_000
TURNS = 5


class Run(Spec, frozen=True, tag="benchmark/1"):
    """A run with eight columns."""

    truth: str
    n: int
    noise: float
    width: int
    steps: int
    arm: str
    seed: int
    step_size: float


def entries(count: int, arrays: int) -> list[Entry]:
    """Ten step sizes for each seed."""
    rng = np.random.default_rng(0)
    names = [f"measure {i}" for i in range(20)]
    curves = {f"curve {i}": rng.standard_normal(100) for i in range(arrays)}
    made = []
    for i in range(count):
        spec = Run(
            truth="tent", n=30, noise=0.5, width=100, steps=10_000, arm="warm_up",
            seed=i // 10, step_size=0.01 * (1 + i % 10),
        )  # fmt: skip
        numbers = dict(zip(names, rng.standard_normal(20).tolist(), strict=True))
        made.append(Entry(spec, Record("finished", numbers, curves), SECONDS))
    return made


def clocked(call: Callable[[], object], turns: int = TURNS) -> dict[str, float]:
    """Seconds of CPU and of wall time: the least of several turns."""
    cpu, wall = [], []
    for _ in range(turns):
        before = time.process_time(), time.perf_counter()
        call()
        cpu.append(time.process_time() - before[0])
        wall.append(time.perf_counter() - before[1])
    return {"cpu": min(cpu), "wall": min(wall)}


def commits(folder: Path) -> list[dict[str, float]]:
    """Cost of committing one batch, as a share of the time its runs took."""
    rows = []
    for arrays in ARRAYS:
        for batch in BATCHES:
            made, store = entries(batch, arrays), Store.create(folder / f"{arrays}-{batch}")
            times = clocked(lambda made=made, store=store: store.commit(made, {}), 3 * TURNS)
            share = {f"{name} share": seconds / (batch * SECONDS) for name, seconds in times.items()}
            rows.append({"arrays": arrays, "runs": batch, **times, **share})
    return rows


def questions(folder: Path, runs: int) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Answers of a store of many runs in segments of 100, each asked of a newly opened store."""
    made = entries(runs, arrays=1)
    names = [identity(entry.spec) for entry in made]
    specs = [entry.spec for entry in made[:1000]]
    path, cache = folder / "many", folder / "cache"
    store = Store.create(path)
    for i in range(0, runs, 100):
        store.commit(made[i : i + 100], {})

    def cold() -> None:
        shutil.rmtree(cache)
        assert len(Store.open(path).outcomes(names)) == runs

    def ask(question: Callable[[Store], object]) -> dict[str, float]:
        return clocked(lambda: question(Store.open(path)))

    store.counts()
    table = {
        "resume scan, no index yet": clocked(cold, 2),
        "resume scan": ask(lambda store: store.outcomes(names)),
        "counts by outcome (status)": ask(lambda store: store.counts()),
        "table of one step size in ten": ask(lambda store: store.table(step_size=0.05)),
        "table of one seed": ask(lambda store: store.table(seed=7)),
        "table of 1000 given specs": ask(lambda store: store.table(specs)),
        "whole table": ask(lambda store: store.table()),
        "1000 records with arrays, verified": ask(lambda store: store.records(names[:1000])),
        "check of every file": clocked(store.check, 1),
    }
    sizes = {
        "store, MB": sum(file.stat().st_size for file in path.rglob("*")) / 1e6,
        "index, MB": sum(file.stat().st_size for file in cache.rglob("*")) / 1e6,
    }
    return table, sizes


def markdown(result: dict) -> str:
    lines = ["# What keeping records costs", ""]
    lines += [
        "`python benchmarks/store.py`: seconds, the least of several turns. A run leaves 20 numbers and some",
        "arrays of 100 numbers.",
        "",
        "; ".join(f"{key} {value}" for key, value in result["machine"].items()) + ".",
        "",
        f"One commit, and its share of the time of its runs, {1000 * SECONDS:g} ms each (target: under 3 %):",
        "",
        "| arrays a run | runs | CPU, ms | wall, ms | share, CPU | share, wall |",
        "|---|---|---|---|---|---|",
    ]
    for row in result["commits"]:
        times = f"{1000 * row['cpu']:.1f} | {1000 * row['wall']:.1f}"
        shares = f"{100 * row['cpu share']:.2f} % | {100 * row['wall share']:.2f} %"
        lines.append(f"| {row['arrays']} | {row['runs']} | {times} | {shares} |")
    sizes = ", ".join(f"{name.split(',')[0]} {value:.0f} MB" for name, value in result["sizes"].items())
    lines += [
        "",
        f"Questions to a store of {result['runs']:,} runs in segments of 100 ({sizes}), newly opened each",
        "time (targets at 100 000: counts 1 s, a filtered table 2 s, a resume scan 5 s):",
        "",
        "| question | CPU, s | wall, s |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {t['cpu']:.2f} | {t['wall']:.2f} |" for name, t in result["questions"].items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"a store of {QUICK_RUNS} runs")
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()
    runs = QUICK_RUNS if options.quick else RUNS
    about = {
        **{key: value for key, value in machine().items() if key not in ("numba", "torch", "jax")},
        "msgspec": msgspec.__version__,
        "system": platform.system(),
    }
    with tempfile.TemporaryDirectory() as home:
        os.environ["STEPSCAPE_CACHE"] = f"{home}/cache"
        rows = commits(Path(home))
        table, sizes = questions(Path(home), runs)
    result = {"machine": about, "commits": rows, "runs": runs, "sizes": sizes, "questions": table}
    if not options.no_write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "store.json").write_text(json.dumps(result, indent=1) + "\n")
        (RESULTS / "store.md").write_text(markdown(result))
    print(markdown(result))


if __name__ == "__main__":
    main()
