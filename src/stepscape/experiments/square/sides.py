"""The two sides of a U of the risk over the step sizes, which several claims of the family ask about."""

from __future__ import annotations

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Finding, Result, Says, decide
from stepscape.experiments.frame.contrasts import sides_of_u

RISKS = {
    "risk": "at the inputs",
    "risk_grid": "on the grid",
    "risk_interior_grid": "in the interior",
    "risk_boundary_grid": "near the boundary",
    "risk_equal_time": "at equal time",
    "risk_held_out": "at its best held-out moment",
}


def falls(result: Result, column: str, least: float) -> Finding:
    """Whether a risk at the smallest working step size is above that at the best."""
    saved, _ = sides_of_u(STEP_SIZES.values(result.table, column))
    return decide.sign(saved, *_fall(result, column), least)


def is_u(result: Result, column: str, least: float) -> Finding:
    """Whether a risk falls and rises again."""
    fall, left = _fall(result, column)
    rise = Says(f"the risk {RISKS[column]}", "rise", "at large step sizes")
    values = STEP_SIZES.values(result.table, column)
    return decide.u_shape(values, fall, rise, (left, largest_minus_best(result)), least)


def largest_minus_best(result: Result) -> str:
    """Name the right side of the U."""
    return f"η = {STEP_SIZES.working(result.table)[-1]:g} minus the best η"


def _fall(result: Result, column: str) -> tuple[Says, str]:
    smallest = STEP_SIZES.working(result.table)[0]
    return Says(f"the risk {RISKS[column]}", "fall", "first"), f"η = {smallest:g} minus the best η"
