"""What a fit predicts: the midpoint network, as far as examples have a say in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import beyond_range
from stepscape.network import PAIRS, TwoLayerReLU
from stepscape.problems.problem import Problem
from stepscape.problems.user.units import Standardized, TwoClasses, hull
from stepscape.training.trajectory import Snapshot, Trajectory, midpoint_network

Array = NDArray[np.float64]
Data = Standardized | TwoClasses
State = Trajectory | Snapshot
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
    def of(cls, data: Data, problem: Problem, state: State) -> Prediction:
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


@dataclass(frozen=True, eq=False)
class PlanePrediction:
    """The midpoint of the last two iterates over several features, without neurons that no example moves.

    A neuron that is active at no example receives no gradient: its weights are those that it had when the
    last example left it, and what it adds elsewhere says nothing about the data. Leaving such neurons out
    changes no value at the examples. Beyond the data every other neuron continues.

    Attributes
    ----------
    network, network_before : TwoLayerReLU
        The last two iterates.
    kept : (k,)
        Mask of the neurons whose midpoint is active at some example.
    """

    network: TwoLayerReLU
    network_before: TwoLayerReLU
    kept: NDArray[np.bool_]

    @classmethod
    def of(cls, problem: Problem, state: State) -> PlanePrediction:
        """Prediction of a state of training on a problem."""
        return cls(state.network, state.network_before, active_neurons(problem, state.midpoint))

    @cached_property
    def midpoint(self) -> TwoLayerReLU:
        """The network with the mean parameters of the two, heights w2 of neurons left out set to 0."""
        middle = midpoint_network(self.network, self.network_before)
        return replace(middle, w2=np.where(self.kept, middle.w2, 0.0))

    def __call__(self, x: Array) -> Array:
        """Values at x (m, q); refused where one is beyond the range of numbers."""
        if not np.isfinite(x).all():
            raise beyond_range("a prediction so far from the data")
        return self.midpoint.predict(x)


AnyPrediction = Prediction | PlanePrediction


def predicted(data: Data, problem: Problem, state: State) -> AnyPrediction:
    """Return what a state of training on the problem of some data predicts."""
    if problem.dimension == 1:
        return Prediction.of(data, problem, state)
    return PlanePrediction.of(problem, state)


def active_neurons(problem: Problem, network: TwoLayerReLU) -> NDArray[np.bool_]:
    """Mask (k,) of the neurons that are active at some example, some neurons at a time."""
    found = np.zeros(network.width, dtype=bool)
    chunk = max(1, PAIRS // problem.size)
    for first in range(0, network.width, chunk):
        part = slice(first, first + chunk)
        found[part] = ((problem.points @ network.w1[part].T + network.b1[part]) > 0.0).any(axis=0)
    return found


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
