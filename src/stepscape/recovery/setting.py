"""A recovery made ready for the solver."""

from __future__ import annotations

from stepscape.errors import bad, shown
from stepscape.problems.corrupted_matrix import CorruptedMatrix
from stepscape.problems.measurements import Measurements
from stepscape.recovery.corrupted_setting import CorruptedSetting, corrupted_setting
from stepscape.recovery.measured_setting import MeasuredSetting, measured_setting


def setting(
    problem: Measurements | CorruptedMatrix, objective: str, penalty: float = 0.0
) -> MeasuredSetting | CorruptedSetting:
    """Prepare any problem for an objective: "flattest", "nuclear norm" or "frobenius norm"."""
    if isinstance(problem, Measurements):
        return measured_setting(problem, objective, penalty)
    if not isinstance(problem, CorruptedMatrix):
        raise bad("problem", "be Measurements or a CorruptedMatrix", shown(problem))
    if penalty > 0.0:
        raise bad("penalty", "be 0 for a CorruptedMatrix", penalty, "choose the budget instead")
    if objective == "frobenius norm":
        raise bad("problem", "be Measurements", shown(problem))
    return corrupted_setting(problem)
