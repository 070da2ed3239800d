"""What a number about a fit has to be compared with: nothing learned, a straight fit, and the noise itself.

Against the truth f0 at the inputs, with averaging weights v of sum 1 and labels y = f0(x) + ε:

    null            Σ v_i (f0(x_i) − c)²,  c the mean label      a constant, all that is not learned
    least_squares   Σ v_i (ℓ(x_i) − f0(x_i))²                    ℓ the affine least-squares fit
    noise           Σ v_i ε_i²                                   a network that memorizes its labels

The last one is what interpolation costs in this very sample; σ² is only its mean. For an affine truth and
equal weights least_squares has the mean σ² (rank + 1)/n, rank being that of the centered inputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import reals
from stepscape.arguments import vector as one_each
from stepscape.errors import bad

__all__ = ["Baselines", "baselines"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Baselines:
    """Mean squared errors to the truth at the inputs, which a fit has to be compared with.

    Attributes
    ----------
    null : of the mean label.
    zero : of predicting 0.
    least_squares : of the affine least-squares fit.
    noise : of the labels.
    rank : rank of the centered inputs, so that least squares fits rank + 1 numbers.
    """

    null: float
    zero: float
    least_squares: float
    noise: float
    rank: int


def baselines(
    inputs: ArrayLike, labels: ArrayLike, truth: ArrayLike, weights: ArrayLike | None = None
) -> Baselines:
    """Measure the baselines of one sample.

    Parameters
    ----------
    inputs : (n,) or (n, d).
    labels, truth : (n,), y and f0 at the inputs.
    weights : (n,), nonnegative with a positive sum; None means equal ones.
    """
    x = _rows(inputs)
    y, f0 = (_finite(name, one_each(name, values, len(x))) for name, values in _named(labels, truth))
    v = np.ones(len(x)) if weights is None else _finite("weights", one_each("weights", weights, len(x)))
    if v.min() < 0.0 or v.max() == 0.0:
        raise bad("weights", "be at least 0 and not all 0", f"a minimum of {v.min():g}")
    v = v / v.max()
    v = v / v.sum()
    fitted, rank = _affine(x, y, v)
    with np.errstate(over="ignore"):
        null, zero, straight, noise = (float(v @ (f - f0) ** 2) for f in (v @ y, 0.0, fitted, y))
    if not np.isfinite([null, zero, straight, noise]).all():
        raise bad("labels and truth", "have squares that are finite", "numbers beyond 1e154", "rescale them")
    return Baselines(null, zero, straight, noise, rank)


def _named(labels: ArrayLike, truth: ArrayLike) -> tuple[tuple[str, ArrayLike], ...]:
    return ("labels", labels), ("truth", truth)


def _rows(inputs: ArrayLike) -> Array:
    x = reals("inputs", inputs)
    if x.ndim not in (1, 2) or x.size == 0:
        raise bad("inputs", "have shape (n,) or (n, d)", x.shape)
    return _finite("inputs", x[:, None] if x.ndim == 1 else x)


def _finite(name: str, values: Array) -> Array:
    if not np.isfinite(values).all():
        raise bad(name, "be finite", f"{values[~np.isfinite(values)][0]} in it")
    return values


def _affine(x: Array, y: Array, v: Array) -> tuple[Array, int]:
    """Values of the weighted affine least-squares fit at x, and the rank of the centered inputs."""
    scale = float(np.abs(x).max()) or 1.0
    root, centered = np.sqrt(v), x / scale - v @ (x / scale)
    mean = float(v @ y)
    slope, _, rank, _ = np.linalg.lstsq(root[:, None] * centered, root * (y - mean), rcond=None)
    return mean + centered @ slope, int(rank)


def __dir__() -> list[str]:
    return sorted(__all__)
