"""Problems with inputs in R^d: a law of the inputs, a truth, and noisy labels around it.

The laws are those of `stepscape.problems.geometry`. The inputs are drawn with the seed itself and the noise
with another stream of it, so that problems of one seed that differ in truth or noise share their inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import function, nonnegative, positive, word
from stepscape.errors import bad
from stepscape.lab.spec import stream
from stepscape.network import generator
from stepscape.problems import geometry
from stepscape.problems.problem import Problem
from stepscape.problems.truth import Truth

Array = NDArray[np.float64]
Function = Callable[[Array], Array]


def _coordinate(x: Array) -> Array:
    return x[:, 0]


def _norm(x: Array) -> Array:
    return np.asarray(np.linalg.norm(x, axis=1))


def _zero(x: Array) -> Array:
    return np.zeros(len(x))


FIELDS: dict[str, Function] = {"linear": _coordinate, "norm": _norm, "zero": _zero}


@dataclass(frozen=True)
class Field:
    """A function on R^d by name, times a number: "linear" is x_1, "norm" is ‖x‖, "zero" is 0."""

    name: str
    dimension: int
    scale: float = 1.0

    def __call__(self, x: Array) -> Array:
        """Evaluate at inputs (m, d), or (m,) if d = 1."""
        points = np.asarray(x, dtype=np.float64)
        rows = points[:, None] if points.ndim == 1 else points
        if rows.ndim != 2 or rows.shape[1] != self.dimension:
            raise bad("x", f"have shape (m, {self.dimension})", points.shape)
        return self.scale * FIELDS[self.name](rows)


@dataclass(frozen=True)
class Scaled:
    """A function of the user's, times a number."""

    truth: Truth
    scale: float

    def __call__(self, x: Array) -> Array:
        """Evaluate at inputs."""
        return self.scale * self.truth(x)


def ball(
    n: int = 128,
    dimension: int = 10,
    noise: float = 1.0,
    seed: int = 0,
    *,
    truth: str | Function = "linear",
    scale: float = 1.0,
    radius: float = 1.0,
) -> Problem:
    """Labels f0(x_i) + noise·N(0, 1) at inputs that are uniform in a ball of R^d; square loss.

    Parameters
    ----------
    n : int
        Number of inputs.
    dimension : int
        Number d of input variables. With d = 1 the problem is one on the line.
    noise : float
        Standard deviation σ of the labels around the truth.
    seed : int
        Problems of one seed have the same inputs, whatever their truth and noise.
    truth : str or callable
        "linear", f0(x) = x_1, whose variance in the unit ball is 1/(d + 2); "norm", ‖x‖; "zero", labels of
        pure noise; or a function of inputs (m, d) with values (m,).
    scale : float
        Factor on the truth, finite and not negative.
    radius : float
        Of the ball.

    Raises
    ------
    InputError
        Also for a function of one's own that is not finite, real and single-valued at the inputs.

    Examples
    --------
    >>> ball(n=128, dimension=10, noise=1.0, seed=0)
    Problem(ball: n=128, 10 input variables, square loss, noise=1)
    """
    x = geometry.ball(n, dimension, seed, radius)
    return _around("ball", x, dimension, noise, seed, truth, scale)


def sphere(
    n: int = 128,
    dimension: int = 10,
    noise: float = 1.0,
    seed: int = 0,
    *,
    truth: str | Function = "linear",
    scale: float = 1.0,
    radius: float = 1.0,
) -> Problem:
    """Like `ball`, with inputs uniform on the sphere of a radius around 0."""
    x = geometry.sphere(n, dimension, seed, radius)
    return _around("sphere", x, dimension, noise, seed, truth, scale)


def radial(
    n: int = 128,
    dimension: int = 10,
    noise: float = 1.0,
    seed: int = 0,
    *,
    alpha: float = 1.0,
    truth: str | Function = "linear",
    scale: float = 1.0,
    radius: float = 1.0,
) -> Problem:
    """Like `ball`, with inputs at most ε·radius from the sphere with probability ε^α.

    Parameters
    ----------
    n, dimension, noise, seed, truth, scale : as in `ball`.
    alpha : float
        α > 0: a small one leaves almost all inputs at the sphere, a large one moves them to the center.
    radius : float
        Of the ball that holds all inputs. E‖x‖² is 2/((α + 1)(α + 2)) times its square: laws with different α
        compare at equal E‖x‖² = 1 with radius √((α + 1)(α + 2)/2).
    """
    size = positive("radius", radius)
    x = size * geometry.radial(n, dimension, alpha, seed)
    return _around("radial", x, dimension, noise, seed, truth, scale)


def subspaces(
    n: int = 128,
    dimension: int = 10,
    noise: float = 1.0,
    seed: int = 0,
    *,
    count: int = 20,
    inner: int = 1,
    truth: str | Function = "norm",
    scale: float = 1.0,
    radius: float = 1.0,
) -> Problem:
    """Like `ball`, with inputs uniform in the balls of some random subspaces of R^d.

    Parameters
    ----------
    n, dimension, noise, seed, scale, radius : as in `ball`.
    count, inner : int
        Number of subspaces, and dimension of each one, at most d.
    truth : str or callable
        As in `ball`. By default "norm", because x_1 varies by the order of 1/d on a random subspace: with
        "linear" the share of the noise would grow with d.
    """
    size = positive("radius", radius)
    x = size * geometry.subspaces(n, dimension, count, inner, seed).inputs
    return _around("subspaces", x, dimension, noise, seed, truth, scale)


def _around(
    name: str, x: Array, dimension: int, noise: float, seed: int, truth: str | Function, scale: float
) -> Problem:
    sigma, f0 = nonnegative("noise", noise), _field(truth, int(dimension), nonnegative("scale", scale))
    inputs = x[:, 0] if dimension == 1 else x
    with np.errstate(over="ignore"):  # the problem refuses labels that are not finite
        drawn = sigma * generator(stream(seed, "labels")).standard_normal(len(x))
        labels = np.asarray(f0(inputs)) + drawn
    return Problem(inputs, labels, truth=f0, noise=sigma, name=name)


def _field(given: Any, dimension: int, scale: float) -> Function:
    if isinstance(given, str):
        return Field(word("truth", given, FIELDS), dimension, scale)
    function("truth", given, f"name a function ({', '.join(FIELDS)}) or be a function of the inputs")
    return Scaled(Truth.of(given), scale)
