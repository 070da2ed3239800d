"""Lines that bend at inputs: least squares with a price on every bend, along a path of penalties.

In standardized units, with weights v of sum 1 and the price ω = g^α of `stepscape.theory.line.bend_prices`,

    minimize ½ Σ v_i (f(x_i) − y_i)² + λ ∫|f''|ω      over all functions f on the line.

The minimizers are exact up to rounding, and each comes with its duality gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stepscape.kernels import bent_line as kernel
from stepscape.measures.measures import PIECE_TOLERANCE
from stepscape.measures.pieces import linear_pieces
from stepscape.network import TwoLayerReLU
from stepscape.problems.user.units import Standardized
from stepscape.theory.line.bend_prices import bend_prices

Array = NDArray[np.float64]
COUNT, PER_DECADE = 48, 6  # penalties of a path
MOST_BENDS = 1000  # a path ends at the first fit that has more


@dataclass(frozen=True, eq=False)
class BentLine:
    """A function that is linear between nodes, and continued by its first and its last piece.

    Attributes
    ----------
    at : (k + 2,)
        Which of the distinct inputs the nodes are; the first and the last input are two of them.
    nodes, values : (k + 2,)
        The inputs themselves, increasing, and f there.
    """

    at: NDArray[np.int64]
    nodes: Array
    values: Array

    @cached_property
    def slopes(self) -> Array:
        """Slopes (k + 1,) of the pieces."""
        return np.asarray(np.diff(self.values) / np.diff(self.nodes))

    @property
    def bends(self) -> Array:
        """Slope change (k,) at each node between the two ends."""
        return np.diff(self.slopes)

    def __call__(self, x: Array) -> Array:
        """Values at x (q,), in any order; not a number, or infinite, where one is beyond the range."""
        order = np.argsort(x)
        out = np.empty(x.size)
        first, nodes = np.array([0, self.nodes.size]), np.arange(self.nodes.size)
        out[order] = kernel.values_at(x[order], self.nodes, first, nodes, self.values)[0]
        return out

    @property
    def pieces(self) -> int:
        """Lines that draw f within 5 % of the standard deviation of the labels, which is 1."""
        return linear_pieces(self.nodes, self.values, PIECE_TOLERANCE)

    @property
    def network(self) -> TwoLayerReLU:
        """The same function: one neuron for each bend, and two that are the first piece on either side."""
        start, slope = self.nodes[0], self.slopes[0]
        w1 = np.concatenate([[-1.0, 1.0], np.ones(self.bends.size)])
        knots = np.concatenate([[start, start], self.nodes[1:-1]])
        w2 = np.concatenate([[-slope, slope], self.bends])
        return TwoLayerReLU(w1, -w1 * knots, w2, float(self.values[0]))


@dataclass(frozen=True, eq=False)
class BentLines:
    """The minimizers for falling penalties.

    Attributes
    ----------
    alpha : float
    penalties : (L,)
    gaps : (L,)
        Objective less a lower bound of it.
    inputs : (m,)
    first : (L + 1,)
        Minimizer j has the nodes ``nodes[first[j]:first[j + 1]]``, numbers of inputs.
    nodes, values
    """

    alpha: float
    penalties: Array
    gaps: Array
    inputs: Array
    first: NDArray[np.int64]
    nodes: NDArray[np.int64]
    values: Array

    @classmethod
    def of(
        cls, data: Standardized, alpha: float, penalties: Array, most_bends: int | None = None
    ) -> BentLines:
        """Minimize for each penalty, or up to the first whose fit has more than `most_bends` bends."""
        most = data.size if most_bends is None else most_bends
        parts = _parts(data, alpha)
        first, nodes, values, gaps = kernel.bent_lines(*parts, np.asarray(penalties, np.float64), most)
        return cls(alpha, penalties[: gaps.size], gaps, data.x, first, nodes, values)

    @property
    def bends(self) -> NDArray[np.int64]:
        """Number (L,) of bends."""
        return np.diff(self.first) - 2

    def __getitem__(self, j: int) -> BentLine:
        part = slice(self.first[j], self.first[j + 1])
        return BentLine(self.nodes[part], self.inputs[self.nodes[part]], self.values[part])

    def predict(self, x: Array) -> Array:
        """Values (L, q) at increasing x (q,)."""
        return np.asarray(kernel.values_at(x, self.inputs, self.first, self.nodes, self.values))


def whole_path(data: Standardized, alpha: float) -> BentLines:
    """Minimize from the largest penalty, where f is the line of least squares, downward: six a decade."""
    largest = kernel.largest_penalty(*_parts(data, alpha))
    path = largest * 10.0 ** (-np.arange(COUNT) / PER_DECADE) if largest else np.zeros(1)
    return BentLines.of(data, alpha, path, MOST_BENDS)


def price_of_bends(data: Standardized, alpha: float, line: BentLine) -> float:
    """∫|f''|ω."""
    return float(bend_prices(data.x, data.weights, alpha)[line.at[1:-1]] @ np.abs(line.bends))


def _parts(data: Standardized, alpha: float) -> tuple[Array, Array, Array, Array]:
    """Return inputs, labels, weights of sum 1, and prices."""
    shares = data.weights / data.weights.sum()
    return data.x, data.y, shares, bend_prices(data.x, data.weights, alpha)
