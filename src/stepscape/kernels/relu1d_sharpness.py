"""λ_max of the Hessian of the network of `relu1d` in one call, from two starts, with its true residual.

Neurons of one cell (same position, same side of the knot) see the same inputs. Write their weights as rows of
X = (w1, b1, w2) = Q Lᵀ, Q orthonormal with at most three columns. H maps the vectors Qc into themselves, and
acts on c as the Hessian of a cell whose neurons are the columns of L; L Lᵀ = XᵀX is made of six sums. On
vectors orthogonal to them H is R alone with the largest eigenvalue √(p² + q²), (p, q) = Σ_active g (x, 1),
which H = G + R, G ≥ 0, reaches among the Qc as well. So **λ_max is that of a condensed network with at most
three neurons per cell**, and Lanczos works on that one. Neurons that see no input drop out.

Its eigenvector is lifted without Q: with (m, t) = Σ_active y (x, 1) of a neuron's cell, y = DΦu,

    (λ - decay - R) (u_w, u_b, u_a) = (w2 m, w2 t, w1 m + b1 t),       R u = (p u_a, q u_a, p u_w + q u_b).

Cells are numbered p for w1 ≤ 0, which see x[:p], and n + 1 + p for w1 > 0, which see x[p:]. What belongs to a
cell is summed over its inputs alone; cells 0 and 2n + 1 see none and get 0.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from stepscape.kernels.compiler import DISJOINT, EXACT, FAST, INLINE

CONVERGED, UNSETTLED = 0, 1
LONGEST = 32  # products from one start
FIRST_LOOK, SECOND_LOOK = 3, 7  # products before the first test of convergence, from either start
STEPS = 60  # of Laguerre; five or six are enough
CLEAR, SHARE = 1.05, 0.01  # of ‖R‖ and of λ: what λ - decay must exceed, because lifting divides by it
LEAST, MOST = 1e-100, 1e100  # values whose squares, and those of their rounding errors, are normal numbers
EPS, SUBNORMAL = 2.0**-52, 2.0**-1074

_ONE, _TWO, _THREE = np.uint64(1), np.uint64(2), np.uint64(3)
_WW, _WB, _BB, _WA, _BA, _AA, _RISE, _LIFT, _COUNT, _SUMS = range(10)


def largest(
    theta, position, inputs, labels, weights, logistic, linear, trained, decay, start, other, tolerance
):  # fmt: skip
    """Find λ_max of H + decay·diag(mask), or with `linear` of its Gauss–Newton part, at θ (3k + 1,).

    position (k,), inputs, labels, weights (n,), trained (4,): as for `relu1d_hessian`. Lanczos begins at
    G·start, then at `other`, generic numbers; both (3k + 1,). Returns status, value, residual, how much of it
    is rounding, products, the unit vector (3k + 1,), and D, moments and couplings for `relu1d_inertia`. They
    mean something if both starts have settled and residual ≤ 2·tolerance·value: the status is CONVERGED.
    """
    n = inputs.size
    out = np.empty(theta.size), np.empty(n), np.zeros((2 * n + 2, _SUMS)), np.zeros((2 * n + 2, 2))
    return *_largest(
        theta, position, inputs, labels, weights, logistic, linear, trained, decay, start, other, tolerance,
        *out,
    ), *out  # fmt: skip


@njit(**DISJOINT, **INLINE)
def _sum_moments(theta, position, trained, start, cell, moments):
    """Sum over each cell products of its weights, and what it adds to Φ·start."""
    k = np.uint64(position.size)
    right = np.uint32(moments.shape[0] // 2)
    for j in range(np.uint64(0), k, _ONE):
        cell[j] = position[j] + (right if theta[j] > 0.0 else np.uint32(0))
    for j in range(np.uint64(0), k, _ONE):
        w, b, a = theta[j], theta[k + j], theta[_TWO * k + j]
        uw, ub, ua = trained[0] * start[j], trained[1] * start[k + j], trained[2] * start[_TWO * k + j]
        c = cell[j]
        moments[c, _WW] += w * w
        moments[c, _WB] += w * b
        moments[c, _BB] += b * b
        moments[c, _WA] += w * a
        moments[c, _BA] += b * a
        moments[c, _AA] += a * a
        moments[c, _RISE] += a * uw + w * ua
        moments[c, _LIFT] += a * ub + b * ua
        moments[c, _COUNT] += 1.0


@njit(**FAST, **INLINE)
def _condense(moments, small, seat):
    """Write the columns of L of all cells into small (3m + 1,), and whose they are into seat (m,)."""
    m, j = np.uint64(seat.size), np.uint64(0)
    for c in range(1, moments.shape[0] - 1):
        # Cholesky in the order w2, w1, b1; a column of mere rounding is left empty.
        a0 = np.sqrt(moments[c, _AA])
        w0 = moments[c, _WA] / a0 if a0 > 0.0 else 0.0
        b0 = moments[c, _BA] / a0 if a0 > 0.0 else 0.0
        rest = moments[c, _WW] - w0 * w0
        w1 = np.sqrt(rest) if rest > 8.0 * EPS * moments[c, _WW] else 0.0
        b1 = (moments[c, _WB] - w0 * b0) / w1 if w1 > 0.0 else 0.0
        rest = moments[c, _BB] - b0 * b0 - b1 * b1
        b2 = np.sqrt(rest) if rest > 8.0 * EPS * moments[c, _BB] else 0.0
        left = moments[c, _COUNT]
        for w, b, a in ((w0, b0, a0), (w1, b1, 0.0), (0.0, b2, 0.0)):
            if left > 0.0:
                seat[j], small[j], small[m + j], small[_TWO * m + j] = c, w, b, a
                j += _ONE
            left -= 1.0
    small[_THREE * m] = 0.0


@njit(**FAST, **INLINE)
def _lines(inputs, constant, jumps, slope, shift, values):
    """Sum up the lines of cells: from the left those that begin, from the right those that end."""
    n = np.uint64(inputs.size)
    rise, lift = 0.0, constant
    for i in range(np.uint64(0), n, _ONE):
        rise += jumps[n + _ONE + i, slope]
        lift += jumps[n + _ONE + i, shift]
        values[i] = rise * inputs[i] + lift
    rise = lift = 0.0
    for back in range(np.uint64(0), n, _ONE):
        j = n - _ONE - back
        rise += jumps[j + _ONE, slope]
        lift += jumps[j + _ONE, shift]
        values[j] += rise * inputs[j] + lift


@njit(**FAST, **INLINE)
def _active_sums(inputs, values, at):
    """at[c] = Σ_active values·(x, 1) of each cell c."""
    n = np.uint64(inputs.size)
    moment = total = at[0, 0] = at[0, 1] = 0.0
    for i in range(np.uint64(0), n, _ONE):
        moment += values[i] * inputs[i]
        total += values[i]
        at[i + _ONE, 0] = moment
        at[i + _ONE, 1] = total
    moment = total = at[_TWO * n + _ONE, 0] = at[_TWO * n + _ONE, 1] = 0.0
    for back in range(np.uint64(0), n, _ONE):
        j = n - _ONE - back
        moment += values[j] * inputs[j]
        total += values[j]
        at[n + _ONE + j, 0] = moment
        at[n + _ONE + j, 1] = total


@njit(**FAST, **INLINE)
def _push(theta, cell, u, jumps):
    """Add to jumps what each neuron adds to Φu."""
    k = np.uint64(cell.size)
    for j in range(np.uint64(0), k, _ONE):
        w, b, a = theta[j], theta[k + j], theta[_TWO * k + j]
        ua = u[_TWO * k + j]
        jumps[cell[j], 0] += a * u[j] + w * ua
        jumps[cell[j], 1] += a * u[k + j] + b * ua


@njit(**DISJOINT, **INLINE)
def _pull(theta, cell, at, couplings, u, trained, decay, out):
    """Set out = Φᵀy + Ru + decay·u, with at made of y, and couplings holding p and q of each cell."""
    k = np.uint64(cell.size)
    for j in range(np.uint64(0), k, _ONE):
        w, b, a = theta[j], theta[k + j], theta[_TWO * k + j]
        uw, ub, ua = u[j], u[k + j], u[_TWO * k + j]
        m, t, p, q = at[cell[j], 0], at[cell[j], 1], couplings[cell[j], 0], couplings[cell[j], 1]
        out[j] = trained[0] * (a * m + p * ua + decay * uw)
        out[k + j] = trained[1] * (a * t + q * ua + decay * ub)
        out[_TWO * k + j] = trained[2] * (w * m + b * t + p * uw + q * ub + decay * ua)
    out[_THREE * k] = trained[3] * at[at.shape[0] // 2, 1]


@njit(**FAST, **INLINE)
def _product(theta, cell, inputs, curvature, couplings, u, trained, decay, jumps, y, at, out):
    """Set out = Hu + decay·mask·u, and y = DΦu."""
    for c in range(jumps.shape[0]):
        jumps[c, 0] = jumps[c, 1] = 0.0
    _push(theta, cell, u, jumps)
    _lines(inputs, u[u.size - 1], jumps, 0, 1, y)
    for i in range(y.size):
        y[i] *= curvature[i]
    _active_sums(inputs, y, at)
    _pull(theta, cell, at, couplings, u, trained, decay, out)


@njit(**FAST, **INLINE)
def _linearize(inputs, labels, weights, logistic, values, curvature, slopes):
    """From f at the inputs: curvature v ℓ'', slopes v ℓ'."""
    for i in range(inputs.size):
        if logistic:
            margin = labels[i] * values[i]
            small = np.exp(-abs(margin))
            curvature[i] = weights[i] * small / ((1.0 + small) * (1.0 + small))
            slopes[i] = -weights[i] * labels[i] * (small if margin > 0.0 else 1.0) / (1.0 + small)
        else:
            curvature[i] = weights[i]
            slopes[i] = weights[i] * (values[i] - labels[i])


@njit(**FAST, **INLINE)
def _scale_to_one(vector):
    total = 0.0
    for i in range(vector.size):
        total += vector[i] * vector[i]
    size = np.sqrt(total)
    for i in range(vector.size):
        vector[i] /= size
    return size


@njit(**EXACT, **INLINE)
def _top_of_tridiagonal(diagonal, beside, m):
    """Largest eigenvalue of the leading (m, m) matrix, by Laguerre's steps down from Gershgorin's bound.

    With the pivots d_i(σ) of T - σ the characteristic polynomial is χ = Π d_i; g = χ'/χ = Σ d'/d and h = -g'
    come from one recurrence. All roots are real, so that no step from above passes the largest; above it all
    pivots are negative.
    """
    bound = diagonal[m - 1] + (beside[m - 2] if m > 1 else 0.0)
    for i in range(m - 1):
        bound = max(bound, diagonal[i] + beside[i] + (beside[i - 1] if i else 0.0))
    sigma = bound + 4.0 * EPS * abs(bound)
    for _ in range(STEPS):
        d = first = second = g = h = 0.0  # first, second: d'/d and d''/d of the pivot before
        for i in range(m):
            ratio = beside[i - 1] * beside[i - 1] / d if i else 0.0
            second = ratio * (second - 2.0 * first * first)
            first = ratio * first - 1.0
            d = diagonal[i] - sigma - ratio
            if not d < 0.0:
                return sigma  # the root, but for rounding
            first, second = first / d, second / d
            g += first
            h += first * first - second
        step = m / (g + np.sqrt(max((m - 1.0) * (m * h - g * g), 0.0)))
        sigma -= step
        if not step > 4.0 * EPS * abs(sigma):
            break
    return sigma


@njit(**EXACT, **INLINE)
def _eigenvector(diagonal, beside, m, sigma, up, down, weights):
    """Fill weights (m,) with the unit eigenvector of sigma: pivots of both ends, joined where they agree."""
    up[0] = diagonal[0] - sigma
    for i in range(1, m):
        up[i] = diagonal[i] - sigma - beside[i - 1] * beside[i - 1] / up[i - 1]
    down[m - 1] = diagonal[m - 1] - sigma
    for i in range(m - 2, -1, -1):
        down[i] = diagonal[i] - sigma - beside[i] * beside[i] / down[i + 1]
    joint, least = 0, np.inf
    for i in range(m):
        gap = abs(up[i] + down[i] - diagonal[i] + sigma)
        if gap < least:
            joint, least = i, gap
    weights[joint] = total = 1.0
    for i in range(joint - 1, -1, -1):
        weights[i] = -beside[i] * weights[i + 1] / up[i]
        total += weights[i] * weights[i]
    for i in range(joint + 1, m):
        weights[i] = -beside[i - 1] * weights[i - 1] / down[i]
        total += weights[i] * weights[i]
    for i in range(m):
        weights[i] /= np.sqrt(total)


@njit(**EXACT, **INLINE)
def _lanczos(
    small, seat, inputs, curvature, couplings, trained, decay, look, tolerance, rows, last, now, ahead, jumps,
    at, diagonal, beside, up, down, weights,
):  # fmt: skip
    """Lanczos from the unit vector `now`, y = DΦq of each step kept in rows (LONGEST, n).

    No reorthogonalization: vectors stay orthogonal enough until a Ritz pair has settled, and the product that
    verifies is the judge. Returns the top Ritz value and how many products it took; 0 if it did not settle.
    """
    value = before = 0.0
    for m in range(LONGEST):
        _product(small, seat, inputs, curvature, couplings, now, trained, decay, jumps, rows[m], at, ahead)
        inner = size = 0.0
        for i in range(now.size):
            ahead[i] -= before * last[i]
            inner += now[i] * ahead[i]
            size += ahead[i] * ahead[i]
        for i in range(now.size):
            ahead[i] -= inner * now[i]
        after = _scale_to_one(ahead)
        diagonal[m], beside[m] = inner, after
        closed = not after > 1e-14 * np.sqrt(size)
        if m + 1 >= look or closed:
            value = _top_of_tridiagonal(diagonal, beside, m + 1)
            _eigenvector(diagonal, beside, m + 1, value, up, down, weights)
            if closed or after * abs(weights[m]) <= tolerance * value:
                return value, m + 1
        for i in range(now.size):
            last[i], now[i] = now[i], ahead[i]
        before = after
    return value, 0


@njit(**DISJOINT, **INLINE)
def _lift(theta, cell, at, couplings, value, trained, decay, vector):
    """Solve for the eigenvector of `value`, neuron by neuron, and make it a unit vector; see the module."""
    k = np.uint64(cell.size)
    gap = value - decay
    for j in range(np.uint64(0), k, _ONE):
        w, b, a = theta[j], theta[k + j], theta[_TWO * k + j]
        m, t = trained[0] * at[cell[j], 0], trained[1] * at[cell[j], 1]
        p, q = trained[0] * couplings[cell[j], 0], trained[1] * couplings[cell[j], 1]
        ha = w * at[cell[j], 0] + b * at[cell[j], 1]
        ua = trained[2] * (gap * ha + a * (p * m + q * t)) / (gap * gap - trained[2] * (p * p + q * q))
        vector[j] = (a * m + p * ua) / gap
        vector[k + j] = (a * t + q * ua) / gap
        vector[_TWO * k + j] = ua
    vector[_THREE * k] = trained[3] * at[at.shape[0] // 2, 1] / value


@njit(**FAST, **INLINE)
def _rayleigh(vector, image, shift):
    """Rayleigh quotient of a unit vector and the norm of its residual; a shift near it saves digits."""
    inner = square = 0.0
    for i in range(vector.size):
        rest = image[i] - shift * vector[i]
        inner += vector[i] * rest
        square += rest * rest
    return shift + inner, np.sqrt(max(square - inner * inner, 0.0))


@njit(**EXACT, **INLINE)
def _lost(inputs, moments, terms, constant, curvature, slopes, logistic, linear, trained):
    """Bound how far rounding and underflow throw H·u, ‖u‖ = 1; see `Hessian.lost`; Cauchy–Schwarz."""
    x = max(abs(inputs[0]), abs(inputs[inputs.size - 1]))
    reach, seen = np.sqrt(1.0 + x * x), moments[1 : moments.shape[0] - 1]
    inner = np.sqrt(seen[:, _WW]) * x + np.sqrt(seen[:, _BB])
    sizes = abs(constant) + np.sum(np.sqrt(seen[:, _AA]) * inner)
    outer = (trained[0] * x * x + trained[1]) * np.sum(seen[:, _AA])
    length = trained[3] + trained[2] * np.sum(inner * inner) + outer
    total, pull = np.sum(curvature), np.sum(np.abs(slopes))
    bend = 2.0 * np.expm1(terms * sizes) * total if logistic else 0.0  # slopes move by this, and so does D
    lost = (terms * total + bend) * length
    if not linear and trained[2] * (trained[0] + trained[1]) > 0.0:
        lost += reach * (bend + terms * 3.0 * pull + (0.0 if logistic else terms * sizes))
    return lost + (2.0 * inputs.size * (length + reach) * SUBNORMAL if logistic else 0.0)


@njit(**EXACT)
def _largest(
    theta, position, inputs, labels, weights, logistic, linear, trained, decay, start, other, tolerance,
    found, curvature, moments, couplings,
):  # fmt: skip
    n, cell = inputs.size, np.empty(position.size, np.uint32)
    _sum_moments(theta, position, trained, start, cell, moments)
    columns = np.uint64(0)
    for c in range(1, 2 * n + 1):
        columns += np.uint64(min(moments[c, _COUNT], 3.0))
    if columns == 0:
        return UNSETTLED, 0.0, 0.0, 0.0, 0
    small, seat = np.empty(3 * columns + 1), np.empty(columns, np.uint32)
    _condense(moments, small, seat)

    slopes, y, at = np.empty(n), np.empty(n), np.empty((2 * n + 2, 2))
    _lines(inputs, theta[theta.size - 1], moments, _WA, _BA, y)
    _linearize(inputs, labels, weights, logistic, y, curvature, slopes)
    if not linear:
        _active_sums(inputs, slopes, couplings)
    _lines(inputs, trained[3] * start[start.size - 1], moments, _RISE, _LIFT, y)
    for i in range(n):
        y[i] *= curvature[i]
    _active_sums(inputs, y, at)

    last, now, ahead = np.zeros(small.size), np.zeros(small.size), np.empty(small.size)
    _pull(small, seat, at, couplings, last, trained, 0.0, now)  # G·start, because `last` is 0
    rows, jumps = np.empty((LONGEST, n)), np.empty((2 * n + 2, 2))
    diagonal, beside, factors = np.empty(LONGEST), np.empty(LONGEST), np.empty(LONGEST)
    up, down = np.empty(LONGEST), np.empty(LONGEST)
    best, largest_coupling, products = 0.0, 0.0, 1
    for turn in range(2):
        if turn == 1:
            for j in range(np.uint64(0), _THREE * columns, _ONE):
                now[j] = trained[j // columns] * other[j]
            now[3 * columns] = trained[3] * other[3 * columns]
        _scale_to_one(now)
        value, spent = _lanczos(
            small, seat, inputs, curvature, couplings, trained, decay, SECOND_LOOK if turn else FIRST_LOOK,
            tolerance, rows, last, now, ahead, jumps, at, diagonal, beside, up, down, factors,
        )  # fmt: skip
        products += spent
        if not (spent > 0 and LEAST < value < MOST):
            return UNSETTLED, value, 0.0, 0.0, products
        if value > best:
            best = value
            y[:] = 0.0
            for m in range(spent):
                y += factors[m] * rows[m]
    for j in range(columns):
        p, q = trained[0] * couplings[seat[j], 0], trained[1] * couplings[seat[j], 1]
        largest_coupling = max(largest_coupling, trained[2] * np.sqrt(p * p + q * q))
    if not best - decay > max(CLEAR * largest_coupling, SHARE * best):
        return UNSETTLED, best, 0.0, 0.0, products
    _active_sums(inputs, y, at)
    image = np.empty(found.size)
    _lift(theta, cell, at, couplings, best, trained, decay, found)
    _scale_to_one(found)
    _product(theta, cell, inputs, curvature, couplings, found, trained, decay, jumps, y, at, image)
    value, residual = _rayleigh(found, image, best)
    terms = (2.0 * n + position.size + 16.0) * EPS
    rounding = terms * best + _lost(
        inputs, moments, terms, theta[theta.size - 1], curvature, slopes, logistic, linear, trained
    )
    residual += rounding
    status = CONVERGED if residual <= 2.0 * tolerance * best else UNSETTLED
    return status, value, residual, rounding, products + 1
