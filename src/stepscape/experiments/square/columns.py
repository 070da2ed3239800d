"""What is measured on one run, at its moments and at every record, and the curves that figures draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame.follow import Followed
from stepscape.experiments.frame.limits import EDGE
from stepscape.lab.pool import Tick
from stepscape.measures.checks import Checks, check
from stepscape.measures.features import bent_mask, census, features
from stepscape.measures.measures import measure, measure_trajectory, piece_tolerance
from stepscape.measures.pieces import linear_pieces
from stepscape.measures.regions import regions
from stepscape.methods import clock_of
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem
from stepscape.training import Trajectory

Array = NDArray[np.float64]
CURVE_POINTS = 301
COMPARED = ("pieces", "tv", "features", "carriers")  # at every moment, as are loss, time and risks


def measured(
    run: Followed, moments: Mapping[str, int], tick: Tick
) -> tuple[dict[str, Any], dict[str, Checks]]:
    """Return all numbers of a run, and the sides of its certificates at every record.

    Columns of the end have plain names, those of another moment end in its name.
    """
    problem, solutions = run.problem, [snapshot.midpoint for snapshot in run.snapshots]
    checks = check(problem, solutions, tick)
    numbers: dict[str, Any] = {
        "pieces_truth": _truth_pieces(problem),
        **measure_trajectory(problem, run.trajectory),
        **features(problem, solutions[-1]),
        **training_errors(problem, solutions[-1]),
        **_neurons(run, solutions),
        **edge(run.trajectory),
        **_certificates(run, solutions, checks),
    }
    for name, record in moments.items():
        tick(1.0)
        numbers |= {f"{key}_{name}": value for key, value in _moment(run, record).items()}
    return numbers, checks


def _moment(run: Followed, record: int) -> dict[str, Any]:
    """Measure what is compared between moments at one record."""
    problem, snapshot = run.problem, run.snapshots[record]
    found = measure(problem, snapshot.network, snapshot.network_before)
    found |= features(problem, snapshot.midpoint)
    return {
        "steps": int(run.trajectory.at_steps[record]),
        "time": float(run.trajectory.time[record]),
        "loss": float(run.trajectory.loss[record]),
        **{key: value for key, value in found.items() if key in COMPARED or key.startswith("risk")},
    }


def _truth_pieces(problem: Problem) -> int:
    """Count the pieces of the truth by the same rule as those of a fit, on a grid."""
    # Inputs that nearly touch leave fewer numbers between them than the grid has points.
    x = np.unique(np.linspace(problem.inputs.min(), problem.inputs.max(), CURVE_POINTS))
    truth = problem.truth(x) if problem.truth is not None else np.zeros(x.size)
    return linear_pieces(x, np.asarray(truth), piece_tolerance(problem))


def training_errors(problem: Problem, solution: TwoLayerReLU) -> dict[str, Any]:
    """Mean squared distance to the labels of the solution and of the truth, everywhere and in the interior.

    The theorems on the risk suppose that the solution fits the labels of the interior at least as well as the
    truth does.
    """
    if problem.truth is None:
        return {}
    x, weights = problem.inputs, problem.averaging
    inside = weights * regions(problem, x)["interior"]
    squares = {
        "": (solution.predict(x) - problem.labels) ** 2,
        "_truth": (problem.truth(x) - problem.labels) ** 2,
    }
    out: dict[str, Any] = {}
    for name, values in squares.items():
        out[f"training_error{name}"] = float(weights @ values)
        out[f"training_error_interior{name}"] = float(inside @ values) / float(inside.sum())
    out["fits_interior"] = out["training_error_interior"] <= out["training_error_interior_truth"]
    return out


def _neurons(run: Followed, solutions: Sequence[TwoLayerReLU]) -> dict[str, Any]:
    """Where the neurons of the solution bend, against the start; what the iterates' dead neurons did."""
    problem, first = run.problem, solutions[0]
    ends = (bent_mask(problem, first), bent_mask(problem, solutions[-1]))
    return {
        **asdict(census(problem, [snapshot.network for snapshot in run.snapshots])),
        "pushed_out": int(np.sum(ends[0] & ~ends[1])),
        "pulled_in": int(np.sum(ends[1] & ~ends[0])),
        "bent_at_start": int(ends[0].sum()),
        "carriers_at_start": features(problem, first)["carriers"],
    }


def edge(run: Trajectory) -> dict[str, Any]:
    """Whether the sharpness reached the threshold of the current step size, and when it first did."""
    reached = _crossing(run)
    known = reached < run.at_steps.size
    return {
        "edge_reached": known,
        "edge_reached_at_step": int(run.at_steps[reached]) if known else None,
    }


def _crossing(run: Trajectory) -> int:
    """First record after the warm-up whose sharpness reaches the threshold; one past the last if none."""
    there = np.flatnonzero((run.at_steps >= clock_of(run.method).warmup_steps) & (run.edge_ratio >= EDGE[0]))
    return int(there[0]) if there.size else int(run.at_steps.size)


def _certificates(
    run: Followed, solutions: Sequence[TwoLayerReLU], checks: Mapping[str, Checks]
) -> dict[str, Any]:
    """Both sides of each inequality at the end, and the count over all records.

    ``line``: ∫|f''|g ≤ 1/η − ½ + x_max √(2L), the published bound with 2/η in place of λ_max, at the records
    with λ_max ≤ 2/η for the step size of that moment, where it follows. ``above``: the same at the records
    after the crossing of the edge where λ_max is larger, and nothing proves it.
    """
    problem = run.problem
    losses = np.array([problem.training_loss(network.predict(problem.inputs)) for network in solutions])
    flat = line(problem, run.trajectory, checks["published"].left, losses)
    after = np.arange(losses.size) > _crossing(run.trajectory)
    above = ~flat.applies & after & checks["published"].applies
    out: dict[str, Any] = {
        "records_checked": int(run.trajectory.at_steps.size),
        "records_without_bends": int(np.sum(run.trajectory.bent_neurons == 0)),
        "above_checks": int(above.sum()),
        "above_violations": int(np.sum(above & (flat.left > flat.right))),
    }
    for name, sides in {**checks, "line": flat}.items():
        out |= {f"{name}_left": float(sides.left[-1]), f"{name}_right": float(sides.right[-1])}
        out |= {f"{name}_{key}": value for key, value in sides.counted().items()}
    return out


def line(problem: Problem, run: Trajectory, variation: Array, losses: Array) -> Checks:
    """Put the threshold in the place of λ_max; the premise is that λ_max does not exceed it.

    variation, losses : ∫|f''|g and L of the solution at every record.
    """
    x_max = max(1.0 / np.sqrt(3.0), problem.x_max)
    right = 1.0 / run.step_size - 0.5 + x_max * np.sqrt(2.0 * losses)
    inside = run.sharpness + run.sharpness_residual <= 2.0 / run.step_size
    return Checks(variation, right, inside, inside & (variation > right))


def curves(run: Followed, checks: Mapping[str, Checks]) -> dict[str, Array]:
    """Arrays for the figures: data, truth and fit, and both sides of the inequalities over time."""
    problem = run.problem
    x = np.linspace(problem.inputs.min(), problem.inputs.max(), CURVE_POINTS)
    truth = problem.truth(x) if problem.truth is not None else np.full(x.size, np.nan)
    return {
        "inputs": problem.inputs,
        "labels": problem.labels,
        "grid": x,
        "truth": truth,
        "solution": run.snapshots[-1].midpoint.predict(x),
        "steps": run.trajectory.at_steps.astype(float),
        "time": run.trajectory.time,
        "bent": run.trajectory.bent_neurons.astype(float),
        "step_size": run.trajectory.step_size,
        "tv_side": checks["sharpness"].left,
        "tv_function": checks["published"].left,
        **{f"right_{name}": checks[name].right for name in ("sharpness", "sharpness_loss", "published")},
    }
