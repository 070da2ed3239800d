"""The rates of the neurons of one network in six numbers, the columns of a table of runs."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import expect
from stepscape.measures.activation import activity
from stepscape.network import TwoLayerReLU
from stepscape.problems.problem import Problem

__all__ = ["paths", "rates"]

Array = NDArray[np.float64]


def paths(network: TwoLayerReLU) -> Array:
    """|w2| ‖w1‖ of each neuron, (k,): the size of its bend."""
    expect("network", network, TwoLayerReLU)
    return np.asarray(np.abs(network.w2) * np.linalg.norm(network.w1.reshape(network.width, -1), axis=1))


def rates(problem: Problem, network: TwoLayerReLU) -> dict[str, float]:
    """Dead share; mean and least rate of the live neurons; path-weighted rate, also of the live ones alone.

    With a_j = `paths` and r_j the rate of a neuron, see `activity`: ``dead_share``, of the neurons with
    r_j = 0; ``mean_rate``, over all; ``live_rate`` and ``smallest_live_rate``, over those with r_j > 0;
    ``path_rate``, Σ a_j r_j / Σ a_j; ``live_path_rate``, the same over those with r_j > 0. Rates over no
    neuron are nan.
    """
    found = activity(problem, network)
    path = paths(network) * (found.counts > 0)
    total = float(path.sum())
    return {
        "dead_share": found.dead,
        "mean_rate": float(found.rates.mean()),
        "live_rate": found.live_mean,
        "smallest_live_rate": found.live_least,
        "path_rate": found.path_weighted,
        "live_path_rate": float(path @ found.rates) / total if total > 0.0 else math.nan,
    }


def __dir__() -> list[str]:
    return sorted(__all__)
