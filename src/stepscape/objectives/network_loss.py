"""Which objective is the loss of a network: by the number of input variables."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature.lanczos import Eigenpair
from stepscape.errors import expect
from stepscape.network import TwoLayerReLU
from stepscape.objectives.relu_line import ReLULine
from stepscape.objectives.relu_line_hessian import Hessian
from stepscape.objectives.relu_line_sharpness import top
from stepscape.objectives.relu_plane import ReLUPlane
from stepscape.objectives.relu_plane_hessian import PlaneHessian
from stepscape.objectives.relu_plane_sharpness import plane_top
from stepscape.problems.problem import Problem

Array = NDArray[np.float64]


def network_loss(problem: Problem, network: TwoLayerReLU) -> ReLULine | ReLUPlane:
    """Return the loss of a problem as a function of the network's parameters."""
    expect("problem", problem, Problem)
    return ReLULine(problem, network) if problem.dimension == 1 else ReLUPlane(problem, network)


def network_hessian(
    problem: Problem,
    network: TwoLayerReLU,
    gauss_newton: bool = False,
    decay: float = 0.0,
    decay_biases: bool = True,
) -> Hessian | PlaneHessian:
    """Return the loss Hessian at a network; with `decay` λ that of L + ½ λ‖θ‖² without b2.

    Without `decay_biases` b1 is left out, too. `Hessian` does not know that, so that on the line
    `PlaneHessian` then stands in for it.
    """
    expect("problem", problem, Problem)
    if problem.dimension == 1 and (decay_biases or decay == 0.0):
        return Hessian(problem, network, gauss_newton, decay)
    return PlaneHessian(problem, network, gauss_newton, decay, decay_biases=decay_biases)


def network_top(operator: Hessian | PlaneHessian, start: Array | None, tolerance: float) -> Eigenpair:
    """Largest eigenvalue of the loss Hessian at a network; see `top` and `plane_top`."""
    if isinstance(operator, Hessian):
        return top(operator, start, tolerance)
    return plane_top(operator, start, tolerance)
