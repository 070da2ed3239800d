"""Numbers of examples in cells of weight decay and step size, and which of their runs have arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame import Result, Says
from stepscape.experiments.frame.contrasts import Array, slopes
from stepscape.experiments.frame.levels import Levels, fraction
from stepscape.experiments.frame.limits import LEAST_SPAN, LEAST_VALUES
from stepscape.experiments.frame.sentences import of_runs
from stepscape.experiments.logistic.edge import arrived, only_arrived
from stepscape.tables.records import Table

SIZES = Levels(
    "n", "numbers of examples", "n", alive="bent_neurons", lives="learns a curve", dies="all neurons die",
    least=LEAST_VALUES, span=LEAST_SPAN,
)  # fmt: skip
CELLS = {"weight_decay": "decay {:g}", "step_size": "η = {:g}"}
REGIONS = {"uncertain": "where the truth is uncertain", "interior": "in the interior"}
Pairs = Sequence[tuple[dict[str, float], dict[str, float]]]


class Arrival(NamedTuple):
    """When a cell has arrived: how many of its runs must at every n, and how far these may still move."""

    nearly_all: float
    function: float
    ratio: float

    def finished(self, table: Table) -> Table:
        """Let only runs count that have arrived: the others compare with nothing, however few they are."""
        return only_arrived(table, self.function, self.ratio)

    def lacks(self, rows: Table) -> str:
        """Say at which n too few runs of a cell have arrived; "" if nearly all have at every one."""
        if reason := SIZES.lacks(rows):
            return reason
        there, works = arrived(rows, self.function, self.ratio), SIZES.counts(rows)
        for n in SIZES.working(rows):
            here = there[works & (rows["n"] == n)]
            if not fraction(here) >= self.nearly_all:
                says = Says("runs", "have", f"arrived at n = {n:g}")
                return f"{said_of(here, says)}: the cell is unfinished"
        return SIZES.lacks(self.finished(rows))


def said_of(flags: NDArray[np.bool_], says: Says) -> str:
    """State of how many runs something is true."""
    return of_runs(int(flags.sum()), flags.size, says)


def slope(rows: Table, column: str) -> Array:
    """Slope (seeds,) of log column on log n."""
    return slopes(SIZES.values(rows, column), SIZES.working(rows))


def pairs_of(result: Result, alone: str) -> Pairs:
    """Pair one cell with that of both, for every decay above 0 and every large step size."""
    small = result.settings["small_step_size"]
    decays, etas = (np.unique(result.table[name]).tolist() for name in CELLS)
    if (alone == "decay" and small not in etas) or (alone == "step" and 0.0 not in decays):
        return []
    both = [{"weight_decay": decay, "step_size": eta} for decay in decays for eta in etas]
    undo = {"step_size": small} if alone == "decay" else {"weight_decay": 0.0}
    return [
        ({**cell, **undo}, cell) for cell in both if cell["weight_decay"] > 0.0 and cell["step_size"] > small
    ]


def savings(table: Table, pairs: Pairs) -> dict[str, Array]:
    """log10 (seeds,) of the excess risk in the first cell of a pair over that in the second, by region."""
    sizes = np.unique(table["n"])
    found = {}
    for one, other in pairs:
        for region in REGIONS:
            first, second = (_logs(table, cell, f"excess_risk_{region}", sizes) for cell in (one, other))
            name = ", ".join(text.format(other[key]) for key, text in CELLS.items())
            found[f"{name}, {region}"] = _mean_of_known(first - second)
    return found


def _logs(table: Table, cell: Mapping[str, float], column: str, sizes: Array) -> Array:
    """log10 (seeds, sizes) of a column in a cell, over the seeds of the whole table."""
    seeds, rows = np.unique(table["seed"]), table.where(**cell)
    out = np.full((seeds.size, sizes.size), np.nan)
    if len(rows):
        with np.errstate(divide="ignore", invalid="ignore"):
            there = np.log10(SIZES.values(rows, column, sizes))
        out[np.searchsorted(seeds, np.unique(rows["seed"]))] = np.where(np.isfinite(there), there, np.nan)
    return out


def _mean_of_known(values: Array) -> Array:
    known = np.isfinite(values)
    sums = np.where(known, values, 0.0).sum(axis=1)
    return np.where(known.any(axis=1), sums / np.maximum(known.sum(axis=1), 1), np.nan)
