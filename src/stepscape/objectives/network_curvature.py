"""The curvature of the loss of a problem at a network: the public doors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import flag, nonnegative, number
from stepscape.arguments import vector as one_each
from stepscape.curvature.lanczos import Eigenpair
from stepscape.errors import bad
from stepscape.network import TwoLayerReLU, require_dimension
from stepscape.objectives.network_loss import network_hessian, network_loss, network_top
from stepscape.objectives.objective import Objective, secant_curvature
from stepscape.problems.problem import Problem

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator

Array = NDArray[np.float64]


def sharpness(
    problem: Problem,
    network: TwoLayerReLU,
    *,
    start: Array | None = None,
    tolerance: float = 1e-8,
    gauss_newton: bool = False,
    weight_decay: float = 0.0,
    decay_biases: bool = True,
) -> Eigenpair:
    """λ_max of the loss Hessian on the trained coordinates.

    Parameters
    ----------
    problem, network
        Where to measure, with inputs of the same number of variables. At a network with a knot exactly on an
        input this is the almost-everywhere Hessian with max(z, 0)' = 0 at z = 0.
    start : ndarray, optional
        A vector on the trained coordinates close to the eigenvector, e.g. the `vector` of an earlier result.
    tolerance : float
        Residual wanted, relative to the largest |eigenvalue|.
    gauss_newton : bool
        λ_max of the Gauss–Newton part ΦᵀDΦ instead.
    weight_decay : float
        λ_max of H + λ·diag(mask), mask 0 on the output bias.
    decay_biases : bool
        With False the mask is 0 on the input biases, too; see `GradientDescent`.

    Returns
    -------
    Eigenpair
        `vector` on the trained coordinates; some eigenvalue lies within `residual` of `value`, rounding
        included. It has two sides; with several input variables only up to 512 inputs (`Eigenpair.status`).
    """
    operator = network_hessian(
        problem,
        network,
        flag("gauss_newton", gauss_newton),
        nonnegative("weight_decay", weight_decay),
        flag("decay_biases", decay_biases),
    )
    if not 0.0 < number("tolerance", tolerance, "lie between 0 and 1") < 1.0:
        raise bad("tolerance", "lie between 0 and 1", tolerance)
    trained = network.trained
    full = None
    if start is not None:
        full = np.zeros(trained.size)
        full[trained] = one_each("start", start, int(trained.sum()))
        if not np.isfinite(full).all():
            raise bad("start", "be a finite vector that is not zero", f"norm {np.linalg.norm(full)}")
    pair = network_top(operator, full, tolerance)
    return replace(pair, vector=pair.vector[trained])


def rough_sharpness(problem: Problem, network: TwoLayerReLU) -> float:
    """λ_max to 1e-4, as the warm-up of a run from this network takes it; see `Descent.rough_sharpness`."""
    return network_loss(problem, network).rough_sharpness(network.parameters)


def hessian_trace(problem: Problem, network: TwoLayerReLU) -> float:
    """Trace of the loss Hessian on the trained coordinates in closed form.

    With one input variable O(n + k), right to 1e-9 of itself; `objectives.Hessian` has a bound on its error
    beside it. With d of them O(n d k), a float64 sum of terms that are not negative.
    """
    return network_hessian(problem, network).trace


def hessian(problem: Problem, network: TwoLayerReLU, *, gauss_newton: bool = False) -> LinearOperator:
    """Return the loss Hessian on the trained coordinates as a SciPy LinearOperator."""
    from scipy.sparse.linalg import LinearOperator

    operator = network_hessian(problem, network, flag("gauss_newton", gauss_newton))
    trained = network.trained
    size = int(trained.sum())

    def apply(vector: Array) -> Array:
        full = np.zeros(trained.size)
        full[trained] = np.ravel(vector)
        return operator.product(full)[trained]

    return LinearOperator((size, size), matvec=apply, rmatvec=apply, dtype=np.float64)


@overload
def directional_smoothness(problem: Problem, network: TwoLayerReLU, before: TwoLayerReLU) -> float: ...
@overload
def directional_smoothness(problem: Objective, network: Array, before: Array) -> float: ...
def directional_smoothness(problem: Any, network: Any, before: Any) -> float:
    """⟨∇L(θ) - ∇L(θ'), θ - θ'⟩/‖θ - θ'‖² along the last step from θ' to θ; nan when nothing moved.

    The curvature that descent actually met. Unlike the almost-everywhere Hessian it counts knots that cross
    data. At the edge of stability of plain gradient descent it averages 2/η (not with momentum; weight decay
    is not included in it), and for a swing of period two it equals 2/η exactly, whatever the loss.

    Parameters
    ----------
    problem : Problem, or an objective such as `objectives.torch`
    network, before : TwoLayerReLU, or vectors (size,) for an objective
        θ and θ'.

    Source: Mishkin et al. (2024); tutorial, edge of stability.
    """
    if hasattr(problem, "gradient"):
        return secant_curvature(problem, network, before)
    objective = network_loss(problem, network)
    require_dimension(before, problem.dimension, "before")
    return objective.smoothness(network.parameters, before.parameters)
