"""Batch sharpness: the curvature along the gradients that stochastic descent follows."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import vector, whole, word
from stepscape.curvature.operator import Operator
from stepscape.errors import bad, expect
from stepscape.methods import StochasticGradientDescent
from stepscape.network import BLOCKS, TwoLayerReLU, require_dimension
from stepscape.objectives.numbered import numbered_examples
from stepscape.problems.problem import Problem

Array = NDArray[np.float64]
AVERAGES = ("ratio of means", "mean of ratios")
NUMBERS = 4_000_000  # derivatives of f held at a time


class WithBatches(Protocol):
    """An objective that knows gradient and Hessian of the mean loss over some of its examples."""

    @property
    def size(self) -> int:
        """Length of θ."""
        ...

    @property
    def examples(self) -> int:
        """Number of examples."""
        ...

    def batch_gradient(self, theta: Array, rows: NDArray[np.int64]) -> Array:
        """∇L_B(θ) (size,)."""
        ...

    def batch_hessian(self, theta: Array, rows: NDArray[np.int64]) -> Operator:
        """∇²L_B(θ), as products."""
        ...


def batch_sharpness(
    problem: Any,
    network: Any,
    batch_size: int,
    draws: int = 256,
    replacement: bool = False,
    seed: int = 0,
    average: str = "ratio of means",
) -> float:
    """E[g_Bᵀ H_B g_B]/E‖g_B‖² over minibatches B, a ratio of expectations; nan where all gradients are 0.

    g_B and H_B are gradient and Hessian of the loss of the batch, on the trained coordinates: of the square
    loss for a network.

    Parameters
    ----------
    problem : Problem, or an objective that knows the losses of its batches, such as `objectives.torch`
    network : TwoLayerReLU, or θ (size,) for an objective
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
    gᵀHg = Σ v_i (Φ_i·g)² + 2 Σ_j ⟨P_j, g_w̃j⟩ g_w2j, P_j = Σ_active v r (x, 1) and w̃ = (w1, b1).

    Source: Andreyev and Beneventano (2024), arXiv 2412.20553.
    """
    word("average", average, AVERAGES)
    method = StochasticGradientDescent(1.0, 1, batch_size, replacement, seed)
    if hasattr(problem, "batch_hessian"):
        theta = vector("theta", network, problem.size)
        batches = _batches(method, problem.examples, draws)
        return averaged(*along_batches(problem, theta, batches), average)
    expect("problem", problem, Problem)
    require_dimension(network, problem.dimension)
    if problem.loss != "square":
        raise bad("loss", "be 'square' for batch_sharpness", repr(problem.loss))
    along, sizes = _curvatures(problem, network, _batches(method, problem.size, draws))
    return averaged(along, sizes, average)


def _batches(method: StochasticGradientDescent, examples: int, draws: object) -> NDArray[np.int64]:
    """Draw batches (count, B) in whole epochs."""
    epoch = max(1, examples // method.batch_size)
    return method.batches(0, -(-whole("draws", draws, 1) // epoch) * epoch, examples)


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
    """Return gᵀHg and ‖g‖² of each of the batches (count, B), summed over blocks of neurons.

    With X̃ the inputs and ones, the rows of ∂f/∂w̃_j are w2_j s_ij x̃_i, and ∂f/∂w2_j = z_ij s_ij.
    """
    points, labels, averaging = numbered_examples(problem)
    n, d = points.shape[0], points.shape[1] - 1
    inner, rates = np.column_stack([network.w1.reshape(-1, d), network.b1]), _rates(network)
    f = np.maximum(points @ inner.T, 0.0) @ network.w2 + network.b2
    weights = np.zeros((len(batches), n))
    np.add.at(weights, (np.arange(len(batches))[:, None], batches), 1.0)
    weights *= averaging * n / batches.shape[1]
    slopes = weights * (f - labels)
    along = rates[-1] * np.outer(slopes.sum(axis=1), np.ones(n))
    sizes, bend = along[:, 0] ** 2, np.zeros(len(batches))
    together = max(1, NUMBERS // (n * (d + 2)))
    for start in range(0, network.width, together):
        part = slice(start, start + together)
        z = points @ inner[part].T
        reached = (z > 0.0)[:, :, None] * (points * rates[:-2])[:, None, :]  # s x̃ on trained blocks
        rows = (network.w2[part, None] * reached).reshape(n, -1)
        outer = rates[-2] * np.maximum(z, 0.0)
        inner_slopes, outer_slopes = slopes @ rows, slopes @ outer
        along += inner_slopes @ rows.T + outer_slopes @ outer.T
        sizes += np.sum(inner_slopes**2, axis=1) + np.sum(outer_slopes**2, axis=1)
        pulls = slopes @ reached.reshape(n, -1)
        bend += 2.0 * np.sum(
            (pulls * inner_slopes).reshape(len(batches), -1, d + 1).sum(axis=2) * outer_slopes, axis=1
        )
    return np.asarray(np.sum(weights * along**2, axis=1) + bend), sizes


def _rates(network: TwoLayerReLU) -> Array:
    """1 on trained blocks, 0 on frozen ones: of w1 for each variable, b1, w2, b2."""
    w1, *others = (float(name in network.trainable) for name in BLOCKS)
    return np.array([*[w1] * network.dimension, *others])
