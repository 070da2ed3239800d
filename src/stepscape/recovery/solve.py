"""Recovery of a matrix: the flattest one, the one of least nuclear norm, the one of least Frobenius norm."""

from __future__ import annotations

import numpy as np

from stepscape.arguments import function, nonnegative, share, whole
from stepscape.errors import bad, shown
from stepscape.problems.corrupted_matrix import CorruptedMatrix
from stepscape.problems.measurements import Measurements
from stepscape.recovery.constraints import NearObserved
from stepscape.recovery.gauges import NUCLEAR
from stepscape.recovery.minimum import Minimum, Program, Progress, minimize
from stepscape.recovery.recovered import NullSpace, Recovered
from stepscape.recovery.setting import NAMES, VISIBLE, setting

TOLERANCE = 1e-7
ITERATIONS = 20_000


def flattest(
    problem: Measurements | CorruptedMatrix,
    penalty: float = 0.0,
    tolerance: float = TOLERANCE,
    iterations: int = ITERATIONS,
    progress: Progress | None = None,
) -> Recovered:
    """Find the matrix whose flat factors have the smallest Hessian trace among all zero-loss points.

        min ‖D1 X D2‖_*  with A(X) = b,   D1² = (1/m) Σ_i A_i A_iᵀ,  D2² = (1/m) Σ_i A_iᵀ A_i

    X is symmetric or positive semidefinite if the structure of the problem says so. The trace is
    4 ‖D1 X D2‖_* for factors L Rᵀ and 8 ‖D X D‖_* for the symmetric structures. For a `CorruptedMatrix`
    with the observed Y: min ‖X‖_* with ‖Y − X‖_{1,1} ≤ budget.

    Parameters
    ----------
    problem : Measurements or CorruptedMatrix
    penalty : float, optional
        p > 0 minimizes loss(X) + p ‖D1 X D2‖_* instead, with the loss (1/m) Σ (⟨A_i, X⟩ − b_i)²: for noisy
        labels. p = 4τ belongs to the loss of the factors plus τ times their trace, 8τ for the symmetric
        structures. X = 0 from p = (2/m) ‖D1⁻¹ A*(b) D2⁻¹‖_op on.
    tolerance : float, optional
        Relative gap between value and lower bound, and relative residual, at which X is optimal.
    iterations : int, optional
        At most so many of the splitting; then the status is "undecided" and the gap says how far it came.
    progress : callable, optional
        Called with the number of iterations made and the current gap, every 20 iterations.

    Raises
    ------
    InputError
        For another kind of problem, numbers out of range, and arrays that do not fit in memory.

    Source: Ding, Drusvyatskiy, Fazel and Harchaoui (2024), Theorem 3.2; section 6 for corrupted matrices.
    """
    return _recover(problem, "flattest", penalty, tolerance, iterations, progress)


def minimum_nuclear_norm(
    problem: Measurements | CorruptedMatrix,
    penalty: float = 0.0,
    tolerance: float = TOLERANCE,
    iterations: int = ITERATIONS,
    progress: Progress | None = None,
) -> Recovered:
    """Find the matrix of smallest ‖X‖_* with A(X) = b; parameters as `flattest`, with D1 = D2 = I."""
    return _recover(problem, "nuclear norm", penalty, tolerance, iterations, progress)


def minimum_frobenius_norm(
    problem: Measurements,
    penalty: float = 0.0,
    tolerance: float = TOLERANCE,
    iterations: int = ITERATIONS,
    progress: Progress | None = None,
) -> Recovered:
    """Find the matrix of smallest ‖X‖_F with A(X) = b, or of loss(X) + p ‖X‖_F; parameters as `flattest`."""
    return _recover(problem, "frobenius norm", penalty, tolerance, iterations, progress)


def _recover(
    problem: Measurements | CorruptedMatrix,
    objective: str,
    penalty: float,
    tolerance: float,
    iterations: int,
    progress: Progress | None,
) -> Recovered:
    weight, most = nonnegative("penalty", penalty), whole("iterations", iterations, 1)
    near = share("tolerance", tolerance)
    if progress is not None:
        function("progress", progress)
    if isinstance(problem, Measurements):
        ready = setting(problem, objective, weight)
        return ready.recovered(ready.solve(near, most, progress))
    if not isinstance(problem, CorruptedMatrix):
        raise bad("problem", "be Measurements or a CorruptedMatrix", shown(problem))
    if weight > 0.0:
        raise bad("penalty", "be 0 for a CorruptedMatrix", weight, "choose the budget instead")
    if objective == "frobenius norm":
        raise bad("problem", "be Measurements", shown(problem))
    return _recover_corrupted(problem, near, most, progress)


def _recover_corrupted(
    problem: CorruptedMatrix, tolerance: float, iterations: int, progress: Progress | None
) -> Recovered:
    scale = float(np.abs(problem.observed).max()) or 1.0
    constraint = NearObserved(problem.observed / scale, problem.budget / scale)
    program = Program(NUCLEAR["any"], constraint, None)
    found = _start_at(constraint)
    if found.status == "undecided":
        found = minimize(program, found, tolerance, iterations, progress)
    return Recovered(
        problem=problem,
        matrix=scale * found.matrix,
        objective=scale * found.value,
        value=scale * found.value,
        bound=scale * found.bound,
        dual=found.dual,
        residual=found.residual,
        status=found.status,
        iterations=found.iterations,
        rank=found.spectrum.above(VISIBLE).rank,
        null_space=NullSpace(0, 0, (), ()),
        unique=True if found.value == 0.0 else None,
        uniqueness=None,
        constant=False,
        penalty=0.0,
        name=NAMES["nuclear norm"],
    )


def _start_at(constraint: NearObserved) -> Minimum:
    """Y itself; 0 if the budget covers all of it."""
    gauge, observed = NUCLEAR["any"], constraint.observed
    covered = float(np.abs(observed).sum()) <= constraint.budget
    matrix = np.zeros_like(observed) if covered else observed
    value = gauge.value(matrix)
    exact = covered or constraint.budget == 0.0
    spectrum = gauge.decompose(matrix)
    dual = spectrum.left @ spectrum.right.T
    status = "optimal" if exact else "undecided"
    return Minimum(matrix, spectrum, value, value if exact else 0.0, dual, 0.0, status, 0)
