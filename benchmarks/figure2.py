"""CPU and wall time of all training behind Figure 2 of Qiao and Wang (2025), arXiv:2512.01473.

Usage: python benchmarks/figure2.py [--share i/N] [--threads T] [--steps S] [--no-write]

120 step sizes 0.01, 0.02, …, 1.2 by 5 seeds, 100,000 steps each, k = 400, logistic loss: training alone, with
nothing measured on the way. A share trains the runs i, i + N, … and says what the whole would cost. Writes
results/figure2.{md,json}.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import numpy as np

import stepscape as ss
from engine import machine

RESULTS = Path(__file__).parent / "results"
STEP_SIZES = [round(0.01 * i, 2) for i in range(1, 121)]
SEEDS, WIDTH, INPUTS, STEPS = 5, 400, 100, 100_000
TARGET = 120.0  # seconds of wall time on two cores
ENDS = (0.0, 0.1, 0.3, 0.6, 0.9, 1.2)  # step sizes between which the table averages


@dataclass(frozen=True)
class Row:
    """One run: its CPU seconds, and how it ended."""

    step_size: float
    seed: int
    seconds: float
    outcome: str
    loss: float


def train(step_size: float, seed: int, steps: int) -> Row:
    problem = ss.problems.bernoulli("wave", n=INPUTS, amplitude=2.0, flip_rate=0.1, seed=seed)
    network = ss.TwoLayerReLU.random(WIDTH, init="torch", seed=seed)
    method = ss.GradientDescent(step_size, steps)
    begin = time.thread_time()
    run = ss.train(problem, network, method, record_every=steps, measure_sharpness=False)
    return Row(step_size, seed, time.thread_time() - begin, run.outcome, float(run.loss[-1]))


def measure(share: tuple[int, int], threads: int, steps: int) -> dict:
    """Train the runs of a share on threads; every step size and seed when the share is (0, 1)."""
    index, count = share
    runs = [(eta, seed) for seed in range(SEEDS) for eta in STEP_SIZES][index::count]
    train(STEP_SIZES[0], 0, 10)  # compiles
    begin = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        rows = list(pool.map(lambda run: train(*run, steps), runs))
    wall = time.perf_counter() - begin
    return {
        "machine": machine(),
        "share": f"{index}/{count}",
        "threads": threads,
        "steps": steps,
        "wall": wall,
        "runs": [asdict(row) for row in rows],
    }


def whole(result: dict) -> float:
    """CPU seconds of all 600 runs, from the mean of those that were made; the cost is in the steps."""
    mean = np.mean([run["seconds"] for run in result["runs"]])
    return float(mean * len(STEP_SIZES) * SEEDS * STEPS / result["steps"])


def markdown(result: dict) -> str:
    runs, cpu = result["runs"], whole(result)
    count = len(STEP_SIZES) * SEEDS
    made = f"{len(runs)} of {count} runs (share {result['share']}) of {result['steps']:,} steps"
    lines = [
        "# Training for Figure 2 of Qiao and Wang (2025)",
        "",
        f"`python benchmarks/figure2.py`: {len(STEP_SIZES)} step sizes up to {STEP_SIZES[-1]},",
        f"{SEEDS} seeds, {STEPS:,} steps, k = {WIDTH}, n = {INPUTS}, logistic loss; training alone.",
        "",
        "; ".join(f"{key} {value}" for key, value in result["machine"].items()) + ".",
        "",
        f"Made: {made} on {result['threads']} threads in {result['wall']:.1f} s of wall time and",
        f"{sum(run['seconds'] for run in runs):.1f} s of CPU. All {count} runs: {cpu:.0f} s of CPU, so",
        f"{cpu / 2:.0f} s on two idle cores (target: {TARGET:.0f}).",
        "",
        "| step sizes | runs | µs of CPU per step | diverged |",
        "|---|---|---|---|",
    ]
    for low, high in pairwise(ENDS):
        here = [run for run in runs if low < run["step_size"] <= high]
        if here:
            mean = 1e6 * np.mean([run["seconds"] for run in here]) / result["steps"]
            diverged = sum(run["outcome"] == "diverged" for run in here)
            lines.append(f"| {low:g} to {high:g} | {len(here)} | {mean:.2f} | {diverged} |")
    return "\n".join(lines) + "\n"


def share(text: str) -> tuple[int, int]:
    """Read "i/N"."""
    index, count = (int(part) for part in text.split("/"))
    if not 0 <= index < count:
        raise argparse.ArgumentTypeError(f"a share i/N must have 0 <= i < N, got {text}")
    return index, count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=share, default=(0, 1), help="i/N: train the runs i, i + N, …")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=STEPS, help="steps of a run")
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()
    result = measure(options.share, options.threads, options.steps)
    if not options.no_write:
        (RESULTS / "figure2.json").write_text(json.dumps(result, indent=1) + "\n")
        (RESULTS / "figure2.md").write_text(markdown(result))
    print(markdown(result))


if __name__ == "__main__":
    main()
