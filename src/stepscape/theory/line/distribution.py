"""The weighted distribution of the inputs, its tails, and how they depend on the trained blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import reals
from stepscape.errors import bad, shown, unknown

FloatArray = NDArray[np.float64]

BLOCKS = ("w1", "b1", "w2", "b2")


@dataclass(frozen=True, eq=False)
class InputDistribution:
    """Distinct sorted points on the line (m,) and their positive weights (m,), which have any sum."""

    points: FloatArray
    weights: FloatArray

    @cached_property
    def total(self) -> float:
        """Sum of the weights."""
        return float(self.weights.sum())

    @cached_property
    def masses(self) -> FloatArray:
        """Probabilities (m,)."""
        return self.weights / self.total

    @cached_property
    def largest(self) -> float:
        """Largest |x| of the points."""
        return float(np.abs(self.points).max())

    @cached_property
    def reflected(self) -> InputDistribution:
        """The distribution of −X."""
        return InputDistribution(-self.points[::-1], self.weights[::-1])

    @cached_property
    def _tails(self) -> tuple[FloatArray, FloatArray]:
        """W_i = Σ_{l ≥ i} w_l and S_i = Σ_{l ≥ i} w_l (x_l − x_i), for i = 0..m.

        S_i = S_{i+1} + W_{i+1} (x_{i+1} − x_i) has no negative term: a mean loses nothing to a gap that is
        tiny beside the hull, nor to a hull that is tiny beside |x|.
        """
        mass = _from_the_right(self.weights)
        return mass, _from_the_right(np.append(mass[1:-1] * np.diff(self.points), 0.0))

    def tail(self, t: FloatArray, closed: bool = False) -> tuple[FloatArray, FloatArray, FloatArray]:
        """P = P(X > t), E = E[X | X > t] and E − t, arrays of the shape of t; zeros where the tail is empty.

        With ``closed`` the event is X ≥ t: the limit from the left.
        """
        first = np.searchsorted(self.points, t, side="left" if closed else "right")
        mass, spread = self._tails
        some = first < self.points.size
        start = self.points[np.minimum(first, self.points.size - 1)]
        beyond = spread[first] / np.where(some, mass[first], 1.0)
        with np.errstate(invalid="ignore"):
            excess = beyond + (start - t)
        return (
            mass[first] / self.total,
            np.where(some, start + beyond, 0.0),
            np.where(some, excess, 0.0),
        )


def _from_the_right(values: FloatArray) -> FloatArray:
    return np.append(np.cumsum(values[::-1])[::-1], 0.0)


def input_distribution(inputs: ArrayLike, weights: ArrayLike | None = None) -> InputDistribution:
    """Merge equal inputs, drop those of weight zero.

    Parameters
    ----------
    inputs : (n,), finite, in any order.
    weights : (n,), nonnegative with a positive sum; None means equal weights.
    """
    x = vector("inputs", inputs)
    v = relative(weights, x.size)
    points, where = np.unique(x[v > 0], return_inverse=True)
    return InputDistribution(points, np.bincount(where, weights=v[v > 0]).astype(np.float64))


def relative(weights: ArrayLike | None, size: int) -> FloatArray:
    """Weights (n,) over a power of two, all at most 1: they keep every bit, and no sum of them overflows."""
    v = np.ones(size) if weights is None else vector("weights", weights)
    if v.size != size:
        raise bad("weights", f"have one entry per input ({size})", v.size)
    if (v < 0).any():
        raise bad("weights", "be nonnegative", float(v.min()))
    if not (v > 0).any():
        raise bad("weights", "have a positive sum", 0.0)
    return np.asarray(np.ldexp(v, -int(np.frexp(v.max())[1])))


def averaging(weights: ArrayLike | None, size: int) -> FloatArray:
    """Weights (n,) of sum 1; None means equal ones."""
    v = relative(weights, size)
    return np.asarray(v / v.sum())


def vector(name: str, values: ArrayLike) -> FloatArray:
    """Return a finite, non-empty float64 vector, or say what came instead."""
    x = reals(name, values)
    if x.ndim != 1 or x.size == 0:
        raise bad(name, "be a non-empty vector", f"shape {x.shape}")
    if not np.isfinite(x).all():
        raise bad(name, "be finite", x[~np.isfinite(x)][0])
    return x


def no_bound(trainable: Sequence[str]) -> tuple[str, ...]:
    """Say why no weighted-variation bound exists for these trained blocks; () if one exists.

    Without w2 a network can shrink w2 and stretch w1 (a sharp function at no curvature); with neither w1
    nor b1 it can do the reverse.
    """
    if not isinstance(trainable, Sequence | frozenset | set) or isinstance(trainable, str | bytes):
        raise bad("trainable", f"list blocks among {', '.join(BLOCKS)}", shown(trainable))
    for block in trainable:
        if not isinstance(block, str) or block not in BLOCKS:
            raise unknown("block", block, BLOCKS)
    return tuple(
        sentence
        for sentence, met in (
            ("w2 is trained", "w2" in trainable),
            ("w1 or b1 is trained", "w1" in trainable or "b1" in trainable),
        )
        if not met
    )


def factor(x: FloatArray | float, trainable: Sequence[str] = BLOCKS) -> FloatArray:
    """Norm of (x, 1) on the trained ones of (w1, b1): √(1 + x²), 1 without w1, |x| without b1.

    It enters twice. Per neuron, with P the active mass, E the active mean and τ the knot, the averaged
    tangent feature has the entries w2·P·E (block w1), w2·P (block b1) and w1·P·(E − τ) (block w2), so by
    the inequality of the means, over the trained blocks only,

        w2²P²·factor(E)² + w1²P²(E − τ)²  ≥  2 |w1 w2| · P² |E − τ| factor(E),

    and the residual block of the Hessian has the norm |Σ v_i r_i s_i (x_i, 1)| ≤ factor(x_max)·Σ v_i |r_i|.
    """
    missing = no_bound(trainable)
    if missing:
        raise bad("trainable", "hold w2 and at least one of w1 and b1", tuple(trainable))
    size = np.asarray(np.abs(x), dtype=np.float64)
    if "w1" not in trainable:
        return np.ones_like(size)
    return size if "b1" not in trainable else np.hypot(1.0, size)
