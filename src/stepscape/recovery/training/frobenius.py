"""The Frobenius norm of the Hessian of a low-rank loss, without the Hessian."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.memory import require_memory
from stepscape.objectives.matrix_factors import Factors
from stepscape.recovery.training.stacked_factors import stacked_factors
from stepscape.recovery.training.stacked_maps import stacked

Array = NDArray[np.float64]


def hessian_frobenius(objective: Factors, theta: Array) -> float:
    """‖∇²f(θ)‖_F, exact up to rounding, from the m gradients of the measurements.

    The Hessian is (2/m)(JᵀJ + T): J (m, size) has the gradients of the ⟨A_i, X(θ)⟩ as rows, and θᵀTθ/2 is
    ⟨G, X(θ)⟩ with G = Σ r_i A_i. So

        ‖∇²f‖_F² = (4/m²) (‖J Jᵀ‖_F² + 2 Σ_i J_i T J_iᵀ + ‖T‖_F²),

    where T acts on each of k columns as G and Gᵀ between L and R, ‖T‖_F² = 2k ‖G‖_F², or as ±2G,
    ‖T‖_F² = 4(k1 + k2) ‖G‖_F². J Jᵀ is (m, m): for m below `size` it takes less than `size` products.
    """
    problem, m = objective.measurements, objective.measurements.size
    require_memory("m", m, 24 * m * (m + 2 * objective.size), "take fewer measurements")
    form = stacked_factors(problem.shape, objective.widths, problem.structure)
    one_each = stacked(problem.linear_map).take(np.arange(m)[:, None])
    matrices = one_each.adjoint(np.ones((m, 1)))
    J = form.pull(matrices, np.broadcast_to(theta, (m, theta.size)))
    G = problem.linear_map.adjoint(objective.residuals(theta))
    bent = form.pull(np.broadcast_to(G, matrices.shape), J)
    multiple = 2.0 * objective.widths[0] if problem.structure == "any" else 4.0 * sum(objective.widths)
    total = np.sum((J @ J.T) ** 2) + 2.0 * np.sum(J * bent) + multiple * np.sum(G**2)
    return 2.0 / m * float(np.sqrt(max(float(total), 0.0)))
