"""The noise of labels from how neighbors differ: an estimate that needs no fit.

With sorted inputs x_1 < … < x_m and labels y_i that are means of c_i measurements of noise σ, the distance of
a label from the line through its two neighbors,

    e_i = a_i y_{i−1} + b_i y_{i+1} − y_i,   a_i = (x_{i+1} − x_i)/(x_{i+1} − x_{i−1}),   b_i = 1 − a_i,

has the variance σ² (a_i²/c_{i−1} + b_i²/c_{i+1} + 1/c_i) around what the truth bends there. The mean of
e_i² over that factor is σ² for an affine truth, and more on average for any other.

Source: Gasser, Sroka and Jennen-Steinmetz, Biometrika 73 (1986).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad

Array = NDArray[np.float64]


def difference_noise(x: Array, y: Array, counts: Array) -> float:
    """Estimate σ from labels y (n,) at inputs x (n,), means of `counts` (n,) measurements each.

    Raises
    ------
    InputError
        For fewer than three distinct inputs with a positive count.
    """
    kept = counts > 0.0
    at, where = np.unique(x[kept], return_inverse=True)
    if at.size < 3:
        raise bad("inputs", "hold at least three that differ, to estimate noise", at.size, "give noise")
    c = np.bincount(where, weights=counts[kept])
    mean = np.bincount(where, weights=(counts * y)[kept]) / c
    left = np.diff(at)[1:] / (at[2:] - at[:-2])
    right = 1.0 - left
    error = left * mean[:-2] + right * mean[2:] - mean[1:-1]
    unit = left**2 / c[:-2] + right**2 / c[2:] + 1.0 / c[1:-1]
    return float(np.sqrt(np.mean(error**2 / unit)))
