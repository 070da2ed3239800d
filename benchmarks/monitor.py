"""Accuracy against cost of the largest eigenvalue of a Hessian, beside other libraries; cost of a monitor.

``python benchmarks/monitor.py [TABLE]...`` writes benchmarks/results/monitor.md and monitor.json; tables
named on the command line replace their part of an earlier result. Peers that are not installed are left out:
``pip install pyhessian==0.1 hessian-eigenthings curvlinops-for-pytorch``, in an environment of their own,
because they bring other versions of torch.
"""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from threadpoolctl import threadpool_limits
from torch.nn.attention import SDPBackend, sdpa_kernel

from monitor_methods import OURS, OWN, PLAIN, methods, versions
from monitor_models import SITUATIONS, Situation, convolutional, train_step, truth
from named_tables import update
from stepscape.monitor import Monitor, Probe, largest
from stepscape.monitor.krylov import Krylov
from stepscape.monitor.lanczos import LEAST

STARTS, PROMISED, RESIDUAL = 2, 1e-4, 1e-3
STEPS, BUDGET = 2000, 0.05
GUARDED = ("perceptron_start", "convolutions_trained", "transformer_start")
TRIES, SIZE, MISSED = 1000, 6000, 1e-3
SPECTRA = {
    "one outlier": [5.0],
    "first two 2 % apart": [1.0, 0.98],
    "first two 0.5 % apart": [1.0, 0.995],
    "ladder of steps of 3 %": [0.97**i for i in range(20)],
}
INTRODUCTION = f"""\
`python benchmarks/monitor.py`: the largest eigenvalue of the Hessian of a loss in float32, on one
thread. Cost is CPU time over that of a training step (forward pass, backward pass and update on the
same batch), the median over {STARTS} random starts. Methods and training steps take turns. Error is the
largest over the starts of the relative distance from ARPACK in float64. Products are those of the
Hessian with a vector. The sizes are small, so that a run takes minutes on a busy machine. Peers get
attention by its plain formula, because the fused ones have no second derivative; they do not see to it
themselves. hessian-eigenthings takes a number of products that its user chooses beforehand: 30 was
chosen here because it suffices.
"""


def table(name: str) -> dict[str, Any]:
    torch.set_num_threads(1)
    found = {"spectra": spectra, "overhead": overhead}.get(name, lambda: eigenvalues(name))()
    return {"table": name, "versions": versions(), **found}


def eigenvalues(name: str) -> dict[str, Any]:
    """Measure one situation by all methods, which take turns with training steps."""
    situation = SITUATIONS[name]()
    with sdpa_kernel([SDPBackend.MATH]):
        first, second = truth(situation)
    steps: list[float] = []
    runs: dict[str, list[tuple[float, float, int]]] = {}
    failed: dict[str, str] = {}
    needed, alone = [], []
    for seed in range(STARTS):
        count, seconds = least_products(situation, seed)
        needed.append(count)
        alone += seconds
        for method, find in methods().items():
            steps += list(step_costs(situation))
            model = copy.deepcopy(situation.model)
            begin = time.process_time()
            try:
                with sdpa_kernel([SDPBackend.MATH]):
                    value, products = find(situation, model, seed)
            except Exception as error:  # what a peer cannot do is a row as well
                failed[method] = f"{type(error).__name__}: {error}".partition("\n")[0][:100]
                continue
            seconds = time.process_time() - begin
            runs.setdefault(method, []).append((abs(value - first) / first, seconds, products))
    step = float(np.median(steps))
    return {
        "what": situation.what,
        "parameters": situation.size,
        "largest": first,
        "gap": 1.0 - second / first,
        "step_ms": 1e3 * step,
        "least": {"products": float(np.mean(needed)), "cost": float(np.median(alone)) / step},
        "rows": {method: row(found, step) for method, found in runs.items()},
        "failed": failed,
    }


def least_products(situation: Situation, seed: int) -> tuple[int, list[float]]:
    """Count the products without which no search from this start has a residual of 1e-3, and time each.

    Those of a Krylov space without restarts and with a residual that is read off, and one that verifies it;
    ten at least, because fewer are not believed.
    """
    probe, seconds = Probe(copy.deepcopy(situation.model), situation.loss, situation.batch), []
    with probe.measuring():
        operator = probe.operator()
        start = torch.randn(operator.size, generator=torch.Generator().manual_seed(seed))
        operator.product(start)  # makes the graph
        krylov, residual, value = Krylov(operator, start, 60, 1e-4), np.inf, 0.0
        while residual > RESIDUAL * abs(value):
            krylov.extend()
            values, columns = krylov.ritz()
            value, residual = values[0], krylov.beside * abs(columns[-1, 0])
            begin = time.process_time()
            operator.product(start)
            seconds.append(time.process_time() - begin)
    return max(krylov.done + 1, LEAST), seconds


def step_costs(situation: Situation) -> Iterator[float]:
    """CPU seconds of two training steps with step size 0."""
    model = copy.deepcopy(situation.model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    train_step(situation, model, optimizer)
    for _ in range(2):
        begin = time.process_time()
        train_step(situation, model, optimizer)
        yield time.process_time() - begin


def row(found: list[tuple[float, float, int]], step: float) -> dict[str, float]:
    errors, seconds, products = zip(*found, strict=True)
    return {
        "error": max(errors), "cost": float(np.median(seconds)) / step, "products": float(np.mean(products))
    }  # fmt: skip


class Diagonal:
    """A diagonal matrix in float32, with products that are counted."""

    device, dtype = torch.device("cpu"), torch.float32

    def __init__(self, top: list[float]) -> None:
        self.values, self.count = torch.linspace(0.0, 0.5, SIZE), 0
        self.values[-len(top) :] = torch.tensor(top)
        self.size = SIZE

    def product(self, vector: torch.Tensor) -> torch.Tensor:
        """Matrix times vector, counted."""
        self.count += 1
        return self.values * vector


def lanczos(operator: Diagonal, seed: int) -> float:
    return largest(operator, seed=seed).value


def arpack(operator: Diagonal, seed: int) -> float:
    matrix = LinearOperator((SIZE, SIZE), lambda v: operator.product(torch.from_numpy(v.ravel())).numpy(),
                            dtype=np.float32)  # fmt: skip
    start = np.random.default_rng(seed).standard_normal(SIZE).astype(np.float32)
    return float(eigsh(matrix, k=1, which="LA", v0=start, tol=1e-3, return_eigenvectors=False)[0])


def power(operator: Diagonal, seed: int) -> float:
    """Power iteration until two values differ by less than 0.1 %, at most 100 products, as PyHessian does."""
    vector = torch.randn(SIZE, generator=torch.Generator().manual_seed(seed))
    before = value = float("inf")
    while operator.count < 100:
        vector = vector / vector.norm()
        image = operator.product(vector)
        value, vector = float(vector @ image), image
        if abs(value - before) < 1e-3 * (abs(before) + 1e-6):
            break
        before = value
    return value


def spectra() -> dict[str, Any]:
    """Count how often a method settles on another eigenvalue than the largest."""
    ways: dict[str, Callable[[Diagonal, int], float]] = {
        OURS: lanczos, "eigsh LA, tol 1e-3": arpack, "power iteration, tol 1e-3": power,
    }  # fmt: skip
    rows = {}
    for spectrum, top in SPECTRA.items():
        for way, find in ways.items():
            operators = [Diagonal(top) for _ in range(TRIES)]
            errors = [abs(find(each, seed) - top[0]) / top[0] for seed, each in enumerate(operators)]
            rows[f"{spectrum} | {way}"] = {
                "missed": sum(error > MISSED for error in errors),
                "median": float(np.median(errors)),
                "products": float(np.mean([each.count for each in operators])),
            }
    return {"rows": rows}


def overhead() -> dict[str, Any]:
    """Train with a monitor, and time what it takes; and the guard alone."""
    situation = convolutional(0)
    x, y = situation.batch
    optimizer = torch.optim.SGD(situation.model.parameters(), lr=0.05)
    draw = torch.Generator().manual_seed(0)
    monitor = Monitor(situation.model, situation.loss, (x[:100], y[:100]), optimizer, budget=BUDGET,
                      clock=time.process_time)  # fmt: skip
    used, begin = 0.0, time.process_time()
    for step in range(STEPS):
        rows = torch.randint(0, len(x), (100,), generator=draw)
        optimizer.zero_grad()
        situation.loss(situation.model, (x[rows], y[rows])).backward()
        optimizer.step()
        entered = time.process_time()
        monitor.step(step)
        used += time.process_time() - entered
    training = time.process_time() - begin - used
    return {
        "share": used / training,
        "measurements": len(monitor.rows),
        "products": float(np.mean([row.products for row in monitor.rows])),
        "first": monitor.rows[0].step,
        "step_ms": 1e3 * training / STEPS,
        "guards": {
            name: guard_cost(name)
            for name in ("perceptron_start", "convolutions_trained", "transformer_start")
        },
    }


def guard_cost(name: str) -> float:
    """Median CPU milliseconds of guarding training around nothing."""
    situation = SITUATIONS[name]()
    probe = Probe(situation.model, situation.loss, situation.batch)
    found = []
    for _ in range(100):
        begin = time.process_time()
        with probe.measuring():
            pass
        found.append(1e3 * (time.process_time() - begin))
    return float(np.median(found))


def section(found: dict[str, Any]) -> list[str]:
    named = ", ".join(f"{name} {each}" for name, each in found["versions"].items())
    write = {"spectra": spectra_section, "overhead": overhead_section}.get(found["table"], eigenvalue_section)
    return [*write(found), f"Versions: {named}.", ""]


def eigenvalue_section(found: dict[str, Any]) -> list[str]:
    lines = [
        f"## {found['what']}", "",
        f"{found['parameters']:,} parameters, λ = {found['largest']:.6g}, the next eigenvalue is "
        f"{100 * found['gap']:.1f} % lower, a training step takes {found['step_ms']:.1f} ms of CPU time.", "",
        "| method | products | training steps | error |",
        "|---|---|---|---|",
        *(f"| {name} | {row['products']:.0f} | {row['cost']:.0f} | {row['error']:.0e} |"
          for name, row in found["rows"].items()),
        *(f"| {name} | failed | | {why} |" for name, why in found["failed"].items()), "",
    ]  # fmt: skip
    return [*lines, verdict(found["rows"], found["least"]), ""]


def verdict(rows: dict[str, dict[str, float]], least: dict[str, float]) -> str:
    """Say whether the promise is kept: error at most 1e-4, at half the cost of the best peer."""
    mine = rows[OURS]
    kept = "within" if mine["error"] <= PROMISED else "**above**"
    told = f"The error of stepscape at a residual of 1e-3 is {kept} the promised {PROMISED:g}."
    others = rows.keys() - OWN.keys() - PLAIN.keys()
    peers = {name: rows[name]["cost"] for name in others if rows[name]["error"] <= PROMISED}
    if not peers:
        return f"{told} No other library reached it."
    best = min(peers, key=lambda name: peers[name])
    share = mine["cost"] / peers[best]
    half = "at most half, as promised" if share <= 0.5 else "**more than the promised half**"
    told += f" The cheapest peer that reaches it is {best}; stepscape costs {share:.2f} of it, {half}."
    return f"{told} {limit(least, peers[best])}"


def limit(least: dict[str, float], peer: float) -> str:
    """Say what the products alone cost, and whether half of a peer is possible at all."""
    alone = least["products"] * least["cost"]
    told = (
        f"{least['products']:.0f} products, the fewest that reach the residual and verify it, at "
        f"{least['cost']:.1f} training steps each, are {alone:.0f} of the {peer:.0f} of that peer"
    )
    return f"{told}: half is out of reach." if alone > 0.5 * peer else f"{told}."


def spectra_section(found: dict[str, Any]) -> list[str]:
    return [
        "## Random starts that miss the largest eigenvalue", "",
        f"Diagonal matrices of size {SIZE} in float32: the eigenvalues named, above a bulk on [0, 0.5]. "
        f"A start out of {TRIES} misses if the error exceeds {100 * MISSED:g} %.", "",
        "| spectrum | method | missed | median error | products |",
        "|---|---|---|---|---|",
        *(f"| {name} | {row['missed']} of {TRIES} | {row['median']:.0e} | {row['products']:.0f} |"
          for name, row in found["rows"].items()), "",
    ]  # fmt: skip


def overhead_section(found: dict[str, Any]) -> list[str]:
    guards = ", ".join(f"{name.replace('_', ' ')} {each:.2f} ms" for name, each in found["guards"].items())
    return [
        "## What a monitor takes", "",
        f"Convolutions on digits, {STEPS} steps of {found['step_ms']:.1f} ms on batches of 100, a monitor on "
        f"100 examples with a budget of {100 * BUDGET:g} %: it took {100 * found['share']:.1f} % of the CPU "
        f"time of training. Measurements: {found['measurements']}, of {found['products']:.0f} products on "
        f"average, the first after step {found['first']}. The guard alone: {guards}.", "",
    ]  # fmt: skip


def markdown(results: list[dict[str, Any]]) -> str:
    lines = ["# Sharpness of a PyTorch model", "", INTRODUCTION]
    for found in results:
        lines += section(found)
    return "\n".join(lines)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with threadpool_limits(1):
        update("monitor", (*SITUATIONS, "spectra", "overhead"), table, markdown)
