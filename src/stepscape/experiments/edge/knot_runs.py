"""Knots that meet inputs: how many, whether they stay, and curvature that the Hessian does not see there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape import objectives
from stepscape.experiments.common.arms import Start, start
from stepscape.experiments.frame.follow import Followed, evenly, follow
from stepscape.experiments.frame.limits import EDGE
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.network import TwoLayerReLU
from stepscape.objectives import sharpness
from stepscape.objectives.relu_plane import STUCK
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record

Array = NDArray[np.float64]
# ε of the finite differences; wider ones would also see how the curvature changes between the kinks.
REACHES = tuple(float(each) for each in np.logspace(-8.0, -2.0, 13))
LOCAL, WIDE = 1e-8, 1e-3  # of these, the two that are columns
LATE = 0.8  # share of the steps after which stuck knots are followed
QUICK: dict[str, Any] = {
    "truth": "tent",
    "n": 30,
    "noise": 0.5,
    "half_width": 3.0,
    "width": 60,
    "arms": ("small_init", "warm_up"),
    "step_sizes": (0.05, 0.2, 0.4),
    "steps": 4000,
    "records": 20,
    "seeds": 4,
    "first_seed": 0,
}
FULL: dict[str, Any] = {
    **QUICK,
    "width": 200,
    "step_sizes": (0.02, 0.05, 0.1, 0.2, 0.4),
    "steps": 40_000,
    "records": 40,
    "seeds": 20,
    "first_seed": 100,
}


class KnotRun(Spec, frozen=True, tag="knots-on-data/1"):
    """One run; the grid's largest step size sets the initialization of the small start."""

    truth: str
    n: int
    noise: float
    half_width: float
    width: int
    steps: int
    records: int
    arm: str
    seed: int
    step_size: float
    largest_step_size: float
    drawn: bool


def grid(settings: Settings) -> list[KnotRun]:
    """Every start, seed and step size."""
    at_least(settings, seeds=1, width=1, n=2, steps=10, records=5)
    etas, first = sorted(settings["step_sizes"]), settings["first_seed"]
    return sweep(
        KnotRun, settings, arm=settings["arms"], seed=seeds(settings), step_size=etas,
        largest_step_size=etas[-1], drawn=lambda run: run.seed == first,
    )  # fmt: skip


def begin(run: KnotRun) -> tuple[Problem, Start]:
    """Return the problem and the start of the run; an impossible step size is refused."""
    problem = curve(run.truth, n=run.n, noise=run.noise, seed=run.seed, half_width=run.half_width)
    origin = start(run.arm, problem, run.width, run.seed, run.largest_step_size)
    origin.method(run.step_size, run.steps)
    return problem, origin


def work(run: KnotRun, tick: Tick) -> Record:
    """Train, and look at the knots and the curvature of the midpoint at the end."""
    problem, origin = begin(run)
    seen = follow(problem, origin.network, origin.method(run.step_size, run.steps),
                  evenly(run.steps, run.records), tick)  # fmt: skip

    def measure() -> tuple[dict[str, Any], dict[str, Array]]:
        tick(1.0)
        path, solution = seen.trajectory, seen.snapshots[-1].midpoint
        top = sharpness(problem, solution)
        ratios = finite_differences(problem, solution, top.vector) / top.value
        late = path.at_steps >= 0.5 * run.steps
        smooth = path.smoothness[late & np.isfinite(path.smoothness)]
        numbers = {
            "bent_neurons": int(path.bent_neurons[-1]),
            "edge_ratio": float(path.edge_ratio[-1]),
            "edge_reached": bool(np.median(path.edge_ratio[late]) >= EDGE[0]),
            "stuck_share": float(path.knots_at_data[-1] / max(1, path.bent_neurons[-1])),
            "local_ratio": float(ratios[REACHES.index(LOCAL)]),
            "wide_ratio": float(ratios[_nearest(WIDE)]),
            "largest_ratio": float(ratios.max()),
            "smoothness_ratio": float(np.median(smooth) * run.step_size / 2.0) if smooth.size else None,
            **followed(problem, seen),
        }
        return numbers, {"reaches": np.array(REACHES), "ratios": ratios, **_drawn(seen)} if run.drawn else {}

    return seen.record(measure)


def finite_differences(problem: Problem, network: TwoLayerReLU, direction: Array) -> Array:
    """Curvature ⟨u, ∇L(θ + εu) − ∇L(θ − εu)⟩/2ε along a unit vector u, for each ε of `REACHES`."""
    line, theta = objectives.line(problem, network), network.parameters
    return np.array([
        float(direction @ (line.gradient(theta + e * direction) - line.gradient(theta - e * direction)))
        / (2.0 * e)
        for e in REACHES
    ])  # fmt: skip


def _nearest(reach: float) -> int:
    return int(np.argmin(np.abs(np.log(np.array(REACHES) / reach))))


def followed(problem: Problem, seen: Followed) -> dict[str, Any]:
    """Follow the knots that are on an input after 80 % of the steps until the end.

    With z = w1 x_i + b1, gradient flow has ż smaller by v_i r_i w2 (1 + x_i²) where the neuron is active on
    x_i than where it is not. It slides, ż < 0 on the active side and ż > 0 on the other, only if w2 r_i > 0.

    ``stay_share``: of these, on the same input at the end; ``weights_moved``: the median relative change of
    (w1, b1) of those that stay; ``attracted_share``: share of the knots on inputs at the end with w2 r_i > 0.
    None without such knots.
    """
    at = seen.at(round(LATE * int(seen.trajectory.at_steps[-1])))
    before, after = seen.snapshots[at].midpoint, seen.snapshots[-1].midpoint
    was, now = places(problem, before), places(problem, after)
    stuck = was >= 0
    stays = stuck & (was == now)
    rest = after.predict(problem.line.inputs) - problem.line.labels
    pull = after.w2[now >= 0] * rest[now[now >= 0]]
    moved = np.hypot(after.w1 - before.w1, after.b1 - before.b1) / np.hypot(before.w1, before.b1)
    return {
        "stuck": int(stuck.sum()),
        "stay_share": float(stays.sum() / stuck.sum()) if stuck.any() else None,
        "weights_moved": float(np.median(moved[stays])) if stays.any() else None,
        "attracted_share": float(np.mean(pull > 0.0)) if pull.size else None,
    }


def places(problem: Problem, network: TwoLayerReLU) -> NDArray[np.intp]:
    """Return the sorted input (k,) on which each knot is, within 1e-3 of their range; −1 for none."""
    x = problem.line.inputs
    with np.errstate(divide="ignore", invalid="ignore"):
        knots = np.where(network.w1 != 0.0, -network.b1 / network.w1, np.inf)
    gaps = np.abs(np.subtract.outer(knots, x))
    nearest = gaps.argmin(axis=1)
    low, high = problem.line.hull
    on = (gaps.min(axis=1) <= STUCK * (high - low)) & (knots > low) & (knots < high)
    return np.where(on, nearest, -1)


def _drawn(seen: Followed) -> dict[str, Array]:
    """Knots of every neuron at every record."""
    nets = [snapshot.midpoint for snapshot in seen.snapshots]
    with np.errstate(divide="ignore", invalid="ignore"):
        knots = np.array([np.where(net.w1 != 0.0, -net.b1 / net.w1, np.nan) for net in nets])
    return {
        "steps": seen.trajectory.at_steps.astype(float),
        "knots": knots,
        "inputs": seen.problem.line.inputs,
    }
