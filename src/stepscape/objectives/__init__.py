"""Losses of one flat vector: the protocol, the ReLU network on the line, toys in closed form."""

from stepscape.network import TwoLayerReLU
from stepscape.objectives.descent import Descent, State
from stepscape.objectives.network_curvature import (
    directional_smoothness,
    hessian,
    hessian_trace,
    rough_sharpness,
    sharpness,
)
from stepscape.objectives.objective import Objective, secant_curvature
from stepscape.objectives.relu_line import ReLULine
from stepscape.objectives.relu_line_hessian import Hessian
from stepscape.objectives.toys import quadratic, quartic, scalar_product
from stepscape.problems.problem import Problem

__all__ = [
    "Descent",
    "Hessian",
    "Objective",
    "ReLULine",
    "State",
    "directional_smoothness",
    "hessian",
    "hessian_trace",
    "line",
    "quadratic",
    "quartic",
    "rough_sharpness",
    "scalar_product",
    "secant_curvature",
    "sharpness",
]


def line(problem: Problem, network: TwoLayerReLU) -> ReLULine:
    """Return the loss of a problem with one input variable as a function of the network's parameters."""
    return ReLULine(problem, network)


def __dir__() -> list[str]:
    return sorted(__all__)
