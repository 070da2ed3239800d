"""A run of descent beside the explicit twin of its step size, and beside a second start on the same labels.

The twin is `theory.weighted_spline`: of all functions on the line with ∫|f''|g no larger than that of the
solution, the one with the smallest training loss. The second start tells how far apart two solutions of
descent are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape import theory
from stepscape.experiments.common.arms import Start, start
from stepscape.experiments.frame.follow import Followed, follow
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.experiments.square.columns import CURVE_POINTS, edge, training_errors
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.measures.measures import measure_trajectory, piece_tolerance
from stepscape.measures.pieces import linear_pieces
from stepscape.measures.regions import grid as points_of
from stepscape.measures.regions import regions
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record
from stepscape.theory import WeightedSpline
from stepscape.theory.certificate import EPS

Array = NDArray[np.float64]
LATE = 0.75  # share of the steps after which a solution that has settled moves little
KEPT = ("loss", "edge_ratio", "pieces", "weighted_tv", "bent_neurons", "knots_at_data", "risk_grid",
        "risk_interior_grid")  # fmt: skip


class TwinRun(Spec, frozen=True, tag="twin/1"):
    """One run; the largest step size of the grid sets the small initialization."""

    truth: str
    n: int
    noise: float
    half_width: float
    width: int
    steps: int
    arm: str
    seed: int
    step_size: float
    largest_step_size: float
    drawn: bool


def grid(settings: Settings) -> list[TwinRun]:
    """Every range, arm, seed and step size."""
    at_least(settings, seeds=1, width=1, steps=1, n=2)
    return sweep(
        TwinRun,
        settings,
        half_width=settings["half_widths"],
        arm=settings["arms"],
        seed=seeds(settings),
        step_size=sorted(settings["step_sizes"]),
        largest_step_size=max(settings["step_sizes"]),
        drawn=lambda run: run.seed == settings["first_seed"],
    )


def begin(run: TwinRun) -> tuple[Problem, Start, Start]:
    """Return the problem and two starts; an impossible step size is refused."""
    problem = curve(run.truth, n=run.n, noise=run.noise, seed=run.seed, half_width=run.half_width)
    first, second = (
        start(run.arm, problem, run.width, seed, run.largest_step_size)
        for seed in (run.seed, stream(run.seed, "second start"))
    )
    first.method(run.step_size, run.steps)
    return problem, first, second


def work(run: TwinRun, tick: Tick) -> Record:
    """Train from both starts and compare the first solution with its twin, the truth and the second one."""
    problem, first, second = begin(run)
    at = [max(1, int(LATE * run.steps))]

    def descend(origin: Start, ticks: Tick) -> Followed:
        return follow(problem, origin.network, origin.method(run.step_size, run.steps), at, ticks)

    seen = descend(first, lambda done: tick(0.5 * done))
    other = descend(second, lambda done: tick(0.5 + 0.5 * done))

    def measure() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        solution = seen.snapshots[-1].midpoint
        twin = twin_of(problem, solution)
        apart = other.snapshots[-1].midpoint if other.trajectory.outcome == "finished" else None
        numbers = {
            **{key: x for key, x in measure_trajectory(problem, seen.trajectory).items() if key in KEPT},
            **training_errors(problem, solution),
            **edge(seen.trajectory),
            **compared(problem, solution, twin),
            **distances(problem, solution, twin, seen.snapshots[-2].midpoint, apart),
        }
        return numbers, _curves(problem, solution, twin) if run.drawn else {}

    return seen.record(measure, {"initial_scale": first.scale, **seen.beginning})


def twin_of(problem: Problem, solution: TwoLayerReLU) -> WeightedSpline:
    """Solve for the function of least loss with the weighted total variation of a network."""
    variation = theory.weighted_tv(solution.w1, solution.b1, solution.w2, problem.inputs, problem.weights)
    return theory.weighted_spline(
        problem.inputs, problem.labels, variation=variation, weights=problem.weights
    )


def compared(problem: Problem, solution: TwoLayerReLU, twin: WeightedSpline) -> dict[str, Any]:
    """Training loss, bends and risk of the twin, and both sides of the inequality that makes it the best.

    Left: the bound on loss + λ ∫|f''|g that holds for all functions, less what its sums may be off by.
    Right: loss + λ ∫|f''|g of the network.
    """
    x, loss = points_of(problem), problem.training_loss(solution.predict(problem.inputs))
    variation = theory.weighted_tv(solution.w1, solution.b1, solution.w2, problem.inputs, problem.weights)
    right = loss + twin.penalty * variation
    scale = float(problem.averaging @ problem.labels**2) + right
    return {
        "loss_midpoint": loss,
        "loss_twin": twin.loss,
        "weighted_tv_twin": twin.variation,
        "penalty_twin": twin.penalty,
        "kinks_twin": int(twin.knots.size),
        "pieces_twin": linear_pieces(twin.points, twin.values, piece_tolerance(problem)),
        "best_left": twin.bound - 64.0 * problem.size * EPS * scale,
        "best_right": right,
        **{
            f"risk_twin{region}": _mean_square(twin.predict(x) - _truth(problem, x), mask)
            for region, mask in _places(problem, x)
        },
    }


def distances(
    problem: Problem,
    solution: TwoLayerReLU,
    twin: WeightedSpline,
    late: TwoLayerReLU,
    other: TwoLayerReLU | None,
) -> dict[str, float]:
    """Root mean square distances of the solution on a grid, everywhere and in the interior.

    To its twin, to the truth, to the solution from the second start (nan if that diverged), and to itself at
    three quarters of the steps.
    """
    x = points_of(problem)
    found = solution.predict(x)
    others = {
        "twin": twin.predict(x),
        "truth": _truth(problem, x),
        "drift": late.predict(x),
        "starts": np.full(x.size, np.nan) if other is None else other.predict(x),
    }
    return {
        f"distance_{name}{region}": float(np.sqrt(_mean_square(found - values, mask)))
        for name, values in others.items()
        for region, mask in _places(problem, x)
    }


def _places(problem: Problem, x: Array) -> list[tuple[str, NDArray[np.bool_]]]:
    return [("", np.ones(x.size, bool)), ("_interior", regions(problem, x)["interior"])]


def _truth(problem: Problem, x: Array) -> Array:
    assert problem.truth is not None  # every problem of a run has one
    return np.asarray(problem.truth(x))


def _mean_square(values: Array, mask: NDArray[np.bool_]) -> float:
    return float(np.mean(values[mask] ** 2)) if mask.any() else float("nan")


def _curves(problem: Problem, solution: TwoLayerReLU, twin: WeightedSpline) -> dict[str, Array]:
    x = np.linspace(problem.inputs.min(), problem.inputs.max(), CURVE_POINTS)
    return {
        "inputs": problem.inputs,
        "labels": problem.labels,
        "grid": x,
        "truth": _truth(problem, x),
        "solution": solution.predict(x),
        "twin": twin.predict(x),
        "twin_kinks": twin.knots,
    }
