"""Deep linear networks X = W_k … W_1 with full or block-diagonal layers.

For the loss (1/m) Σ_i (⟨A_i, X⟩ − b_i)², with P_j = W_k … W_{j+1} and Q_j = W_{j−1} … W_1 (P_k = I, Q_1 = I),

    tr = (2/m) Σ_j Σ_i ‖P_jᵀ A_i Q_jᵀ‖_F²                 at every point,
    tr = 2 Σ_j ‖P_j‖_F² ‖Q_j‖_F²                          for the loss ‖X − M‖_F²,
       ≥ 2k (d_0 d_k)^{1/k} ‖X‖_*^{2 − 2/k}               for X (d_k, d_0),

with equality at `flat_layers`, if every layer between has width at least the rank of X. So at every depth
this smallest trace grows with the nuclear norm alone. With diagonal blocks X_b (r_b, c_b) it is the sum

    2k Σ_b (r_b c_b)^{1/k} ‖X_b‖_*^{2 − 2/k},

for blocks 1×1 the 2k Σ |x_i|^{2 − 2/k} of `diagonal_layers`: there depth makes flat solutions dense because
the layers are diagonal.

Measurements: let α1 ≤ ‖A(p qᵀ)‖/√m ≤ α2 for all unit vectors p, q. Then their trace lies between α1² and α2²
times that of ‖X − M‖_F², and the flattest zero-loss X_f has ‖X_f‖_* ≤ (α2/α1)^{k/(k−1)} ‖X‖_* for every X
that fits the labels. Without such bounds nothing is proved here for k > 2.

Proof. X is linear in each W_j: ⟨A_i, P_j V Q_j⟩ has the gradient P_jᵀ A_i Q_jᵀ and no second derivative. By
the inequality of the means Σ_j ‖P_j‖² ‖Q_j‖² ≥ k (Π_j ‖P_j‖² ‖Q_j‖²)^{1/k}, where ‖P_k‖² ‖Q_1‖² = d_k d_0,
and each of the k − 1 pairs ‖P_j‖ ‖Q_{j+1}‖ is at least ‖P_j Q_{j+1}‖_* = ‖X‖_*. With X = U Σ Vᵀ equality
holds for W_1 = c_1 Σ^½ Vᵀ, W_k = c_k U Σ^½, and W_j = c_j I between, where c_1² = d_0 S/T, c_j² = S²/T, c_k²
= d_k S/T, S = ‖X‖_* and T = (d_0 d_k)^{1/k} S^{2 − 2/k}; then Π c_j = 1 and all k terms are T. For
measurements ‖P_jᵀ A_i Q_jᵀ‖² is the sum of ⟨A_i, p qᵀ⟩² over the columns p of P_j and the rows qᵀ of Q_j.

Source: derived here; that flat deep factors nearly minimize the nuclear norm under restricted isometry is
Gatmiry et al. (2023).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import whole
from stepscape.errors import bad, shown
from stepscape.memory import require_memory
from stepscape.problems.measurements import Measurements
from stepscape.theory.low_rank.checks import check_matrix, finite_matrix, finite_result, nuclear_norm

Array = NDArray[np.float64]


def layers_trace(layers: Iterable[ArrayLike], measurements: Measurements | None = None) -> float:
    """Hessian trace in the layers of ‖W_k … W_1 − M‖_F², or of the loss of given measurements.

    Parameters
    ----------
    layers : list of array_like
        W_1 (d_1, d_0), …, W_k (d_k, d_{k−1}), in the order in which they act.
    measurements : Measurements, optional
        Of a matrix (d_k, d_0), with the structure "any". Their m·(d_k·d_0) numbers are formed, one
        measurement at a time.

    Returns
    -------
    float
        Exact at every point, whatever M and the labels are.
    """
    chain = _layers(layers)
    with np.errstate(over="ignore", invalid="ignore"):
        before, after = _products(chain)
        if measurements is None:
            terms = (float(np.sum(P**2) * np.sum(Q**2)) for P, Q in zip(after, before, strict=True))
            return finite_result("the trace", 2.0 * sum(terms))
        X = after[0] @ chain[0]
        check_matrix(measurements, X, "the product of the layers")
        if measurements.structure != "any":
            raise bad("measurements", "have the structure 'any'", repr(measurements.structure))
        return finite_result("the trace", 2.0 / measurements.size * _squares(measurements, before, after))


def _squares(measurements: Measurements, before: list[Array], after: list[Array]) -> float:
    """Σ_j Σ_i ‖P_jᵀ A_i Q_jᵀ‖_F²."""
    total = 0.0
    for i in range(measurements.size):
        A = measurements.adjoint(np.eye(1, measurements.size, i)[0])
        total += sum(float(np.sum((P.T @ A @ Q.T) ** 2)) for P, Q in zip(after, before, strict=True))
    return total


def _products(chain: list[Array]) -> tuple[list[Array], list[Array]]:
    """Q_1, …, Q_k and P_1, …, P_k."""
    before, after = [np.eye(chain[0].shape[1])], [np.eye(len(chain[-1]))]
    for W in chain[:-1]:
        before.append(W @ before[-1])
    for W in chain[:0:-1]:
        after.append(after[-1] @ W)
    return before, after[::-1]


def _layers(layers: object) -> list[Array]:
    if not isinstance(layers, list | tuple) or not layers:
        raise bad("layers", "be a list of matrices", shown(layers))
    chain = [finite_matrix("each of layers", W) for W in layers]
    for first, second in pairwise(chain):
        if len(first) != second.shape[1]:
            came = f"{first.shape} followed by {second.shape}"
            raise bad("layers", "have as many columns as the one before has rows", came)
    return chain


def flattest_layers_trace(matrix: ArrayLike, depth: int) -> float:
    """2k (d_0 d_k)^{1/k} ‖X‖_*^{2 − 2/k}, the smallest trace of depth k with the product X (d_k, d_0).

    It is that of the loss ‖W_k … W_1 − M‖_F².
    """
    return flattest_blocks_trace([finite_matrix("matrix", matrix)], depth)


def flattest_blocks_trace(blocks: Iterable[ArrayLike], depth: int) -> float:
    """2k Σ_b (r_b c_b)^{1/k} ‖X_b‖_*^{2 − 2/k}, the smallest trace of layers with diagonal blocks.

    Parameters
    ----------
    blocks : list of array_like
        X_b (r_b, c_b), the blocks on the diagonal of X.
    depth : int
        k.
    """
    k = whole("depth", depth, 1)
    with np.errstate(over="ignore"):
        terms = (X.size ** (1.0 / k) * _power(X, k) for X in _blocks(blocks))
        return finite_result("the trace", 2.0 * k * sum(terms))


def block_penalty(blocks: Iterable[ArrayLike], depth: int) -> float:
    """Σ_b ‖X_b‖_*^{2 − 2/k}: what flat layers with diagonal blocks of equal size minimize."""
    k = whole("depth", depth, 1)
    with np.errstate(over="ignore"):
        return finite_result("the penalty", sum(_power(X, k) for X in _blocks(blocks)))


def _power(X: Array, depth: int) -> float:
    """‖X‖_*^{2 − 2/k}, infinite beyond the range of float64."""
    return float(np.power(nuclear_norm(X), 2.0 - 2.0 / depth))


def _blocks(blocks: object) -> list[Array]:
    if not isinstance(blocks, list | tuple) or not blocks:
        raise bad("blocks", "be a list of matrices", shown(blocks))
    return [finite_matrix("each of blocks", X) for X in blocks]


def flat_layers(matrix: ArrayLike, depth: int, width: int | None = None) -> list[Array]:
    """Return k layers W_1, …, W_k of the smallest trace for ‖X − M‖_F², with the product X.

    Parameters
    ----------
    matrix : array_like (d_k, d_0)
        X; the layers of X = 0 are 0.
    depth : int
        k ≥ 2.
    width : int, optional
        Width of the layers between, at least the rank of X; by default min(d_0, d_k).
    """
    X, k = finite_matrix("matrix", matrix), whole("depth", depth, 2)
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    rank = int(np.sum(s > 1e-8 * s[0]))
    h = whole("width", s.size if width is None else width, 1)
    if rank > h:
        raise bad("width", f"be at least the rank of the matrix, {rank}", h)
    require_memory("width", h, 16 * h * (h * (k - 2) + sum(X.shape)))
    kept, root, size = min(h, s.size), np.zeros((h, s.size)), float(s.sum())
    root[:kept, :kept] = np.diag(np.sqrt(s[:kept]))
    if size == 0.0:
        first, between, last = 0.0, 0.0, 0.0
    else:
        d_k, d_0 = X.shape
        # c_1² = d_0 S/T and so on, with S^{2/k} in front so that no power of S overflows.
        first, between, last = np.sqrt(np.array([d_0 / size, 1.0, d_k / size]) * size ** (2.0 / k))
        first, between, last = (c / (d_0 * d_k) ** (0.5 / k) for c in (first, between, last))
    middle = [between * np.eye(h) for _ in range(k - 2)]
    return [first * (root @ Vt), *middle, last * (U @ root.T)]
