"""The weight g of a half-space, and the weighted variation of a two-layer ReLU network on R^d.

With X the (weighted) distribution of the inputs, for a unit vector u and a threshold t,

    g̃(u, t) = P(u·X > t)² · E[u·X − t | u·X > t] · √(1 + ‖E[X | u·X > t]‖²),
    g(u, t) = min(g̃(u, t), g̃(−u, −t)),

0 where a side is empty. Neuron j bends on the hyperplane of its half-space {w1_j·x + b1_j > 0}: u = w1/‖w1‖
and t = −b1/‖w1‖. If w1 is not trained, the root becomes 1; if b1 is not trained, it becomes ‖E‖. For d = 1
this is `stepscape.theory.line.weight`.

Three forms of the weighted variation, each at most the next one:

    "function"   Σ_{distinct hyperplanes} |Σ_{j on it} w2_j ‖w1_j‖| · g     (|f|_{V_g}, a property of f)
    "path"       Σ_j |w2_j| ‖w1_j‖ · g(u_j, t_j)
    "side"       Σ_j |w2_j| ‖w1_j‖ · g̃(u_j, t_j)                             (what the proofs bound)

The two sides of one hyperplane belong together, because max(z, 0) = z + max(−z, 0). A neuron that is active
on all inputs has g = 0 and g̃ > 0: with weight decay, which leaves many of these, the first two say little.

Source: Nacson et al. (2023), and Liang, Qiao, Wang and Parhi (2025), Theorem 3.2; frozen blocks derived here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from stepscape.arguments import word
from stepscape.errors import bad
from stepscape.theory.line.distribution import BLOCKS, FloatArray, factor, vector
from stepscape.theory.plane.half_space import HalfSpaces, half_spaces, lengths, planes, points


def weight(
    w1: ArrayLike,
    b1: ArrayLike,
    inputs: ArrayLike,
    weights: ArrayLike | None = None,
    side: str = "both",
    trainable: Sequence[str] = BLOCKS,
) -> FloatArray:
    """Evaluate g of the half-spaces {w1_j·x + b1_j > 0}, which a positive factor of (w1, b1) does not change.

    Parameters
    ----------
    w1, b1 : (k, d), without zero rows, and (k,).
    inputs, weights : (n, d) and (n,); the weights are normalized, None means 1/n each.
    side : "inside", g̃ of the half-space; "outside", that of the opposite one; "both", the smaller one.
    trainable : the trained blocks.

    Returns
    -------
    g : (k,).
    """
    word("side", side, ("both", "inside", "outside"))
    x = points("inputs", inputs)
    w, b = planes(w1, b1, x.shape[1])
    size = lengths(w)
    if not (size > 0.0).all():
        raise bad("w1", "have no row of zeros, which has no half-space", f"zeros in row {np.argmin(size)}")
    signs = {"inside": (1.0,), "outside": (-1.0,), "both": (1.0, -1.0)}[side]
    sides = [one_sided(half_spaces(x, s * w, s * b, weights), trainable)[0] / size for s in signs]
    return np.asarray(np.minimum.reduce(sides))


def one_sided(spaces: HalfSpaces, trainable: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """‖w‖·g̃ of half-spaces (k,), and the magnitudes in it: P² h factor(‖E‖)."""
    outer = spaces.mass**2 * factor(lengths(spaces.mean), trainable)
    return outer * spaces.height, outer * spaces.magnitude


def weighted_variation(
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    weights: ArrayLike | None = None,
    form: str = "function",
    trainable: Sequence[str] = BLOCKS,
) -> float:
    """Sum the weighted variation in one of its three forms, function ≤ path ≤ side.

    Hyperplanes are merged if they are equal to the last bit once (w1, b1) is divided by the largest entry of
    w1: a tolerance would lower the sum and hide violations. Neurons with w1 = 0 have no hyperplane.

    Parameters
    ----------
    w1, b1, w2 : (k, d), (k,), (k,).
    inputs, weights, trainable : as in `weight`.
    """
    return variation_and_scale(w1, b1, w2, inputs, weights, form, trainable)[0]


def variation_and_scale(
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    weights: ArrayLike | None,
    form: str,
    trainable: Sequence[str],
) -> tuple[float, float]:
    """`weighted_variation`, and the sum of the magnitudes in it."""
    word("form", form, ("function", "path", "side"))
    x = points("inputs", inputs)
    w, b = planes(w1, b1, x.shape[1])
    v = vector("w2", w2)
    if v.shape != b.shape:
        raise bad("w2", f"have one entry per neuron ({b.size})", v.size)
    bends = w.any(axis=1)
    w, b, v = w[bends], b[bends], v[bends]
    if not v.size:
        return 0.0, 0.0
    with np.errstate(over="ignore", invalid="ignore"):  # certificates refuse what is not finite
        value, scale = one_sided(half_spaces(x, w, b, weights), trainable)
        if form != "side":
            other, more = one_sided(half_spaces(x, -w, -b, weights), trainable)
            value, scale = np.minimum(value, other), np.maximum(scale, more)
        total = _merged(w, b, v, value) if form == "function" else float(np.abs(v) @ value)
        return total, float(np.abs(v) @ scale)


def _merged(w: FloatArray, b: FloatArray, v: FloatArray, value: FloatArray) -> float:
    """Σ over distinct hyperplanes of |Σ_j w2_j ‖w1_j‖| g, with ``value`` = ‖w1_j‖ g."""
    pivot = w[np.arange(len(w)), np.argmax(np.abs(w), axis=1)]
    _, which = np.unique(np.column_stack([w, b]) / pivot[:, None], axis=0, return_inverse=True)
    which = which.ravel()
    # Neurons on one hyperplane have the same g: the sign of w2 is all that tells them apart.
    return float(np.abs(np.bincount(which, weights=v * value)).sum())
