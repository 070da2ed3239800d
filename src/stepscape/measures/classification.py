"""What is measured on a solution of the logistic loss: excess risk, errors, confidence, the uncertain set.

As for the square loss the solution is the midpoint network of the last two iterates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import expect
from stepscape.losses import divergence, probability
from stepscape.measures.iterates import expect_pair
from stepscape.measures.regions import GRID, grid, mean, regions
from stepscape.measures.uncertainty import UNCERTAIN, hull
from stepscape.network import TwoLayerReLU, require_dimension
from stepscape.problems.problem import Problem
from stepscape.training.trajectory import midpoint_network

__all__ = ["confidence", "excess_risks"]

Array = NDArray[np.float64]


def excess_risks(problem: Problem, network: TwoLayerReLU, before: TwoLayerReLU) -> dict[str, float]:
    """Excess risks over the truth of the midpoint of two iterates by region and place, and error rates.

    ``excess_risk`` is Σ v_i KL(Ber(s(f0_i)) ‖ Ber(s(f_i))) for the midpoint network f; with the further
    ending ``_last`` or ``_before`` for one iterate, ``_mean`` for the mean of their logits. ``_grid`` is the
    plain mean over 401 equispaced points of the hull of the data. ``_interior`` keeps the points where
    g ≥ sup g/10, ``_boundary`` the others, ``_half`` the middle half of the range, ``_uncertain`` the hull of
    the inputs with |f0| ≤ 1; a region without points gives nan. ``error_rate`` is the probability that a
    fresh label at an input is not that of f, 1 where f > 0; ``bayes_error_rate`` that it is not that of f0.
    With several input variables there is neither grid nor region. Needs a truth.
    """
    expect_pair(problem, network, before)
    problem.excess_risk(problem.labels)  # refuses a problem without a truth
    assert problem.truth is not None
    x, solution = problem.inputs, midpoint_network(network, before)
    f, last, earlier = solution.predict(x), network.predict(x), before.predict(x)
    v, line = problem.averaging, problem.dimension == 1
    places = {
        "": (x, f, v),
        "_last": (x, last, v),
        "_before": (x, earlier, v),
        "_mean": (x, 0.5 * last + 0.5 * earlier, v),
    }
    if line:
        points = grid(problem)
        places["_grid"] = (points, solution.predict(points), np.full(GRID, 1.0 / GRID))
    out = {}
    for suffix, (where, logit, average) in places.items():
        excess = divergence(problem.truth(where), logit)
        for region, mask in _regions(problem, where).items() if line else ():
            out[f"excess_risk_{region}{suffix}"] = mean(excess, average * mask)
        out[f"excess_risk{suffix}"] = mean(excess, average)
    f0 = problem.truth(x)
    wrong = probability(np.where(f > 0.0, -f0, f0))
    out["error_rate"] = float(problem.averaging @ wrong)
    out["bayes_error_rate"] = float(problem.averaging @ probability(-np.abs(f0)))
    return out


def _regions(problem: Problem, points: Array) -> dict[str, NDArray[np.bool_]]:
    return {**regions(problem, points), "uncertain": uncertain_hull(problem, points)}


def uncertain_hull(problem: Problem, points: Array) -> NDArray[np.bool_]:
    """Mask of the points between the outermost inputs of positive weight with |f0| ≤ 1."""
    assert problem.truth is not None
    counted = problem.inputs[problem.averaging > 0.0]
    low, high = hull(counted, problem.truth(counted))
    return np.asarray((points >= low) & (points <= high))


def confidence(problem: Problem, network: TwoLayerReLU) -> dict[str, float]:
    """How sure a network f is of itself at the inputs.

    ``smallest_margin`` and ``median_margin``: of y_i f_i; ``median_logit`` and ``largest_logit``: of |f_i|;
    examples of weight 0 do not count, medians are weighted.
    ``uncertain_share``: Σ v_i over |f_i| ≤ 1. With a truth, ``uncertain_overlap``: that of both {|f| ≤ 1} and
    {|f0| ≤ 1} over that of either, nan when both are empty.
    """
    expect("problem", problem, Problem)
    require_dimension(network, problem.dimension)
    f = network.predict(problem.inputs)
    margin, weights = problem.labels * f, problem.averaging
    counted = weights > 0.0
    unsure = np.abs(f) <= UNCERTAIN
    out = {
        "smallest_margin": float(margin[counted].min()),
        "median_margin": _median(margin, problem),
        "median_logit": _median(np.abs(f), problem),
        "largest_logit": float(np.abs(f)[counted].max()),
        "uncertain_share": min(1.0, float(weights @ unsure)),  # weights sum to 1 up to rounding
    }
    if problem.truth is not None:
        truly = np.abs(problem.truth(problem.inputs)) <= UNCERTAIN
        either = float(weights @ (unsure | truly))
        out["uncertain_overlap"] = float(weights @ (unsure & truly)) / either if either else float("nan")
    return out


def _median(values: Array, problem: Problem) -> float:
    """Median; with weights the least value up to which at least half of the weight lies."""
    if problem.weights is None:
        return float(np.median(values))
    order = np.argsort(values)
    return float(values[order][np.searchsorted(np.cumsum(problem.averaging[order]), 0.5 * (1.0 - 1e-12))])


def __dir__() -> list[str]:
    return sorted(__all__)
