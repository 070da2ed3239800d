"""The small network of the claims about deep networks: a polynomial is fitted by two hidden layers."""

from __future__ import annotations

import numpy as np

from stepscape.objectives.layered_network import LayeredNetwork
from stepscape.problems import Problem


def chebyshev(n: int, degree: int, noise: float = 0.0, seed: int = 0) -> Problem:
    """Return n evenly spaced inputs on [−1, 1] with the Chebyshev polynomial of a degree as labels.

    noise : standard deviation of the labels about it, drawn once from the seed.
    """
    x = np.linspace(-1.0, 1.0, n)
    return Problem(
        x, np.cos(degree * np.arccos(x)) + noise * np.random.default_rng((seed, n)).standard_normal(n)
    )


def network(
    n: int, degree: int, hidden: tuple[int, ...], activation: str, noise: float = 0.0, seed: int = 0
) -> LayeredNetwork:
    """Return the loss of a network with hidden layers of these widths on that polynomial."""
    return LayeredNetwork(chebyshev(n, degree, noise, seed), hidden, activation)
