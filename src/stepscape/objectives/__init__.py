"""Losses of one flat vector: the protocol, the ReLU network on the line, toys in closed form."""

from stepscape.errors import expect
from stepscape.network import TwoLayerReLU
from stepscape.objectives.descent import Descent, State
from stepscape.objectives.linear_layers import LinearNetwork
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
from stepscape.problems.product_measurements import ProductMeasurements

__all__ = [
    "Descent",
    "Hessian",
    "LinearNetwork",
    "Objective",
    "ReLULine",
    "State",
    "directional_smoothness",
    "hessian",
    "hessian_trace",
    "line",
    "linear_network",
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


def linear_network(problem: ProductMeasurements) -> LinearNetwork:
    """Return the loss of a product of layers as a function of their weights (W_1, …, W_k)."""
    expect("problem", problem, ProductMeasurements)
    return LinearNetwork(problem)


def __dir__() -> list[str]:
    return sorted(__all__)
