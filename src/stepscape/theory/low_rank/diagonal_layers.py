"""Deep networks with diagonal layers: x = v_1 ⊙ … ⊙ v_k with the loss (1/m) ‖A x − b‖².

With D_i = ‖a_i‖²/m for the columns a_i of A (a square, without a root: with a root the power of D below
changes)

    tr = 2 Σ_i D_i Σ_l Π_{l' ≠ l} v_{l',i}²  ≥  2k Σ_i D_i |x_i|^{2 − 2/k},        at every point,
    Σ_l ‖v_l‖²  ≥  k Σ_i |x_i|^{2/k},

both with equality at |v_{l,i}| = |x_i|^{1/k}. For k = 2 both are weighted ℓ1 norms. As k grows, flatness
tends to weighted ℓ2 and weight decay to counting: they ask for opposite things.

Proof. x_i is linear in each v_{l,i}, so that the residual adds nothing to the diagonal of the Hessian; then
the inequality of the means, k numbers of product x_i^{2k−2}. If x_i = 0, two zero factors make every product
0.

Source: derived here; the minimum in Ding, Drusvyatskiy, Fazel and Harchaoui (2024), on the effect of depth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import reals, whole
from stepscape.errors import bad
from stepscape.memory import require_memory
from stepscape.theory.low_rank.checks import finite_matrix, finite_result

Array = NDArray[np.float64]


def diagonal_trace(design: ArrayLike, layers: ArrayLike) -> float:
    """Hessian trace of (1/m) ‖A (v_1 ⊙ … ⊙ v_k) − b‖² in the layers, exact at every point and for all labels.

    Parameters
    ----------
    design : array_like (m, d)
        A.
    layers : array_like (k, d)
        v_1, …, v_k, one per row.
    """
    squares = column_weights(design)
    v = finite_matrix("layers", layers)
    if v.shape[1] != squares.size:
        raise bad("layers", f"have one column for each of the {squares.size} columns of design", v.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        others = sum(np.prod(np.delete(v, k, axis=0) ** 2, axis=0) for k in range(len(v)))
        return finite_result("the trace", 2.0 * float(squares @ others))


def flattest_diagonal_trace(design: ArrayLike, vector: ArrayLike, depth: int) -> float:
    """2k Σ_i D_i |x_i|^{2 − 2/k}, the smallest trace of k diagonal layers with the product x (d,)."""
    squares, x, k = column_weights(design), _vector(vector), whole("depth", depth, 1)
    if x.size != squares.size:
        raise bad("vector", f"have one number for each of the {squares.size} columns of design", x.size)
    with np.errstate(over="ignore", invalid="ignore"):
        return finite_result("the trace", 2.0 * k * float(squares @ np.abs(x) ** (2.0 - 2.0 / k)))


def flat_diagonal_layers(vector: ArrayLike, depth: int) -> Array:
    """Return layers (k, d) of the smallest trace and norm, |v_{l,i}| = |x_i|^{1/k}; the first has the signs.

    Parameters
    ----------
    vector : array_like (d,)
        x, the product of the layers.
    depth : int
        k.
    """
    x, k = _vector(vector), whole("depth", depth, 1)
    require_memory("depth", k, 16 * k * x.size)
    v = np.tile(np.abs(x) ** (1.0 / k), (k, 1))
    v[0] *= np.sign(x)
    return v


def diagonal_weight_decay(vector: ArrayLike, depth: int) -> float:
    """Return k Σ_i |x_i|^{2/k}, the smallest Σ_l ‖v_l‖² of k diagonal layers with the product x (d,)."""
    x, k = _vector(vector), whole("depth", depth, 1)
    with np.errstate(over="ignore"):
        return finite_result("the squared norm", k * float(np.sum(np.abs(x) ** (2.0 / k))))


def column_weights(design: ArrayLike) -> Array:
    """D_i = ‖a_i‖²/m (d,) for the columns a_i of A (m, d)."""
    A = finite_matrix("design", design)
    with np.errstate(over="ignore"):
        squares: Array = np.sum(A**2, axis=0) / len(A)
    finite_result("the squared norm of a column", float(squares.sum()))
    return squares


def _vector(values: ArrayLike) -> Array:
    x = reals("vector", values)
    if x.ndim != 1 or x.size == 0:
        raise bad("vector", "have shape (d,)", x.shape)
    if not np.isfinite(x).all():
        raise bad("vector", "be finite", f"{x[~np.isfinite(x)][0]} in it")
    return x
