"""Blocks: Douglas-Rachford splitting for min Σ_b ‖Y_b‖_*^p subject to Vᵀ y = c, 1 ≤ p ≤ 2."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.recovery.depth.program import Program, nuclear_norms

Array = NDArray[np.float64]
RELAXATION = 1.6
LOOK = 20  # iterations between two looks at the gap
STAGE = 240  # iterations with one step size γ
STEP = 0.4  # between neighboring step sizes
RUNGS = 25  # powers of it that are tried before they are tried again: 0, 1, −1, 2, −2, …, 12, −12
NEWTON = 12  # steps to the root of a convex increasing function from above: more than float64 needs


def split(program: Program, tolerance: float, limit: int) -> tuple[Array, Array, int]:
    """Return a feasible Y (B, s, s), a dual point λ, and the number of iterations.

    W = prox_{γh}(S), S ← S + 1.6 (P(2W − S) − W), P the projection onto the constraints. (S − W)/γ is a
    subgradient of h at W; at a solution it lies in the range of V, and λ is its coordinates there. No one γ
    is good for all problems: after each stage the next one is taken, W and the subgradient kept.

    Source: Douglas and Rachford (1956); Eckstein and Bertsekas (1992).
    """
    state = program.project(np.zeros(program.shape))
    norms = nuclear_norms(state)
    largest = float(np.linalg.norm(state, ord=2, axis=(1, 2)).max())
    gamma = 0.5 * largest / (program.power * float(norms.max()) ** (program.power - 1.0))
    best, dual_best, least = state, np.zeros(program.target.size), np.inf
    for made in range(1, limit + 1):
        near = nearest(state, gamma, program.power)
        if made % LOOK == 0 or made == limit:
            dual = program.basis.T @ (state - near).ravel() / gamma
            point = program.project(near)
            gap = program.gap(point, dual)
            if gap < least:
                best, dual_best, least = point, dual, gap
            if least <= tolerance:
                return best, dual_best, made
        if made % STAGE == 0:
            factor = _factor(made // STAGE)
            state, gamma = near + factor * (state - near), factor * gamma
        state = state + RELAXATION * (program.project(2.0 * near - state) - near)
    return best, dual_best, limit


def _factor(stage: int) -> float:
    """Return the factor between the step sizes of a stage and of the one before."""
    after, before = (number % RUNGS for number in (stage, stage - 1))
    return float(STEP ** (_rung(after) - _rung(before)))


def _rung(number: int) -> int:
    return (number + 1) // 2 if number % 2 else -(number // 2)


def nearest(point: Array, gamma: float, power: float) -> Array:
    """Return the W that minimizes γ Σ_b ‖W_b‖_*^p + ½‖W − point‖_F² (B, s, s).

    The singular values σ of a block become (σ − a)₊ with a = γ p N^{p−1}, N = Σ(σ_i − a)₊ the norm that is
    left. As Σ(σ_i − a)₊ is the largest of σ_1 + … + σ_j − j a over j, a is the largest of the roots a_j of
    (a/γp)^{1/(p−1)} + j a = σ_1 + … + σ_j, whose left sides are convex and increase.
    """
    outer, sizes, inner = np.linalg.svd(point)
    less = np.maximum(sizes - _shrinkage(sizes, gamma, power), 0.0)
    return np.asarray((outer * less[:, None, :]) @ inner)


def _shrinkage(sizes: Array, gamma: float, power: float) -> Array:
    """Return a of each block (B, 1)."""
    if power == 1.0:
        return np.full((len(sizes), 1), gamma)
    total, count = np.cumsum(sizes, axis=1), np.arange(1.0, sizes.shape[1] + 1.0)
    unit, exponent = gamma * power, 1.0 / (power - 1.0)
    # Each of the two terms alone is at most the total, so the root is below both of these.
    root = np.minimum(total / count, unit * total ** (power - 1.0))
    for _ in range(NEWTON):
        rise = exponent * (root / unit) ** (exponent - 1.0) / unit + count
        root = np.maximum(root - ((root / unit) ** exponent + count * root - total) / rise, 0.0)
    return np.asarray(root.max(axis=1, keepdims=True))
