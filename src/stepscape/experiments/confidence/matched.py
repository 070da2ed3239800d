"""The effect of a flag on a measurement among runs of equal setting: cells and seeds are taken out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def matched_effect(values: ArrayLike, flags: ArrayLike, cells: ArrayLike, seeds: ArrayLike) -> Array:
    """Return one pseudo-value for each seed of the effect δ in values = cell + seed + δ·flag.

    δ is fitted by least squares, so that runs are compared within their cell, and data sets that are harder
    in every cell do not count. The pseudo-values n δ − (n − 1) δ₋ₛ of the jackknife, with δ₋ₛ fitted without
    seed s, have mean near δ, and the spread of n independent values. A seed without which no cell has both
    kinds gives nan.
    """
    y, flag = np.asarray(values, np.float64), np.asarray(flags, np.float64)
    cell, seed = np.asarray(cells), np.asarray(seeds)
    known = np.isfinite(y)
    y, flag, cell, seed = y[known], flag[known], cell[known], seed[known]
    names = np.unique(seed)
    whole = _effect(y, flag, cell, seed)
    without = np.array([_effect(*(column[seed != s] for column in (y, flag, cell, seed))) for s in names])
    return np.asarray(names.size * whole - (names.size - 1) * without, np.float64)


def _effect(y: Array, flag: Array, cell: NDArray[np.generic], seed: NDArray[np.generic]) -> float:
    if not y.size:
        return float("nan")
    others = np.column_stack([labels[:, None] == np.unique(labels) for labels in (cell, seed)]).astype(float)
    rest = flag - others @ np.linalg.lstsq(others, flag, rcond=None)[0]
    size = float(rest @ rest)
    return float(rest @ y) / size if size > 1e-9 * flag.size else float("nan")
