"""Labeled inputs that a plane through 0 separates, in the unit ball."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import word
from stepscape.lab.spec import stream
from stepscape.objectives.linear_logistic import LogisticRegression, logistic_regression

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, float], tuple[Array, Array]]
SIZE, DIMENSION, WIDE = 100, 3, 50  # examples; variables of the planted margin and of the wide cloud
HEIGHTS = ((0.85, 0.95), (-0.55, -0.45))  # of the two points, across the direction that separates
NAMES = {
    "two_points": "two points that pull apart",
    "outnumbered": "99 points against 1",
    "planted": "100 points with a planted margin",
    "wide": "100 points in 50 dimensions",
}


def data(name: str, margin: float, seed: int) -> LogisticRegression:
    """Return the loss of one data set.

    Parameters
    ----------
    name : "two_points" (γ, a) and (γ, −b) of one class with random a near 0.9 and b near 0.5; "outnumbered",
        99 times the first of them and once the second; "planted", 100
        points of the ball in R³, each at least γ and at most 2γ from a random plane; "wide", 100 Gaussian
        points in R⁵⁰, scaled into the ball and labeled by a random plane, whose margin is whatever it is.
    margin : γ of the first, and about that of the second, which has at least this margin.
    """
    rng = np.random.default_rng([stream(seed, name)])
    return logistic_regression(*_DRAWS[word("data set", name, _DRAWS)](rng, margin))


def _two_points(rng: np.random.Generator, margin: float) -> tuple[Array, Array]:
    heights = [rng.uniform(*ends) for ends in HEIGHTS]
    return np.array([[margin, height] for height in heights]), np.ones(2)


def _outnumbered(rng: np.random.Generator, margin: float) -> tuple[Array, Array]:
    pair, _ = _two_points(rng, margin)
    return np.repeat(pair, (SIZE - 1, 1), axis=0), np.ones(SIZE)


def _planted(rng: np.random.Generator, margin: float) -> tuple[Array, Array]:
    """Distances from the plane uniform in [γ, 2γ], the rest uniform in a disk, turned at random."""
    away = rng.uniform(margin, 2.0 * margin, SIZE)
    along = _unit(rng, SIZE, DIMENSION - 1) * np.sqrt(rng.uniform(size=(SIZE, 1)) * (1.0 - 4.0 * margin**2))
    turn = np.linalg.qr(rng.standard_normal((DIMENSION, DIMENSION)))[0]
    labels = rng.choice([-1.0, 1.0], SIZE)
    return labels[:, None] * (np.column_stack([away, along]) @ turn), labels


def _wide(rng: np.random.Generator, margin: float) -> tuple[Array, Array]:
    del margin  # it comes out as it does
    inputs = rng.standard_normal((SIZE, WIDE))
    inputs /= np.linalg.norm(inputs, axis=1).max()
    return inputs, np.sign(inputs @ rng.standard_normal(WIDE))


def _unit(rng: np.random.Generator, count: int, dimension: int) -> Array:
    rows = rng.standard_normal((count, dimension))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


_DRAWS: dict[str, Draw] = {
    "two_points": _two_points, "outnumbered": _outnumbered, "planted": _planted, "wide": _wide,
}  # fmt: skip
