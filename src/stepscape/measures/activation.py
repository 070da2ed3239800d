"""On how many examples each neuron is active: the numbers that show neural shattering.

With averaging weights v_i and s_ij = 1 where w1_j·x_i + b1_j > 0, the rate of neuron j is Σ_i v_i s_ij. Three
things make a mean over all neurons small, and they are kept apart: neurons that are dead, live neurons that
hold few examples, and neurons that hardly enter f. The last one is what the path-weighted rate leaves out,

    Σ_j |w2_j| ‖w1_j‖ rate_j / Σ_j |w2_j| ‖w1_j‖.

Source: Liang, Cloninger, Parhi and Wang (2025), as summarized, for the rate; path weights are chosen here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import beyond_range, expect
from stepscape.network import TwoLayerReLU, require_dimension
from stepscape.problems.problem import Problem
from stepscape.theory.plane.half_space import lengths, preactivations

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Activity:
    """Where the neurons of one network are active; nan where there is nothing to average.

    Attributes
    ----------
    rates : (k,), the share of the examples, by weight, on which a neuron is active.
    counts : (k,), the number of these examples; those of weight 0 do not count.
    dead : share of the neurons that are active on none.
    live_mean : mean rate of the others; nan if all are dead.
    live_least : smallest rate of the others; nan if all are dead.
    path_weighted : mean rate with the weights |w2| ‖w1‖, dead neurons included; nan if all of these are 0.
    """

    rates: Array
    counts: NDArray[np.int64]
    dead: float
    live_mean: float
    live_least: float
    path_weighted: float

    def __repr__(self) -> str:
        parts = f"live_mean={self.live_mean:.3g}, live_least={self.live_least:.3g}"
        size = self.rates.size
        return (
            f"Activity({size} neurons, dead={self.dead:.3g}, {parts}, path_weighted={self.path_weighted:.3g})"
        )


def activity(problem: Problem, network: TwoLayerReLU) -> Activity:
    """Measure on which share of the examples each neuron is active, for inputs of any dimension; O(n d k).

    Parameters
    ----------
    problem, network
        With inputs of the same number of variables; labels and loss do not matter.

    Examples
    --------
    >>> import stepscape as ss
    >>> problem = ss.Problem([-1.0, 0.0, 1.0, 2.0], [0.0, 0.0, 0.0, 0.0])
    >>> activity(problem, ss.TwoLayerReLU([1.0, 1.0], [-0.5, -9.0], [3.0, 1.0]))
    Activity(2 neurons, dead=0.5, live_mean=0.5, live_least=0.5, path_weighted=0.375)
    """
    expect("problem", problem, Problem)
    require_dimension(network, problem.dimension)
    rows = network.w1.reshape(network.width, -1)
    counts, rates = _held(problem, rows, network.b1)
    live = rates[counts > 0]
    return Activity(
        rates=rates,
        counts=counts,
        dead=1.0 - live.size / network.width,
        live_mean=float(live.mean()) if live.size else math.nan,
        live_least=float(live.min()) if live.size else math.nan,
        path_weighted=_path_weighted(rates, rows, np.abs(network.w2)),
    )


def _held(problem: Problem, w1: Array, b1: Array) -> tuple[NDArray[np.int64], Array]:
    """Count the examples of positive weight in each half-space, and add up their weights."""
    seen = problem.averaging > 0.0
    x, v = problem.points[seen], problem.averaging[seen]
    counts, rates = np.zeros(b1.size, dtype=np.int64), np.zeros(b1.size)
    with np.errstate(over="ignore", invalid="ignore"):
        for part, z in preactivations(x, w1, b1):
            if not np.isfinite(z).all():
                raise beyond_range("the network's input to a neuron")
            counts[part] = (z > 0.0).sum(axis=0)
            rates[part] = v @ (z > 0.0)
    return counts, np.minimum(rates, 1.0)


def _path_weighted(rates: Array, w1: Array, sizes: Array) -> float:
    """Mean of the rates with weights ‖w1‖·sizes, each over its largest entry: no product overflows."""
    path = lengths(w1 / (np.abs(w1).max() or 1.0)) * (sizes / (sizes.max() or 1.0))
    total = float(path.sum())
    return float(path @ rates) / total if total > 0.0 else math.nan
