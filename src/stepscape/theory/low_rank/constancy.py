"""Whether all positive semidefinite solutions of a problem are equally flat.

At zero loss the trace of U ↦ (1/m) Σ_i (⟨A_i, U Uᵀ⟩ − b_i)² is 8 ⟨D², X⟩. If D² = A*(v) = Σ_i v_i A_i, it is

    8 ⟨A*(v), X⟩ = 8 Σ_i v_i b_i

at every solution: flatness prefers none, whatever the labels. This is so for all measurements x_iᵀ X x_i
(phase retrieval, covariance estimation): D² = (1/m) Σ_i ‖x_i‖² x_i x_iᵀ, v_i = ‖x_i‖²/m. What recovers X is
then X ⪰ 0.

Conversely, if D² is not of this form, there is a symmetric E with A(E) = 0 and ⟨D², E⟩ ≠ 0; then every
labels of a positive definite X have the solutions X + tE for small t, and their traces differ (if U has d
columns).

Source: derived here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad, expect
from stepscape.memory import require_memory
from stepscape.problems.linear_maps import RankOne
from stepscape.problems.measurements import Measurements
from stepscape.theory.low_rank.weights import matrix_weights

Array = NDArray[np.float64]
ROUNDING = 1e-10  # relative residual of D² = Σ v_i A_i up to which it counts as solved


@dataclass(frozen=True, eq=False)
class ConstantTrace:
    """The nearest A*(v) to D², and what follows for the flatness of solutions.

    Attributes
    ----------
    coefficients : v (m,).
    residual : ‖A*(v) − D²‖_F/‖D²‖_F.
    trace : 8 Σ_i v_i b_i, the Hessian trace at every solution if `constant`.
    """

    coefficients: Array
    residual: float
    trace: float

    @property
    def constant(self) -> bool:
        """Whether every solution X ⪰ 0 has the same trace, whatever the labels: the residual is 0."""
        return self.residual <= ROUNDING

    def __repr__(self) -> str:
        if self.constant:
            return f"ConstantTrace(every solution is equally flat: the Hessian trace is {self.trace:.6g})"
        return f"ConstantTrace(solutions may differ in flatness: D² is {self.residual:.2g} away from A*(v))"


def constant_trace(measurements: Measurements) -> ConstantTrace:
    """Decide by least squares whether D² = Σ_i v_i A_i, for a problem with the structure "psd".

    Raises
    ------
    InputError
        For another structure, where the trace is not a function of X; if m·d² numbers do not fit in memory.
    """
    expect("measurements", measurements, Measurements)
    if measurements.structure != "psd":
        raise bad("measurements", "have the structure 'psd'", repr(measurements.structure))
    square = matrix_weights(measurements).left.square
    square = np.diag(square) if square.ndim == 1 else square
    v = _coefficients(measurements, square)
    size = float(np.linalg.norm(square))
    gap = float(np.linalg.norm(measurements.adjoint(v) - square))
    trace = 8.0 * float(v @ measurements.labels)
    return ConstantTrace(v, gap / size if size > 0.0 else 0.0, trace)


def _coefficients(measurements: Measurements, square: Array) -> Array:
    """Find v of smallest ‖A*(v) − D²‖_F."""
    linear_map, m = measurements.linear_map, measurements.size
    if isinstance(linear_map, RankOne):  # in closed form
        return np.asarray(np.sum(linear_map.left**2, axis=1) / m)
    require_memory("m", m, 32 * m * square.size, "take fewer measurements")
    columns = np.stack([linear_map.adjoint(unit).ravel() for unit in np.eye(m)], axis=1)
    return np.asarray(np.linalg.lstsq(columns, square.ravel(), rcond=None)[0])
