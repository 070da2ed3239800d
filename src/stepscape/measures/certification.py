"""Every theorem that speaks about a network on a problem, evaluated."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from stepscape import theory
from stepscape.errors import bad
from stepscape.measures.uncertainty import UNCERTAIN
from stepscape.network import TwoLayerReLU
from stepscape.objectives.relu_line_hessian import Hessian, top
from stepscape.problems.problem import Problem
from stepscape.theory.certificate import Certificate
from stepscape.theory.line import square


def certify(
    problem: Problem, network: TwoLayerReLU, delta: float = 0.05, gamma: float = UNCERTAIN
) -> dict[str, Certificate]:
    """Evaluate both sides of every theorem about the loss of the problem at one network.

    Parameters
    ----------
    problem : Problem
        `truth` and `noise` are needed by "noisy", `truth` by "norm" and "overlap".
    network : TwoLayerReLU
        One iterate; it need not be a minimum. Bounds are adapted to its trained blocks.
    delta : float
        Allowed probability of failure of "noisy" and "norm", in (0, 1).
    gamma : float
        Logistic loss: inputs with |f| ≤ gamma are uncertain, in "uncertain".

    Returns
    -------
    dict of str to Certificate
        Square loss: "gauss_newton", "sharpness", "sharpness_loss", "published", "noisy", "interpolation".
        Logistic loss: "gauss_newton", "weighted", "uncertain", "uncertain_best", "interior_variation",
        "weighted_stationary", "uncertain_stationary", "interpolation_margin", "overlap" (of |f0| ≤ gamma with
        |f| ≤ 2 gamma), "norm". Each carries both sides, slack, premises and source; one whose premise fails
        is "inapplicable". Right sides use the measured λ_max plus its residual.

    Notes
    -----
    Certificates hold in the units of the problem's inputs and labels: g is not invariant under a shift of
    the inputs.
    """
    if not 0.0 < delta < 1.0:
        raise bad("delta", "lie strictly between 0 and 1", delta)
    if not 0.0 < gamma < math.inf:
        raise bad("gamma", "be finite and positive", gamma)
    operator = Hessian(problem, network)
    largest = top(operator)
    linear = top(Hessian(problem, network, gauss_newton=True), largest.vector)
    flat: dict[str, Any] = {"sharpness": largest.value, "residual": largest.residual}
    linear_flat: dict[str, Any] = {"largest_eigenvalue": linear.value, "residual": linear.residual}
    if problem.loss == "logistic":
        certificates = _logistic(operator, flat, linear_flat, delta, gamma)
    else:
        certificates = _square(operator, flat, linear_flat, delta)
    return {certificate.name: certificate for certificate in certificates}


def _square(
    operator: Hessian, flat: dict[str, Any], linear_flat: dict[str, Any], delta: float
) -> list[Certificate]:
    problem, network = operator.problem, operator.network
    shared: dict[str, Any] = {
        "w1": network.w1,
        "b1": network.b1,
        "inputs": problem.inputs,
        # Averaging weights, because theory takes their sums and squares, which given ones may overflow.
        "weights": None if problem.weights is None else problem.averaging,
        "trainable": network.trainable,
    }
    mse = math.nan if problem.truth is None else problem.design_error(network.predict(problem.inputs))
    noise = math.nan if problem.noise is None else problem.noise
    whole = {**shared, **flat, "w2": network.w2}
    return [
        square.gauss_newton(**shared, **linear_flat, w2=network.w2),
        square.sharpness(**whole, residual_norm=operator.residual_norm),
        square.sharpness_loss(**whole, loss=operator.loss),
        square.published(**whole, loss=operator.loss),
        square.noisy(**whole, mse=mse, noise=noise, delta=delta),
        theory.interpolation(**shared, **flat, labels=problem.labels, loss=operator.loss),
    ]


def _logistic(
    operator: Hessian, flat: dict[str, Any], linear_flat: dict[str, Any], delta: float, gamma: float
) -> list[Certificate]:
    problem, network, f = operator.problem, operator.network, operator.predictions
    inputs, labels, averaging = problem.line.arrays
    weights = None if problem.weights is None else averaging
    neurons: dict[str, Any] = {"w1": network.w1, "b1": network.b1, "w2": network.w2}
    data: dict[str, Any] = {"inputs": inputs, "weights": weights, "predictions": f}
    some = averaging > 0.0
    fitted: dict[str, Any] = {"inputs": inputs[some], "labels": labels[some], "predictions": f[some]}
    shared = {**neurons, **data, "trainable": network.trainable}
    truth = None if problem.truth is None else np.asarray(problem.truth(inputs), dtype=np.float64)
    unsure = theory.uncertain(**shared, **flat, loss=operator.loss, gamma=gamma)
    # Without a finite bound its premises fail, and the certificate says so: every network has the same ones.
    bound = max(unsure.right, 0.0) if math.isfinite(unsure.right) else 0.0
    return [
        theory.logistic_gauss_newton(**shared, **linear_flat),
        theory.weighted(**shared, **flat, residual_norm=operator.residual_norm),
        unsure,
        theory.uncertain_best(**shared, **flat, loss=operator.loss),
        theory.interior_variation(**shared, bound=bound, gamma=gamma),
        theory.weighted_stationary(**shared, **flat, labels=labels),
        theory.uncertain_stationary(**shared, **flat, labels=labels),
        theory.interpolation_margin(**neurons, b2=network.b2, **fitted),
        theory.overlap(truth=truth, predictions=f, gamma_truth=gamma, gamma=2.0 * gamma, weights=weights),
        theory.norm_generalization(**neurons, **data, b2=network.b2, labels=labels, truth=truth, delta=delta),
    ]
