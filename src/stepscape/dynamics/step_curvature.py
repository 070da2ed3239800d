"""The curvature that decides whether a step lowers the loss, and how much of what was promised it kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import positive, vector, whole
from stepscape.errors import bad
from stepscape.objectives.objective import Objective, require_objective

Array = NDArray[np.float64]
MOST_NODES = 128  # a rule with more is not doubled


def step_curvature(
    objective: Objective,
    theta: ArrayLike,
    after: ArrayLike,
    nodes: int = 8,
    tolerance: float | None = None,
) -> float:
    """M = 2 ∫₀¹ (1 − s) ΔᵀH(θ + sΔ)Δ ds/‖Δ‖² along the step Δ from θ to `after`; nan when nothing moved.

    By Taylor's theorem L(θ + Δ) = L(θ) + ⟨∇L, Δ⟩ + ½M‖Δ‖², so that a step Δ = −η∇L changes the loss by
    −η‖∇L‖²(1 − ½ηM): it rises exactly if M > 2/η. By Gauss and Legendre's rule, exact where L is a polynomial
    of degree at most 2·nodes along the step; a kink inside the step is not seen.

    Parameters
    ----------
    objective, theta, after : the loss, and the two ends of the step.
    nodes : of the rule.
    tolerance : in units of the loss. The number of nodes doubles until ½M‖Δ‖² changes by less, or until there
        are more than `MOST_NODES`. By default the rule with `nodes` decides alone.

    Source: Mishkin et al. (2024), directional smoothness.
    """
    require_objective(objective)
    start, end = (vector(name, at, objective.size) for name, at in (("theta", theta), ("after", after)))
    step, count = end - start, whole("nodes", nodes, 1)
    size = float(step @ step)
    if size == 0.0:
        return float("nan")
    found = _along(objective, start, step, count)
    if tolerance is None:
        return found / size
    least, change = positive("tolerance", tolerance), np.inf
    while abs(change) > 2.0 * least and count <= MOST_NODES:
        count *= 2
        finer = _along(objective, start, step, count)
        found, change = finer, finer - found
    return found / size


def _along(objective: Objective, start: Array, step: Array, nodes: int) -> float:
    """M‖Δ‖² by the rule with so many nodes."""
    places, weights = np.polynomial.legendre.leggauss(nodes)
    at, weights = 0.5 * (places + 1.0), 0.5 * weights
    bends = [float(step @ objective.hessian(start + s * step).product(step)) for s in at]
    return float(2.0 * np.sum(weights * (1.0 - at) * bends))


def relative_progress(objective: Objective, theta: ArrayLike, step_size: float) -> float:
    """(L(θ − η∇L) − L(θ))/(η‖∇L‖²) of a step of gradient descent; −1 is what the slope promises.

    −1 + ½ηM with M of `step_curvature`: above 0 the loss rose; on average about 0 at the edge of stability.

    Source: Ahn, Zhang and Sra (2022), relative progress ratio.

    Raises
    ------
    InputError
        Where the gradient is 0.
    """
    require_objective(objective)
    start, eta = vector("theta", theta, objective.size), positive("step_size", step_size)
    gradient = objective.gradient(start)
    size = float(gradient @ gradient)
    if size == 0.0:
        raise bad("theta", "have a gradient that is not 0", "a stationary point")
    return (objective.loss(start - eta * gradient) - objective.loss(start)) / (eta * size)
