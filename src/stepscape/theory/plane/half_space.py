"""The half-spaces {w·x + b > 0} of neurons on a data set: how much they hold, and where.

With X the (weighted) distribution of the inputs, of the half-space (w, b)

    P = P(w·X + b > 0),     E = E[X | w·X + b > 0],     h = E[w·X + b | w·X + b > 0] = w·E + b.

h is summed as it stands: all its terms are positive, so that nothing cancels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import reals
from stepscape.errors import bad
from stepscape.theory.certificate import EPS
from stepscape.theory.line.distribution import BLOCKS, FloatArray, averaging, no_bound, vector

_NUMBERS = 2**20  # inputs times neurons that are held at the same time


class HalfSpaces(NamedTuple):
    """What k half-spaces hold of a distribution on R^d; zeros for those that hold nothing.

    Attributes
    ----------
    mass : (k,), P.
    mean : (k, d), E.
    height : (k,), h.
    magnitude : (k,), mean of Σ_l |w_l x_l| + |b| over the half-space: h is off by a multiple of eps times it.
    """

    mass: FloatArray
    mean: FloatArray
    height: FloatArray
    magnitude: FloatArray


def points(name: str, values: ArrayLike) -> FloatArray:
    """Read inputs (n, d), finite, n and d at least 1."""
    x = reals(name, values)
    if x.ndim != 2 or x.size == 0:
        then = "write x[:, None] for inputs of one variable" if x.ndim == 1 else ""
        raise bad(name, "have shape (n, d), one row per input", f"shape {x.shape}", then)
    if not np.isfinite(x).all():
        raise bad(name, "be finite", f"{x[~np.isfinite(x)][0]} in it")
    return x


def one_per_input(name: str, values: ArrayLike, x: FloatArray) -> FloatArray:
    """Read a finite vector (n,) that belongs to the inputs."""
    read = vector(name, values)
    if read.size != len(x):
        raise bad(f"{name} and inputs", "have the same length", f"{read.size} and {len(x)}")
    return read


def averages(weights: ArrayLike | None, x: FloatArray) -> FloatArray:
    """Weights (n,) of sum 1; None means equal ones."""
    return averaging(weights if weights is None else one_per_input("weights", weights, x), len(x))


def planes(w1: ArrayLike, b1: ArrayLike, dimension: int) -> tuple[FloatArray, FloatArray]:
    """Read w (k, d) and b (k,) of k half-spaces in R^d."""
    w, b = points("w1", w1), vector("b1", b1)
    if w.shape != (b.size, dimension):
        raise bad("w1", f"have shape {(b.size, dimension)}, like b1 and the inputs", w.shape)
    return w, b


def half_spaces(
    inputs: ArrayLike, w1: ArrayLike, b1: ArrayLike, weights: ArrayLike | None = None
) -> HalfSpaces:
    """Sum over the half-spaces {w·x + b > 0}.

    Parameters
    ----------
    inputs : (n, d).
    w1, b1 : (k, d) and (k,).
    weights : (n,), nonnegative with a positive sum; they are normalized. None means 1/n each.
    """
    x = points("inputs", inputs)
    w, b = planes(w1, b1, x.shape[1])
    v = averages(weights, x)
    size = np.abs(x)
    mass, height, magnitude = (np.zeros(b.size) for _ in range(3))
    mean = np.zeros(w.shape)
    for part, z in preactivations(x, w, b):
        active = v[:, None] * (z > 0.0)
        mass[part] = active.sum(axis=0)
        held = np.where(mass[part] > 0.0, mass[part], 1.0)
        mean[part] = (active.T @ x) / held[:, None]
        height[part] = np.einsum("ij,ij->j", active, np.maximum(z, 0.0)) / held
        sizes = (active.T @ size) / held[:, None]
        magnitude[part] = np.einsum("jl,jl->j", sizes, np.abs(w[part]))
        magnitude[part] += np.abs(b[part]) * (mass[part] > 0.0)
    return HalfSpaces(mass, mean, height, magnitude)


def preactivations(x: FloatArray, w: FloatArray, b: FloatArray) -> Iterator[tuple[slice, FloatArray]]:
    """Yield w·x + b (n, m) for m neurons at a time."""
    step = max(1, _NUMBERS // len(x))
    for start in range(0, b.size, step):
        part = slice(start, start + step)
        yield part, x @ w[part].T + b[part]


def on_boundary(x: FloatArray, w: FloatArray, b: FloatArray) -> NDArray[np.bool_]:
    """Mask (k,) of the half-spaces with w ≠ 0 that have an input on their boundary, up to rounding.

    Up to (d + 3) eps of the terms of w·x + b: there the loss is not twice differentiable, or which side an
    input is on depends on the order of a sum.
    """
    touched = np.zeros(b.size, dtype=bool)
    terms, factor = np.abs(x), (x.shape[1] + 3.0) * EPS
    for part, z in preactivations(x, w, b):
        touched[part] = (np.abs(z) <= factor * (terms @ np.abs(w[part]).T + np.abs(b[part]))).any(axis=0)
    return touched & w.any(axis=1)


def lengths(w: FloatArray) -> FloatArray:
    """‖w‖ of each row, safe from overflow and underflow of squares."""
    largest = np.abs(w).max(axis=1)
    unit = np.where(largest > 0.0, largest, 1.0)
    return np.asarray(largest * np.linalg.norm(w / unit[:, None], axis=1))


def residual_norm(
    inputs: ArrayLike,
    slopes: ArrayLike,
    w1: ArrayLike,
    b1: ArrayLike,
    trainable: Sequence[str] = BLOCKS,
) -> float:
    """‖R‖ = max_j ‖Σ_i slope_i 1{w1_j·x_i + b1_j > 0} (x_i, 1)‖ over the trained ones of w1 and b1.

    R has one block per neuron, which couples (w1_j, b1_j) with w2_j through that vector, so its eigenvalues
    are plus and minus these norms and 0. Without w2, or without both of the others, R = 0.

    Parameters
    ----------
    inputs, slopes : (n, d) and (n,), v_i times the slope of the loss at example i.
    w1, b1 : (k, d) and (k,).
    trainable : the trained blocks.
    """
    x = points("inputs", inputs)
    pull = one_per_input("slopes", slopes, x)
    w, b = planes(w1, b1, x.shape[1])
    if no_bound(trainable):
        return 0.0
    features = np.column_stack(
        [x if "w1" in trainable else x[:, :0], np.ones((len(x), int("b1" in trainable)))]
    )
    pulled = features * pull[:, None]
    return float(max(lengths((z > 0.0).T @ pulled).max() for _, z in preactivations(x, w, b)))
