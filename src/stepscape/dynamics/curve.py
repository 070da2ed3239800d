"""A curve of parameters over time, and the distance of two of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import function, nonnegative, reals
from stepscape.errors import bad, expect

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """Parameters at some times, the first of them 0.

    Attributes
    ----------
    time : (m,) increasing; for descent Σ η.
    theta : parameters, a row for each time (m, size).
    loss : (m,).
    error : (m,) estimate of the distance from the exact curve; 0 for descent, which is exact by definition.
    """

    time: Array
    theta: Array
    loss: Array
    error: Array

    def __repr__(self) -> str:
        largest = float(self.error.max())
        return f"Curve({self.time.size} points to time {self.time[-1]:.4g}, error {largest:.2g})"


@dataclass(frozen=True, eq=False)
class Gap:
    """The distance of two curves at the times that both have.

    Attributes
    ----------
    time : (m,).
    parameters : (m,) ‖θ − θ'‖.
    function : (m,) root mean square distance of the values; nan where no values were asked for.
    moved : (m,) how far the first curve has moved from its start, ‖θ(t) − θ(0)‖.
    error : (m,) sum of the errors of both curves.
    """

    time: Array
    parameters: Array
    function: Array
    moved: Array
    error: Array

    @property
    def relative(self) -> Array:
        """Distance over the largest move of the first curve so far (m,); 0 at the start."""
        furthest = np.maximum.accumulate(self.moved)
        return np.divide(self.parameters, furthest, out=np.zeros_like(furthest), where=furthest > 0.0)

    def parts(self, share: float) -> float:
        """First time from which the relative distance stays above a share; ∞ if it does not."""
        limit = nonnegative("share", share)
        inside = np.flatnonzero(~(self.relative > limit))
        first = int(inside[-1]) + 1 if inside.size else 0
        return float(self.time[first]) if first < self.time.size else float("inf")


def compare(flow: Curve, run: Curve, values: Callable[[Array], Array] | None = None) -> Gap:
    """Measure the distance of two curves, such as gradient flow and descent, at their common times.

    Parameters
    ----------
    flow, run : curves of parameters of one size; times agree to 1e-9 of the last one.
    values : function of θ with values (n,), whose root mean square distance is measured, too.

    Raises
    ------
    InputError
        For curves of different sizes, or without a common time.
    """
    expect("flow", flow, Curve)
    expect("run", run, Curve)
    if flow.theta.shape[1] != run.theta.shape[1]:
        got = f"{flow.theta.shape[1]} and {run.theta.shape[1]}"
        raise bad("flow and run", "have parameters of one size", got)
    one, other = _common(flow.time, run.time)
    if not one.size:
        raise bad("flow and run", "have a time in common", "none")
    apart = np.full(one.size, np.nan)
    if values is not None:
        function("values", values)
        pairs = zip(flow.theta[one], run.theta[other], strict=True)
        apart = np.array([_distance(values(a), values(b)) for a, b in pairs])
    return Gap(
        time=flow.time[one],
        parameters=np.linalg.norm(flow.theta[one] - run.theta[other], axis=1),
        function=apart,
        moved=np.linalg.norm(flow.theta[one] - flow.theta[0], axis=1),
        error=flow.error[one] + run.error[other],
    )


def _common(one: Array, other: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the places of the times that two increasing rows share."""
    after = np.searchsorted(other, one).clip(max=other.size - 1)
    before = (after - 1).clip(min=0)
    near = np.where(np.abs(other[before] - one) <= np.abs(other[after] - one), before, after)
    keep = np.abs(other[near] - one) <= 1e-9 * max(float(one[-1]), float(other[-1]))
    return np.flatnonzero(keep), near[keep]


def _distance(one: Array, other: Array) -> float:
    gap = reals("values", one) - reals("values", other)
    return float(np.sqrt(np.mean(gap * gap)))
