"""The runs that found a solution: alive, and with a sharpness that stands still."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import BENT, STEP_SIZES
from stepscape.tables.records import Table

STILL = 0.05
SOLUTION = (
    f"A run is a solution if it finishes with {BENT}, and its median λ_max differs by less than {STILL:.0%} "
    "between the third and the last quarter of its steps."
)


def counts(table: Table) -> NDArray[np.bool_]:
    """Mask of the runs that found a solution."""
    if "drift" not in table:
        return np.zeros(len(table), bool)
    still = np.abs(table["drift"].astype(float)) < STILL  # nan compares false
    return np.asarray(STEP_SIZES.counts(table) & still)


def solutions(table: Table) -> Table:
    """Rows of the runs that found a solution."""
    return table.rows(counts(table))


def lacks(table: Table) -> str:
    """Say that no run found a solution; "" if one did."""
    return "" if counts(table).any() else "no run found a solution that stands still"
