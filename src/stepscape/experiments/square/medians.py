"""The table of further numbers of a claim on step sizes, over the runs that learn a curve."""

from __future__ import annotations

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Result
from stepscape.experiments.frame.medians import medians as over_runs
from stepscape.tables.records import Table

SETTING = ("half_width", "n", "arm", "labels", "step_size")


def medians(result: Result, *columns: str, shares: tuple[str, ...] = ()) -> Table:
    """One row per range, number of points, arm, kind of labels and step size; see `frame.medians`."""
    return over_runs(result.table, SETTING, columns, shares, STEP_SIZES.counts)
