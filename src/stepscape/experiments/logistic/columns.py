"""What is measured on one logistic run, at its moments and at its records, and the curves that figures draw.

The solution f is the midpoint network of the last two iterates. Columns: plain names are the end of the run;
what changes during it has also the suffix of each moment: ``_100``, ``_1000``, ``_10000``, ``_30000`` (step
counts below the number of steps), ``_equal_time``, ``_held_out``.

at every moment
    ``time`` (Σ η), ``loss`` (of the iterate that was trained), ``loss_midpoint``, ``sharpness`` and
    ``edge_ratio`` (λ_max·η/2) of the midpoint, ``edge_ratio_last`` of the iterate (the plain columns of both
    ratios: means over the records of the last half), all of `measure`: ``excess_risk…``, ``error_rate``,
    ``pieces``, ``tv``, ``weighted_tv``, ``norm``, margins, ``median_logit``, ``largest_logit``,
    ``uncertain_share``, ``uncertain_overlap``, neurons; ``tv_interior`` (knots with g ≥ sup g/10),
    ``uncertain_low``, ``uncertain_high`` (hull of the inputs with |f| ≤ 1, nan when there are none),
    ``optimized``, ``optimized_interior``, ``optimized_uncertain`` (L(f) ≤ L(f0), everywhere, where
    g ≥ sup g/10, in the hull of the inputs with |f0| ≤ 1; the premise of the theorem on the excess risk);
    with a suffix also ``steps``
once
    ``initial_sharpness``, ``steps_made``, ``interior_share`` (weight of the inputs where g ≥ sup g/10),
    ``truth_variation``, ``truth_weighted_variation`` (∫|f0″| and ∫|f0″|g of the truth on its interval),
    ``sharpness_residual``, ``smoothness_ratio`` (directional smoothness·η/2, mean over the records of the
    last half), ``edge_reached``, ``edge_reached_at_step``, ``edge_moved`` and ``function_moved`` (what
    happened after half of the steps, see `movement`), ``loss_truth``, ``uncertain_share_truth``,
    ``uncertain_low_truth``, ``uncertain_high_truth``
certificates
    ``NAME_left``, ``NAME_right`` at the end; ``NAME_checks``, ``NAME_violations``, ``NAME_least_slack``, with
    NAME each of `certify`, checked at the end, and "overlap" (step A, γ0 = 1, γ = 2), checked at every record

A run that diverged has ``initial_sharpness`` and ``steps_made`` only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape import theory
from stepscape.experiments.frame.follow import Followed, with_moments
from stepscape.experiments.frame.limits import EDGE
from stepscape.lab.pool import Tick
from stepscape.losses import loss_of
from stepscape.measures import certify
from stepscape.measures.checks import Checks, collected
from stepscape.measures.classification import uncertain_hull
from stepscape.measures.measures import measure
from stepscape.measures.regions import regions
from stepscape.measures.uncertainty import UNCERTAIN, hull
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem
from stepscape.theory.line.excess import overlap_bound

Array = NDArray[np.float64]
CURVE_POINTS = 201
TRUTH_POINTS = 4001
CERTAIN = 2.0
OVER_TIME = (
    "time", "loss_midpoint", "edge_ratio", "excess_risk", "excess_risk_interior", "weighted_tv",
    "median_margin", "uncertain_share", "uncertain_overlap",
)  # fmt: skip


def measured(run: Followed, moments: Mapping[str, int], half_width: float, tick: Tick) -> dict[str, Any]:
    """Return all numbers of a run on the interval [−half_width, half_width]."""
    last = len(run.snapshots) - 1
    states = {record: state(run, record, tick) for record in sorted({*moments.values(), last})}
    numbers = {
        **states[last],
        **truth(run.problem),
        **variation(run.problem, half_width),
        **edge(run),
        **movement(run),
        **_certificates(run),
    }
    steps = run.trajectory.at_steps
    return with_moments(numbers, moments, lambda record: {"steps": int(steps[record]), **states[record]})


def _certificates(run: Followed) -> dict[str, Any]:
    """Both sides of each bound at the end, and whether it holds; step A is checked at every record."""
    checked = [certify(run.problem, run.snapshots[-1].midpoint)]
    out: dict[str, Any] = {}
    for name, sides in {**collected(checked), "overlap": overlaps(run)}.items():
        out |= {f"{name}_left": float(sides.left[-1]), f"{name}_right": float(sides.right[-1])}
        out |= {f"{name}_{key}": value for key, value in sides.counted().items()}
    return out


def state(run: Followed, record: int, tick: Tick) -> dict[str, Any]:
    """Everything that changes during a run, at one record."""
    tick(1.0)
    problem, path, snapshot = run.problem, run.trajectory, run.snapshots[record]
    solution = snapshot.midpoint
    predictions = solution.predict(problem.inputs)
    return {
        "time": float(path.time[record]),
        "loss": float(path.loss[record]),
        "sharpness": float(path.sharpness[record]),
        "edge_ratio": float(path.edge_ratio[record]),
        "edge_ratio_last": float(path.edge_ratio_last[record]),
        **measure(problem, snapshot.network, snapshot.network_before),
        "tv_interior": _interior_variation(problem, solution),
        **_uncertain_hull(problem, predictions),
        **_losses(problem, predictions),
    }


def _interior_variation(problem: Problem, network: TwoLayerReLU) -> float:
    """Σ |slope change| over the knots where g ≥ sup g/10."""
    inside = regions(problem, network.knots)["interior"]
    return float(np.abs(network.jumps[inside]).sum())


def _uncertain_hull(problem: Problem, predictions: Array, suffix: str = "") -> dict[str, float]:
    counted = problem.averaging > 0.0
    low, high = hull(problem.inputs[counted], predictions[counted])
    return {f"uncertain_low{suffix}": low, f"uncertain_high{suffix}": high}


def _losses(problem: Problem, predictions: Array) -> dict[str, Any]:
    """Whether the network fits the labels at least as well as the truth does, also by region."""
    value = loss_of(problem.loss).value
    ahead = value(predictions, problem.labels) - value(_truth_at(problem), problem.labels)
    inside = regions(problem, problem.inputs)["interior"]
    unsure = uncertain_hull(problem, problem.inputs)
    return {
        "loss_midpoint": problem.training_loss(predictions),
        "optimized": bool(problem.averaging @ ahead <= 0.0),
        "optimized_interior": bool((problem.averaging * inside) @ ahead <= 0.0),
        "optimized_uncertain": bool((problem.averaging * unsure) @ ahead <= 0.0),
    }


def truth(problem: Problem) -> dict[str, Any]:
    """Loss and uncertain set of the truth at the inputs, and how many of them are in the interior."""
    f0 = _truth_at(problem)
    return {
        "interior_share": float(problem.averaging @ regions(problem, problem.inputs)["interior"]),
        "loss_truth": problem.training_loss(f0),
        "uncertain_share_truth": min(1.0, float(problem.averaging @ (np.abs(f0) <= UNCERTAIN))),
        **_uncertain_hull(problem, f0, "_truth"),
    }


def variation(problem: Problem, half_width: float) -> dict[str, float]:
    """∫|f0″| and ∫|f0″|g of the truth on its interval, g that of as many equispaced inputs.

    Sums over the bends of the piecewise linear function through 4001 points, so that a truth with kinks has
    one, too.
    """
    assert problem.truth is not None
    x = np.linspace(-half_width, half_width, TRUTH_POINTS)
    bends = np.abs(np.diff(problem.truth(x), 2)) / (x[1] - x[0])
    g = theory.weight(x[1:-1], np.linspace(-half_width, half_width, problem.inputs.size))
    return {"truth_variation": float(bends.sum()), "truth_weighted_variation": float(bends @ g)}


def _truth_at(problem: Problem) -> Array:
    assert problem.truth is not None  # every run draws its labels from a truth
    return np.asarray(problem.truth(problem.inputs), np.float64)


def edge(run: Followed) -> dict[str, Any]:
    """Whether and when the sharpness first reached 2/η, and where it was in the last half."""
    path = run.trajectory
    steps = path.at_steps
    late = steps >= steps[-1] / 2
    reached = np.flatnonzero(path.edge_ratio >= EDGE[0])
    return {
        "edge_ratio": float(path.edge_ratio[late].mean()),
        "edge_ratio_last": float(path.edge_ratio_last[late].mean()),
        "smoothness_ratio": float(path.smoothness[late].mean() / path.method.threshold()),
        "sharpness_residual": float(path.sharpness_residual[-1]),
        "edge_reached": bool(reached.size),
        "edge_reached_at_step": int(steps[reached[0]]) if reached.size else None,
    }


def movement(run: Followed) -> dict[str, float]:
    """How far a run still moved after half of its steps.

    ``edge_moved`` is the change of λ_max·η/2, and ``function_moved`` the root mean square change of f at the
    inputs over the root mean square of f. A stationary point moves neither, and at the edge of stability,
    where the gradient of the iterates never vanishes, nor does a midpoint that has arrived.
    """
    problem, ratio = run.problem, run.trajectory.edge_ratio
    half = run.at(math.ceil(run.trajectory.at_steps[-1] / 2))
    before, end = (run.snapshots[at].midpoint.predict(problem.inputs) for at in (half, -1))
    size = np.sqrt(problem.averaging @ end**2)
    moved = np.sqrt(problem.averaging @ (end - before) ** 2)
    return {
        "edge_moved": float(abs(ratio[-1] - ratio[half])),
        "function_moved": float(moved / size) if size > 0.0 else 0.0,
    }


def overlaps(run: Followed) -> Checks:
    """Step A at every record: inputs where |f0| ≤ 1 and |f| > 2."""
    problem = run.problem
    sides = [
        overlap_bound(
            truth=_truth_at(problem),
            predictions=snapshot.midpoint.predict(problem.inputs),
            gamma_truth=UNCERTAIN,
            gamma=CERTAIN,
            weights=problem.averaging,
        )
        for snapshot in run.snapshots
    ]
    return collected([{"overlap": each} for each in sides])["overlap"]


def curves(run: Followed, tick: Tick) -> dict[str, Array]:
    """Arrays for the figures: the sample, f at every record on a grid, and numbers at every record."""
    problem, steps = run.problem, run.trajectory.at_steps
    assert problem.truth is not None
    x = np.linspace(problem.inputs.min(), problem.inputs.max(), CURVE_POINTS)
    states = [state(run, record, tick) for record in range(steps.size)]
    step_a = overlaps(run)
    return {
        "inputs": problem.inputs,
        "labels": problem.labels,
        "grid": x,
        "truth": problem.truth(x),
        "steps": steps.astype(float),
        "overlap_left": step_a.left,
        "overlap_right": step_a.right,
        "f": np.array([snapshot.midpoint.predict(x) for snapshot in run.snapshots]),
        **{name: np.array([found[name] for found in states]) for name in OVER_TIME},
    }
