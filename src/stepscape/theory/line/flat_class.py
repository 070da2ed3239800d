"""A class of functions of bounded weighted variation, and the largest value of a linear form over it.

The class {∫|h''|g ≤ C, |h_i| ≤ M}, seen at the distinct inputs x_1 < … < x_m of an interval I inside the hull
where g > 0. Between two of them g is concave, so kinks inside a gap may be moved to its ends (as in
`interpolation`): what remains is {Σ_i g̲(x_i)|Δ_i(h)| ≤ C, |h_i| ≤ M} with the slope changes
Δ_i of connect-the-dots, and sup c·h is a linear program, solved in O(m) per step (`bend_program`).

Nothing depends on the solver. With D the matrix of Δ, every multipliers p with |p_i| ≤ λ g̲(x_i) prove

    sup c·h ≤ M ‖c − Dᵀp‖₁ + λ C,

and the solver's h, brought into the class, is a lower bound. The two differ if inputs lie closer together
than 1e-6 of their range without being equal: round such inputs.

Source: derived here; the class is that of Qiao et al. (2024) and of Qiao and Wang (2025).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import finite, nonnegative, pair, positive
from stepscape.errors import bad
from stepscape.theory.line.bend_program import Program, solve
from stepscape.theory.line.distribution import (
    BLOCKS,
    FloatArray,
    InputDistribution,
    averaging,
    factor,
    input_distribution,
    vector,
)
from stepscape.theory.line.second_differences import scaled_rows
from stepscape.theory.line.weight import weight, weight_limits

_TOLERANCE = 1e-9  # of M ‖c‖₁
_MOST_STEPS = 150  # 10 for 30 inputs, 50 for 20 000
_FREE = 1e7  # a kink whose cost is below 1e-7 of the budget is charged that much


@dataclass(frozen=True, eq=False)
class FlatClass:
    """The functions with ∫|h''|g ≤ C and |h(x_i) − center| ≤ M, on the inputs where g is positive.

    Parameters
    ----------
    inputs : (n,), in any order, repeats allowed.
    variation : C ≥ 0, such as the right side of a certificate.
    height : M > 0, such as the largest |f(x_i) − center| of the network that was found.
    weights : (n,), of the examples; None means equal ones.
    counted : (n,) nonnegative, how much each example counts in g, in addition to its weight: a mask of the
        uncertain ones, or their curvatures; None: all alike.
    interval : the inputs to consider lie in it; if it is None or larger, the hull of the inputs that count.
    trainable : the trained blocks, which g depends on.
    center : heights count from here.
    """

    inputs: ArrayLike
    variation: float
    height: float
    weights: ArrayLike | None = None
    counted: ArrayLike | None = None
    interval: tuple[float, float] = (-math.inf, math.inf)
    trainable: Sequence[str] = BLOCKS
    center: float = 0.0

    def __post_init__(self) -> None:
        variation = nonnegative("variation", self.variation, "be finite and nonnegative")
        object.__setattr__(self, "variation", variation)
        object.__setattr__(self, "height", positive("height", self.height))
        object.__setattr__(self, "center", finite("center", self.center))
        object.__setattr__(self, "interval", pair("interval", self.interval))
        for name in ("inputs", "weights", "counted"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, vector(name, getattr(self, name)))
        factor(0.0, self.trainable)  # refuses blocks for which there is no g
        if not self.inside.any():
            raise bad("interval", "hold an input of the hull", self.interval)

    @cached_property
    def _examples(self) -> tuple[FloatArray, FloatArray, InputDistribution]:
        """Inputs, averaging weights, and the distribution that g is made of."""
        x = vector("inputs", self.inputs)
        v = averaging(self.weights, x.size)
        counted = np.ones_like(x) if self.counted is None else vector("counted", self.counted)
        if counted.shape != x.shape:
            raise bad("counted", f"have one entry per input ({x.size})", counted.size)
        return x, v, input_distribution(x, v * counted)

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """Mask (n,) of the examples in I: in the interval, in the hull, of positive weight."""
        x, v, distribution = self._examples
        low, high = distribution.points[[0, -1]]
        low, high = max(self.interval[0], low), min(self.interval[1], high)
        return np.asarray((x >= low) & (x <= high) & (v > 0.0))

    @cached_property
    def share(self) -> float:
        """Weight of I."""
        return float(self._examples[1][self.inside].sum())

    @cached_property
    def averaging(self) -> FloatArray:
        """Weights of the examples in I, of sum 1."""
        return self._examples[1][self.inside] / self.share

    @cached_property
    def points(self) -> FloatArray:
        """Distinct inputs (m,) in I."""
        return np.unique(self._examples[0][self.inside])

    @cached_property
    def cost(self) -> FloatArray:
        """g̲ at the points (m,): the infimum of g around each."""
        points, weights = self._examples[2].points, self._examples[2].weights
        limits = weight_limits(points, weights, self.trainable)
        lowest = weight(self.points, points, weights, trainable=self.trainable)
        at = np.searchsorted(self.points, points)
        known = (at < self.points.size) & (self.points[np.minimum(at, self.points.size - 1)] == points)
        lowest[at[known]] = limits.lowest[known]
        return lowest

    def merge(self, values: FloatArray) -> FloatArray:
        """Sum values of the examples in I over equal inputs."""
        examples = self._examples[0][self.inside]
        where, values = np.searchsorted(self.points, examples), vector("values", values)
        if values.size != examples.size:
            raise bad("values", f"have one entry per example of I ({examples.size})", values.size)
        return np.bincount(where, weights=values, minlength=self.points.size).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Supremum:
    """Bounds on sup c·h over a class, a function that attains the lower one, and the solver's status."""

    upper: float
    lower: float
    function: FloatArray
    status: str


def supremum(flat: FlatClass, coefficients: FloatArray) -> Supremum:
    """Maximize c·h over the class: a program in (h − center)/M and the shares of C that kinks spend.

    Row i is Δ_i in units of what moves the line by 1: its coefficients are at most 1, whatever the gaps. If
    the solver gives up early, the bounds are far apart, at worst 0 and M ‖c‖₁.
    """
    c, x, top = coefficients, flat.points, flat.height
    base, trivial = flat.center * float(c.sum()), top * float(np.abs(c).sum())
    size = float(np.abs(c).max())
    if x.size < 3 or size == 0.0:
        exact = base + trivial
        return Supremum(exact, exact, flat.center + top * np.sign(c), "closed form")
    rows, unit = scaled_rows(x)
    # How far the whole budget can move row i of h/M.
    charged = flat.cost[1:-1] > 0.0
    bend = np.where(charged, unit * flat.variation / (np.where(charged, flat.cost[1:-1], 1.0) * top), np.inf)
    program = Program(c / size, np.minimum(bend, _FREE), rows)
    found = solve(program, _TOLERANCE, _MOST_STEPS)
    function = top * _scale_into(x, np.clip(found.u, -1.0, 1.0), program, bend)
    price = program.price(found.p)
    most = np.where(bend > 0.0, price / np.where(bend > 0.0, bend, 1.0), np.inf)
    p = np.clip(found.p, -most, most)
    upper = top * size * (float(np.abs(program.coefficients - program.pull(p)).sum()) + price)
    done = found.gap <= _TOLERANCE
    status = f"optimal after {found.iterations} steps" if done else f"stopped after {found.iterations} steps"
    return Supremum(base + min(upper, trivial), base + float(c @ function), flat.center + function, status)


def _scale_into(x: FloatArray, u: FloatArray, program: Program, bend: FloatArray) -> FloatArray:
    """Bring u into the budget: mix it with the line through its two ends, which bends nowhere."""
    with np.errstate(divide="ignore", invalid="ignore"):
        spent = float(np.nan_to_num(np.abs(program.bends(u)) / bend, posinf=math.inf).sum())
    line = u[0] + (u[-1] - u[0]) * ((x - x[0]) / (x[-1] - x[0]))
    return np.asarray(line + (u - line) / max(spent, 1.0))
