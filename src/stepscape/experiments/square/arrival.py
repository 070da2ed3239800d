"""Step sizes at which descent has arrived: a run that is still under way compares with nothing.

A small step size that was not given the time leaves a curve that underfits. Its risk is large for another
reason than the claim's, which is that small steps fit the noise.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import STEP_SIZES, WORKS
from stepscape.tables.records import Table

Mask = NDArray[np.bool_]
BETWEEN = 0.1  # without noise: the largest error at the inputs over that on the grid


def arrived(table: Table) -> Mask:
    """Mask of the runs that reached the edge, or fit the labels at least as well as the truth does.

    Clean labels are fitted no better than by the truth; there, a run fits if its error at the inputs is at
    most a tenth of that on the grid, so that what is compared lies between the inputs.
    """
    reached = table["edge_reached"] == 1 if "edge_reached" in table else np.zeros(len(table), bool)
    if "training_error" not in table or "training_error_truth" not in table:
        return np.asarray(reached)
    most = table["training_error_truth"]
    if "risk_grid" in table:
        most = np.where(most == 0.0, BETWEEN * table["risk_grid"], most)
    return np.asarray(reached | (table["training_error"] <= most))


ARRIVED = replace(STEP_SIZES, arrives=arrived)
WORKING = (
    f"{WORKS} Most of these runs must also have arrived: they reached the edge, or fit the labels at least "
    f"as well as the truth (without noise, their error at the inputs is at most {BETWEEN:g} of that on the "
    "grid). A setting in which too few step sizes do leaves a yes open."
)
