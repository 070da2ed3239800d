"""Error and CPU time of the mirror flow of other methods than gradient descent, at their edges of stability.

``python benchmarks/flow_methods.py [METHOD]...`` writes benchmarks/results/flow_methods.md and .json; methods
named on the command line replace their part of an earlier result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from flows import CHANGE, STEPS, WIDTH, WINDOW, gradient_time, timed
from named_tables import update
from stepscape import GradientDescent, dynamics, methods
from stepscape.dynamics.beginning import edge_ratio
from stepscape.errors import NotConverged
from stepscape.experiments.edge.small_networks import NETWORKS, small_network
from stepscape.experiments.frame.limits import EDGE
from stepscape.objectives import Objective
from stepscape.training import OptimizerMap

CHOSEN, SEEDS, LOOKS, PATIENCE, FINE = ("tanh", "gelu"), range(5), 5, 3000, 8
METHODS: dict[str, tuple[str, Callable[[int], Any]]] = {
    "heavy ball": ("β = .5, η = .15", lambda steps: GradientDescent(0.15, steps, momentum=0.5)),
    "rmsprop": ("β2 = .99, η = .003", lambda steps: methods.RMSProp(0.003, steps)),
    "adam": ("β = (.9, .99), η = .01", lambda steps: methods.Adam(0.01, steps, 0.9, 0.99)),
}
INTRODUCTION = f"""\
A method is followed for {STEPS} steps from just before its own edge of stability, and so is its mirror flow:
from the last of every {LOOKS}th step before the preconditioned sharpness over the threshold first rises to
{EDGE[0]}. The error is the distance of the flow from the steps, both averaged over {WINDOW} steps, averaged
over all steps and over the largest move of the method. Medians over the seeds 0 to {SEEDS[-1]} of the start,
with the least and the largest in brackets.

"twin" is the error of the method from a start that differs by {CHANGE:g}, the chaos floor. "no swing" is the
flow z' = F(z) − z of the same map F with {FINE} substeps, which knows no edge, like gradient flow. "swing" is
the root mean square of half the swing over the last half, flow over method. "gradients" is CPU time per step
with two substeps, over that of one gradient. Seeds that do not come to the edge from inside within {PATIENCE}
steps, or whose flow diverges, are counted and left out.
"""


def beginning(o: Objective, theta: np.ndarray, method: Any) -> int | None:
    """Count the steps to just before the edge; None if it is not reached from inside."""
    step_of = OptimizerMap(o, method)
    state, inside = step_of.start(theta), None
    for step in range(PATIENCE):
        after = step_of.step(state)
        if step % LOOKS == 0 and step:
            if edge_ratio(step_of, method, 0.5 * (state + after)) < EDGE[0]:
                inside = step
            elif inside is not None:
                return inside
        state = after
    return None


def measured(name: str, make: Callable[[int], Any], seed: int) -> dict[str, float] | None:
    """Errors of one run, or None if it does not count."""
    o, theta, _ = small_network(name, WIDTH, seed)
    skip = beginning(o, theta, make(1))
    if skip is None:
        return None
    method = replace(make(1), steps=skip + STEPS + 1)
    direction = np.random.default_rng(1).standard_normal(theta.size)
    twin = theta + CHANGE * direction / np.linalg.norm(direction)
    run = dynamics.orbit(o, theta, method, skip)
    try:
        near = dynamics.orbit(o, twin, method, skip)
        flow, cost = timed(lambda: dynamics.mirror_flow(o, theta, method, skip=skip))
        finer = dynamics.mirror_flow(o, theta, method, skip=skip, substeps=4)
        smooth = without_swing(OptimizerMap(o, method), theta, skip)
    except NotConverged:
        return None
    swings = [float(np.sqrt(np.mean(each.amplitude[STEPS // 2 :] ** 2))) for each in (flow, run)]
    return {
        "skipped": skip,
        "twin": _error(run, near),
        "no swing": _error(run, replace(run, theta=smooth)),
        "two": _error(run, flow),
        "four": _error(run, finer),
        "swing": swings[0] / swings[1],
        "gradients": cost / gradient_time(o, run.theta[0]),
    }


def without_swing(step_of: OptimizerMap, theta: np.ndarray, skip: int) -> np.ndarray:
    """Weights of z' = F(z) − z at every step, from the middle of two states."""
    state = step_of.start(theta)
    for _ in range(skip):
        state = step_of.step(state)
    state = 0.5 * (state + step_of.step(state))
    found = [step_of.weights(state)]
    for _ in range(STEPS):
        for _ in range(FINE):
            state = state + (step_of.step(state) - state) / FINE
        found.append(step_of.weights(state))
    return np.array(found)


def _error(run: dynamics.Curve, flow: dynamics.Curve) -> float:
    gap = dynamics.compare(run, flow, window=WINDOW)
    return float(np.mean(gap.parameters) / gap.moved.max())


def table(method: str) -> dict[str, Any]:
    words, make = METHODS[method]
    rows = {}
    for name in CHOSEN:
        found = [measured(name, make, seed) for seed in SEEDS]
        rows[name] = [each for each in found if each is not None]
    return {"table": method, "what": words, "seeds": len(SEEDS), "networks": rows}


def section(found: dict[str, Any]) -> list[str]:
    lines = [
        f"## {found['table']}: {found['what']}",
        "",
        "| network | seeds | twin | no swing | 2 substeps | 4 substeps | swing | gradients |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, rows in found["networks"].items():
        cells = [_spread([row[column] for row in rows], digits) for column, digits in COLUMNS]
        lines.append(f"| {NETWORKS[name]} | {len(rows)} of {found['seeds']} | {' | '.join(cells)} |")
    return [*lines, ""]


COLUMNS = (("twin", 4), ("no swing", 4), ("two", 4), ("four", 4), ("swing", 3), ("gradients", 1))


def _spread(values: list[float], digits: int) -> str:
    if not values:
        return "–"
    low, middle, high = (f"{at:.{digits}f}" for at in (min(values), float(np.median(values)), max(values)))
    return f"{middle} ({low}–{high})"


def markdown(results: list[dict[str, Any]]) -> str:
    lines = ["# The mirror flow of other methods", "", INTRODUCTION]
    for found in results:
        lines += section(found)
    return "\n".join(lines)


if __name__ == "__main__":
    with threadpool_limits(1):
        update("flow_methods", METHODS, table, markdown)
