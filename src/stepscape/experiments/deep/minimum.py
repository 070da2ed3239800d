"""A minimum of a network's loss, and how a method moves near it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature import Eigenpair, largest_eigenpair
from stepscape.errors import NotConverged
from stepscape.methods import Adam, AdamW, Method, RMSProp
from stepscape.objectives import Objective, quadratic
from stepscape.objectives.layered_network import LayeredNetwork
from stepscape.problems import Problem
from stepscape.training import OptimizerMap

Array = NDArray[np.float64]
ARRIVED = 1e6  # steps that Adam has made when it stands at a minimum: its corrections are over
FOLD = 4.0  # logarithm of the growth, or decay, over which a rate is measured
MOST = 400  # steps of it
ROUNDS = 500  # of Gauss–Newton
VANISHED = 1e-11  # a gradient that is rounding


@dataclass(frozen=True, eq=False)
class Minimum:
    """A point with a small gradient, its loss, and the largest eigenvalue of the Hessian there."""

    theta: Array
    loss: float
    gradient: float
    top: Eigenpair


def minimum(network: LayeredNetwork, start: Array) -> Minimum:
    """Interpolate from a start by Gauss–Newton steps with the damping of Levenberg and Marquardt.

    Raises
    ------
    NotConverged
        If the gradient does not vanish within `ROUNDS` steps.
    """
    theta, damping = start, 1.0
    residual = network.predict(theta) - network.problem.labels
    for _ in range(ROUNDS):
        after = _step(network, theta, residual, damping)
        moved = network.predict(after) - network.problem.labels
        if float(moved @ moved) < float(residual @ residual):
            theta, residual, damping = after, moved, damping / 10.0
        else:
            damping *= 10.0
        slope = float(np.linalg.norm(network.gradient(theta)))
        if slope <= VANISHED:
            return _polished(network, theta)
    raise NotConverged(f"no minimum was found within {ROUNDS} steps; widen it")


def _polished(network: LayeredNetwork, theta: Array) -> Minimum:
    """Make two steps without damping, which square the distance from the minimum down to rounding."""
    for _ in range(2):
        theta = _step(network, theta, network.predict(theta) - network.problem.labels, 0.0)
    slope = float(np.linalg.norm(network.gradient(theta)))
    return Minimum(theta, network.loss(theta), slope, largest_eigenpair(network.hessian(theta)))


def _step(network: LayeredNetwork, theta: Array, residual: Array, damping: float) -> Array:
    """θ − Jᵀ(JJᵀ + μI)⁻¹r, μ being the damping over the mean of the eigenvalues of JJᵀ."""
    jacobian = _jacobian(network, theta)
    kernel = jacobian @ jacobian.T
    scale = damping * float(np.trace(kernel)) / len(kernel)
    return np.asarray(theta - jacobian.T @ np.linalg.solve(kernel + scale * np.eye(len(kernel)), residual))


def _jacobian(network: LayeredNetwork, theta: Array) -> Array:
    """∂f(x_i)/∂θ (n, size): with labels f − n e_i the gradient of the loss is that of f(x_i)."""
    problem, values = network.problem, network.predict(theta)
    units = problem.size * np.eye(problem.size)
    return np.array(
        [replace(network, problem=Problem(problem.inputs, values - unit)).gradient(theta) for unit in units]
    )


def critical_step_size(method: Method, sharpness: float) -> float:
    """Return the step size at which a sharpness at a minimum is at the threshold.

    At a minimum the gradients are 0, and the P of an adaptive method is its ε. Weight decay is left out.
    """
    scale = method.epsilon if isinstance(method, RMSProp | Adam | AdamW) else 1.0
    return method.threshold(1.0) * scale / sharpness


def nearby(objective: Objective, method: Method, theta: Array) -> tuple[OptimizerMap, Array]:
    """Return the map of a method, and its state at a point where it has stood for long."""
    optimizer = OptimizerMap(objective, method)
    z = optimizer.start(theta)
    if isinstance(method, Adam | AdamW):
        z[-1] = ARRIVED
    return optimizer, z


def linear_rate(method: Method, sharpness: float, size: float) -> tuple[float, int]:
    """Return the logarithm of the growth on a quadratic, per step, and the steps for `FOLD` of it."""
    optimizer, z = nearby(quadratic([[sharpness]]), method, np.array([size]))
    steps, grown = 0, 0.0
    while steps < MOST and abs(grown) < FOLD:
        z = optimizer.step(z)
        steps += 1
        grown = float(np.log(abs(z[0]) / size)) if z[0] else -np.inf
    return grown / steps, steps


def rate_at(objective: Objective, method: Method, at: Minimum, size: float, steps: int) -> float:
    """Return the logarithm of the growth per step of a change along the top eigenvector."""
    optimizer, z = nearby(objective, method, at.theta)
    z[: at.theta.size] += size * at.top.vector
    for _ in range(steps):
        z = optimizer.step(z)
    moved = abs(float(at.top.vector @ (optimizer.weights(z) - at.theta)))
    return float(np.log(moved / size)) / steps if moved else -np.inf


def with_step_size(method: Method, step_size: float) -> Method:
    """Return the method with another step size."""
    return replace(method, step_size=step_size)
