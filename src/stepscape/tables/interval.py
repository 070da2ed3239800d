"""Paired differences over seeds, with their interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.errors import bad

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A mean over `count` seeds with its 95 % Student interval; infinite for fewer than two seeds."""

    mean: float
    low: float
    high: float
    count: int

    @property
    def sign(self) -> int:
        """+1 or -1 when the whole interval lies on that side of 0, otherwise 0."""
        return int(self.low > 0.0) - int(self.high < 0.0)

    def __str__(self) -> str:
        ends = [value for value in (self.mean, self.low, self.high) if np.isfinite(value)]
        rounding = 64 * np.finfo(float).eps * max(map(abs, ends), default=0.0)
        mean, low, high = (0.0 if abs(v) <= rounding else v for v in (self.mean, self.low, self.high))
        return f"{mean:.3g} [{low:.3g}, {high:.3g}]"


def mean_interval(values: ArrayLike) -> Interval:
    """Mean ± t·s/√n over the n finite values; t is the 97.5 % quantile of Student's law, n - 1 degrees."""
    from scipy.special import stdtrit

    finite = np.asarray(values, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    n = finite.size
    mean = float(finite.mean()) if n else float("nan")
    if n < 2:
        return Interval(mean, -np.inf, np.inf, n)
    half = float(stdtrit(n - 1, 0.975) * finite.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - half, mean + half, n)


def left_out_best(values: ArrayLike) -> Array:
    """For each row, its value in the column with the smallest mean over all other rows.

    values : (seeds, choices), nan where not measured. A choice made on other seeds makes the value on this
    seed an unbiased sample of what choosing gives; the minimum of each row would be biased down.
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] < 2:
        raise bad("values", "have shape (seeds, choices) with at least 2 seeds", table.shape)
    out = np.full(table.shape[0], np.nan)
    for row in range(table.shape[0]):
        others = np.delete(table, row, axis=0)
        counted = np.isfinite(others)
        sums = np.where(counted, others, 0.0).sum(axis=0)
        means = np.where(counted.any(axis=0), sums / np.maximum(counted.sum(axis=0), 1), np.inf)
        out[row] = table[row, int(np.argmin(means))]
    return out
