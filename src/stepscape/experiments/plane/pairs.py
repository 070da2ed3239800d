"""Which runs on inputs in R^d count, and two runs of one seed set against each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame.limits import FEWEST_BENT, LEAST_BENT, MOST
from stepscape.experiments.plane.columns import FORGOTTEN, SETTLED
from stepscape.tables.records import Table

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Where = Mapping[str, object]

COUNTS = (
    f"A run counts if it has arrived (over the last fifth of the steps λ_max and the predictions change by "
    f"at most {SETTLED:.0%}; with decay, η·λ·T is at least {FORGOTTEN:g}) and at least {LEAST_BENT:.0%} of "
    f"its neurons, and {FEWEST_BENT}, are alive; most seeds must have runs that count."
)


ALIVE = (
    f"A run counts if it finished and at least {LEAST_BENT:.0%} of its neurons, and {FEWEST_BENT}, are "
    "alive; most seeds must have runs that count."
)


def alive(table: Table) -> Mask:
    """Mask of the runs that finished with enough live neurons."""
    if "live_neurons" not in table:
        return np.zeros(len(table), bool)
    least = np.maximum(FEWEST_BENT, LEAST_BENT * table["width"])
    return np.asarray((table["outcome"] == "finished") & (table["live_neurons"] >= least))


def counted(table: Table) -> Mask:
    """Mask of the runs that are alive and have arrived."""
    found = alive(table)
    return np.asarray(found & (table["arrived"] == 1)) if found.any() else found


def of_seeds(table: Table, column: str, where: Where, counts: Callable[[Table], Mask] = counted) -> Array:
    """Return a column over all seeds of the table, nan without a run of `where` that counts."""
    seeds = np.unique(table["seed"])
    out = np.full(seeds.size, np.nan)
    rows = table.where(**where)
    if not len(rows) or column not in rows:
        return out
    keep = counts(rows)
    out[np.searchsorted(seeds, rows["seed"][keep])] = rows[column][keep].astype(float)
    return out


def fewer(values: Array, what: str) -> str:
    """Say that fewer than most seeds have a value; "" if most have."""
    found, total = int(np.isfinite(values).sum()), values.size
    if total and found > MOST * total:
        return ""
    return f"only {found} of {total} seeds have runs that count {what}"


def decades(first: Array, second: Array) -> Array:
    """log10 of the first over the second."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log10(first) - np.log10(second)
    return np.where(np.isfinite(found), found, np.nan)
