"""Penalties p of min loss(X) + p N(X): where X becomes 0, and what noise of a known size asks for.

X = 0 minimizes it exactly if (2/m) N°(A*(b)) ≤ p, with the dual norm N°: the derivative of the loss at 0
along X is −(2/m) ⟨A*(b), X⟩. If the labels are noise alone, that is the least penalty that finds nothing in
it.
"""

from __future__ import annotations

import numpy as np

from stepscape.errors import beyond_range
from stepscape.network import generator
from stepscape.problems.measurements import Measurements
from stepscape.recovery.convex.gauges import FROBENIUS, NUCLEAR
from stepscape.recovery.convex.minimum import Array
from stepscape.theory.low_rank.weights import MatrixWeights, matrix_weights

DRAWS = 20  # of noise, whose median counts


def zero_penalty(problem: Measurements, objective: str = "flattest") -> float:
    """(2/m) N°(A*(b)), the least penalty at which X = 0; N is that of the objective, as in `trial`."""
    return _zero(problem, problem.labels, objective, matrix_weights(problem))


def noise_penalty(problem: Measurements, noise: float, seed: int = 0) -> float:
    """Median over draws of noise with this standard deviation of the penalty that finds nothing in it.

    N is ‖D1 X D2‖_*.
    """
    rng, weights = generator(seed), matrix_weights(problem)
    draws = [noise * rng.standard_normal(problem.size) for _ in range(DRAWS)]
    return float(np.median([_zero(problem, draw, "flattest", weights) for draw in draws]))


def nuclear_unit(problem: Measurements) -> float:
    """Return s for which ‖D1 X D2‖_* and s ‖X‖_* are alike: the root mean squares of D1 and D2 multiplied.

    They are equal if D1 and D2 are multiples of I.
    """
    weights = matrix_weights(problem)
    sizes = [float(np.sqrt(_diagonal(side.square).mean())) for side in (weights.left, weights.right)]
    return sizes[0] * sizes[1]


def _zero(problem: Measurements, labels: Array, objective: str, weights: MatrixWeights) -> float:
    gauge = (FROBENIUS if objective == "frobenius norm" else NUCLEAR)[problem.structure]
    with np.errstate(over="ignore", invalid="ignore"):
        image = problem.adjoint(labels)
        seen = weights.undo(image) if objective == "flattest" else image
        if not np.isfinite(seen).all():
            raise beyond_range("the penalty")
        return max(0.0, 2.0 / problem.size * float(gauge.dual(seen)))


def _diagonal(square: Array) -> Array:
    return square if square.ndim == 1 else np.diag(square)
