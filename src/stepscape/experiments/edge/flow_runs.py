"""Descent and gradient flow from one start, and descent from a start that differs a little."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape import dynamics, objectives
from stepscape.errors import NotConverged
from stepscape.experiments.common.arms import Start, start
from stepscape.experiments.frame.limits import EDGE
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.methods import GradientDescent
from stepscape.objectives import ReLULine
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record
from stepscape.training import run as train

Array = NDArray[np.float64]
SHARES = {"parted": 0.02, "far": 0.1}  # of the way of the flow: distances that count as parting
SEPARATIONS = 20  # records of the perturbed run
QUICK: dict[str, Any] = {
    "truth": "tent",
    "n": 30,
    "noise": 0.5,
    "half_width": 3.0,
    "width": 40,
    "step_sizes": (0.05, 0.2, 0.4),
    "time": 60.0,
    "records": 100,
    "size": 1e-12,
    "seeds": 4,
    "first_seed": 0,
}
FULL: dict[str, Any] = {
    **QUICK,
    "width": 100,
    "step_sizes": (0.02, 0.05, 0.1, 0.2, 0.4),
    "time": 200.0,
    "records": 400,
    "seeds": 20,
    "first_seed": 100,
}


class FlowRun(Spec, frozen=True, tag="flow-or-descent/1"):
    """One start; the grid's largest step size sets its scale, so that every run begins inside its edge."""

    truth: str
    n: int
    noise: float
    half_width: float
    width: int
    time: float
    records: int
    size: float
    seed: int
    step_size: float
    largest_step_size: float
    drawn: bool


def grid(settings: Settings) -> list[FlowRun]:
    """Every seed and step size."""
    at_least(settings, seeds=1, width=1, n=2, records=4)
    etas, first = sorted(settings["step_sizes"]), settings["first_seed"]
    return sweep(
        FlowRun, settings, seed=seeds(settings), step_size=etas, largest_step_size=etas[-1],
        drawn=lambda run: run.seed == first,
    )  # fmt: skip


def begin(run: FlowRun) -> tuple[Problem, Start]:
    """Return the problem and the small start; an impossible step size, time or size is refused."""
    problem = curve(run.truth, n=run.n, noise=run.noise, seed=run.seed, half_width=run.half_width)
    origin = start("small_init", problem, run.width, run.seed, run.largest_step_size)
    _method(run)
    return problem, origin


def work(run: FlowRun, tick: Tick) -> Record:
    """Follow descent, gradient flow at the same times, and descent from a start that differs by `size`."""
    problem, origin = begin(run)
    line, theta, method = objectives.line(problem, origin.network), origin.network.parameters, _method(run)
    every = max(1, method.steps // run.records)
    path = train(line, theta, method, every)
    first = {"initial_edge_ratio": float(path.edge_ratio[0]), "steps_made": int(path.at_steps[-1])}
    if path.outcome == "diverged":
        return Record("diverged", first, reason=path.message)
    tick(0.2)
    steps = dynamics.iterates(line, theta, method, every)
    try:
        flow = dynamics.gradient_flow(line, theta, float(steps.time[-1]), steps.time.size - 1)
    except NotConverged:  # a flow that meets a kink from which it can leave on either side
        return Record("finished", {**first, "flow_solved": False})
    tick(0.7)
    predict = lambda at: origin.network.with_parameters(at).predict(problem.inputs)  # noqa: E731
    gap = dynamics.compare(flow, steps, predict)
    apart = dynamics.separation(line, theta, method, run.size, run.seed, max(1, method.steps // SEPARATIONS))
    there = path.edge_ratio_last[: gap.time.size]
    deviation = float(np.std(problem.labels))
    numbers = {
        **first,
        **_partings(gap, there),
        "bent_neurons": int(path.census["bent_neurons"][-1]),
        "edge_ratio": float(path.edge_ratio[-1]),
        "flow_solved": True,
        "flow_error": float(gap.error.max() / gap.moved.max()),
        "function_gap": float(gap.function[-1] / deviation),
        "parameter_gap": float(gap.parameters[-1] / gap.moved.max()),
        **_before(gap, there),
        "separation_rate": apart.rate,
        "separation": float(apart.distance[-1]),
        "growth": float(np.log10(max(apart.distance[-1], 1e-300) / run.size)),
        "largest_separation": float(apart.distance.max()),
    }
    return Record("finished", numbers, _curves(gap, there, apart, line, flow) if run.drawn else {})


def _method(run: FlowRun) -> GradientDescent:
    return GradientDescent(run.step_size, max(4, round(run.time / run.step_size)))


def _partings(gap: dynamics.Gap, ratio: Array) -> dict[str, Any]:
    """When the sharpness crosses 2/η, and when the distance stays above shares of the way; nan if never."""
    reached = np.flatnonzero(ratio >= EDGE[0])
    crossed = float(gap.time[reached[0]]) if reached.size else float("nan")
    found: dict[str, Any] = {"crossed": crossed, "edge_reached": bool(reached.size)}
    away = gap.parameters / gap.moved.max()
    for name, share in SHARES.items():
        inside = int(np.flatnonzero(away <= share)[-1]) + 1  # the start is inside
        found[name] = float(gap.time[inside]) if inside < away.size else float("nan")
    return found


def _before(gap: dynamics.Gap, ratio: Array) -> Mapping[str, float]:
    """Largest distance before the crossing, and from it on, over the way of the flow."""
    reached, share = np.flatnonzero(ratio >= EDGE[0]), gap.parameters / gap.moved.max()
    first = int(reached[0]) if reached.size else gap.time.size
    return {
        "gap_before": float(share[:first].max(initial=0.0)),
        "gap_after": float(share[first:].max()) if first < gap.time.size else float("nan"),
    }


def _curves(
    gap: dynamics.Gap, ratio: Array, apart: dynamics.Separation, line: ReLULine, flow: dynamics.Curve
) -> dict[str, Array]:
    """Arrays for the figures."""
    return {
        "time": gap.time,
        "relative": gap.parameters / gap.moved.max(),
        "error": gap.error / gap.moved.max(),
        "edge_ratio_over_time": ratio,
        "flow_sharpness": np.array([line.rough_sharpness(at) for at in flow.theta[::4]]),
        "flow_time": flow.time[::4],
        "separation_steps": apart.steps.astype(float),
        "separation_distance": apart.distance,
    }
