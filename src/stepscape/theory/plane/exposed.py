"""Inputs that a neuron can single out: one neuron per example, active on that example alone.

Input i is singled out by its own direction if x_i·x_i > x_i·x_j for all other inputs j. On a sphere around 0
every input is. Then the neuron

    w1_i = s x_i,   b1_i = −s (‖x_i‖² − δ_i),   δ_i = ½ min_{j ≠ i} x_i·(x_i − x_j) > 0,

has the height h_i = s δ_i > 0 at x_i and at most −h_i at every other input. With w2_i = z_i/h_i and b2 = 0
the network takes the value z_i at x_i, and only neuron i and b2 have a gradient there, of squared norm
1 + d_i:

    d_i = w2_i² (1 + ‖x_i‖²) + h_i²  ≥  2 |z_i| √(1 + ‖x_i‖²),

with equality for h_i² = |z_i| √(1 + ‖x_i‖²), the "best" scale. The scale "unit" has w2_i = ±1 and so
d_i = 1 + ‖x_i‖² + z_i².

Source: Liang, Cloninger, Parhi and Wang (2025), the sphere, as summarized; other inputs and scales derived
here.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from stepscape.arguments import word
from stepscape.errors import bad
from stepscape.theory.certificate import EPS
from stepscape.theory.line.distribution import FloatArray
from stepscape.theory.plane.half_space import lengths, one_per_input, points

_ROWS = 256  # of the Gram matrix that are held at the same time
Scale = Literal["best", "unit"]


class ExposedNeurons(NamedTuple):
    """Parameters of Σ_j w2_j max(w1_j·x + b1_j, 0) + b2, and d_i of every example (n,)."""

    w1: FloatArray
    b1: FloatArray
    w2: FloatArray
    b2: float
    squares: FloatArray


def exposure(inputs: ArrayLike) -> FloatArray:
    """Return min_{j ≠ i} x_i·(x_i − x_j), (n,): positive if the direction of input i singles it out.

    ‖x_i‖² for a single input. Of inputs in general the share of positive ones says how easily a data set is
    shattered: on a sphere all are, in a ball few in low and most in high dimension.
    """
    x = points("inputs", inputs)
    found = np.einsum("ij,ij->i", x, x)
    if len(x) == 1:
        return np.asarray(found)
    for start in range(0, len(x), _ROWS):
        rows = np.arange(start, min(start + _ROWS, len(x)))
        gram = x[rows] @ x.T
        gram[np.arange(rows.size), rows] = -np.inf
        nearest = np.argmax(gram, axis=1)
        # The difference first: x_i·x_i − x_i·x_j would cancel for close inputs.
        found[rows] = np.einsum("ij,ij->i", x[rows], x[rows] - x[nearest])
    return np.asarray(found)


def exposed_neurons(inputs: ArrayLike, values: ArrayLike, scale: Scale = "best") -> ExposedNeurons:
    """Build the network with f(x_i) = values_i, one neuron per example whose value is not 0.

    Parameters
    ----------
    inputs : (n, d), each singled out by its own direction.
    values : (n,).
    scale : "best" or "unit".

    Raises
    ------
    InputError
        For an input that its direction does not single out.

    Notes
    -----
    Exact up to a multiple of eps·‖x_i‖²/δ_i relative to each value.
    """
    word("scale", scale, ("best", "unit"))
    x = points("inputs", inputs)
    z = one_per_input("values", values, x)
    gap, norm = 0.5 * exposure(x), lengths(x)
    hidden = gap <= 32.0 * x.shape[1] * EPS * norm * norm
    if hidden.any():
        came = f"input {int(np.argmax(hidden))}, which another one covers"
        raise bad("inputs", "each be singled out by their own direction", came, "put them on a sphere")
    used = z != 0.0
    reach = np.hypot(1.0, norm)
    s = _heights(z, reach, scale)[used] / gap[used]
    w1, b1 = s[:, None] * x[used], -s * (norm * norm - gap)[used]
    # Divided by the height as it is evaluated, so that rounding of b1 does not move the value.
    height = np.einsum("ij,ij->i", w1, x[used]) + b1
    w2, squares = z[used] / height, np.zeros(len(x))
    squares[used] = (w2 * reach[used]) ** 2 + height**2
    if not used.any():  # a neuron that is never active
        return ExposedNeurons(np.zeros((1, x.shape[1])), np.zeros(1), np.zeros(1), 0.0, squares)
    return ExposedNeurons(w1, b1, w2, 0.0, squares)


def _heights(z: FloatArray, reach: FloatArray, scale: Scale) -> FloatArray:
    return np.abs(z) if scale == "unit" else np.sqrt(np.abs(z) * reach)
