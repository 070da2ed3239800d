"""A choice among fits by what each errs at every row, held out: paired differences, not one mean.

Two fits are compared at the same rows. With d_r the difference of their squared errors at row r, averaged
over repeats, the standard error of the mean of d is far smaller than that of either mean error, because what
makes a row hard makes it hard for both.

A mean of squares may be one row's: of a far-out label, or of an end that a fold extrapolates to. If d
vanishes at all rows but one, its mean is exactly one standard error, however large it is there. So two fits
of a path are compared without the row at which they differ most, and no row alone decides for either.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
TIE = 0.25  # of a standard error of the difference: a smaller difference is a tie
RESOLUTION = 1e-20  # in squared standard deviations of the labels: a smaller difference is rounding
ROUNDING = 1e-12  # of what a sum is made of


@dataclass(frozen=True, eq=False)
class HeldOutErrors:
    """Squared errors of C fits at r distinct rows, when these were held out.

    Attributes
    ----------
    errors : (C, r)
    shares : (r,)
        Of the total weight.
    counts : (r,)
        How many equal rows each of them is.
    """

    errors: Array
    shares: Array
    counts: Array

    @property
    def means(self) -> Array:
        """Mean error (C,)."""
        return np.asarray(self.errors @ self.shares)

    def standard_errors(self) -> Array:
        """Return the standard errors (C,) of the means, rows independent."""
        parts = (its * self.shares for its in self.errors)
        return np.array([_standard_error(its, self.shares, self.counts) for its in parts])

    def better(self, one: int, other: int) -> float:
        """By how many standard errors of their differences `one` is better than another; 0 for a tie."""
        parts = (self.errors[other] - self.errors[one]) * self.shares
        gain = float(parts.sum())
        if abs(gain) <= RESOLUTION:
            return 0.0
        error = _standard_error(parts, self.shares, self.counts)
        return gain / error if error > 0.0 else math.copysign(math.inf, gain)

    def simplest(self) -> int:
        """Return the choice among fits in the order of growing complexity.

        It begins with the simplest. Each more complex one takes its place if it is better by more than a
        quarter of the standard error of their differences, without the row at which the two differ most.
        """
        best = 0
        for fit in range(1, len(self.errors)):
            if self._outdoes(fit, best):
                best = fit
        return best

    def _outdoes(self, one: int, other: int) -> bool:
        parts = (self.errors[other] - self.errors[one]) * self.shares
        loudest = int(np.argmax(np.abs(parts) / self.counts))
        kept = np.ones(parts.size)
        kept[loudest] = 1.0 - 1.0 / self.counts[loudest]  # one of the equal rows is left out
        counts = self.counts * kept
        if counts.sum() < 2.0:
            return False
        parts, shares = parts * kept, self.shares * kept
        tie = TIE * _standard_error(parts, shares, counts)
        return float(parts.sum()) > max(tie, RESOLUTION, ROUNDING * float(np.abs(parts).sum()))


def _standard_error(parts: Array, shares: Array, counts: Array) -> float:
    """Return that of a sum of parts (r,), each of which stands for so many equal rows; some for none."""
    rows = float(counts.sum())
    off = parts - float(parts.sum()) / float(shares.sum()) * shares
    spread = float((off[counts > 0.0] ** 2 / counts[counts > 0.0]).sum())
    return math.sqrt(spread * rows / max(rows - 1.0, 1.0))
