"""The function-space twin of a step size: least squares with a price on the weighted total variation.

    minimize ½ Σ v_i (f(x_i) − y_i)² + λ ∫|f''|g      over all functions f on the line.

Between two inputs g is concave, so a kink inside a gap may be moved to its two ends at no cost (the proof is
in `interpolation`). What remains are the values u_i = f(x_i) at the distinct inputs and the slope changes
Δ_i(u) of the line that connects them:

    minimize ½ Σ v_i (u_i − y_i)² + λ Σ_i g̲(x_i) |Δ_i(u)|,

a convex program with a unique solution, solved in O(m) per step (`bend_penalty`). Where g̲ is less than g at
an input, the infimum over f is approached by kinks beside the input.

Descent with step size η bounds ∫|f''|g by about 1/η; the f here has the least loss of all functions with the
same ∫|f''|g.

Source: derived here; g is that of Mulayoff et al. (2021) and of Qiao et al. (2024).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stepscape.arguments import nonnegative, reals
from stepscape.errors import bad, beyond_range
from stepscape.theory.line.bend_penalty import Fitted, Penalized, line_of, solve
from stepscape.theory.line.distribution import BLOCKS, FloatArray, input_distribution, relative, vector
from stepscape.theory.line.interpolation import merge_labels
from stepscape.theory.line.second_differences import scaled_rows
from stepscape.theory.line.weight import weight_limits

_TOLERANCE = 1e-10  # of the objective
_MOST_STEPS = 100  # 9 for 30 inputs, 20 for 20 000
_LEAST = 1e-12  # the least penalty that a search tries, as a share of the largest
_SEARCH = 1e-10  # relative accuracy of the penalty that belongs to a variation


@dataclass(frozen=True, eq=False)
class WeightedSpline:
    """The minimizer: a line that bends at some of the inputs.

    Attributes
    ----------
    points, values : the distinct inputs (m,), sorted, and f there.
    slope_changes : (m,), exactly 0 where f does not bend.
    penalty : λ.
    largest_penalty : from this λ on f is the line of least squares.
    variation : Σ_i g̲(x_i) |Δ_i| = inf ∫|f''|g over all functions with these values.
    loss : ½ Σ v_i (f(x_i) − y_i)².
    bound : no function has a smaller loss + λ ∫|f''|g.
    iterations : of the interior-point method.
    """

    points: FloatArray
    values: FloatArray
    slope_changes: FloatArray
    penalty: float
    largest_penalty: float
    variation: float
    loss: float
    bound: float
    iterations: int

    @property
    def objective(self) -> float:
        """Loss + λ ∫|f''|g."""
        return self.loss + self.penalty * self.variation

    @property
    def knots(self) -> FloatArray:
        """Inputs at which f bends."""
        return np.asarray(self.points[self.slope_changes != 0.0])

    def predict(self, x: ArrayLike) -> FloatArray:
        """Return f(x), shape of x; beyond the data f is straight, because a bend there would cost nothing."""
        at = reals("x", x)
        if self.points.size == 1:
            return np.asarray(np.where(np.isnan(at), np.nan, self.values[0]))
        slopes = np.diff(self.values) / np.diff(self.points)
        cell = np.clip(np.searchsorted(self.points, at, side="right") - 1, 0, slopes.size - 1)
        return np.asarray(self.values[cell] + slopes[cell] * (at - self.points[cell]))

    def __repr__(self) -> str:
        return (
            f"WeightedSpline({self.knots.size} knots among {self.points.size} inputs, penalty "
            f"{self.penalty:.4g}, ∫|f''|g = {self.variation:.4g}, loss {self.loss:.4g})"
        )


def weighted_spline(
    inputs: ArrayLike,
    labels: ArrayLike,
    penalty: float | None = None,
    variation: float | None = None,
    weights: ArrayLike | None = None,
    trainable: Sequence[str] = BLOCKS,
) -> WeightedSpline:
    """Minimize ½ Σ v_i (f(x_i) − y_i)² + λ ∫|f''|g over all functions.

    Parameters
    ----------
    inputs, labels : (n,), in any order; equal inputs are merged.
    penalty : λ ≥ 0; 0 connects the dots. Either this or the next one is given.
    variation : C ≥ 0; the loss is minimized over ∫|f''|g ≤ C instead, and λ is the multiplier that does it.
    weights : (n,), normalized to the sum 1; None means 1/n each.
    trainable : the trained blocks, which g depends on.

    Raises
    ------
    InputError
        If both or none of penalty and variation are given, or a number does not fit float64.
    """
    if (penalty is None) == (variation is None):
        came = "none of them" if penalty is None else "both"
        raise bad("penalty and variation", "be given one without the other", came)
    data = _data(inputs, labels, weights, trainable)
    if penalty is not None:
        return data.at(nonnegative("penalty", penalty))
    assert variation is not None
    return _of_variation(data, nonnegative("variation", variation))


@dataclass(frozen=True, eq=False)
class _Data:
    """The program but for λ, with labels that are counted from `center` in units of `size`."""

    points: FloatArray
    program: Penalized  # prices: of λ = 1
    unit: FloatArray
    center: float
    size: float
    within: float  # ½ Σ v (y − mean of its input)², which no function lowers
    largest: float

    def at(self, penalty: float) -> WeightedSpline:
        """Solve for one λ."""
        return self.spline(penalty, self.fitted(penalty))

    def fitted(self, penalty: float) -> Fitted:
        """Solve in the units of the program."""
        y = self.program.labels
        if not self.unit.size:
            return Fitted(y, np.zeros(0), 0.0, 0)
        prices = self.program.prices * (penalty / self.size)
        program = Penalized(self.program.averaging, y, self.program.rows, prices)
        if penalty >= self.largest:
            return Fitted(line_of(program)[0], np.zeros_like(prices), 0.0, 0)
        return solve(program, _TOLERANCE, _MOST_STEPS)

    def spline(self, penalty: float, found: Fitted) -> WeightedSpline:
        """Return to the units of the data."""
        changes = np.zeros_like(self.points)
        changes[1:-1] = self.size * found.bends / self.unit if self.unit.size else 0.0
        rest = found.u - self.program.labels
        loss = self.within + self.size * self.size * float(self.program.averaging @ rest**2) / 2.0
        variation = self.variation(found)
        return WeightedSpline(
            points=self.points,
            values=self.center + self.size * found.u,
            slope_changes=changes,
            penalty=penalty,
            largest_penalty=self.largest,
            variation=variation,
            loss=loss,
            bound=loss + penalty * variation - self.size * self.size * found.gap,
            iterations=found.iterations,
        )

    def variation(self, found: Fitted) -> float:
        """Σ g̲ |Δ|."""
        return self.size * float(self.program.prices @ np.abs(found.bends)) if self.unit.size else 0.0


def _data(inputs: ArrayLike, labels: ArrayLike, weights: ArrayLike | None, trainable: Sequence[str]) -> _Data:
    distribution = input_distribution(inputs, weights)
    x, v = distribution.points, distribution.masses
    with np.errstate(over="ignore", invalid="ignore"):
        y, _ = merge_labels(distribution, inputs, labels, weights)
        lowest = weight_limits(inputs, weights, trainable).lowest
        center = float(v @ y)
        size = float(np.abs(y - center).max()) or 1.0
        within = _within(vector("inputs", inputs), vector("labels", labels), weights, x, y)
        rows, unit = scaled_rows(x) if x.size > 2 else (np.zeros((3, 0)), np.zeros(0))
        prices = lowest[1:-1] / unit if x.size > 2 else np.zeros(0)
    if not (np.isfinite(prices).all() and math.isfinite(size * size + within)):
        raise beyond_range("the objective")
    program = Penalized(v, (y - center) / size, rows, prices)
    return _Data(x, program, unit, center, size, within, size * _largest(program))


def _within(
    x: FloatArray, y: FloatArray, weights: ArrayLike | None, points: FloatArray, mean: FloatArray
) -> float:
    v = relative(weights, x.size)
    kept = v > 0.0
    rest = y[kept] - mean[np.searchsorted(points, x[kept])]
    return float(v[kept] @ rest**2) / float(v.sum()) / 2.0


def _largest(program: Penalized) -> float:
    """Return the least λ at which the line of least squares is the minimizer."""
    if not program.prices.size:
        return 0.0
    _, p = line_of(program)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.nan_to_num(np.abs(p) / program.prices, nan=0.0).max())


def _of_variation(data: _Data, variation: float) -> WeightedSpline:
    """Find λ: the variation of the minimizer falls as λ grows, and is continuous."""
    from scipy.optimize import brentq

    whole = data.at(0.0)
    if variation >= whole.variation or data.largest == 0.0:
        return whole
    if variation == 0.0:
        return data.at(data.largest)

    def excess(logarithm: float) -> float:
        return data.variation(data.fitted(math.exp(logarithm))) - variation

    low, high = math.log(data.largest * _LEAST), math.log(data.largest)
    if excess(low) <= 0.0:
        return data.at(data.largest * _LEAST)
    return data.at(math.exp(brentq(excess, low, high, xtol=_SEARCH, rtol=4 * np.finfo(float).eps)))
