"""The slopes of a function on a grid, by which the claims about deep networks call it simple."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def total_variation(x: Array, f: Array) -> float:
    """Return the total variation of the slopes of a function on a grid: ∫|f''|, without units.

    >>> total_variation(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 0.0]))
    2.0
    """
    return float(np.abs(np.diff(np.diff(f) / np.diff(x))).sum())
