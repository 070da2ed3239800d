"""Batch sharpness: the curvature along the gradients that stochastic descent follows."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import whole, word
from stepscape.curvature.operator import Operator
from stepscape.errors import bad
from stepscape.methods import StochasticGradientDescent
from stepscape.network import TwoLayerReLU
from stepscape.objectives.relu_line import ReLULine
from stepscape.problems.problem import Problem

Array = NDArray[np.float64]
AVERAGES = ("ratio of means", "mean of ratios")


class WithBatches(Protocol):
    """An objective that knows gradient and Hessian of the mean loss over some of its examples."""

    def batch_gradient(self, theta: Array, rows: NDArray[np.int64]) -> Array:
        """∇L_B(θ) (size,)."""
        ...

    def batch_hessian(self, theta: Array, rows: NDArray[np.int64]) -> Operator:
        """∇²L_B(θ), as products."""
        ...


def batch_sharpness(
    problem: Problem,
    network: TwoLayerReLU,
    batch_size: int,
    draws: int = 256,
    replacement: bool = False,
    seed: int = 0,
    average: str = "ratio of means",
) -> float:
    """E[g_Bᵀ H_B g_B]/E‖g_B‖² over minibatches B, a ratio of expectations; nan where all gradients are 0.

    g_B and H_B are gradient and Hessian of the loss of the batch, on the trained coordinates. The square loss
    of one input variable.

    Parameters
    ----------
    batch_size : int
        At n, every batch is the whole data, and this is the Rayleigh quotient along the full gradient.
    draws : int
        Number of batches that stand for the expectation, rounded up to whole epochs without replacement.
    replacement, seed : as in `StochasticGradientDescent`.
    average : str
        "mean of ratios" is E[g_Bᵀ H_B g_B/‖g_B‖²] instead, over the batches whose gradient is not 0: the
        curvature that a step along a typical batch meets. To second order, steps lower the losses of their
        batches on average if the ratio of means is below 2/η.

    Notes
    -----
    With Φ the rows ∇f(x_i), r the residuals and v_i = n/B times the weights, g = Φᵀ(v r) and
    gᵀHg = Σ v_i (Φ_i·g)² + 2 Σ_j (p_j g_w1 + q_j g_b1) g_w2, p_j = Σ_active v r x, q_j = Σ_active v r.

    Source: Andreyev and Beneventano (2024), arXiv 2412.20553.
    """
    word("average", average, AVERAGES)
    _ = ReLULine(problem, network)  # refuses several variables
    if problem.loss != "square":
        raise bad("loss", "be 'square' for batch_sharpness", repr(problem.loss))
    epoch = max(1, problem.size // whole("batch_size", batch_size, 1))
    count = -(-whole("draws", draws, 1) // epoch) * epoch
    batches = StochasticGradientDescent(1.0, 1, batch_size, replacement, seed).batches(0, count, problem.size)
    along, sizes = _curvatures(problem, network, batches)
    return averaged(along, sizes, average)


def averaged(along: Array, sizes: Array, average: str) -> float:
    """Average gᵀHg and ‖g‖² of batches, both (count,), in one of the two ways; nan where all ‖g‖² are 0."""
    known = sizes > 0.0
    if not known.any():
        return float("nan")
    return float(
        along.sum() / sizes.sum() if average == AVERAGES[0] else np.mean(along[known] / sizes[known])
    )


def along_batches(objective: WithBatches, theta: Array, batches: NDArray[np.int64]) -> tuple[Array, Array]:
    """Return g_Bᵀ H_B g_B and ‖g_B‖² at θ of each of the batches (count, B), both (count,)."""
    along, sizes = np.empty(len(batches)), np.empty(len(batches))
    for at, rows in enumerate(batches):
        gradient = objective.batch_gradient(theta, rows)
        along[at] = gradient @ objective.batch_hessian(theta, rows).product(gradient)
        sizes[at] = gradient @ gradient
    return along, sizes


def _curvatures(problem: Problem, network: TwoLayerReLU, batches: NDArray[np.int64]) -> tuple[Array, Array]:
    """Return gᵀHg and ‖g‖² of each of the batches (count, B)."""
    x = problem.line.inputs
    z = np.multiply.outer(x, network.w1) + network.b1
    active = (z > 0.0).astype(float)
    jacobian = np.hstack(
        [active * network.w2 * x[:, None], active * network.w2, z * active, np.ones((x.size, 1))]
    )
    jacobian *= network.trained
    residual = (z * active) @ network.w2 + network.b2 - problem.line.labels
    weights = np.zeros((len(batches), x.size))
    np.add.at(weights, (np.arange(len(batches))[:, None], batches), 1.0)
    weights *= problem.line.averaging * x.size / batches.shape[1]
    gradients = (weights * residual) @ jacobian  # (count, P)
    along = gradients @ jacobian.T
    k = network.width
    pulls = (weights * residual) @ np.hstack([active * x[:, None], active])  # p and q, (count, 2k)
    inner, outer = gradients[:, : 2 * k], gradients[:, 2 * k : 3 * k]
    bend = 2.0 * np.sum((pulls[:, :k] * inner[:, :k] + pulls[:, k:] * inner[:, k:]) * outer, axis=1)
    return np.asarray(np.sum(weights * along**2, axis=1) + bend), np.sum(gradients**2, axis=1)
