"""The expected loss at parameters with Gaussian noise: an exact polynomial of the size of the noise.

For Z with independent N(0, 1) entries and every s, at every point θ,

    E L(θ + sZ) = L(θ) + ½ s² tr ∇²L(θ) + s⁴ c,    ‖A‖² = Σ_i ‖A_i‖_F²,
    X = L Rᵀ              c = k ‖A‖²/m
    X = U1 U1ᵀ − U2 U2ᵀ   c = (2 (k1 + k2) ‖A‖² + (k1 − k2)² Σ_i (tr A_i)²)/m
    X = U Uᵀ              c = (2 k ‖A‖² + k² Σ_i (tr A_i)²)/m

c depends on the width k but not on θ. So the zero-loss points with the smallest E L(θ + sZ) are exactly the
flattest ones, for every s: what is an approximation for other losses is an identity here.

Proof. Along Z each residual is r_i + s g_i + s² q_i with g_i linear and q_i quadratic in Z; odd moments
vanish, which leaves E (r_i² + s² (g_i² + 2 r_i q_i) + s⁴ q_i²), and the bracket of s² is ½ tr. For L Rᵀ, q_i
= ⟨A_i, V Wᵀ⟩ = Σ_c v_cᵀ A_i w_c has the second moment k ‖A_i‖_F². For the others q_i = Σ_c ± v_cᵀ A_i v_c
over k1 + k2 columns has the variance 2 (k1 + k2) ‖A_i‖_F² and the mean (k1 − k2) tr A_i.

Source: derived here; to second order in Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import reals
from stepscape.errors import bad
from stepscape.factorization import Factorization
from stepscape.problems.measurements import Measurements
from stepscape.theory.low_rank.checks import check_factors, finite_result
from stepscape.theory.low_rank.flatness import hessian_trace

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PerturbedLoss:
    """E L(θ + sZ) = loss + ½ s² trace + s⁴ quartic at one point θ.

    Attributes
    ----------
    loss : L(θ).
    trace : tr ∇²L(θ).
    quartic : the same for all factors of this width.
    """

    loss: float
    trace: float
    quartic: float

    def at(self, size: ArrayLike) -> Array:
        """Return E L(θ + sZ) for noise of standard deviation s, of any shape."""
        s = reals("size", size)
        if not np.isfinite(s).all():
            raise bad("size", "be finite", f"{s[~np.isfinite(s)][0]} in it")
        with np.errstate(over="ignore"):
            squares = s**2
            return np.asarray(self.loss + squares * (0.5 * self.trace + squares * self.quartic))


def perturbed_loss(measurements: Measurements, factors: Factorization) -> PerturbedLoss:
    """Return the expected loss (1/m) Σ (⟨A_i, X⟩ − b_i)² at noisy factors as a polynomial of the noise."""
    left, right = check_factors(measurements, factors)
    trace = hessian_trace(measurements, factors)
    k1, k2 = left.shape[1], right.shape[1]
    squares = _squared_norm(measurements) / measurements.size
    if measurements.structure == "any":
        quartic = k1 * squares
    else:
        traces = measurements.apply(np.eye(len(left)))
        quartic = 2 * (k1 + k2) * squares + (k1 - k2) ** 2 * float(np.mean(traces**2))
    with np.errstate(over="ignore", invalid="ignore"):
        loss = finite_result("the loss", measurements.loss(factors.matrix))
    return PerturbedLoss(loss, trace, finite_result("the expected loss", quartic))


def _squared_norm(measurements: Measurements) -> float:
    """Σ_i ‖A_i‖_F²."""
    moment = measurements.linear_map.row_moment()
    return float(moment.sum() if moment.ndim == 1 else np.trace(moment))
