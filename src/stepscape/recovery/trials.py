"""Whether the truth of a problem is what a recovery finds, decided as early as that is certain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stepscape.arguments import whole, word
from stepscape.errors import bad
from stepscape.problems.corrupted_matrix import CorruptedMatrix
from stepscape.problems.measurements import Measurements
from stepscape.recovery.convex.minimum import Array, Minimum
from stepscape.recovery.corrupted_setting import CorruptedSetting
from stepscape.recovery.measured_setting import NAMES, MeasuredSetting
from stepscape.recovery.setting import setting

TRUE = 1e-5  # relative error up to which a matrix counts as the truth
BETTER = 1e-5  # relative difference of objectives that ends a trial early
LEAST_BETTER = 1e-6  # relative difference that counts at a minimizer
OTHER = 1e-3  # relative error from which on a matrix of the same objective is another solution
TOLERANCE = 1e-7
ITERATIONS = 6000


@dataclass(frozen=True)
class Trial:
    """What a recovery found, compared with the truth.

    Attributes
    ----------
    verdict : "recovered": a solution within 1e-5 of the truth was reached. "beaten": a solution has a
        smaller objective than the truth, which is therefore not the minimizer. "tied": a minimizer at least
        1e-3 away from the truth has the same objective up to 1e-6 of it. "undecided": none of these, in the
        iterations allowed.
    error : ‖X − truth‖_F/‖truth‖_F of the last matrix.
    ratio : its objective over that of the truth.
    iterations : of the splitting.
    """

    verdict: str
    error: float
    ratio: float
    iterations: int


def trial(
    problem: Measurements | CorruptedMatrix, objective: str = "flattest", iterations: int = ITERATIONS
) -> Trial:
    """Find out whether minimizing an objective recovers the truth of a problem without noise.

    The splitting stops when the verdict is certain: at a solution of the equations that is the truth, or that
    has a smaller objective. Where every positive semidefinite solution has the same objective, the truth is
    recovered if it is proved to be the only one.

    Parameters
    ----------
    problem : Measurements or CorruptedMatrix
        With a truth that has zero loss and is not 0.
    objective : "flattest" | "nuclear norm" | "frobenius norm"
    iterations : int
        At most so many of the splitting; then the verdict is "undecided".

    Raises
    ------
    InputError
        For a problem without a truth, or with one that does not satisfy the equations.
    """
    word("objective", objective, NAMES)
    most = whole("iterations", iterations, 1)
    ready = setting(problem, objective)
    judge = _Judge.of(ready)
    found = ready.start
    if not (judge.decides_early and judge.sees(found.matrix, found.value)):
        found = ready.solve(TOLERANCE, most, None, judge.sees if judge.decides_early else None)
    matrix = found.matrix
    return Trial(judge.verdict(found), judge.error(matrix), found.value / judge.objective, found.iterations)


@dataclass(frozen=True, eq=False)
class _Judge:
    """Compares matrices with the truth."""

    ready: MeasuredSetting | CorruptedSetting
    truth: Array
    objective: float

    @classmethod
    def of(cls, ready: MeasuredSetting | CorruptedSetting) -> _Judge:
        truth = ready.problem.truth
        if truth is None:
            raise bad("truth", "be given for a trial", None)
        seen = ready.at.to(truth)
        residual, objective = ready.program.constraint.residual(seen), ready.program.gauge.value(seen)
        if residual > TRUE * TRUE:
            raise bad("truth", "have zero loss in a trial", f"a residual of {residual:.2g}", "take noise=0")
        if objective == 0.0:
            raise bad("truth", "be seen by the measurements", "one whose objective is 0")
        return cls(ready, truth, objective)

    @property
    def decides_early(self) -> bool:
        """Whether iterates are solutions: in the cone of semidefinite matrices they are not."""
        return not self.ready.program.gauge.cone

    def error(self, matrix: Array) -> float:
        size = float(np.linalg.norm(self.truth))
        return float(np.linalg.norm(self.ready.at.of(matrix) - self.truth)) / size

    def sees(self, matrix: Array, value: float) -> bool:
        """Whether a solution decides the trial."""
        return value < (1.0 - BETTER) * self.objective or self.error(matrix) <= TRUE

    def verdict(self, found: Minimum) -> str:
        done = found.status == "optimal"
        error = self.error(found.matrix)
        if error <= TRUE and (self.decides_early or done):
            alone = found.uniqueness is not None and found.uniqueness.proved
            return "recovered" if alone or not self.ready.constant else "undecided"
        margin = LEAST_BETTER if done else BETTER
        if found.value < (1.0 - margin) * self.objective and (self.decides_early or done):
            return "beaten"
        return "tied" if done and error >= OTHER else "undecided"
