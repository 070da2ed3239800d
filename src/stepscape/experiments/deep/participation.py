"""How many neurons carry the function of a layered network: what each does, and their effective number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stepscape.objectives.layered_network import ACTIVATIONS, LayeredNetwork

Array = NDArray[np.float64]


def contributions(network: LayeredNetwork, theta: Array, points: Array) -> list[Array]:
    """Return c_j of every neuron (width,), for each hidden layer.

    c_j is the root mean square over the points (m,) of the change of f when the output of the neuron is held
    at its mean over the points. With one hidden layer it is |w_j| times the standard deviation of φ(z_j).
    """
    layers, phi = network.layers(theta), ACTIVATIONS[network.activation].value
    values, found = points.reshape(len(points), -1), []
    f = network.predict(theta, points)
    for at, (weights, biases) in enumerate(layers[:-1]):
        values = phi(values @ weights.T + biases)
        rest = layers[at + 1 :]
        changed = [_output(rest, _held(values, j), phi) - f for j in range(values.shape[1])]
        found.append(np.sqrt(np.mean(np.square(changed), axis=1)))
    return found


def effective_share(contributions: Array) -> float:
    """(Σ c_j)² / (k Σ c_j²): 1 if all k neurons do equally much, 1/k if one does all, nan if none does."""
    total = float(contributions @ contributions)
    return float(contributions.sum() ** 2 / (contributions.size * total)) if total > 0.0 else float("nan")


def participation(network: LayeredNetwork, theta: Array, points: Array) -> float:
    """Return the mean over the hidden layers of the effective share of their neurons."""
    return float(np.mean([effective_share(each) for each in contributions(network, theta, points)]))


def _held(values: Array, neuron: int) -> Array:
    """Hold one column at its mean."""
    held = values.copy()
    held[:, neuron] = values[:, neuron].mean()
    return held


def _output(layers: list[tuple[Array, Array]], values: Array, phi: Callable[[Array], Array]) -> Array:
    """Pass the outputs of a hidden layer on through the layers after it."""
    for weights, biases in layers[:-1]:
        values = phi(values @ weights.T + biases)
    weights, biases = layers[-1]
    return np.asarray((values @ weights.T + biases)[:, 0])
