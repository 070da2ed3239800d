"""Recovery of a matrix: the flattest one, the one of least nuclear norm, the one of least Frobenius norm."""

from __future__ import annotations

from stepscape.arguments import function, nonnegative, share, whole
from stepscape.problems.corrupted_matrix import CorruptedMatrix
from stepscape.problems.measurements import Measurements
from stepscape.recovery.convex.minimum import Progress
from stepscape.recovery.recovered import Recovered
from stepscape.recovery.setting import setting

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
        Called with the number of iterations made and the current gap, every 10 iterations.

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
    most, near = whole("iterations", iterations, 1), share("tolerance", tolerance)
    if progress is not None:
        function("progress", progress)
    ready = setting(problem, objective, nonnegative("penalty", penalty))
    return ready.recovered(ready.solve(near, most, progress))
