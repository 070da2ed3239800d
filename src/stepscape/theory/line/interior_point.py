"""A primal-dual interior-point method for the flattest interpolator.

Unknowns: for each cone j the shares q_j = (A, a, b) > 0 (u = a·ray₁ + b·ray₂), the output bias and T. With
the slack S = T·I − K(q) ⪰ 0, its multiplier Z, the multipliers z of q ≥ 0 and μ of the interpolation,

    ⟨Z, ∂K/∂q⟩ = z + Eᵀμ,   tr Z = 1,   Σμ = 0,   E q + b2·1 = y,   Z S = σ I,   z q = σ.

Newton's step linearizes Z = σS⁻¹ (Helmberg, Rendl, Vanderbei and Wolkowicz, 1996) and z = σ/q; σ falls to 0.
In the basis Y of a cell every ∂K/∂q is Y D Yᵀ with a symmetric 2 × 2 matrix D, so ⟨∂K, Z ∂K S⁻¹⟩ costs a
product of 3 × 3 matrices per pair of cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stepscape.theory.line.cells import Cells
from stepscape.theory.line.distribution import FloatArray

_ENTRIES = ((0, 0), (0, 1), (1, 1))  # of a symmetric 2 × 2 matrix
_BOUNDARY = 0.95  # share of the way to q = 0 or z = 0
_LEAST_SLACK = 0.02  # the least share of S and Z that a step leaves


@dataclass(frozen=True, eq=False)
class Cone:
    """K and the interpolation constraint as functions of the shares (2·cells, 3), positive neurons first."""

    cells: Cells
    labels: FloatArray

    @cached_property
    def equations(self) -> FloatArray:
        """E (n, 6·cells) with E q the values at the inputs, less the bias."""
        padded = np.zeros((self.labels.size, self.cells.count, 3))
        padded[:, :, 1:] = self.cells.values.transpose(1, 0, 2)
        one = padded.reshape(self.labels.size, -1)
        return np.concatenate([one, -one], axis=1)

    def kernel(self, shares: FloatArray) -> FloatArray:
        """K = 11ᵀ + Σ_j A_j X_j X_jᵀ + X_j u_j u_jᵀ X_jᵀ / A_j."""
        outer, inner = shares[:, 0, None, None], shares[:, 1:]
        inner = self.combine(inner)
        each = outer * self.metric + inner[:, :, None] * inner[:, None, :] / outer
        return 1.0 + self.spread(each)

    @cached_property
    def metric(self) -> FloatArray:
        """The metric of each cone's cell."""
        return np.tile(self.cells.metric, (2, 1, 1))

    @cached_property
    def rays(self) -> FloatArray:
        """The rays of each cone's cell."""
        return np.tile(self.cells.rays, (2, 1, 1))

    def combine(self, inner: FloatArray) -> FloatArray:
        """a·ray₁ + b·ray₂ of each cone, (2·cells, 2)."""
        return np.asarray(np.einsum("jr,jri->ji", inner, self.rays))

    def spread(self, each: FloatArray) -> FloatArray:
        """Σ_j Y_j each_j Y_jᵀ for one 2 × 2 matrix per cone."""
        both = each[: self.cells.count] + each[self.cells.count :]
        columns = self.cells.columns.reshape(self.labels.size, -1, 2)
        left = columns[:, :, :1] * both[:, 0] + columns[:, :, 1:] * both[:, 1]
        product = left.reshape(self.labels.size, -1) @ self.cells.columns.T
        return np.asarray(0.5 * (product + product.T))

    def balanced(self, inner: FloatArray) -> FloatArray:
        """Shares with the A that minimize the trace of K for given (a, b)."""
        size = np.einsum("pnr,pns->prs", self.cells.basis, self.cells.basis)
        total = np.einsum("prs,prs->p", size, self.cells.metric)
        u = self.combine(inner)
        value = np.einsum("jr,jrs,js->j", u, np.tile(size, (2, 1, 1)), u)
        outer = np.sqrt(value / np.tile(total, 2)) + 1e-2 * np.linalg.norm(inner, axis=1)
        return np.column_stack([outer, inner])

    def slopes(self, shares: FloatArray) -> FloatArray:
        """D (2·cells, 3, 2, 2): the derivatives of K by A, a, b, each Y D Yᵀ."""
        ratio = self.combine(shares[:, 1:]) / shares[:, :1]
        turned = self.rays[:, :, :, None] * ratio[:, None, None, :]
        first = self.metric - ratio[:, :, None] * ratio[:, None, :]
        return np.concatenate([first[:, None], turned + turned.swapaxes(2, 3)], axis=1)


@dataclass(frozen=True, eq=False)
class Solution:
    """The point at which the method ended.

    Attributes
    ----------
    shares, b2 : the network.
    density, prices : Z and −μ, from which a lower bound follows.
    gap : complementarity relative to T, the accuracy of the minimum.
    """

    shares: FloatArray
    b2: float
    density: FloatArray
    prices: FloatArray
    gap: float
    converged: bool
    iterations: int


@dataclass(frozen=True, eq=False)
class _State:
    q: FloatArray
    b2: float
    top: float
    dual: FloatArray  # Z
    slack: FloatArray  # z, flat


def solve(cone: Cone, start: FloatArray, b2: float, tolerance: float, max_iterations: int) -> Solution:
    """Minimize λ_max(K) from an interpolator with positive shares."""
    n = cone.labels.size
    top = 1.3 * float(np.linalg.eigvalsh(cone.kernel(start))[-1])
    inverse = np.linalg.inv(top * np.eye(n) - cone.kernel(start))
    state = _State(start, b2, top, inverse / np.trace(inverse), 1.0 / (np.trace(inverse) * start.ravel()))
    length, prices, gap, iteration = 1.0, np.zeros(n), np.inf, 0
    while iteration < max_iterations and gap > tolerance:
        iteration += 1
        state, prices, length, gap = _step(cone, state, length)
    return Solution(
        *_corrected(cone, state), state.dual, prices, gap, converged=gap <= tolerance, iterations=iteration
    )


def _corrected(cone: Cone, state: _State) -> tuple[FloatArray, float]:
    """Interpolate up to rounding, by the least relative changes of the shares; do so twice."""
    q, b2 = state.q.ravel(), state.b2
    for _ in range(2):
        columns = np.column_stack([cone.equations * q, np.ones(cone.labels.size)])
        change = np.linalg.lstsq(columns, cone.labels - b2 - cone.equations @ q, rcond=None)[0]
        q, b2 = q * (1.0 + change[:-1]), b2 + float(change[-1])
    return q.reshape(state.q.shape), b2


def _step(cone: Cone, at: _State, length: float) -> tuple[_State, FloatArray, float, float]:
    """Take one Newton step; after a short step σ falls less."""
    n, q = cone.labels.size, at.q.ravel()
    slack = at.top * np.eye(n) - cone.kernel(at.q)
    pairs = float(np.sum(at.dual * slack) + at.slack @ q)
    sigma = (0.1 if length > 0.7 else 0.3 if length > 0.3 else 0.7) * pairs / (n + q.size)
    inverse = np.linalg.inv(slack)
    inverse = 0.5 * (inverse + inverse.T)
    slopes = cone.slopes(at.q)
    matrix, gradient = _newton(cone, at, slopes, inverse, sigma)
    step, db2, prices = _solve_kkt(cone, at, matrix, gradient)
    dq, dtop = step[:-1] * q, float(step[-1]) * at.top
    turn = at.dual @ (cone.spread(np.einsum("ja,jars->jrs", dq.reshape(-1, 3), slopes))) @ inverse
    turn -= dtop * at.dual @ inverse
    ddual = sigma * inverse - at.dual + 0.5 * (turn + turn.T)
    dslack = sigma / q - at.slack * (1.0 + step[:-1])
    primal = min(1.0, _BOUNDARY / max(float(-step[:-1].min()), 1e-300))
    change = dq.reshape(at.q.shape)
    while not _definite((at.top + primal * dtop) * np.eye(n) - cone.kernel(at.q + primal * change), slack):
        primal *= 0.8
    dual = min(1.0, _BOUNDARY / max(float((-dslack / at.slack).max()), 1e-300))
    while not _definite(at.dual + dual * ddual, at.dual):
        dual *= 0.8
    moved = _State(
        at.q + primal * change,
        at.b2 + primal * db2,
        at.top + primal * dtop,
        at.dual + dual * ddual,
        at.slack + dual * dslack,
    )
    return moved, prices, min(primal, dual), pairs / at.top


def _definite(matrix: FloatArray, before: FloatArray) -> bool:
    try:
        np.linalg.cholesky(matrix - _LEAST_SLACK * before)
    except np.linalg.LinAlgError:
        return False
    return True


def _newton(
    cone: Cone, at: _State, slopes: FloatArray, inverse: FloatArray, sigma: float
) -> tuple[FloatArray, FloatArray]:
    """Matrix and gradient in relative changes of (q, T)."""
    cells, q = cone.cells, at.q.ravel()
    mixed = at.dual @ inverse
    grams = [_gram(cells, matrix) for matrix in (inverse, at.dual, 0.5 * (mixed + mixed.T))]
    own = np.arange(cells.count)
    inner_s, inner_z, inner_m = (np.tile(gram[own, :, own], (2, 1, 1)) for gram in grams)
    block = _pairs(slopes, grams[0], grams[1])
    each = np.arange(len(at.q))
    bends = _bends(at.q, np.einsum("jri,jik,jsk->jrs", cone.rays, inner_z, cone.rays))
    block.reshape(len(at.q), 3, len(at.q), 3)[each, :, each] += bends
    block *= q
    block *= q[:, None]
    block[np.diag_indices_from(block)] += at.slack * q
    matrix = np.empty((q.size + 1, q.size + 1))
    matrix[:-1, :-1] = block
    matrix[-1, :-1] = matrix[:-1, -1] = -np.einsum("jars,jrs->ja", slopes, inner_m).ravel() * q * at.top
    matrix[-1, -1] = float(np.trace(mixed)) * at.top**2
    by_share = np.einsum("jars,jrs->ja", slopes, inner_s).ravel()
    last = (1.0 - sigma * np.trace(inverse)) * at.top
    return matrix, np.append(sigma * (by_share * q - 1.0), last)


def _gram(cells: Cells, matrix: FloatArray) -> FloatArray:
    """Yᵀ matrix Y by pairs of cells, (cells, 2, cells, 2)."""
    product = cells.columns.T @ matrix @ cells.columns
    return np.asarray(product.reshape(cells.count, 2, cells.count, 2))


def _pairs(slopes: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
    """Return ⟨∂_a K, Z ∂_b K S⁻¹⟩ for all pairs of shares, symmetrized over the two matrices."""
    count = len(first)
    mix = np.empty((count, 3, count, 3))
    for i, (k, m) in enumerate(_ENTRIES):
        for j, (c, e) in enumerate(_ENTRIES):
            mix[:, i, :, j] = 0.25 * (
                first[:, k, :, c] * second[:, m, :, e]
                + first[:, k, :, e] * second[:, m, :, c]
                + second[:, k, :, c] * first[:, m, :, e]
                + second[:, k, :, e] * first[:, m, :, c]
            )
    # A symmetric matrix acts through (D₁₁, 2 D₁₂, D₂₂).
    weights = np.stack([slopes[..., 0, 0], 2.0 * slopes[..., 0, 1], slopes[..., 1, 1]], -1)
    signs = weights.reshape(2, count, 3, 3)
    return _both_sides(signs, mix.reshape(count, 3, 3 * count))


def _both_sides(signs: FloatArray, middle: FloatArray) -> FloatArray:
    """Blocks W_s middle W_tᵀ for the two signs s, t, where W_s is block diagonal and middle symmetric."""
    size = middle.shape[-1]
    out = np.empty((2, size, 2, size))
    for s in range(2):
        left = np.matmul(signs[s], middle).reshape(size, size).T.reshape(middle.shape)
        for t in range(2):
            out[t, :, s] = np.matmul(signs[t], left).reshape(size, size)
    return out.reshape(2 * size, 2 * size)


def _bends(q: FloatArray, inner: FloatArray) -> FloatArray:
    """⟨Z, ∂²K⟩ within each cone, (2·cells, 3, 3); inner: Z between the values of the two rays."""
    ratio, outer = q[:, 1:] / q[:, :1], q[:, 0]
    pulled = np.einsum("jrs,js->jr", inner, ratio)
    out = np.empty((len(q), 3, 3))
    out[:, 0, 0] = 2.0 * (ratio * pulled).sum(axis=1) / outer
    out[:, 0, 1:] = out[:, 1:, 0] = -2.0 * pulled / outer[:, None]
    out[:, 1:, 1:] = 2.0 * inner / outer[:, None, None]
    return out


def _solve_kkt(
    cone: Cone, at: _State, matrix: FloatArray, gradient: FloatArray
) -> tuple[FloatArray, float, FloatArray]:
    """Relative step of (q, T), step of b2, and the prices −μ of the labels."""
    from scipy.linalg import cho_solve

    n, q = cone.labels.size, at.q.ravel()
    scale = 1.0 / np.sqrt(matrix.diagonal())
    rows = np.concatenate([cone.equations * q, np.zeros((n, 1))], axis=1) * scale
    factor = _factor(matrix * scale * scale[:, None])
    solved = cho_solve(factor, np.column_stack([rows.T, gradient * scale]), check_finite=False)
    system = np.zeros((n + 1, n + 1))
    system[:n, :n] = rows @ solved[:, :n]
    system[:n, n], system[n, :n] = -1.0, 1.0
    missing = cone.labels - at.b2 - cone.equations @ q
    answer = np.linalg.solve(system, np.append(-(rows @ solved[:, n]) - missing, 0.0))
    step = -(solved[:, n] + solved[:, :n] @ answer[:n]) * scale
    return step, float(answer[n]), -answer[:n]


def _factor(matrix: FloatArray) -> tuple[FloatArray, bool]:
    """Cholesky factor of a matrix with unit diagonal, lifted by as little as rounding requires."""
    from scipy.linalg import cho_factor

    lift = 1e-13
    while True:
        matrix[np.diag_indices_from(matrix)] += lift
        try:
            factor: tuple[FloatArray, bool] = cho_factor(matrix, lower=True, check_finite=False)
        except np.linalg.LinAlgError:
            lift *= 10.0
        else:
            return factor
