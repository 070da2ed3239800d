"""How far factors are from norm-minimal ones and from balanced ones, and that each bounds the other.

With N = ‖L‖_F² + ‖R‖_F² and any factors of X = L Rᵀ:

    norm_excess    e = N/(2 ‖X‖_*) − 1               ≥ 0, and 0 for norm-minimal factors
    imbalance      δ = ‖LᵀL − RᵀR‖_*/‖X‖_*            0 for balanced factors
    e ≤ δ/2,       δ ≤ 2 √(e (2 + e))

So factors are norm-minimal exactly if they are balanced; near there e can be of second order where δ is of
first.

Proof. Let P = LᵀL and S = RᵀR: ‖X‖_* = tr (P^½ S P^½)^½. The square of the Bures distance, N − 2 ‖X‖_*, is
at most ‖P^½ − S^½‖_F², which is at most ‖P − S‖_* (Powers and Størmer): the first bound. For the second pad
L and R by rows of 0 to equal sizes. For an orthogonal Q, P − S is the symmetric part of (L − QR)ᵀ(L + QR),
hence ‖P − S‖_* ≤ ‖L − QR‖_F ‖L + QR‖_F = √(N² − 4 ⟨L, QR⟩²), and the best Q has ⟨L, QR⟩ = ‖X‖_*. These are
the two inequalities of Fuchs and van de Graaf (1999), without their normalization.

For X = U1 U1ᵀ − U2 U2ᵀ and U Uᵀ the least ‖U1‖_F² + ‖U2‖_F² is ‖X‖_*, so e = (‖U1‖² + ‖U2‖²)/‖X‖_* − 1; it is
attained if U1ᵀ U2 = 0, and δ = 2 ‖U1ᵀ U2‖_*/‖X‖_*. For U Uᵀ both are 0.

Source: derived here; the two measures are those of Ding, Drusvyatskiy, Fazel and Harchaoui (2024), Theorem
3.3.
"""

from __future__ import annotations

import math

import numpy as np

from stepscape.errors import bad
from stepscape.factorization import Factorization
from stepscape.theory.certificate import Certificate
from stepscape.theory.low_rank.checks import finite_result, nuclear_norm, sides

_SOURCE = "derived here, after Fuchs and van de Graaf (1999)"


def norm_cost(factors: Factorization) -> float:
    """½ (‖L‖_F² + ‖R‖_F²), or ‖U1‖_F² + ‖U2‖_F²: at least ‖X‖_*."""
    sides(factors)
    share = 0.5 if factors.structure == "any" else 1.0
    with np.errstate(over="ignore"):
        return finite_result("the squared norm of the factors", share * factors.squared_norm)


def imbalance_norm(factors: Factorization) -> float:
    """‖LᵀL − RᵀR‖_*; 2 ‖U1ᵀ U2‖_* for "symmetric", 0 for "psd"."""
    left, right = sides(factors)
    norm_cost(factors)
    if factors.structure == "any":
        return nuclear_norm(left.T @ left - right.T @ right)
    return 2.0 * nuclear_norm(left.T @ right)


def norm_excess(factors: Factorization) -> float:
    """½ (‖L‖_F² + ‖R‖_F²)/‖X‖_* − 1, without the ½ for the other structures; 0 for norm-minimal factors."""
    return norm_cost(factors) / _size(factors) - 1.0


def imbalance(factors: Factorization) -> float:
    """‖LᵀL − RᵀR‖_*/‖X‖_*, or 2 ‖U1ᵀ U2‖_*/‖X‖_*; 0 for balanced factors."""
    return imbalance_norm(factors) / _size(factors)


def _size(factors: Factorization) -> float:
    """‖X‖_*, which must be positive."""
    norm_cost(factors)
    size = nuclear_norm(factors.matrix)
    if size == 0.0:
        raise bad("the matrix of the factors", "differ from 0", "the matrix 0")
    return size


def excess_by_imbalance(factors: Factorization) -> Certificate:
    """½ (‖L‖_F² + ‖R‖_F²) − ‖X‖_* ≤ ½ ‖LᵀL − RᵀR‖_*, for all factors L Rᵀ."""
    cost, size = _cost_and_size(factors)
    return Certificate(
        left=cost - size,
        right=0.5 * imbalance_norm(factors),
        assumptions=("X = L Rᵀ",),
        source=_SOURCE,
        name="excess_by_imbalance",
        statement="½ (‖L‖² + ‖R‖²) − ‖X‖_* ≤ ½ ‖LᵀL − RᵀR‖_*",
        scale=_rows(factors) * cost,
    )


def imbalance_by_excess(factors: Factorization) -> Certificate:
    """‖LᵀL − RᵀR‖_*² ≤ (‖L‖_F² + ‖R‖_F²)² − 4 ‖X‖_*², for all factors L Rᵀ."""
    cost, size = _cost_and_size(factors)
    return Certificate(
        left=imbalance_norm(factors) ** 2,
        right=4.0 * (cost - size) * (cost + size),
        assumptions=("X = L Rᵀ",),
        source=_SOURCE,
        name="imbalance_by_excess",
        statement="‖LᵀL − RᵀR‖_*² ≤ (‖L‖² + ‖R‖²)² − 4 ‖X‖_*²",
        scale=_rows(factors) * 8.0 * cost**2,
    )


def _cost_and_size(factors: Factorization) -> tuple[float, float]:
    sides(factors)
    if factors.structure != "any":
        raise bad("factors", "have the structure 'any'", repr(factors.structure))
    cost = norm_cost(factors)
    finite_result("the squared norm of the factors", cost**2 if cost < 1e150 else math.inf)
    return cost, nuclear_norm(factors.matrix)


def _rows(factors: Factorization) -> float:
    """How many sums of rounding errors may add up: the rows and columns of the factors."""
    return float(sum(len(side) + side.shape[1] for side in sides(factors)))
