"""What is measured on a solution: risks, pieces, knots, variation, neurons.

The solution is the midpoint network (θ_t + θ_{t−1})/2, because descent oscillates with period two at the edge
of stability; the risks of each iterate and of the mean of their predictions stand beside its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape import theory
from stepscape.errors import bad, expect
from stepscape.kernels.evaluation import evaluate
from stepscape.measures.classification import confidence, excess_risks
from stepscape.measures.iterates import expect_pair
from stepscape.measures.pieces import piece_ends
from stepscape.measures.rates import rates
from stepscape.measures.regions import GRID, grid, mean, regions
from stepscape.network import TwoLayerReLU
from stepscape.objectives.relu_line import count_neurons
from stepscape.objectives.relu_plane import count_plane_neurons
from stepscape.problems.one_variable import require_line
from stepscape.problems.problem import Problem
from stepscape.theory.certificate import EPS
from stepscape.training.trajectory import Trajectory, midpoint_network

__all__ = ["ending", "measure", "measure_trajectory", "pieces", "risks", "shape"]

Array = NDArray[np.float64]
PIECE_TOLERANCE = 0.05  # of the standard deviation of the labels
LOGIT_TOLERANCE = 0.2  # of a logit: at most 5 points of probability


def risks(problem: Problem, network: TwoLayerReLU, before: TwoLayerReLU) -> dict[str, float]:
    """Mean squared errors to the truth of the midpoint of two iterates, by region and place.

    ``risk`` is Σ v_i (f - f0)²(x_i) for the midpoint network f, ``risk_last`` and ``risk_before`` the same
    for each iterate, ``risk_mean`` for the mean of their predictions. ``risk_grid`` is the plain mean over
    401 equispaced points of the hull of the data. ``_interior`` keeps the points where g ≥ sup g/10,
    ``_boundary`` the others, ``_half`` the middle half of the range; averaging weights are renormalized. A
    region without points gives nan. With several input variables there is neither grid nor region.

    Raises
    ------
    InputError
        The problem has no truth.
    """
    expect_pair(problem, network, before)
    if problem.truth is None:
        raise bad("truth", "be given to measure a risk", None)
    x, solution = problem.inputs, midpoint_network(network, before)
    last, earlier = network.predict(x), before.predict(x)
    out = {
        "risk_last": problem.design_error(last),
        "risk_before": problem.design_error(earlier),
        "risk_mean": problem.design_error(0.5 * last + 0.5 * earlier),
    }
    if problem.dimension > 1:
        return {**out, "risk": problem.design_error(solution.predict(x))}
    places = (("", x, problem.averaging), ("_grid", grid(problem), np.full(GRID, 1.0 / GRID)))
    for suffix, points, average in places:
        squares = (solution.predict(points) - problem.truth(points)) ** 2
        for region, mask in regions(problem, points).items():
            out[f"risk_{region}{suffix}"] = mean(squares, average * mask)
        out[f"risk{suffix}"] = mean(squares, average)
    return out


def pieces(problem: Problem, network: TwoLayerReLU) -> int:
    """Linear pieces of a network over the hull of the data.

    The fewest lines that stay within `piece_tolerance`; see `linear_pieces`. Rounding of f is forgiven when
    that tolerance is smaller. Constant labels have no shape, and what a network does beside them is error of
    training: one piece.
    """
    return len(bends(problem, network)) + 1


def bends(problem: Problem, network: TwoLayerReLU) -> Array:
    """Find the inputs at which one of the `pieces` ends and the next begins, sorted."""
    require_line(problem, network)
    low, high = problem.line.hull
    kinks = network.knots
    points = np.unique(np.concatenate([[low, high], kinks[(kinks > low) & (kinks < high)]]))
    rounding = 64.0 * EPS * _magnitude(network, points)
    return piece_ends(points, values_at(network, points), max(piece_tolerance(problem), rounding))


def values_at(network: TwoLayerReLU, points: Array) -> Array:
    """Values of f at many points (m,) in O((k + m) log k), whatever their number; see `evaluate`."""
    return evaluate(network.w1, network.b1, network.w2, network.b2, points)[0]


def _magnitude(network: TwoLayerReLU, x: Array) -> float:
    reach = float(np.abs(x).max())
    total = np.abs(network.w2) @ (np.abs(network.w1) * reach + np.abs(network.b1)) + abs(network.b2)
    return float(total)


def label_deviation(problem: Problem) -> float:
    """Return the standard deviation of the labels, √(Σ v_i (y_i - ȳ)²)."""
    mean = float(problem.averaging @ problem.labels)
    return float(np.sqrt(problem.averaging @ (problem.labels - mean) ** 2))


def piece_tolerance(problem: Problem) -> float:
    """Return 5 % of the standard deviation of the labels; infinity when they are equal up to rounding.

    For the logistic loss 0.2 in the logit, which is at most 5 points of probability.
    """
    if problem.loss == "logistic":
        return LOGIT_TOLERANCE
    deviation = label_deviation(problem)
    rounding = 4.0 * EPS * float(np.abs(problem.labels).max())
    return PIECE_TOLERANCE * deviation if deviation > rounding else float("inf")


def shape(problem: Problem, network: TwoLayerReLU) -> dict[str, float]:
    """Describe one network: knots, variation and neurons.

    ``knots``: distinct ones strictly inside the hull of the data; ``tv``: Σ |slope change| over them;
    ``weighted_tv``: ∫|f''|g; ``bent``, ``dead`` and ``active`` neurons: knot inside the hull, active on no
    input, on some; ``knots_at_data``: neurons with a knot within 1e-3 of the range of an input.
    """
    require_line(problem, network)
    low, high = problem.line.hull
    w = (network.w1, network.b1, network.w2)
    bent, dead, stuck = count_neurons(problem, network)
    inside = (network.knots > low) & (network.knots < high)
    return {
        "knots": int(np.sum(inside)),
        "tv": float(np.sum(np.abs(network.jumps[inside]))),
        "weighted_tv": theory.weighted_tv(*w, problem.inputs, problem.weights),
        "bent_neurons": bent,
        "dead_neurons": dead,
        "active_neurons": network.width - dead,
        "knots_at_data": stuck,
    }


def measure(problem: Problem, network: TwoLayerReLU, before: TwoLayerReLU) -> dict[str, Any]:
    """All of the above for the midpoint of two iterates; risks only where the truth is known.

    For the logistic loss excess risks and confidence (`stepscape.measures.classification`) in place of risks,
    and ``norm``, ‖θ‖. Endings ``_last``, ``_before`` and ``_mean`` as in `risks`.

    With several input variables a function has no pieces, knots or variation. There are ``training_error``,
    Σ v_i (f(x_i) - y_i)² or the logistic loss of the solution, counts of neurons, and the `rates` of these.
    """
    expect_pair(problem, network, before)
    solution, known = midpoint_network(network, before), {}
    if problem.truth is not None:
        known = (excess_risks if problem.loss == "logistic" else risks)(problem, network, before)
    if problem.loss == "logistic":
        known |= confidence(problem, solution)
        known["norm"] = float(np.linalg.norm(solution.parameters))
    if problem.dimension > 1:
        return {**known, **_neurons(problem, solution)}
    return {**known, "pieces": pieces(problem, solution), **shape(problem, solution)}


def _neurons(problem: Problem, network: TwoLayerReLU) -> dict[str, float]:
    """Training error of a network of several input variables, and where its neurons are active."""
    bent, dead, stuck = count_plane_neurons(problem, network)
    loss = problem.training_loss(network.predict(problem.inputs))
    return {
        "training_error": 2.0 * loss if problem.loss == "square" else loss,
        "bent_neurons": bent,
        "dead_neurons": dead,
        "active_neurons": network.width - dead,
        "knots_at_data": stuck,
        **rates(problem, network),
    }


def measure_trajectory(problem: Problem, run: Trajectory) -> dict[str, Any]:
    """Time, loss, sharpness and all of `measure` at the end of a run; nothing for one that diverged."""
    expect("problem", problem, Problem)
    found = ending(run)
    return found and {**found, **measure(problem, run.network, run.network_before)}


def ending(run: Trajectory) -> dict[str, Any]:
    """Time, loss and sharpness at the end of a run; nothing for one that diverged."""
    expect("run", run, Trajectory)
    if run.outcome == "diverged":
        return {}
    return {
        "time": float(run.time[-1]),
        "loss": float(run.loss[-1]),
        "sharpness": float(run.sharpness[-1]),
        "sharpness_residual": float(run.sharpness_residual[-1]),
        "edge_ratio": float(run.edge_ratio[-1]),
        "sharpness_last": float(run.sharpness_last[-1]),
        "sharpness_last_residual": float(run.sharpness_last_residual[-1]),
        "edge_ratio_last": float(run.edge_ratio_last[-1]),
        "smoothness": float(run.smoothness[-1]),
    }


def __dir__() -> list[str]:
    return sorted(__all__)
