"""What is measured on one solution, and the curves that figures draw."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape import theory
from stepscape.experiments.frame.follow import Followed
from stepscape.experiments.frame.limits import EDGE
from stepscape.lab.spec import stream
from stepscape.measures.measures import measure_trajectory
from stepscape.measures.regions import grid
from stepscape.methods import clock_of
from stepscape.network import TwoLayerReLU
from stepscape.objectives import Hessian, sharpness
from stepscape.problems import Problem
from stepscape.training import Trajectory

Array = NDArray[np.float64]
STRETCHES = np.logspace(-1.0, 1.0, 21)  # common scales c of all neurons that are drawn
SPREAD = 3.0  # random scales of single neurons lie within a factor e^±3
STRETCH = 10.0  # the common scale whose sharpness is a column


def measured(seen: Followed, seed: int) -> dict[str, Any]:
    """Return all numbers of a run that finished; those of the solution are of the midpoint network.

    ``trace``; ``least_sharpness``, ``least_trace``: over all rescalings of the neurons, the former of the
    Gauss–Newton part and certified from below; ``rescaled_sharpness``: λ_max at its flattest rescaling;
    ``residual_norm``: what G and H differ by at most.
    """
    problem, solution = seen.problem, seen.snapshots[-1].midpoint
    operator = Hessian(problem, solution)
    return {
        **measure_trajectory(problem, seen.trajectory),
        **_arrival(problem, seen.trajectory, solution),
        "trace": operator.trace,
        "residual_norm": operator.residual_norm,
        **_least(problem, solution),
        **_unmoved(problem, solution, stream(seed, "scales")),
    }


def _arrival(problem: Problem, run: Trajectory, solution: TwoLayerReLU) -> dict[str, Any]:
    """Whether the run has arrived: it reached the edge, or fits the labels as well as the truth does.

    ``drift``: median sharpness of the last quarter over that of the quarter before, minus 1.
    """
    steps, end = run.at_steps, run.at_steps[-1]
    warm = steps >= clock_of(run.method).warmup_steps
    last, third = steps >= 0.75 * end, (steps >= 0.5 * end) & (steps < 0.75 * end)
    errors = {"training_error": problem.labels - solution.predict(problem.inputs)}
    if problem.truth is not None:
        errors["training_error_truth"] = problem.labels - problem.truth(problem.inputs)
    return {
        **{name: float(problem.averaging @ values**2) for name, values in errors.items()},
        "edge_reached": bool(np.any(run.edge_ratio[warm] >= EDGE[0])),
        "drift": float(np.median(run.sharpness[last]) / np.median(run.sharpness[third])) - 1.0,
    }


def _least(problem: Problem, solution: TwoLayerReLU) -> dict[str, float]:
    arguments = (solution.w1, solution.b1, solution.w2, problem.inputs, problem.weights)
    flattest = theory.flattest_rescaling(*arguments)
    there = rescale(solution, flattest.scales)
    return {
        "least_sharpness": flattest.least,
        "least_gap": flattest.gap,
        "rescaled_sharpness": sharpness(problem, there).value,
        "least_trace": theory.least_trace_rescaling(*arguments).trace,
    }


def _unmoved(problem: Problem, solution: TwoLayerReLU, seed: int) -> dict[str, float]:
    """How much random rescalings of single neurons move the function and ∫|f''|g, relative to their sizes.

    ``stretched_sharpness``: λ_max where all neurons are stretched by 10, without another function.
    """
    scales = np.exp(np.random.default_rng(seed).uniform(-SPREAD, SPREAD, solution.width))
    other, points = rescale(solution, scales), grid(problem)
    f, g = solution.predict(points), other.predict(points)
    reach = np.abs(solution.w2) @ (np.abs(solution.w1) * problem.x_max + np.abs(solution.b1))
    one, two = (
        theory.weighted_tv(each.w1, each.b1, each.w2, problem.inputs, problem.weights, form="path")
        for each in (solution, other)
    )
    return {
        "function_moved": float(np.abs(f - g).max() / (reach + abs(solution.b2))),
        "tv_moved": abs(two - one) / one if one > 0.0 else 0.0,
        "random_sharpness": sharpness(problem, other).value,
        "stretched_sharpness": sharpness(problem, rescale(solution, STRETCH)).value,
    }


def rescale(network: TwoLayerReLU, scales: Array | float) -> TwoLayerReLU:
    """Return the network with each neuron rescaled, the same function."""
    return TwoLayerReLU(*theory.rescaled(network.w1, network.b1, network.w2, scales), network.b2)


def curves(problem: Problem, solution: TwoLayerReLU) -> dict[str, Array]:
    """Arrays for the figures: data, truth and fit, and sharpness and trace over a common scale."""
    x = grid(problem)
    stretched = [rescale(solution, c) for c in STRETCHES]
    return {
        "inputs": problem.inputs,
        "labels": problem.labels,
        "grid": x,
        "truth": problem.truth(x) if problem.truth is not None else np.full(x.size, np.nan),
        "solution": solution.predict(x),
        "stretches": STRETCHES,
        "sharpness_stretched": np.array([sharpness(problem, each).value for each in stretched]),
        "trace_stretched": np.array([Hessian(problem, each).trace for each in stretched]),
    }
