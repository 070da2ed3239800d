"""Columns in units of their own: mean 0, standard deviation 1, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Units:
    """What is taken off each column, what it is then divided by, and whether it is constant; shapes (p,)."""

    middle: Array
    scale: Array
    constant: NDArray[np.bool_]

    def applied(self, values: Array) -> Array:
        """Return the numbers (n, p) in these units."""
        return np.asarray((values - self.middle) / self.scale)

    def undone(self, values: Array) -> Array:
        """Return numbers (n, p) in these units as they were; a constant column is its constant, exactly."""
        return np.where(self.constant, self.middle, values * self.scale + self.middle)


def own_units(values: Array, seen: NDArray[np.bool_]) -> Units:
    """Mean and standard deviation (over n) of the observed numbers of each column.

    A constant column has the scale 1: less its mean, it is 0 in any units. Numbers are first divided by a
    power of two, exactly, so that no square overflows.
    """
    kept = np.where(seen, values, 0.0)
    count = seen.sum(axis=0)
    _, power = np.frexp(np.abs(kept).max(axis=0))
    small = np.ldexp(kept, -power)
    low, high = _extremes(small, seen)
    middle = np.where(low == high, low, small.sum(axis=0) / count)
    off = np.where(seen, small - middle, 0.0)
    scale = np.sqrt((off**2).sum(axis=0) / count)
    constant = (low == high) | (scale == 0.0)
    return Units(np.ldexp(middle, power), np.where(constant, 1.0, np.ldexp(scale, power)), constant)


def one_unit(values: Array, seen: NDArray[np.bool_]) -> Units:
    """Nothing is taken off, and all columns are divided by the root mean square of what was observed."""
    kept = np.where(seen, values, 0.0)
    _, power = np.frexp(np.abs(kept).max())
    square = float((np.ldexp(kept, -power) ** 2).sum() / seen.sum())
    scale = float(np.ldexp(np.sqrt(square), power)) or 1.0
    width = values.shape[1]
    return Units(np.zeros(width), np.full(width, scale), np.zeros(width, dtype=np.bool_))


def is_constant(values: Array, seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which columns (p,) hold one number only, however often."""
    low, high = _extremes(values, seen)
    return np.asarray(low == high)


def _extremes(values: Array, seen: NDArray[np.bool_]) -> tuple[Array, Array]:
    low = np.where(seen, values, np.inf).min(axis=0)
    return low, np.where(seen, values, -np.inf).max(axis=0)
