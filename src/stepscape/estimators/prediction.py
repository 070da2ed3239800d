"""What a fit predicts: the midpoint network, continued as a straight line outside the training inputs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import beyond_range
from stepscape.network import TwoLayerReLU
from stepscape.problems.problem import Problem
from stepscape.problems.user.units import Standardized, TwoClasses, hull
from stepscape.training.trajectory import Snapshot, Trajectory, midpoint_network

Array = NDArray[np.float64]
Data = Standardized | TwoClasses
AT_END = 1e-9  # of the range of the inputs: a knot as near to an end of it lies at the end


@dataclass(frozen=True, eq=False)
class Prediction:
    """The midpoint of the last two iterates over the hull of the inputs; beyond it, its last inner pieces.

    A network bends outside its data too, at knots that no example moves: a third of those of a random start
    lie there. A fit does not: f(x) = f(end) + slope of the last piece before the end · (x − end). Sharpness,
    knots and certificates describe the midpoint network; the weight g of their variation vanishes outside the
    hull.

    Attributes
    ----------
    network, network_before : TwoLayerReLU
        The last two iterates.
    hull : (float, float)
        Least and greatest input.
    ends : (float, float)
        The same as training sees them: rounded, or of the means of bins.
    """

    network: TwoLayerReLU
    network_before: TwoLayerReLU
    hull: tuple[float, float]
    ends: tuple[float, float]

    @classmethod
    def of(cls, data: Data, problem: Problem, state: Trajectory | Snapshot) -> Prediction:
        """Prediction of a state of training on the problem of some data."""
        return cls(state.network, state.network_before, hull(data, problem), problem.line.hull)

    @cached_property
    def midpoint(self) -> TwoLayerReLU:
        """The network with the mean parameters of the two."""
        return midpoint_network(self.network, self.network_before)

    def __call__(self, x: Array) -> Array:
        """Values at x (m,); refused where one is beyond the range of numbers."""
        network = self.midpoint
        inside = np.clip(x, *self.hull)
        beyond = x - inside
        left, right = end_slopes(network, *self.ends)
        with np.errstate(over="ignore", invalid="ignore"):
            values = network.predict(inside) + np.where(beyond < 0.0, left, right) * beyond
        if not np.isfinite(values).all():
            raise beyond_range("a prediction so far from the data")
        return np.asarray(values)


def end_slopes(network: TwoLayerReLU, low: float, high: float) -> tuple[float, float]:
    """Slopes of the first and of the last piece of a network over [low, high]; 0 where that is one point."""
    if low == high:
        return 0.0, 0.0
    return _slope_beside(network, low, 1.0, high - low), _slope_beside(network, high, -1.0, high - low)


def _slope_beside(network: TwoLayerReLU, end: float, side: float, length: float) -> float:
    """Slope just right (side 1) or left (-1) of an end: Σ w1 w2 over the neurons that are active there."""
    before = network.w1 * end + network.b1
    at_end = np.abs(before) <= AT_END * length * np.abs(network.w1)
    active = np.where(at_end, side * network.w1 > 0.0, before > 0.0)
    return float(np.sum(network.w1[active] * network.w2[active]))
