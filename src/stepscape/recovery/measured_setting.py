"""Measurements made ready for the solver, and the answer of the solver in the units of the problem."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import beyond_range
from stepscape.problems.measurements import Measurements
from stepscape.recovery.convex.constraints import Equations
from stepscape.recovery.convex.gauges import FROBENIUS, NUCLEAR, Gauge
from stepscape.recovery.convex.minimum import FEASIBLE, Minimum, Program, Progress, Stop, minimize
from stepscape.recovery.coordinates import Coordinates, coordinates, require_room
from stepscape.recovery.recovered import Recovered, null_space_of
from stepscape.theory.low_rank.weights import MatrixWeights, matrix_weights

Array = NDArray[np.float64]

NAMES = {"flattest": "‖D1XD2‖_*", "nuclear norm": "‖X‖_*", "frobenius norm": "‖X‖_F"}  # by the objective
CONSTANT = 1e-10  # relative distance of I to the range of B* up to which it lies there
VISIBLE = 1e-9  # singular values of Z below this share of the largest one are rounding


@dataclass(frozen=True, eq=False)
class MeasuredSetting:
    """What is minimized, in the coordinates of the solver.

    Attributes
    ----------
    objective : a word of `NAMES`.
    weights : D1 and D2 of the problem, whatever the objective.
    start : the matrix of least squares and least norm; its status is "undecided" if there is work to do.
    constant : whether N is the same for every positive semidefinite solution.
    """

    problem: Measurements
    objective: str
    penalty: float
    weights: MatrixWeights
    at: Coordinates
    program: Program
    start: Minimum
    constant: bool

    def solve(
        self, tolerance: float, iterations: int, progress: Progress | None, stop: Stop | None = None
    ) -> Minimum:
        """Minimize, unless the start is the answer."""
        if self.start.status != "undecided":
            return self.start
        return minimize(self.program, self.start, tolerance, iterations, progress, stop)

    def recovered(self, found: Minimum) -> Recovered:
        """Return the answer in the units of the problem."""
        unit = self.at.size * (self.penalty or 1.0)
        largest = max(self.at.scale * float(np.abs(found.matrix).max()), unit * found.value)
        if not np.isfinite(largest):
            raise beyond_range("the recovered matrix")
        matrix = self.at.of(found.matrix)
        null_space = null_space_of(self.weights)
        hidden = found.status == "optimal" and bool(null_space)
        return Recovered(
            problem=self.problem,
            matrix=matrix if self.problem.structure == "any" else (matrix + matrix.T) / 2.0,
            objective=self.at.size * self.program.gauge.value(found.matrix),
            value=unit * found.value,
            bound=unit * found.bound,
            dual=self.at.size / self.at.scale * found.dual,
            residual=found.residual,
            status="not identifiable" if hidden else found.status,
            iterations=found.iterations,
            rank=found.spectrum.above(VISIBLE).rank,
            null_space=null_space,
            unique=self._unique(found, bool(null_space)),
            uniqueness=found.uniqueness,
            constant=self.constant,
            penalty=self.penalty,
            name=NAMES[self.objective],
        )

    def _unique(self, found: Minimum, hidden: bool) -> bool | None:
        if found.status != "optimal":
            return None
        if hidden and self.objective == "flattest":
            return False  # what is not seen can be anything
        if self.objective == "frobenius norm" or found.value == 0.0:
            return True  # ‖·‖_F is strictly convex along segments that do not point to 0; N(X) = 0 only at 0
        if found.uniqueness is not None and found.uniqueness.proved:
            return True
        r = found.spectrum.above(VISIBLE).rank
        # U S Uᵀ, with S near the positive definite one of X, has more dimensions than there are equations.
        return False if self.constant and r * (r + 1) // 2 > self.problem.size else None


def measured_setting(problem: Measurements, objective: str, penalty: float) -> MeasuredSetting:
    """Weigh, scale and factor the measurements, and take the first step."""
    require_room(problem)
    weights = matrix_weights(problem)
    at = coordinates(problem, weights, objective == "flattest")
    equations = at.equations(problem, penalty)
    gauge = (FROBENIUS if objective == "frobenius norm" else NUCLEAR)[problem.structure]
    exact = gauge.low_rank and penalty == 0.0
    program = Program(gauge, equations, problem.degrees_of_freedom if exact else None)
    start, constant = _start(gauge, equations)
    return MeasuredSetting(problem, objective, penalty, weights, at, program, start, constant)


def _start(gauge: Gauge, equations: Equations) -> tuple[Minimum, bool]:
    """Return the matrix of least squares and least norm, the bounds that come with it, and `constant`."""
    weights = equations.multipliers(equations.labels)
    matrix = equations.linear_map.adjoint(weights)
    start = Minimum(
        matrix=matrix,
        spectrum=gauge.decompose(matrix),
        value=gauge.value(matrix) + equations.cost(matrix),
        bound=0.0,
        dual=np.zeros_like(weights),
        residual=equations.residual(matrix),
        status="undecided",
        iterations=0,
    )
    exact = equations.softness == 0.0
    if not exact and (zero := _zero(gauge, equations, start)) is not None:
        return zero, False
    if exact and start.residual > FEASIBLE:
        return replace(start, status="infeasible"), False
    if not matrix.any():
        return replace(start, status="optimal"), False
    if exact and not (gauge.low_rank or gauge.cone):
        # ⟨b, μ⟩ = ‖B*(μ)‖_F² for the multipliers μ of the projection of 0.
        size = start.value
        return replace(
            start, bound=float(equations.labels @ weights) / size, dual=weights / size, status="optimal"
        ), False
    return _constant(equations, start) if exact and gauge.low_rank and gauge.cone else (start, False)


def _zero(gauge: Gauge, equations: Equations, start: Minimum) -> Minimum | None:
    """Return 0 if it minimizes N(Z) + ‖B(Z) − b‖²/(2c): N°(B*(b)) ≤ c proves it, with λ = b/c."""
    if gauge.dual(equations.image(equations.labels)) > equations.softness:
        return None
    dual = equations.labels / equations.softness
    matrix = np.zeros_like(start.matrix)
    value = equations.cost(matrix)
    spectrum = gauge.decompose(matrix)
    return replace(
        start, matrix=matrix, spectrum=spectrum, value=value, bound=value, dual=dual, status="optimal"
    )


def _constant(equations: Equations, start: Minimum) -> tuple[Minimum, bool]:
    """Whether I = B*(λ): then N(Z) = tr Z = ⟨b, λ⟩ at every solution, which is a bound as well."""
    identity = np.eye(len(start.matrix))
    weights = equations.multipliers(equations.linear_map.apply(identity))
    distance = float(np.linalg.norm(equations.linear_map.adjoint(weights) - identity))
    if distance > CONSTANT * float(np.linalg.norm(identity)):
        return start, False
    bound = float(equations.labels @ weights)
    if bound < 0.0:  # no positive semidefinite matrix has this trace
        return replace(start, status="infeasible"), True
    return replace(start, bound=bound, dual=weights), True
