"""Which runs of a table end on the line λ_max = 2/η, from which side they came to it, and which have arrived.

λ_max is that of the midpoint of two iterates. Many runs start beyond the line: λ_max·η/2 of the untrained
network is above 1, and that they "reached" the edge says nothing. A run is at the edge if its ``edge_ratio``,
the mean of λ_max·η/2 over the records of the last half of its steps, lies on the line.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame.levels import fraction
from stepscape.experiments.frame.limits import EDGE, MOST
from stepscape.tables.records import Table

Mask = NDArray[np.bool_]
PREMISES = {
    "initial_sharpness": "λ_max of the untrained network: if it is above 2/η, the run starts beyond the edge",
    "edge_ratio": (
        "λ_max·η/2 in the last half of the steps lies between 0.95 and 1.1 if the step size shapes f"
    ),
}


def on_line(table: Table, low: float = EDGE[0], high: float = EDGE[1]) -> Mask:
    """Mask of the runs that end on the line."""
    works = STEP_SIZES.counts(table)
    if not works.any():
        return works
    return np.asarray(works & (table["edge_ratio"] >= low) & (table["edge_ratio"] <= high))


def started_beyond(table: Table) -> Mask:
    """Mask of the runs that finished and started with λ_max·η/2 above 1."""
    works = STEP_SIZES.counts(table)
    if not works.any():
        return works
    return np.asarray(works & (table["initial_sharpness"] * table["step_size"] / 2.0 > 1.0))


def came_up(table: Table) -> Mask:
    """Mask of the runs that started below and came up to 0.95 in the first half of their steps."""
    works = STEP_SIZES.counts(table)
    if not works.any():
        return works
    in_time = table["edge_reached_at_step"] <= 0.5 * table["steps"]  # nan, never, compares false
    return np.asarray(works & in_time & ~started_beyond(table))


def could_be(table: Table) -> Mask:
    """Mask of the runs that start beyond 2/η or come up to it in the first half of their steps."""
    return started_beyond(table) | came_up(table)


def arrived(table: Table, function: float, ratio: float) -> Mask:
    """Mask of the runs that hardly moved after half of their steps; the others are unfinished.

    function : the largest root mean square change of f at the inputs, over the root mean square of f.
    ratio : the largest change of λ_max·η/2.
    """
    works = STEP_SIZES.counts(table)
    if not works.any():
        return works
    still = (table["function_moved"] <= function) & (table["edge_moved"] <= ratio)
    return np.asarray(works & still)


def only_arrived(table: Table, function: float, ratio: float) -> Table:
    """Write "unfinished" for the outcome of the runs that finished but have not `arrived`.

    They no longer count, and a level at which most runs still move no longer works.
    """
    moves = (table["outcome"] == "finished") & ~arrived(table, function, ratio) & STEP_SIZES.counts(table)
    outcome = np.where(moves, "unfinished", np.asarray(table["outcome"], str))
    return Table({**table.columns, "outcome": outcome})


def at_edge(table: Table) -> list[float]:
    """Working step sizes at which most runs that finished end on the line."""
    return where_most(table, on_line(table))


def where_most(table: Table, runs: Mask) -> list[float]:
    """Working step sizes at which more than half of the runs that count are among `runs`."""
    works, etas = STEP_SIZES.counts(table), STEP_SIZES.working(table)
    shares = [fraction(runs[works & (table["step_size"] == eta)]) for eta in etas]
    return [float(eta) for eta, share in zip(etas, shares, strict=True) if share > MOST]
