"""A corrupted matrix made ready for the solver, and the answer of the solver in its units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stepscape.memory import require_memory
from stepscape.problems.corrupted_matrix import CorruptedMatrix
from stepscape.recovery.convex.constraints import NearObserved
from stepscape.recovery.convex.gauges import NUCLEAR
from stepscape.recovery.convex.minimum import Minimum, Program, Progress, Stop, minimize
from stepscape.recovery.coordinates import Coordinates
from stepscape.recovery.measured_setting import NAMES, VISIBLE
from stepscape.recovery.recovered import NullSpace, Recovered


@dataclass(frozen=True, eq=False)
class CorruptedSetting:
    """min ‖X‖_* with ‖Y − X‖_{1,1} ≤ budget, divided by the largest |Y_jk|."""

    problem: CorruptedMatrix
    at: Coordinates
    program: Program
    start: Minimum
    constant: bool = False

    def solve(
        self, tolerance: float, iterations: int, progress: Progress | None, stop: Stop | None = None
    ) -> Minimum:
        """Minimize, unless the start is the answer."""
        if self.start.status != "undecided":
            return self.start
        return minimize(self.program, self.start, tolerance, iterations, progress, stop)

    def recovered(self, found: Minimum) -> Recovered:
        """Return the answer in the units of the problem."""
        return Recovered(
            problem=self.problem,
            matrix=self.at.of(found.matrix),
            objective=self.at.size * found.value,
            value=self.at.size * found.value,
            bound=self.at.size * found.bound,
            dual=found.dual,
            residual=found.residual,
            status=found.status,
            iterations=found.iterations,
            rank=found.spectrum.above(VISIBLE).rank,
            null_space=NullSpace(0, 0, (), ()),
            unique=True if self.start.status == "optimal" else None,  # 0, or Y and nothing else
            uniqueness=None,
            constant=False,
            penalty=0.0,
            name=NAMES["nuclear norm"],
        )


def corrupted_setting(problem: CorruptedMatrix) -> CorruptedSetting:
    """Scale the observed matrix and take the first step."""
    require_memory("observed", problem.shape, 400 * problem.size, "take a smaller matrix")
    scale = float(np.abs(problem.observed).max()) or 1.0
    constraint = NearObserved(problem.observed / scale, problem.budget / scale)
    program = Program(NUCLEAR["any"], constraint, None)
    return CorruptedSetting(problem, Coordinates(None, None, scale, scale), program, _start(constraint))


def _start(constraint: NearObserved) -> Minimum:
    """Return Y, which is the answer if the budget is 0; or 0, which is it if the budget covers all of Y."""
    gauge, observed = NUCLEAR["any"], constraint.observed
    covered = float(np.abs(observed).sum()) <= constraint.budget
    matrix = np.zeros_like(observed) if covered else observed
    value = gauge.value(matrix)
    exact = covered or constraint.budget == 0.0
    spectrum = gauge.decompose(matrix)
    dual = spectrum.left @ spectrum.right.T
    status = "optimal" if exact else "undecided"
    return Minimum(matrix, spectrum, value, value if exact else 0.0, dual, 0.0, status, 0)
