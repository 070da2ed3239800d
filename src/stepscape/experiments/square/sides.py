"""The two sides of a U of the risk over the step sizes, which several claims of the family ask about."""

from __future__ import annotations

from stepscape.experiments.frame import Finding, Result, Says
from stepscape.experiments.frame.contrasts import sides_of_u
from stepscape.experiments.square.arrival import ARRIVED
from stepscape.experiments.square.family import Array, Asks, by_range, in_every_member
from stepscape.tables.records import Table

RISKS = {
    "risk": "at the inputs",
    "risk_grid": "on the grid",
    "risk_interior_grid": "in the interior",
    "risk_boundary_grid": "near the boundary",
    "risk_equal_time": "at equal time",
    "risk_held_out": "at its best held-out moment",
    "risk_mean": "of the mean of two predictions",
    "risk_last": "of the last iterate",
}


def sides(rows: Table, column: str) -> tuple[Array, Array]:
    """Return the left and the right side of the U of a risk, by seed; see `sides_of_u`."""
    return sides_of_u(ARRIVED.values(rows, column))


def fall(column: str, least: float) -> Asks:
    """Ask whether a risk at the smallest working step size is above that at the best."""
    says = Says(f"the risk {RISKS[column]}", "fall", "first")
    return Asks(lambda rows: sides(rows, column)[0], says, "the smallest η minus the best", least)


def rise(column: str, least: float) -> Asks:
    """Ask whether a risk at the largest working step size is above that at the best."""
    says = Says(f"the risk {RISKS[column]}", "rise", "at large step sizes")
    return Asks(lambda rows: sides(rows, column)[1], says, "the largest η minus the best", least)


def falls(result: Result, column: str, least: float) -> Finding:
    """Whether a risk falls first, in every member."""
    return in_every_member(by_range(result.table), {"fall": fall(column, least)})


def is_u(result: Result, least: float, columns: tuple[str, ...] = ("risk",)) -> Finding:
    """Whether risks fall and rise again, in every member; all intervals are simultaneous."""
    asked = [
        (f"{column} {side.__name__}", side(column, least)) for column in columns for side in (fall, rise)
    ]
    return in_every_member(by_range(result.table), dict(asked))
