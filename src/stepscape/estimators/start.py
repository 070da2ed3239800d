"""The network at which the descent of a fit begins."""

from __future__ import annotations

import numpy as np

from stepscape.network import TwoLayerReLU
from stepscape.objectives.relu_plane_hessian import PlaneHessian
from stepscape.objectives.relu_plane_sharpness import plane_top_from
from stepscape.problems.problem import Problem

# Of the mean-field initialization. On real tables 3, 6 and 12 were tried. At 12 nearly the whole path of step
# sizes ends at the edge within the budget; at 3 the small ones run out of it. Below 2/600 the edge ratio
# is the start's (its sharpness is near 600 on those tables): there time smooths, whatever the stop is called.
SCALE = 12.0
# Logistic loss: the start should be near probability ½, for its errors take time to forget. On real tables
# 0.5, 1, 2 and 3 were tried: cross-validated log-losses at the best stopping time agree within a quarter of a
# standard error up to 2 and are worse at 3. The sharpness of the start is near 1, so that the warm-up may be
# short: at step size 6 most neurons survive one of 100 steps, and few one of 20.
LOGISTIC_SCALE = 1.0
CURVATURE = {"square": 1.0, "logistic": 0.25}  # of the loss at f = 0: what the output bias alone has
INSIDE = 0.9  # share of the way from that curvature to the edge at which several features start
SHARPEST = 2.0  # of that curvature: no start is sharper, however small the step size
LEAST_SCALE, HALVINGS, CLOSE = 1e-6, 24, 1e-3


def start(problem: Problem, width: int, seed: int, scale: float | None) -> TwoLayerReLU:
    """Draw the initial network; for constant labels return the network that is that constant everywhere.

    One feature: mean-field, of scale 12, or 1 with the logistic loss. Several: He, of the scale given. A
    constant is stationary at every step size. A random network predicts values far from labels without
    spread, and after a short warm-up rounding decides whether its descent diverges.
    """
    constant = float(problem.labels[0])
    if problem.loss == "square" and bool((problem.labels == constant).all()):
        d = problem.dimension
        zero = np.zeros(width)
        return TwoLayerReLU(zero if d == 1 else np.zeros((width, d)), zero, zero, constant)
    if scale is not None:
        return TwoLayerReLU.random(width, scale, "he", seed, dimension=problem.dimension)
    scale = SCALE if problem.loss == "square" else LOGISTIC_SCALE
    return TwoLayerReLU.random(width, scale, "mean_field", seed)


def matched_scale(problem: Problem, width: int, seed: int, step_size: float) -> float:
    """Scale of a He start of several features whose Gauss–Newton matrix G lies below the edge 2/η.

        λ_max(G) = c (1 + 0.9 (min(2/(cη), 2) − 1)),    c the curvature of the loss at f = 0:

    c is what the output bias alone has, so that no start is flatter, and every step size up to 1/c has the
    same start, of λ_max(G) = 1.9 c. A start beyond the edge is thrown far away at once, by a catapult that
    may leave every neuron without an active input. He biases are 0, so that the start is homogeneous and
    λ_max(G) rises with its scale; that of 1 is the largest. G is used because λ_max(H) of a start near 0 is
    that of a saddle, ±‖Σ y_i x_i‖, whatever the scale.
    """
    flat = CURVATURE[problem.loss]
    wanted = flat * (1.0 + INSIDE * (min(2.0 / (flat * step_size), SHARPEST) - 1.0))
    low, high = np.log(LEAST_SCALE), 0.0
    if _gauss_newton(problem, width, seed, 1.0) <= wanted:
        return 1.0
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if _gauss_newton(problem, width, seed, float(np.exp(middle))) > wanted:
            high = middle
        else:
            low = middle
    return float(np.exp(low))


def _gauss_newton(problem: Problem, width: int, seed: int, scale: float) -> float:
    net = TwoLayerReLU.random(width, scale, "he", seed, dimension=problem.dimension)
    return plane_top_from(PlaneHessian(problem, net, gauss_newton=True), tolerance=CLOSE).value
