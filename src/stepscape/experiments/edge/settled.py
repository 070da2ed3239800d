"""Runs that have settled at the edge, told without looking at where λ_max lies; means of them by seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame.levels import Levels
from stepscape.tables.records import Table

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def settled(table: Table, near: float, still: float) -> Mask:
    """Mask of the runs that swing with period two and whose sharpness stands still.

    In a swing of period two the directional smoothness is 2/η whatever λ_max is, so that this chooses no run
    by its sharpness.
    """
    if "drift" not in table:
        return np.zeros(len(table), bool)
    swings = np.abs(table["smoothness_ratio"].astype(float) - 1.0) <= near  # nan compares false
    stands = np.abs(table["drift"].astype(float)) < still
    return np.asarray(STEP_SIZES.counts(table) & swings & stands)


def sweep_lacks(table: Table, near: float, still: float, sizes: float, span: float) -> str:
    """Say that runs are settled at too few step sizes; "" if they are not."""
    levels = Levels(
        "step_size", "step sizes", "η", alive="settled", lives="settles at the edge",
        dies="it has not settled", least=int(sizes), span=span,
    )  # fmt: skip
    return levels.lacks(Table({**table.columns, "settled": settled(table, near, still)}))


def by_the_seed(table: Table, keep: Mask, values: Array) -> Array:
    """Mean of the values of the runs kept, for each seed; nan for a seed without one."""
    seeds = np.unique(table["seed"])
    rows = [keep & (table["seed"] == seed) for seed in seeds]
    return np.array([values[here].mean() if here.any() else np.nan for here in rows])


def by_step_size(table: Table, keep: Mask, column: str) -> tuple[Array, Array]:
    """Step sizes at which most runs are kept, and means (seeds, step sizes) of a column over those runs."""
    etas = np.unique(table["step_size"])
    etas = etas[[keep[table["step_size"] == eta].mean() >= 0.5 for eta in etas]]
    means = [by_the_seed(table, keep & (table["step_size"] == eta), table[column]) for eta in etas]
    return etas, np.array(means).T
