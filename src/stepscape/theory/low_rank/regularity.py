"""Flat factors are nearly norm-minimal and nearly balanced: Theorem 3.3, with its constants.

With the weights D1, D2 of `weights`, α1 I ⪯ D1, D2 ⪯ α2 I and κ = α2/α1, for any reference M that fits the
labels:

    norm_minimal   ½ (‖L‖_F² + ‖R‖_F²) ≤ κ² ‖M‖_*
    balanced       ‖LᵀL − RᵀR‖_* ≤ q (‖L‖_F² + ‖R‖_F²),       q = (κ² − 1)/(κ² + 1)

at every flat (L, R).

Proof. α1² (‖L‖² + ‖R‖²) ≤ ‖D1 L‖² + ‖D2 R‖² ≤ 2 ‖D1 M D2‖_* ≤ 2 α2² ‖M‖_*, the second step because the point
is flat. Flat factors are stationary under (L G, R G⁻ᵀ), so LᵀD1²L = RᵀD2²R; subtract c times this, with c =
2/(α1² + α2²): LᵀL − RᵀR = Lᵀ(I − cD1²)L − Rᵀ(I − cD2²)R, and ‖I − cD²‖ ≤ q.

For U1 U1ᵀ − U2 U2ᵀ they are ‖U1‖² + ‖U2‖² ≤ κ² ‖M‖_* and 2 ‖U1ᵀU2‖_* ≤ q (‖U1‖² + ‖U2‖²), from U1ᵀD²U2 = 0.
What a solver leaves of the two premises is kept: the first bound grows by the share by which the trace is
above that of M, the second one by c ‖LᵀD1²L − RᵀD2²R‖_*. Both are then true at every point.

Source: Ding, Drusvyatskiy, Fazel and Harchaoui (2024), Theorem 3.3, with the constants of the proof above.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import nonnegative
from stepscape.errors import bad
from stepscape.factorization import Factorization
from stepscape.problems.measurements import Measurements
from stepscape.theory.certificate import Certificate
from stepscape.theory.low_rank.balance import imbalance_norm, norm_cost
from stepscape.theory.low_rank.checks import check_factors, check_matrix, finite_result, nuclear_norm
from stepscape.theory.low_rank.weights import MatrixWeights, matrix_weights

Array = NDArray[np.float64]
FLAT = 1e-6  # relative departure from flatness up to which a point counts as flat
_SOURCE = "Ding et al. (2024), Theorem 3.3, with the constants of its proof"
_INVERTIBLE = "every row and column is seen: D1 and D2 are invertible"


def norm_minimal(
    measurements: Measurements,
    factors: Factorization,
    reference: ArrayLike | None = None,
    scaled: bool = True,
) -> Certificate:
    """½ (‖L‖_F² + ‖R‖_F²) ≤ κ² ‖M‖_* at factors that are at least as flat as M.

    Parameters
    ----------
    measurements : Measurements
    factors : Factorization
        Flat ones, from `flat_factors` of the matrix of smallest ‖D1 X D2‖_*.
    reference : array_like (d1, d2), optional
        M, any matrix that fits the labels; by default the truth.
    scaled : bool
        Whether flat means `scaled_trace`, as in the paper, or the trace itself.

    Returns
    -------
    Certificate
        Its details: the condition κ, and the `flatness`: trace over smallest trace of M, at most 1 if flat.
    """
    check_factors(measurements, factors)
    M, weights = _reference(measurements, reference), matrix_weights(measurements, scaled)
    flattest, norm = nuclear_norm(weights.around(M)), nuclear_norm(M)
    cost = _weighted_cost(factors, weights)
    flatness = cost / flattest if flattest > 0.0 else (math.inf if cost > 0.0 else 1.0)
    kappa = weights.condition
    left = "½ (‖L‖² + ‖R‖²)" if factors.structure == "any" else "‖U1‖² + ‖U2‖²"
    flat = "the factors are at least as flat as the reference"
    premises = ((_INVERTIBLE, math.isfinite(kappa)), (flat, flatness <= 1.0 + FLAT))
    return Certificate(
        left=norm_cost(factors),
        right=kappa**2 * norm * max(1.0, flatness),
        assumptions=tuple(words for words, _ in premises),
        source=_SOURCE,
        name="norm_minimal",
        statement=f"{left} ≤ κ² ‖M‖_*",
        failed_premises=tuple(words for words, met in premises if not met),
        scale=_size(measurements) * kappa**2 * norm,
        details={"condition": kappa, "flatness": flatness},
    )


def balanced(measurements: Measurements, factors: Factorization, scaled: bool = True) -> Certificate:
    """‖LᵀL − RᵀR‖_* ≤ (κ² − 1)/(κ² + 1) · (‖L‖_F² + ‖R‖_F²) at factors that are flattest for their matrix.

    Its details: the condition κ, and the `departure` from flatness, ‖LᵀD1²L − RᵀD2²R‖_* over its two terms.
    """
    left, right = check_factors(measurements, factors)
    weights = matrix_weights(measurements, scaled)
    kappa, cost = weights.condition, _weighted_cost(factors, weights)
    if factors.structure == "any":
        seen = weights.left.congruence(left, left) - weights.right.congruence(right, right)
        words = "‖LᵀL − RᵀR‖_* ≤ (κ² − 1)/(κ² + 1) · (‖L‖² + ‖R‖²)"
    else:
        seen = 2.0 * weights.left.congruence(left, right)
        words = "2 ‖U1ᵀU2‖_* ≤ (κ² − 1)/(κ² + 1) · (‖U1‖² + ‖U2‖²)"
    gap = nuclear_norm(seen)
    departure = gap / (2.0 * cost) if cost > 0.0 else 0.0
    flat = "the factors are flattest among those of their matrix"
    premises = ((_INVERTIBLE, math.isfinite(kappa)), (flat, departure <= FLAT))
    return Certificate(
        left=imbalance_norm(factors),
        right=_share(weights) * factors.squared_norm + gap * _inverse_square(weights),
        assumptions=tuple(words for words, _ in premises),
        source=_SOURCE,
        name="balanced",
        statement=words,
        failed_premises=tuple(words for words, met in premises if not met),
        scale=_size(measurements) * factors.squared_norm,
        details={"condition": kappa, "departure": departure},
    )


def norm_minimal_as_printed(
    measurements: Measurements,
    factors: Factorization,
    delta: float = 0.0,
    reference: ArrayLike | None = None,
) -> Certificate:
    """‖L‖_F² + ‖R‖_F² ≤ (1 + δ) ‖M‖_*, as printed in the tutorial: a factor 2 is missing.

    All factors of M have ‖L‖² + ‖R‖² ≥ 2 ‖M‖_*, so it is false at every exact recovery, for every δ < 1.
    `norm_minimal` is what the theorem says, with 1 + δ = κ². Kept for teaching.
    """
    check_factors(measurements, factors)
    if factors.structure != "any":
        raise bad("factors", "have the structure 'any'", repr(factors.structure))
    M, room = _reference(measurements, reference), nonnegative("delta", delta)
    left, right = 2.0 * norm_cost(factors), (1.0 + room) * nuclear_norm(M)
    return Certificate(
        left=left,
        right=right,
        assumptions=("the factors are flat",),
        source="Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2, as printed",
        name="norm_minimal_as_printed",
        statement="‖L‖² + ‖R‖² ≤ (1 + δ) ‖M‖_*",
        scale=_size(measurements) * (left + right),
        details={"delta": room},
    )


def _reference(measurements: Measurements, reference: ArrayLike | None) -> Array:
    M = measurements.truth if reference is None else reference
    if M is None:
        raise bad("reference", "be given for a problem without a truth", None)
    return check_matrix(measurements, M, "reference")


def _weighted_cost(factors: Factorization, weights: MatrixWeights) -> float:
    """½ (‖D1 L‖² + ‖D2 R‖²), or ‖D U1‖² + ‖D U2‖²: at least ‖D1 X D2‖_*."""
    assert factors.right is not None
    norm_cost(factors)
    with np.errstate(over="ignore", invalid="ignore"):
        total = weights.left.squared_norm(factors.left) + weights.right.squared_norm(factors.right)
        return finite_result("the weighted norm", (0.5 if factors.structure == "any" else 1.0) * total)


def _share(weights: MatrixWeights) -> float:
    """(κ² − 1)/(κ² + 1) without the division by α1, which may be 0."""
    low, high = weights.smallest**2, weights.largest**2
    return (high - low) / (high + low) if high > 0.0 else 1.0


def _inverse_square(weights: MatrixWeights) -> float:
    """2/(α1² + α2²); 0 if there is nothing to divide by."""
    total = weights.smallest**2 + weights.largest**2
    return 2.0 / total if total > 0.0 else 0.0


def _size(measurements: Measurements) -> float:
    """How many rounding errors may add up: rows and columns."""
    return float(sum(measurements.shape))
