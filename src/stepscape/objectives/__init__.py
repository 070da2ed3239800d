"""Losses of one flat vector: the protocol, networks, factors of a matrix, toys in closed form."""

from collections.abc import Callable, Sequence
from typing import Any, overload

from stepscape.errors import bad, expect, shown
from stepscape.factorization import Factorization, Width
from stepscape.network import TwoLayerReLU
from stepscape.objectives.batch_curvature import batch_sharpness
from stepscape.objectives.corrupted_factors import CorruptedFactors
from stepscape.objectives.descent import Descent, State
from stepscape.objectives.edge_toys import catapult, self_stabilizing
from stepscape.objectives.factor_widths import widths_of
from stepscape.objectives.factors_hessian import FactorsHessian
from stepscape.objectives.fresh_examples import with_examples
from stepscape.objectives.layered_network import LayeredNetwork
from stepscape.objectives.linear_layers import LinearNetwork
from stepscape.objectives.linear_logistic import logistic_regression
from stepscape.objectives.matrix_factors import Factors
from stepscape.objectives.method_steps import with_method
from stepscape.objectives.network_curvature import (
    directional_smoothness,
    hessian,
    hessian_trace,
    rough_sharpness,
    sharpness,
)
from stepscape.objectives.objective import Objective, secant_curvature
from stepscape.objectives.own_steps import OwnSteps
from stepscape.objectives.relu_line import ReLULine
from stepscape.objectives.relu_line_hessian import Hessian
from stepscape.objectives.relu_plane import ReLUPlane
from stepscape.objectives.relu_plane_hessian import PlaneHessian
from stepscape.objectives.sampled import Sampled
from stepscape.objectives.torch_hessian import TorchHessian
from stepscape.objectives.torch_loss import TorchLoss
from stepscape.objectives.toys import corrugated, double_well, quadratic, quartic, scalar_product
from stepscape.problems.corrupted_matrix import CorruptedMatrix
from stepscape.problems.measurements import Measurements
from stepscape.problems.problem import Problem
from stepscape.problems.product_measurements import ProductMeasurements

__all__ = [
    "CorruptedFactors",
    "Descent",
    "Factors",
    "FactorsHessian",
    "Hessian",
    "LinearNetwork",
    "Objective",
    "OwnSteps",
    "PlaneHessian",
    "ReLULine",
    "ReLUPlane",
    "Sampled",
    "State",
    "TorchHessian",
    "TorchLoss",
    "batch_sharpness",
    "catapult",
    "corrugated",
    "directional_smoothness",
    "double_well",
    "factors",
    "hessian",
    "hessian_trace",
    "layered",
    "line",
    "linear_network",
    "logistic_regression",
    "plane",
    "quadratic",
    "quartic",
    "rough_sharpness",
    "scalar_product",
    "secant_curvature",
    "self_stabilizing",
    "sharpness",
    "torch",
    "with_examples",
    "with_method",
]


def line(problem: Problem, network: TwoLayerReLU) -> ReLULine:
    """Return the loss of a problem with one input variable as a function of the network's parameters."""
    return ReLULine(problem, network)


def plane(problem: Problem, network: TwoLayerReLU) -> ReLUPlane:
    """Return the loss of a problem with any number of input variables as a function of the parameters.

    With one variable it is the slower twin of `line`.
    """
    return ReLUPlane(problem, network)


def layered(problem: Problem, hidden: Sequence[int], activation: str = "tanh") -> LayeredNetwork:
    """Return the loss of a fully connected network with hidden layers of these widths, without PyTorch.

    `activation` is "tanh", "gelu" or "relu"; ``layered(…).start(scale, seed)`` is a random θ.
    """
    return LayeredNetwork(problem, hidden, activation)


@overload
def factors(
    measurements: Measurements, width: Width | None = None, factors: Factorization | None = None
) -> Factors: ...
@overload
def factors(
    measurements: CorruptedMatrix, width: Width | None = None, factors: Factorization | None = None
) -> CorruptedFactors: ...
def factors(
    measurements: Measurements | CorruptedMatrix,
    width: Width | None = None,
    factors: Factorization | None = None,
) -> Factors | CorruptedFactors:
    """Return the loss of a problem of low rank as a function of the factors of its matrix.

    Parameters
    ----------
    measurements : Measurements or CorruptedMatrix
    width : int or (int, int), optional
        Number k of columns of each factor; (k1, k2) of U1 and U2 for the structure "symmetric". By default
        min(d1, d2), with which every matrix has factors.
    factors : Factorization, optional
        Take the widths of these factors instead; ``factors.parameters`` is then a θ.

    Raises
    ------
    InputError
        For factors of another shape or structure than the problem's.
    """
    if not isinstance(measurements, Measurements | CorruptedMatrix):
        raise bad("measurements", "be Measurements or a CorruptedMatrix", shown(measurements))
    widths = widths_of(measurements, width, factors)
    if isinstance(measurements, CorruptedMatrix):
        return CorruptedFactors(measurements, widths[0])
    return Factors(measurements, widths)


def linear_network(problem: ProductMeasurements) -> LinearNetwork:
    """Return the loss of a product of layers as a function of their weights (W_1, …, W_k)."""
    expect("problem", problem, ProductMeasurements)
    return LinearNetwork(problem)


def torch(model: Any, loss: Callable[[Any, Any], Any], batch: Any) -> TorchLoss:
    """Return the loss of a PyTorch model on a batch as a function of its trained parameters, in float64.

    Parameters
    ----------
    model : torch.nn.Module
        Not changed. ``torch(model, loss, batch).parameters`` is its θ.
    loss : callable
        (model, batch) → a scalar tensor, the mean loss over the batch.
    batch : tensor, or tuple, list or dict of tensors

    Raises
    ------
    Unavailable
        If PyTorch is not installed.
    InputError
        As `TorchLoss` says.
    """
    return TorchLoss(model, loss, batch)


def __dir__() -> list[str]:
    return sorted(__all__)
