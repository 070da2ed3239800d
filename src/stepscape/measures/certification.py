"""Every theorem that speaks about a network on a problem, evaluated."""

from __future__ import annotations

import math
from typing import Any

from stepscape.curvature.hessian import Hessian
from stepscape.curvature.lanczos import largest_eigenpair
from stepscape.errors import bad
from stepscape.network import TwoLayerReLU
from stepscape.problems.problem import Problem
from stepscape.theory import square
from stepscape.theory.certificate import Certificate
from stepscape.theory.interpolation import interpolation


def certify(problem: Problem, network: TwoLayerReLU, delta: float = 0.05) -> dict[str, Certificate]:
    """Evaluate both sides of every square-loss theorem at one network.

    Parameters
    ----------
    problem : Problem
        `truth` and `noise` are needed by "noisy" alone.
    network : TwoLayerReLU
        One iterate; it need not be a minimum. Bounds are adapted to its trained blocks.
    delta : float
        Allowed probability of failure of "noisy", in (0, 1).

    Returns
    -------
    dict of str to Certificate
        "gauss_newton", "sharpness", "sharpness_loss", "published", "noisy", "interpolation". Each carries
        both sides, slack, premises and source; one whose premise fails is "inapplicable". Right sides use
        the measured λ_max plus its residual.

    Notes
    -----
    Certificates hold in the units of the problem's inputs and labels: g is not invariant under a shift of
    the inputs.
    """
    if not 0.0 < delta < 1.0:
        raise bad("delta", "lie strictly between 0 and 1", delta)
    operator = Hessian(problem, network)
    top = largest_eigenpair(operator)
    linear = largest_eigenpair(Hessian(problem, network, gauss_newton=True), top.vector)
    shared: dict[str, Any] = {
        "w1": network.w1,
        "b1": network.b1,
        "inputs": problem.inputs,
        # Averaging weights, because theory takes their sums and squares, which given ones may overflow.
        "weights": None if problem.weights is None else problem.averaging,
        "trainable": network.trainable,
    }
    flat = {**shared, "w2": network.w2, "sharpness": top.value, "residual": top.residual}
    mse = math.nan if problem.truth is None else problem.design_error(network.predict(problem.inputs))
    noise = math.nan if problem.noise is None else problem.noise
    certificates = [
        square.gauss_newton(
            **shared, w2=network.w2, largest_eigenvalue=linear.value, residual=linear.residual
        ),
        square.sharpness(**flat, residual_norm=operator.residual_norm),
        square.sharpness_loss(**flat, loss=operator.loss),
        square.published(**flat, loss=operator.loss),
        square.noisy(**flat, mse=mse, noise=noise, delta=delta),
        interpolation(
            **shared, labels=problem.labels, loss=operator.loss, sharpness=top.value, residual=top.residual
        ),
    ]
    return {certificate.name: certificate for certificate in certificates}
