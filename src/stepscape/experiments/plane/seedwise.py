"""Values of each seed: what the rules of the family compare."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame.contrasts import slopes
from stepscape.experiments.frame.levels import Levels
from stepscape.tables.records import Table

Array = NDArray[np.float64]
SIZES = Levels(over="n", noun="sizes", symbol="n", alive="live_neurons")
NONE = np.empty(0)


def of_each(table: Table, column: str, seeds: Array) -> Array:
    """Value (seeds,) of the one run of each seed; nan where there is none, or where it diverged or died."""
    out = np.full(len(seeds), np.nan)
    if len(table) and column in table:
        counts = SIZES.counts(table)
        out[np.searchsorted(seeds, table["seed"][counts])] = table[column][counts].astype(float)
    return out


def decades(one: Array, other: Array) -> Array:
    """log10 of one over another; nan unless both are positive."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log10(one / other)
    return np.where(np.isfinite(found), found, np.nan)


def over_sizes(table: Table, column: str) -> tuple[Array, Array]:
    """Return the sizes n, and the values (seeds, sizes) of a column."""
    if not len(table) or column not in table:
        return NONE, np.empty((0, 0))
    at = np.unique(table["n"]).astype(float)
    return at, SIZES.values(table, column, at)


def rates_of(table: Table, column: str, keep: Array | None = None) -> Array:
    """Slope (seeds,) of the log of a column on log n; `keep` are the sizes that enter, by default all."""
    at, values = over_sizes(table, column)
    if keep is not None:
        chosen = np.isin(at, keep)
        at, values = at[chosen], values[:, chosen]
    return slopes(values, at) if at.size else NONE


def seeds_of(table: Table) -> Array:
    """Seeds of a table, in order."""
    return np.unique(table["seed"]) if len(table) else NONE


def aligned(tables: list[Table], column: str) -> list[Array]:
    """Slopes as of `rates_of` of several tables over the seeds of all of them, nan where one lacks a seed."""
    every = np.unique(np.concatenate([seeds_of(table) for table in tables]))
    out = []
    for table in tables:
        found = np.full(every.size, np.nan)
        if len(table):
            found[np.searchsorted(every, seeds_of(table))] = rates_of(table, column)
        out.append(found)
    return out
