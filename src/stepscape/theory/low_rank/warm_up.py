"""The loss ‖X − M‖_F² itself: all entries are measured once, and D1 = D2 = I in the scaled trace.

For (L, R) ↦ ‖L Rᵀ − M‖_F² at L Rᵀ = M,

    D²[U, V] = 2 ‖L Vᵀ + U Rᵀ‖_F²,    tr_L/d1 + tr_R/d2 = 2 (‖L‖_F² + ‖R‖_F²) ≥ 4 ‖M‖_*,
    λ_max = 2 (σ_1(L)² + σ_1(R)²) ≥ 4 ‖M‖_op,

so that flat, norm-minimal and balanced are one. The trace leads to the nuclear norm and λ_max to the
operator norm, which does not prefer a low rank. The smallest case is (xy − 1)²: its trace and its λ_max
are 2 (x² + y²), smallest at ±(1, 1).

Proof for λ_max. ‖L Vᵀ + U Rᵀ‖ ≤ σ_1(L) ‖V‖ + σ_1(R) ‖U‖ gives ≤ by Cauchy and Schwarz. With the top singular
vectors L v = σ_1(L) l and R w = σ_1(R) r both terms can point along l rᵀ:
V = σ_1(L) r vᵀ and U = σ_1(R) l wᵀ attain it. σ_1(L) σ_1(R) ≥ ‖L Rᵀ‖_op is the bound.

Source: Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2; Ding, Drusvyatskiy, Fazel and
Harchaoui (2024).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.errors import bad
from stepscape.factorization import Factorization
from stepscape.problems.linear_maps import Entries
from stepscape.problems.measurements import Measurements
from stepscape.theory.low_rank.checks import finite_matrix, finite_result, sides

Array = NDArray[np.float64]


def identity_measurements(matrix: ArrayLike) -> Measurements:
    """Return the problem with the loss ‖X − M‖_F²: every entry of M, times √m for m = d1·d2."""
    M = finite_matrix("matrix", matrix)
    rows, columns = np.divmod(np.arange(M.size), M.shape[1])
    root = np.sqrt(M.size)
    entries = Entries(rows, columns, (M.shape[0], M.shape[1]), np.full(M.size, root))
    return Measurements(entries, root * M.ravel(), truth=M, noise=0.0, name="identity")


def identity_curvature(factors: Factorization, direction: Factorization) -> float:
    """2 ‖L Vᵀ + U Rᵀ‖_F² of ‖L Rᵀ − M‖_F² at L Rᵀ = M, along the direction (U, V) of the shapes of (L, R)."""
    L, R = _sides(factors)
    U, V = _sides(direction, "direction")
    if (L.shape, R.shape) != (U.shape, V.shape):
        raise bad("direction", f"have the shapes {L.shape} and {R.shape}", f"{U.shape} and {V.shape}")
    with np.errstate(over="ignore", invalid="ignore"):
        return finite_result("the curvature", 2.0 * float(np.sum((L @ V.T + U @ R.T) ** 2)))


def identity_curvature_as_printed(factors: Factorization, direction: Factorization) -> float:
    """2 ‖L Vᵀ + U R‖_F² as printed, which exists only if L has as many columns as X; kept for teaching."""
    identity_curvature(factors, direction)
    L, R = _sides(factors)
    U, V = _sides(direction)
    if len(R) != L.shape[1]:
        came = f"a product of {U.shape} and {R.shape}"
        raise bad("U R", "exist and have the shape of X", came, "the formula with U Rᵀ is the right one")
    return 2.0 * float(np.sum((L @ V.T + U @ R) ** 2))


def identity_sharpness(factors: Factorization) -> float:
    """λ_max = 2 (σ_1(L)² + σ_1(R)²) of the Hessian of ‖L Rᵀ − M‖_F² at L Rᵀ = M."""
    with np.errstate(over="ignore", invalid="ignore"):
        tops = [np.linalg.norm(side, 2) ** 2 for side in _sides(factors)]
        return finite_result("the sharpness", float(2.0 * sum(tops)))


def flattest_identity_sharpness(matrix: ArrayLike) -> float:
    """4 ‖M‖_op, the smallest λ_max over the factors of M; balanced factors have it."""
    M = finite_matrix("matrix", matrix)
    return finite_result("the sharpness", 4.0 * float(np.linalg.norm(M, 2)))


def _sides(factors: Factorization, name: str = "factors") -> tuple[Array, Array]:
    left, right = sides(factors, name)
    if factors.structure != "any":
        raise bad(name, "have the structure 'any'", repr(factors.structure))
    return left, right
