"""Error and CPU time of the flows of `stepscape.dynamics` beside gradient descent at the edge of stability.

``python benchmarks/flows.py [NETWORK]...`` writes benchmarks/results/flows.md and flows.json; networks named
on the command line replace their part of an earlier result.

All flows of a network begin at the same step of the same descent. CPU time is that of one thread, so that a
busy machine does not matter much.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from named_tables import update
from stepscape import GradientDescent, dynamics
from stepscape.errors import NotConverged
from stepscape.experiments.edge.small_networks import NETWORKS, SmallNetwork, near_the_edge
from stepscape.objectives import Objective

STEPS, WINDOW, WIDTH, SEED, PATIENCE = 1000, 50, 20, 0, 6000
CHOSEN = ("gelu", "spiral", "deep_relu", "relu")
CHANGE = 1e-6
INTRODUCTION = f"""\
Descent is followed for {STEPS} steps from just before the edge of stability, on four small networks, and so
is every flow. The error is the distance of a flow from descent, both averaged over {WINDOW} steps, averaged
over all steps and over the largest move of descent. "loss": the median of |log| of the predicted mean loss
over the actual one. "swing": the root mean square of half the swing over the last half of the steps, over
that of descent. CPU time is per step of descent, and over that of one gradient. One seed: the errors are
indications.

"twin" is descent from a start that differs by {CHANGE:g}: the chaos floor, below which no error means
anything. "descent" is the time of descent itself in the same loop, with the loss at three places for each
step. The mirror flow with one substep is descent by definition, and is left out. Gradient flow is solved to
1 % of its way. The authors of the central flow (Cohen et al. 2025) give no error of this kind; their code,
which was not run here, takes four substeps for each step and third derivatives by automatic
differentiation.
"""


def flows(net: SmallNetwork, run: dynamics.Curve) -> dict[str, Callable[[], dynamics.Curve]]:
    o, theta, skip = net.objective, net.theta, net.skip
    method = GradientDescent(net.step_size, skip + STEPS + 1)
    direction = np.random.default_rng(1).standard_normal(theta.size)
    twin = theta + CHANGE * direction / np.linalg.norm(direction)
    end, count = float(run.time[-1]), run.time.size - 1
    return {
        "twin": lambda: dynamics.orbit(o, twin, method, skip),
        "gradient flow": lambda: dynamics.gradient_flow(o, run.theta[0], end, count, tolerance=1e-2),
        "central flow, 2 substeps": lambda: dynamics.central_flow(o, theta, method, skip=skip),
        "central flow, 4 substeps": lambda: dynamics.central_flow(o, theta, method, skip=skip, substeps=4),
        "rod flow, 1 rod": lambda: dynamics.rod_flow(o, theta, method, skip=skip),
        "rod flow, 3 rods": lambda: dynamics.rod_flow(o, theta, method, skip=skip, rods=3),
        "mirror flow, 2 substeps": lambda: dynamics.mirror_flow(o, theta, method, skip=skip),
        "mirror flow, 4 substeps": lambda: dynamics.mirror_flow(o, theta, method, skip=skip, substeps=4),
    }


def timed(solve: Callable[[], dynamics.Curve]) -> tuple[dynamics.Curve, float]:
    """Return the curve, and CPU milliseconds per step."""
    start = time.process_time()
    curve = solve()
    return curve, 1e3 * (time.process_time() - start) / STEPS


def gradient_time(objective: Objective, theta: np.ndarray) -> float:
    """Median CPU milliseconds of a gradient."""
    found = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(200):
            objective.gradient(theta)
        found.append(1e3 * (time.process_time() - start) / 200)
    return float(np.median(found))


def measured(flow: dynamics.Curve, run: dynamics.Curve) -> dict[str, float]:
    gap, late = dynamics.compare(run, flow, window=WINDOW), slice(STEPS // 2, None)
    swing, real = (float(np.sqrt(np.mean(each.amplitude[late] ** 2))) for each in (flow, run))
    return {
        "error": float(np.mean(gap.parameters) / gap.moved.max()),
        "loss": float(np.nanmedian(np.abs(gap.loss))),
        "swing": swing / real,
    }


def table(name: str) -> dict[str, object]:
    net = near_the_edge(name, WIDTH, SEED, PATIENCE)
    method = GradientDescent(net.step_size, net.skip + STEPS + 1)
    run, cost = timed(lambda: dynamics.orbit(net.objective, net.theta, method, net.skip))
    gradient = gradient_time(net.objective, run.theta[0])
    rows = {"descent": {"error": 0.0, "loss": 0.0, "swing": 1.0, "ms": cost, "gradients": cost / gradient}}
    for flow, solve in flows(net, run).items():
        try:
            curve, cost = timed(solve)
        except NotConverged as error:
            print(name, flow, error, file=sys.stderr)
            continue
        rows[flow] = {**measured(curve, run), "ms": cost, "gradients": cost / gradient}
    return {
        "table": name,
        "what": NETWORKS[name],
        "parameters": net.objective.size,
        "step_size": net.step_size,
        "skipped": net.skip,
        "gradient_ms": gradient,
        "flows": rows,
    }


def section(found: dict[str, object]) -> list[str]:
    lines = [
        f"## {found['table']}: {found['what']}, {found['parameters']} parameters, η = {found['step_size']}, "
        f"a gradient takes {found['gradient_ms']:.3f} ms",
        "",
        "| flow | error | loss | swing | CPU ms | gradients |",
        "|---|---|---|---|---|---|",
    ]
    for flow, row in found["flows"].items():
        lines.append(
            f"| {flow} | {row['error']:.4f} | {row['loss']:.3f} | {row['swing']:.3f} | {row['ms']:.2f} | "
            f"{row['gradients']:.1f} |"
        )
    return [*lines, ""]


def markdown(results: list[dict[str, object]]) -> str:
    lines = ["# Flows beside descent", "", INTRODUCTION]
    for found in results:
        lines += section(found)
    return "\n".join(lines)


if __name__ == "__main__":
    with threadpool_limits(1):
        update("flows", CHOSEN, table, markdown)
