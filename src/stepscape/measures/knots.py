"""Knots that an eye can tell apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.network import TwoLayerReLU

Array = NDArray[np.float64]
CELL, SHARE = 0.01, 0.01


def visible_knots(network: TwoLayerReLU, low: float, high: float) -> tuple[Array, Array]:
    """Knots of a network that an eye can tell apart, and their changes of slope.

    Knots strictly between low and high fall into cells of 1 % of the range; a cell counts when its net change
    of slope is at least 1 % of the sum over cells. Its place is the mean of its knots weighted by |change|.
    """
    inside = (network.knots > low) & (network.knots < high)
    at, jumps = network.knots[inside], network.jumps[inside]
    if at.size == 0:
        return at, jumps
    cell = np.floor((at - low) / (CELL * (high - low))).astype(np.int64)
    size = np.bincount(cell, np.abs(jumps))
    place = np.bincount(cell, np.abs(jumps) * at) / np.where(size > 0, size, 1.0)
    net = np.bincount(cell, jumps)
    keep = (np.abs(net) >= SHARE * np.abs(net).sum()) & (net != 0)
    return place[keep], net[keep]
