"""Which interpolators meet the premises, and what is certified about their data sets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.tables.records import Table

Array = NDArray[np.float64]
NO_MISS = 1e-9  # label deviations
DATA = ("truth", "design", "n", "noise", "seed")


def smooth(table: Table) -> Table:
    """Keep the interpolators where the loss has a Hessian: no knot lies exactly on an input."""
    return _interpolators(table, knots=False)


def kinked(table: Table) -> Table:
    """Keep the interpolators with knots exactly on inputs."""
    return _interpolators(table, knots=True)


def _interpolators(table: Table, knots: bool) -> Table:
    if "knots_on_data" not in table:
        return table.rows(np.zeros(len(table), bool))
    met = (table["outcome"] == "finished") & (table["distinct"] == 1)
    met &= table["interpolation_error"] <= NO_MISS
    return table.rows(met & ((table["knots_on_data"] > 0) if knots else (table["knots_on_data"] == 0)))


def lacks_smooth(table: Table) -> str:
    """Say that no interpolator has all its knots off the inputs; "" if one does."""
    return "" if len(smooth(table)) else "no interpolator has all its knots off the inputs"


def lacks_kinked(table: Table) -> str:
    """Say that no interpolator has knots on inputs; "" if one does."""
    return "" if len(kinked(table)) else "no interpolator has knots on the inputs"


def lacks_certificate(table: Table) -> str:
    """Say that no least sharpness is certified; "" if one is."""
    known = smooth(table)
    return "" if len(known) and np.isfinite(known["least"]).any() else "no flattest interpolator was computed"


def certified(table: Table) -> Array:
    """Certified least sharpness of each row's data set, nan where none was computed."""
    if "least" not in table:
        return np.full(len(table), np.nan)
    keys = list(zip(*(table[name].tolist() for name in DATA), strict=True))
    known = {key: value for key, value in zip(keys, table["least"].tolist(), strict=True) if value == value}
    return np.array([known.get(key, np.nan) for key in keys])
