"""Laws of inputs in R^d: where data lies decides what flatness is worth.

Functions of the number of inputs and a seed; arrays out, one row per input. Every law is exact, and the same
seed draws the same inputs.

    ball(radius)            uniform on {‖x‖ ≤ r}: X = r U V^{1/d}
    sphere(radius)          uniform on {‖x‖ = r}: X = r U
    radial(alpha)           X = (1 − V^{1/α}) U:  P(1 − ‖X‖ ≤ ε) = ε^α for ε in [0, 1]
    subspaces(count, m)     uniform on the unit ball of one of `count` random m-dimensional subspaces
    mixup(alpha, copies)    λ x_i + (1 − λ) x_j with the same λ ~ Beta(α, α) for the labels

U is uniform on the unit sphere, V on (0, 1), independent. As α → 0 the radial law becomes the sphere, as
α grows its mass moves to the center. At α = 1 the radius is uniform, which is the ball only for d = 1.

Moments: E‖X‖² = r² d/(d + 2) in the ball, 2/((α + 1)(α + 2)) for the radial law, m/(m + 2) on subspaces; each
coordinate has the share 1/d of it on average.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import positive, reals, whole
from stepscape.errors import bad
from stepscape.memory import require_memory
from stepscape.network import generator

__all__ = ["MixedPairs", "SubspacePoints", "ball", "mixup", "radial", "sphere", "subspaces"]

Array = NDArray[np.float64]
BYTES = 32  # per number of the result while it is drawn


def sphere(n: int, dimension: int, seed: int = 0, radius: float = 1.0) -> Array:
    """Draw n points (n, d) uniformly on the sphere of a radius around 0."""
    size, rng = positive("radius", radius), generator(seed)
    return size * _units(rng, *_shape(n, dimension))


def ball(n: int, dimension: int, seed: int = 0, radius: float = 1.0) -> Array:
    """Draw n points (n, d) uniformly in the ball of a radius around 0."""
    size, rng = positive("radius", radius), generator(seed)
    units = _units(rng, *_shape(n, dimension))
    return size * units * rng.random(n)[:, None] ** (1.0 / dimension)


def radial(n: int, dimension: int, alpha: float, seed: int = 0) -> Array:
    """Draw n points (n, d) in random directions, at most ε from the unit sphere with probability ε^α.

    Parameters
    ----------
    alpha : α > 0. Small α leaves almost all inputs at the sphere.
    """
    power, rng = 1.0 / positive("alpha", alpha), generator(seed)
    units = _units(rng, *_shape(n, dimension))
    with np.errstate(under="ignore"):
        return units * (1.0 - rng.random(n)[:, None] ** power)


class SubspacePoints(NamedTuple):
    """Inputs on a union of subspaces.

    Attributes
    ----------
    inputs : (n, d).
    which : (n,), the subspace of each, 0 … count − 1.
    bases : (count, m, d), rows orthonormal.
    """

    inputs: Array
    which: NDArray[np.int64]
    bases: Array


def subspaces(n: int, dimension: int, count: int = 20, inner: int = 1, seed: int = 0) -> SubspacePoints:
    """Draw n points from `count` random subspaces of dimension m = `inner`, uniformly in their unit balls.

    Every point chooses its subspace at random; the subspaces are uniform and independent. They depend on the
    seed, the dimensions and `count` alone, so that more points of one seed lie on the same ones.
    """
    shape = _shape(n, dimension)
    m = whole("inner", inner, 1, dimension)
    places, rng = generator(seed).spawn(2)
    bases = np.stack([_basis(places, dimension, m) for _ in range(whole("count", count, 1))])
    which = rng.integers(0, count, shape[0])
    coordinates = _units(rng, shape[0], m) * rng.random(shape[0])[:, None] ** (1.0 / m)
    return SubspacePoints(np.einsum("im,imd->id", coordinates, bases[which]), which, bases)


class MixedPairs(NamedTuple):
    """Examples between two others: λ x_i + (1 − λ) x_j, λ y_i + (1 − λ) y_j.

    Attributes
    ----------
    inputs, labels : (m, d), or (m,) for inputs of one variable, and (m,).
    share : (m,), λ.
    first, second : (m,), i and j.
    """

    inputs: Array
    labels: Array
    share: Array
    first: NDArray[np.int64]
    second: NDArray[np.int64]


def mixup(
    inputs: ArrayLike, labels: ArrayLike, alpha: float = 1.0, copies: int = 1, seed: int = 0
) -> MixedPairs:
    """Mix every example `copies` times with another one: m = n·copies examples.

    In each copy all examples come first once, and their partners are a random permutation of all of them, as
    of two loaders that shuffle. As α → 0 every λ becomes 0 or 1 and the mixed set a sample of the examples
    themselves; with α = 1 it is uniform. For independent centered x_i and x_j, E‖x̃‖² is E‖x‖² times
    (α + 1)/(2α + 1), and so is the variance of independent label noise; an example that meets itself stays.

    Parameters
    ----------
    inputs, labels : (n, d) or (n,), and (n,); labels are numbers, those of two classes become shares of one.
    alpha : α > 0.
    copies, seed : whole numbers.
    """
    x, y = reals("inputs", inputs), reals("labels", labels)
    if x.ndim not in (1, 2) or len(x) == 0:
        raise bad("inputs", "have shape (n,) or (n, d)", x.shape)
    if y.shape != x.shape[:1]:
        raise bad("labels", f"have one entry per input ({len(x)})", f"shape {y.shape}")
    power, times, rng = positive("alpha", alpha), whole("copies", copies, 1), generator(seed)
    require_memory("copies", copies, BYTES * float(times) * x.size)
    first = np.tile(np.arange(len(x)), times)
    second = np.concatenate([rng.permutation(len(x)) for _ in range(times)])
    share = _beta(rng, power, first.size)
    column = share if x.ndim == 1 else share[:, None]
    mixed = column * x[first] + (1.0 - column) * x[second]
    return MixedPairs(mixed, share * y[first] + (1.0 - share) * y[second], share, first, second)


def _beta(rng: np.random.Generator, alpha: float, size: int) -> Array:
    """Beta(α, α); for α so small that float64 cannot tell it from a coin, 0 or 1."""
    if alpha < 1e-3:  # the mass between e^{−1/α} and 1 − e^{−1/α} is of the order 1
        logs = np.log(rng.random((2, size))) / alpha  # log of V^{1/α}: Jöhnk's method in logarithms
        return np.asarray(1.0 / (1.0 + np.exp(np.clip(logs[1] - logs[0], -745.0, 709.0))))
    return np.asarray(rng.beta(alpha, alpha, size))


def _units(rng: np.random.Generator, n: int, dimension: int) -> Array:
    drawn = rng.standard_normal((n, dimension))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1)[:, None])


def _basis(rng: np.random.Generator, dimension: int, inner: int) -> Array:
    """Orthonormal rows of a uniform subspace."""
    return np.asarray(np.linalg.qr(rng.standard_normal((dimension, inner)))[0].T)


def _shape(n: int, dimension: int) -> tuple[int, int]:
    rows, columns = whole("n", n, 1), whole("dimension", dimension, 1)
    require_memory("n", n, BYTES * float(rows) * columns)
    return rows, columns


def __dir__() -> list[str]:
    return sorted(__all__)
