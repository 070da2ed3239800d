"""The weight decay and the trace penalty from which on the matrix 0 is a local minimum.

Near θ = 0 the loss is (1/m)‖b‖² − (2/m) ⟨B, X⟩ up to fourth order, B = Σ b_i A_i. With P = D1 L and Q = D2 R

    L Rᵀ              ½ λ (‖L‖² + ‖R‖²)     exceeds (2/m) ⟨B, L Rᵀ⟩            for λ > (2/m) ‖B‖_op
                      2 τ (‖P‖² + ‖Q‖²)     exceeds (2/m) ⟨D1⁺ B D2⁺, P Qᵀ⟩    for τ > (1/2m) ‖D1⁺ B D2⁺‖_op
    U1 U1ᵀ − U2 U2ᵀ   twice that λ, half that τ; for U Uᵀ with the largest eigenvalue instead of ‖·‖_op.

Penalties of one percent of these limits are small in every problem, whatever its units.

Source: derived here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import expect
from stepscape.problems.measurements import Measurements
from stepscape.theory.low_rank.weights import matrix_weights

Array = NDArray[np.float64]


def weight_decay_limit(problem: Measurements) -> float:
    """Smallest λ from which on θ = 0 is a local minimum of loss + ½ λ ‖θ‖²."""
    expect("problem", problem, Measurements)
    multiple = 2.0 if problem.structure == "any" else 4.0
    return multiple / problem.size * _size(problem.adjoint(problem.labels), problem)


def trace_penalty_limit(problem: Measurements) -> float:
    """Smallest τ from which on θ = 0 is a local minimum of loss + τ tr (`Training.trace_penalty`)."""
    expect("problem", problem, Measurements)
    multiple = 0.5 if problem.structure == "any" else 0.25
    seen = matrix_weights(problem).undo(problem.adjoint(problem.labels))
    return multiple / problem.size * _size(seen, problem)


def _size(matrix: Array, problem: Measurements) -> float:
    if problem.structure == "psd":
        return max(float(np.linalg.eigvalsh((matrix + matrix.T) / 2.0)[-1]), 0.0)
    return float(np.linalg.norm(matrix, 2))
