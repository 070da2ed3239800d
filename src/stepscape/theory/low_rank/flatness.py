"""The Hessian trace of a low-rank problem at any point, and its smallest value over the factors of a matrix.

With L = (1/m) Σ_i r_i², r_i = ⟨A_i, X⟩ − b_i, and the plain D1, D2 and D of `weights`:

    X = L Rᵀ              tr = 2 (‖D1 L‖_F² + ‖D2 R‖_F²)                      ≥ 4 ‖D1 X D2‖_*
    X = U1 U1ᵀ − U2 U2ᵀ   tr = 8 (‖D U1‖_F² + ‖D U2‖_F²) + 4 (k1 − k2) ρ      ≥ 8 ‖D X D‖_* at r = 0
    X = U Uᵀ              tr = 8 ‖D U‖_F² + 4 k ρ                             = 8 tr(D X D) at r = 0

with ρ = (1/m) Σ_i r_i tr A_i.

Proof. Along (V, W) the first derivative of ⟨A_i, L Rᵀ⟩ is ⟨A_i, V Rᵀ + L Wᵀ⟩. The second one, 2 ⟨A_i, V Wᵀ⟩,
has no diagonal. Summed over unit matrices the squares of the first are ‖A_i R‖² + ‖A_iᵀ L‖². For symmetric
A_i the first derivative of U Uᵀ is 2 ⟨A_i U, V⟩; the second one is 2 ⟨A_i V, V⟩, with the sum 2 k tr A_i.

The bounds are 2 ‖P Qᵀ‖_* ≤ 2 ‖P‖_F ‖Q‖_F ≤ ‖P‖_F² + ‖Q‖_F² with P = D1 L and Q = D2 R, and the triangle
inequality for D U1 U1ᵀ D and D U2 U2ᵀ D. The factors L = D1⁺ P Σ^½ and R = D2⁺ Q Σ^½ of a singular value
decomposition D1 X D2 = P Σ Qᵀ attain them, and for symmetric X those of its eigenvectors. So X is the
product of a flat zero-loss point exactly if it minimizes ‖D1 X D2‖_* with A(X) = b, a convex problem, if the
width allows.

Source: Ding, Drusvyatskiy, Fazel and Harchaoui (2024), Lemma 3.1 and Theorem 3.2; the points with r ≠ 0 and
the constants of the other two structures derived here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.errors import bad
from stepscape.factorization import Factorization, Width, read_widths
from stepscape.memory import require_memory
from stepscape.problems.measurements import Measurements
from stepscape.theory.low_rank.checks import check_factors, check_matrix, finite_result, nuclear_norm
from stepscape.theory.low_rank.weights import MatrixWeights, Weight, matrix_weights

Array = NDArray[np.float64]
DROPPED = 1e-8  # share of the largest singular value of D1 X D2 below which one may be left out


def hessian_trace(measurements: Measurements, factors: Factorization) -> float:
    """Trace of the Hessian of (1/m) Σ (⟨A_i, X⟩ − b_i)² in the factors, exact at every point.

    Raises
    ------
    InputError
        For factors of another shape or structure, and for a trace that float64 cannot hold.
    """
    return _trace(measurements, factors, scaled=False)


def scaled_trace(measurements: Measurements, factors: Factorization) -> float:
    """tr_L/d1 + tr_R/d2, the traces over the two blocks divided by the numbers of rows of L and of R.

    It has the same minimizers X as the trace, and its flat factors are balanced where D1 and D2 are near
    multiples of I; those of the trace of an oblong matrix have ‖L‖²/‖R‖² near d1/d2. For a square matrix it
    is tr/d.
    """
    return _trace(measurements, factors, scaled=True)


def _trace(measurements: Measurements, factors: Factorization, scaled: bool) -> float:
    left, right = check_factors(measurements, factors)
    weights = matrix_weights(measurements, scaled)
    with np.errstate(over="ignore", invalid="ignore"):
        total = weights.left.squared_norm(left) + weights.right.squared_norm(right)
        if measurements.structure == "any":
            return finite_result("the trace", 2.0 * total)
        residuals = measurements.linear_map.apply(factors.matrix) - measurements.labels
        traces = measurements.apply(np.eye(len(left)))
        bent = 4.0 * (left.shape[1] - right.shape[1]) * float(np.mean(residuals * traces))
        return finite_result("the trace", 8.0 * total + bent / (len(left) if scaled else 1))


def flattest_trace(measurements: Measurements, matrix: ArrayLike, scaled: bool = False) -> float:
    """Infimum of the trace over all zero-loss factors of a matrix X, as if A(X) = b: 4 ‖D1 X D2‖_*.

    8 ‖D X D‖_* for the structure "symmetric"; 8 tr(D X D) for "psd", where all factors of X have this trace.
    `flat_factors` attain it if D1 and D2 see all of X.

    Parameters
    ----------
    measurements : Measurements
    matrix : array_like (d1, d2)
        X, symmetric or positive semidefinite if the structure says so.
    scaled : bool
        The infimum of `scaled_trace`.
    """
    X, weights = check_matrix(measurements, matrix), matrix_weights(measurements, scaled)
    seen = weights.around(X)
    if measurements.structure == "psd":
        return finite_result("the trace", 8.0 * float(np.trace(seen)))
    multiple = 4.0 if measurements.structure == "any" else 8.0
    return finite_result("the trace", multiple * nuclear_norm(seen))


def flat_factors(
    measurements: Measurements,
    matrix: ArrayLike,
    scaled: bool = False,
    width: Width | None = None,
) -> Factorization:
    """Return factors of a matrix X with the smallest trace that factors of X can have.

    Parameters
    ----------
    measurements : Measurements
    matrix : array_like (d1, d2)
        X; its columns must lie in the range of D1, its rows in that of D2.
    scaled : bool
        Minimize `scaled_trace`, whose factors are nearer to balanced ones.
    width : int or (k1, k2), optional
        Number k of columns, at least the rank of X; further ones are 0. For "symmetric" U1 has k1 and U2 has
        k2 columns. By default min(d1, d2), which is always enough; d each for "symmetric".

    Raises
    ------
    InputError
        For a width below the rank, and for a part of X that no measurement sees: with it the smallest trace
        need not be attained. For "psd" there is no such restriction, because all factors of X are equal.
    """
    X, weights = check_matrix(measurements, matrix), matrix_weights(measurements, scaled)
    k1, k2 = read_widths(min(X.shape) if width is None else width, measurements.structure)
    require_memory("width", max(k1, k2), 32 * (k1 * X.shape[0] + k2 * X.shape[1]))
    if measurements.structure == "psd":
        return Factorization(_signed(X, k1, 0)[0], structure="psd")
    _require_seen(X, weights)
    seen = weights.around(X)
    if measurements.structure == "any":
        P, s, Qt = np.linalg.svd(seen, full_matrices=False)
        left, right = _columns(P, s, k1, s[0]), _columns(Qt.T, s, k1, s[0])
        return Factorization(_unweighted(weights.left, left), _unweighted(weights.right, right))
    U1, U2 = (_unweighted(weights.left, U) for U in _signed(seen, k1, k2))
    return Factorization(U1, U2, "symmetric")


def _signed(X: Array, k1: int, k2: int) -> tuple[Array, Array]:
    """Return U1 and U2 with X = U1 U1ᵀ − U2 U2ᵀ: its eigenvectors times √|λ|, those with λ > 0 in U1."""
    values, V = np.linalg.eigh(X)
    largest = float(np.abs(values).max())
    U1 = _columns(V[:, ::-1], np.maximum(values[::-1], 0.0), k1, largest)
    return U1, _columns(V, np.maximum(-values, 0.0), k2, largest)


def _unweighted(weight: Weight, factor: Array) -> Array:
    """D⁺ F."""
    inverse = weight.pseudo_inverse
    return np.asarray(inverse[:, None] * factor if inverse.ndim == 1 else inverse @ factor)


def _columns(vectors: Array, values: Array, width: int, largest: float) -> Array:
    """Scale the columns by √values, which fall; keep `width` of them, or pad by zeros."""
    rank = int(np.sum(values > DROPPED * largest))
    if rank > width:
        raise bad("width", f"be at least the rank of the matrix, {rank}", width)
    kept = min(width, values.size)
    out = np.zeros((len(vectors), width))
    out[:, :kept] = vectors[:, :kept] * np.sqrt(values[:kept])
    return out


def _require_seen(X: Array, weights: MatrixWeights) -> None:
    """Refuse a matrix with a part on the null space of D1 or D2."""
    shrunk = X / (float(np.abs(X).max()) or 1.0)
    size = 1e-8 * float(np.linalg.norm(shrunk))
    sides = ((weights.left, shrunk, "rows"), (weights.right, shrunk.T, "columns"))
    for weight, part, which in sides:
        if weight.nullity and weight.part_outside(part) > size:
            came = f"a part in {weight.nullity} dimensions of its {which} that no measurement sees"
            raise bad("matrix", "be seen by the measurements", came, "set that part to 0, or measure more")
