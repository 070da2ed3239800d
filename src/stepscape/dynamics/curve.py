"""A curve of parameters over time, and the distance of two of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import function, nonnegative, reals, whole
from stepscape.errors import bad, expect

Array = NDArray[np.float64]


NOT_GIVEN = np.empty(0)


@dataclass(frozen=True, eq=False)
class Curve:
    """Parameters at some times, the first of them 0, and how far a swing of period two leads from them.

    Attributes
    ----------
    time : (m,) increasing; for descent Σ η, over 1 − β with momentum.
    theta : parameters, a row for each time (m, size): the middle of the swing.
    loss : (m,) at `theta`.
    error : (m,) estimate of the distance from the exact curve; 0 for descent, which is exact by definition;
        nan where it was not measured.
    amplitude : (m,) length of half the swing, ‖θ_t − θ_{t−1}‖/2 for descent; 0 for a curve that has none.
    mean_loss : (m,) mean of the loss over the swing, ½ L(θ_t) + ½ L(θ_{t−1}) for descent; `loss` without one.
    swing : half the swing x, a row for each time: the iterates alternate between θ + x and θ − x; empty
        without one.
    notes : further numbers (m,) of each time, by name.
    """

    time: Array
    theta: Array
    loss: Array
    error: Array
    amplitude: Array = field(default_factory=lambda: NOT_GIVEN)
    mean_loss: Array = field(default_factory=lambda: NOT_GIVEN)
    swing: Array = field(default_factory=lambda: NOT_GIVEN)
    notes: Mapping[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.amplitude is NOT_GIVEN:
            object.__setattr__(self, "amplitude", np.zeros(len(self.time)))
        if self.mean_loss is NOT_GIVEN:
            object.__setattr__(self, "mean_loss", self.loss)

    def smoothed(self, window: int) -> Curve:
        """Average over so many neighboring points; the times are those of the middles of the windows.

        Amplitudes are averaged as root mean squares, since the loss of a swing grows with its square; the
        error is the largest in the window. The swing, which changes its sign, has no average and is left out.

        Raises
        ------
        InputError
            For a window of more points than there are.
        """
        width = whole("window", window, 1, len(self.time))
        if width == 1:
            return self
        return Curve(
            time=_means(self.time, width),
            theta=_means(self.theta, width),
            loss=_means(self.loss, width),
            error=np.lib.stride_tricks.sliding_window_view(self.error, width).max(axis=1),
            amplitude=np.sqrt(_means(self.amplitude**2, width)),
            mean_loss=_means(self.mean_loss, width),
            notes={name: _means(each, width) for name, each in self.notes.items()},
        )

    def __repr__(self) -> str:
        largest = float(self.error.max())
        error = f", error {largest:.2g}" if np.isfinite(largest) else ""
        return f"Curve({self.time.size} points to time {self.time[-1]:.4g}{error})"


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
    loss : (m,) log of the first curve's mean loss over that of the second.
    """

    time: Array
    parameters: Array
    function: Array
    moved: Array
    error: Array
    loss: Array = field(default_factory=lambda: NOT_GIVEN)

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


def compare(flow: Curve, run: Curve, values: Callable[[Array], Array] | None = None, window: int = 1) -> Gap:
    """Measure the distance of two curves, such as gradient flow and descent, at their common times.

    Parameters
    ----------
    flow, run : curves of parameters of one size; times agree to 1e-9 of the last one.
    values : function of θ with values (n,), whose root mean square distance is measured, too.
    window : both curves are averaged over so many points first, see `Curve.smoothed`; 1 for no average. A
        curve that is averaged must have all its points in common with the other.

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
    if whole("window", window, 1) > 1:
        if not one.size == flow.time.size == run.time.size:
            got = f"{one.size} of {flow.time.size} and {run.time.size}"
            raise bad("flow and run", "have all their times in common for an average", got)
        flow, run = flow.smoothed(window), run.smoothed(window)
        one = other = np.arange(flow.time.size)
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
        loss=_log_ratio(flow.mean_loss[one], run.mean_loss[other]),
    )


def _means(values: Array, width: int) -> Array:
    """Means over so many neighboring rows (m − width + 1, …)."""
    sums = np.cumsum(np.concatenate([np.zeros_like(values[:1]), values]), axis=0)
    return np.asarray((sums[width:] - sums[:-width]) / width)


def _log_ratio(one: Array, other: Array) -> Array:
    """log(one/other) where both are positive; nan elsewhere."""
    known = (one > 0.0) & (other > 0.0)
    ratio = np.divide(one, other, out=np.full(one.shape, np.nan), where=known)
    return np.asarray(np.log(ratio, out=ratio, where=known))


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
