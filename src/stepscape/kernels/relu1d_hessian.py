"""Hessian-vector products of the network of `relu1d` in O(n + k), and Lanczos steps made of them.

With z = w1 x + b1 and active set s, the row of the tangent matrix Φ at x_i is

    ∂f/∂w1 = w2 s x_i,   ∂f/∂b1 = w2 s,   ∂f/∂w2 = s z,   ∂f/∂b2 = 1,

so Φu is piecewise linear in x with the knots of f: the slope of Φu changes by ±(w2 u_w + w1 u_a) and its
intercept by ±(w2 u_b + b1 u_a) at each knot. The Hessian is H = ΦᵀDΦ + R with D = diag(curvature) and, neuron by
neuron, R coupling w2 with (w1, b1) through p = Σ_active g x and q = Σ_active g, where g = ∂L/∂f(x_i).

Vectors have length 3k + 1 in the order (w1, b1, w2, b2); `trained` (4,) holds 1 for trained blocks and 0 for
frozen ones, whose coordinates stay 0. Conventions of positions and histograms: see `relu1d`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from stepscape.kernels.compiler import DISJOINT, EXACT, FAST

BLOCK = 256


@njit(**DISJOINT)
def _directions(w1, b1, w2, uw, ub, ua, slope, shift):
    """Slope and intercept changes of Φu at the knots of a block; returns what is added everywhere."""
    slope_everywhere = 0.0
    shift_everywhere = 0.0
    for j in range(w1.size):
        w, b, a = w1[j], b1[j], w2[j]
        rise = a * uw[j] + w * ua[j]
        lift = a * ub[j] + b * ua[j]
        slope[j] = rise if w > 0.0 else -rise
        shift[j] = lift if w > 0.0 else -lift
        slope_everywhere += rise - slope[j]
        shift_everywhere += lift - shift[j]
    return 0.5 * slope_everywhere, 0.5 * shift_everywhere


@njit(**FAST)
def _add(position, slope, shift, bins):
    for j in range(position.size):
        row = bins[position[j]]
        row[0] += slope[j]
        row[1] += shift[j]


@njit(**FAST)
def _fetch(position, sums, moment, total):
    for j in range(position.size):
        p = position[j]
        moment[j] = sums[p, 0]
        total[j] = sums[p, 1]


@njit(**DISJOINT)
def _gather(w1, b1, w2, uw, ub, ua, p, q, moment, total, all_moment, all_total, trained, decay, ow, ob, oa):
    """Rows (w1, b1, w2) of ΦᵀDh + Ru + decay·u for a block."""
    for j in range(w1.size):
        w, b, a = w1[j], b1[j], w2[j]
        m = all_moment - moment[j] if w > 0.0 else moment[j]
        t = all_total - total[j] if w > 0.0 else total[j]
        ow[j] = trained[0] * (a * m + p[j] * ua[j] + decay * uw[j])
        ob[j] = trained[1] * (a * t + q[j] * ua[j] + decay * ub[j])
        oa[j] = trained[2] * (w * m + b * t + p[j] * uw[j] + q[j] * ub[j] + decay * ua[j])


@njit(**FAST)
def _tangent(theta, position, inputs, u, slope, shift, bins, values):
    """Evaluate values[i] = (Φu)_i; leaves bins empty."""
    k = position.size
    slope_everywhere = 0.0
    shift_everywhere = u[3 * k]
    for j in range(0, k, BLOCK):
        end = min(j + BLOCK, k)
        everywhere = _directions(
            theta[j:end], theta[k + j : k + end], theta[2 * k + j : 2 * k + end],
            u[j:end], u[k + j : k + end], u[2 * k + j : 2 * k + end], slope, shift,
        )  # fmt: skip
        slope_everywhere += everywhere[0]
        shift_everywhere += everywhere[1]
        _add(position[j:end], slope, shift, bins)
    for i in range(inputs.size):
        slope_everywhere += bins[i, 0]
        shift_everywhere += bins[i, 1]
        bins[i, 0] = 0.0
        bins[i, 1] = 0.0
        values[i] = slope_everywhere * inputs[i] + shift_everywhere
    bins[inputs.size] = 0.0


@njit(**FAST)
def _accumulate(inputs, weights, values, sums):
    """Prefix sums of weights·values·inputs and of weights·values."""
    moment = 0.0
    total = 0.0
    sums[0, 0] = 0.0
    sums[0, 1] = 0.0
    for i in range(inputs.size):
        g = weights[i] * values[i]
        moment += g * inputs[i]
        total += g
        sums[i + 1, 0] = moment
        sums[i + 1, 1] = total


@njit(**FAST)
def _product(theta, position, inputs, curvature, p, q, trained, decay, u, out, slope, shift, bins, values, sums):
    k = position.size
    n = inputs.size
    _tangent(theta, position, inputs, u, slope, shift, bins, values)
    _accumulate(inputs, curvature, values, sums)
    for j in range(0, k, BLOCK):
        end = min(j + BLOCK, k)
        _fetch(position[j:end], sums, slope, shift)
        _gather(
            theta[j:end], theta[k + j : k + end], theta[2 * k + j : 2 * k + end],
            u[j:end], u[k + j : k + end], u[2 * k + j : 2 * k + end], p[j:end], q[j:end],
            slope, shift, sums[n, 0], sums[n, 1], trained, decay,
            out[j:end], out[k + j : k + end], out[2 * k + j : 2 * k + end],
        )  # fmt: skip
    out[3 * k] = trained[3] * sums[n, 1]


@njit(**EXACT)
def predictions(theta, position, inputs):
    """f at the sorted inputs."""
    k = position.size
    direction = np.zeros(theta.size)
    direction[2 * k :] = theta[2 * k :]
    values = np.empty(inputs.size)
    _tangent(
        theta, position, inputs, direction, np.empty(BLOCK), np.empty(BLOCK), np.zeros((inputs.size + 1, 2)), values
    )  # fmt: skip
    return values


@njit(**EXACT)
def active_sums(theta, position, inputs, slopes, p, q):
    """Fill p_j = Σ_active slopes·inputs and q_j = Σ_active slopes; returns Σ slopes."""
    n = inputs.size
    sums = np.empty((n + 1, 2))
    _accumulate(inputs, slopes, np.ones(n), sums)
    for j in range(position.size):
        at = position[j]
        if theta[j] > 0.0:
            p[j] = sums[n, 0] - sums[at, 0]
            q[j] = sums[n, 1] - sums[at, 1]
        else:
            p[j] = sums[at, 0]
            q[j] = sums[at, 1]
    return sums[n, 1]


@njit(**EXACT)
def product(theta, position, inputs, curvature, p, q, trained, decay, u, out):
    """Set out = (H + decay·diag(mask))·u; u must vanish on frozen blocks."""
    n = inputs.size
    _product(
        theta, position, inputs, curvature, p, q, trained, decay, u, out,
        np.empty(BLOCK), np.empty(BLOCK), np.zeros((n + 1, 2)), np.empty(n), np.empty((n + 1, 2)),
    )  # fmt: skip


@njit(**FAST)
def _dot(a, b):
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@njit(**DISJOINT)
def _subtract(out, factor, vector):
    for i in range(out.size):
        out[i] -= factor * vector[i]


@njit(**EXACT)
def lanczos(theta, position, inputs, curvature, p, q, trained, decay, basis, diagonal, beside, first, last):
    """Extend an orthonormal Krylov basis, rows of `basis` (m + 1, 3k + 1), from row `first` to row `last`.

    diagonal (m,), beside (m,): the tridiagonal matrix. Full reorthogonalization, so there are no ghosts.
    Returns the number of rows whose product was taken: less than `last` when the space is invariant.
    """
    n = inputs.size
    slope, shift = np.empty(BLOCK), np.empty(BLOCK)
    bins, values, sums = np.zeros((n + 1, 2)), np.empty(n), np.empty((n + 1, 2))
    for m in range(first, last):
        out = basis[m + 1]
        _product(
            theta, position, inputs, curvature, p, q, trained, decay, basis[m], out, slope, shift, bins, values, sums
        )  # fmt: skip
        size = np.sqrt(_dot(out, out))
        diagonal[m] = _dot(basis[m], out)
        _subtract(out, diagonal[m], basis[m])
        for i in range(m, -1, -1):
            _subtract(out, _dot(basis[i], out), basis[i])
        beside[m] = np.sqrt(_dot(out, out))
        if not beside[m] > 1e-14 * size:
            beside[m] = 0.0
            return m + 1
        out /= beside[m]
    return last
