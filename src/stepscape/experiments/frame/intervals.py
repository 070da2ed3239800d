"""The intervals of deciders: over seeds, simultaneous over cells, of a share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.experiments.frame.limits import LEVEL
from stepscape.tables.interval import Interval, left_out_best

__all__ = ["Interval", "design_effect", "left_out_best", "simultaneous", "student", "wilson"]

Array = NDArray[np.float64]


def student(values: ArrayLike, together: int = 1) -> Interval:
    """Mean ± t s/√n over the n finite values, at level 95 %; of `together` intervals at once (Bonferroni).

    Infinite for fewer than two values.
    """
    from scipy.special import stdtrit

    finite = np.asarray(values, np.float64).ravel()
    finite = finite[np.isfinite(finite)]
    n = finite.size
    mean = float(finite.mean()) if n else float("nan")
    if n < 2:
        return Interval(mean, -np.inf, np.inf, n)
    tail = 0.5 * (1.0 - LEVEL) / together
    half = float(stdtrit(n - 1, 1.0 - tail) * finite.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - half, mean + half, n)


def simultaneous(values: Sequence[ArrayLike], at_once: int = 1) -> list[Interval]:
    """Return the interval of each cell; all hold together with probability 95 %, over `at_once` questions."""
    return [student(each, together=at_once * len(values)) for each in values]


def wilson(found: int, total: int, design: float = 1.0, together: int = 1) -> Interval:
    """Wilson's interval of a share; `design` ≥ 1 divides the number of runs that are not independent.

    `together`: as in `student`.
    """
    from scipy.special import ndtri

    if not total:
        return Interval(float("nan"), 0.0, 1.0, 0)
    share, n, z = found / total, total / design, float(ndtri(0.5 + 0.5 * (1.0 - (1.0 - LEVEL) / together)))
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # The ends contain the share itself, which rounding must not put outside.
    low, high = min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))
    return Interval(share, float(low), float(high), total)


def design_effect(flags: ArrayLike, groups: ArrayLike) -> float:
    """Variance of the share when whole groups (seeds) are drawn, over that of as many independent runs.

    If all flags are equal, nothing shows how much the runs of a group depend on each other: then each group
    counts as one run.
    """
    yes, of = np.asarray(flags, np.float64), np.asarray(groups)
    share, names = yes.mean(), np.unique(of)
    if share in (0.0, 1.0) or names.size < 2:
        return float(yes.size / names.size)
    off = np.array([(yes[of == name] - share).sum() for name in names])
    clustered = names.size / (names.size - 1) * float(off @ off) / yes.size**2
    return max(1.0, clustered / float(share * (1 - share) / yes.size))
