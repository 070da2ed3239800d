"""CPU time, gap and error of recoveries of low-rank matrices, beside general convex solvers.

``python benchmarks/recovery.py [D]...`` writes benchmarks/results/recovery.md and recovery.json; the sizes d
named on the command line (20, 50, 100, 200, 500) replace their part of an earlier result.

All methods solve min ‖Z‖_* with B(Z) = b in the coordinates Z = D1 X D2 of the flattest matrix, with the same
B. They take turns, so that a busy machine slows all of them; the smallest of the repeats counts.
"""

from __future__ import annotations

import json
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cvxpy as cp
import numpy as np
from threadpoolctl import threadpool_limits

import stepscape as ss
from stepscape.problems import Measurements
from stepscape.problems.linear_maps import Dense, Entries
from stepscape.recovery.setting import setting

try:
    from matrix_completion import svt_solve  # pip install matrix-completion
except ImportError:
    svt_solve = None

RESULTS = Path(__file__).parent / "results"
OURS, SVT = "stepscape", "matrix-completion SVT"
SIZES = (20, 50, 100, 200, 500)
MOST = {"SCS 1e-6": 50, "SCS 1e-9": 20, "Clarabel": 20, SVT: 50}  # largest d that is given to a solver
REPEATS = 3
INTRODUCTION = f"""\
Flattest d×d matrices of rank 2 from noiseless measurements: min ‖D1 X D2‖_* with A(X) = b. CPU seconds on one
thread, the smallest of {REPEATS} turns of all methods; those of SCS and Clarabel include the work of CVXPY.
Gap: relative distance of the objective, at the solution projected on the equations, to the lower bound of the
method's own dual variables, both evaluated by the same lines. Error: of X, relative to the truth. Memory: the
most that our arrays take at once, beyond the problem itself; that of compiled solvers is not seen. SVT is
singular value thresholding (Cai, Candès and Shen, 2010) with the tolerance 1e-6; it has no dual variables.
"""
Answer = tuple[np.ndarray, np.ndarray | None]  # Z, dual variables


def problems(d: int) -> Iterator[Measurements]:
    """Four to five times as many measurements as degrees of freedom; dense ones up to d = 100."""
    many, few = 2 * (2 * d - 2), 2 * d - 1
    if d <= 100:
        yield ss.problems.matrix_sensing(d, d, 2, 4 * many if d < 100 else 3 * many, seed=1)
        yield ss.problems.bilinear_sensing(d, d, 2, 4 * many, seed=1)
        yield ss.problems.quadratic_network(d, 1, 1, 4 * few, seed=1)
        yield ss.problems.covariance_sensing(d, 2, 4 * few, seed=1)
    yield ss.problems.matrix_completion(d, d, 2, (5 if d <= 100 else 8 if d <= 200 else 10) * many, seed=1)


def ours(p: Measurements, _: Any) -> Answer:
    found = ss.recovery.flattest(p)
    at = setting(p, "flattest").at
    return at.to(found.matrix), found.dual * at.scale / at.size


def convex(p: Measurements, ready: Any, **options: Any) -> Answer:
    equations = ready.program.constraint
    keywords = {"any": {}, "symmetric": {"symmetric": True}, "psd": {"PSD": True}}[p.structure]
    Z = cp.Variable(p.shape, **keywords)
    norm = cp.trace(Z) if p.structure == "psd" else cp.normNuc(Z)
    solved = [rows(equations.linear_map, Z) == equations.labels]
    cp.Problem(cp.Minimize(norm), solved).solve(**options)
    return Z.value, -solved[0].dual_value


def rows(linear_map: Any, Z: Any) -> Any:
    if isinstance(linear_map, Entries):
        return cp.multiply(
            linear_map.apply(np.ones(linear_map.shape)), Z[linear_map.rows, linear_map.columns]
        )
    if isinstance(linear_map, Dense):
        matrices = linear_map.matrices
    else:
        matrices = np.einsum("ij,ik->ijk", linear_map.left, linear_map.right)
    return matrices.reshape(linear_map.size, -1) @ cp.vec(Z, order="C")


def threshold(p: Measurements, ready: Any) -> Answer:
    table, mask, entries = np.zeros(p.shape), np.zeros(p.shape), ready.program.constraint
    at = (p.linear_map.rows, p.linear_map.columns)
    table[at], mask[at] = entries.labels / entries.linear_map.scales, 1.0
    return svt_solve(table, mask, epsilon=1e-6, max_iterations=20_000), None


METHODS: dict[str, Callable[[Measurements, Any], Answer]] = {
    OURS: ours,
    "SCS 1e-6": lambda p, ready: convex(p, ready, solver=cp.SCS, eps=1e-6, max_iters=100_000),
    "SCS 1e-9": lambda p, ready: convex(p, ready, solver=cp.SCS, eps=1e-9, max_iters=100_000),
    "Clarabel": lambda p, ready: convex(p, ready, solver=cp.CLARABEL),
    SVT: threshold,
}


def methods(p: Measurements) -> list[str]:
    """Return the methods that are given a problem."""
    d = p.shape[0]
    completion = isinstance(p.linear_map, Entries) and svt_solve is not None
    return [name for name in METHODS if d <= MOST.get(name, 500) and (name != SVT or completion)]


def measure(p: Measurements) -> list[dict[str, object]]:
    ready, names = setting(p, "flattest"), methods(p)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    answers: dict[str, Answer] = {}
    for _ in range(REPEATS):
        for name in names:
            start = time.process_time()
            answers[name] = METHODS[name](p, ready)
            seconds[name].append(time.process_time() - start)
    return [
        {
            "problem": f"{p.name}, m = {p.size}",
            "d": p.shape[0],
            "method": name,
            "cpu_seconds": min(seconds[name]),
            "gap": gap(ready, *answers[name]),
            "error": p.error(ready.at.of(answers[name][0])),
            "peak_mebibytes": peak_memory(p) if name == OURS else None,
        }
        for name in names
    ]


def peak_memory(p: Measurements) -> float:
    """Most memory that stepscape's own arrays take at once beyond the problem itself, in MiB."""
    tracemalloc.start()
    ss.recovery.flattest(p)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def gap(ready: Any, Z: np.ndarray, dual: np.ndarray | None) -> float | None:
    """Relative gap at the projection of Z; a semidefinite matrix is not projected, and its value is tr Z."""
    if dual is None:
        return None
    equations, gauge = ready.program.constraint, ready.program.gauge
    if not gauge.cone:
        Z, _ = equations.project(1.0)(Z)
    best = max(equations.bound(λ, gauge.dual(equations.image(λ)))[0] for λ in (dual, -dual))
    return abs(gauge.value(Z) - best) / gauge.value(Z)


def markdown(found: list[dict[str, object]]) -> str:
    lines = ["# Recovery of low-rank matrices", "", INTRODUCTION]
    for d in sorted({row["d"] for row in found}):
        lines += [
            f"## d = {d}",
            "",
            "| problem | method | CPU s | gap | error | memory |",
            "|---|---|---|---|---|---|",
        ]
        for row in found:
            if row["d"] != d:
                continue
            of = "" if row["gap"] is None else f"{row['gap']:.1e}"
            memory = row["peak_mebibytes"]
            lines.append(
                f"| {row['problem']} | {row['method']} | {row['cpu_seconds']:.3g} | {of} "
                f"| {row['error']:.1e} | {'' if memory is None else f'{memory:.3g} MiB'} |"
            )
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    warnings.simplefilter("ignore")
    wanted = [int(size) for size in sys.argv[1:]] or list(SIZES)
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / "recovery.json"
    for d in wanted:
        before = json.loads(file.read_text()) if file.exists() else []
        found = [row for p in problems(d) for row in measure(p)]
        print(markdown(found), flush=True)
        found = sorted([row for row in before if row["d"] != d] + found, key=lambda row: row["d"])
        file.write_text(json.dumps(found, indent=1) + "\n")
        (RESULTS / "recovery.md").write_text(markdown(found) + "\n")


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
