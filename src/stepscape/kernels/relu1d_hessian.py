"""Hessian-vector products of the network of `relu1d` in O(n + k), and Lanczos steps made of them.

With z = w1 x + b1 and active set s, the row of the tangent matrix Φ at x_i is

    ∂f/∂w1 = w2 s x_i,   ∂f/∂b1 = w2 s,   ∂f/∂w2 = s z,   ∂f/∂b2 = 1,

so Φu is piecewise linear in x with the knots of f: the slope of Φu changes by ±(w2 u_w + w1 u_a) and its
intercept by ±(w2 u_b + b1 u_a) at each knot. The Hessian is H = ΦᵀDΦ + R with D = diag(curvature) and,
neuron by neuron, R coupling w2 with (w1, b1) through p = Σ_active g x and q = Σ_active g, g = ∂L/∂f(x_i).

Vectors have length 3k + 1 in the order (w1, b1, w2, b2); `trained` (4,) holds 1 for trained blocks and 0 for
frozen ones, whose coordinates stay 0. Conventions of positions and histograms: see `relu1d`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from stepscape.kernels.compiler import DISJOINT, EXACT, FAST, INLINE

BLOCK = 256
STRETCH = np.uint64(1024)  # numbers of a vector worked on together
FAR = 700.0  # margins whose exponential may overflow, while its inverse is still a number

_ONE, _BLOCK = np.uint64(1), np.uint64(BLOCK)


@njit(**DISJOINT, **INLINE)
def _directions(start, end, w1, b1, w2, uw, ub, ua, slope, shift):
    """Slope and intercept changes of Φu at the knots of a block; returns what is added everywhere."""
    slope_everywhere = 0.0
    shift_everywhere = 0.0
    for j in range(start, end):
        w, b, a = w1[j], b1[j], w2[j]
        rise = a * uw[j] + w * ua[j]
        lift = a * ub[j] + b * ua[j]
        signed_rise = rise if w > 0.0 else -rise
        signed_lift = lift if w > 0.0 else -lift
        slope[j - start] = signed_rise
        shift[j - start] = signed_lift
        slope_everywhere += rise - signed_rise
        shift_everywhere += lift - signed_lift
    return 0.5 * slope_everywhere, 0.5 * shift_everywhere


@njit(**FAST, **INLINE)
def _add(start, end, position, slope, shift, bins):
    """Add to the histogram; its two halves take turns, so that neighbors adding to one bin do not wait."""
    other = np.uint64(bins.shape[0]) // np.uint64(2)
    size = end - start
    for i in range(np.uint64(0), size - size % np.uint64(2), np.uint64(2)):
        p = position[start + i]
        bins[p, 0] += slope[i]
        bins[p, 1] += shift[i]
        p = position[start + i + _ONE] + other
        bins[p, 0] += slope[i + _ONE]
        bins[p, 1] += shift[i + _ONE]
    if size % np.uint64(2):
        p = position[end - _ONE]
        bins[p, 0] += slope[size - _ONE]
        bins[p, 1] += shift[size - _ONE]


@njit(**FAST, **INLINE)
def _fetch(start, end, position, sums, moment, total):
    for j in range(start, end):
        p = position[j]
        moment[j - start] = sums[p, 0]
        total[j - start] = sums[p, 1]


@njit(**DISJOINT, **INLINE)
def _gather(
    start, end, w1, b1, w2, uw, ub, ua, p, q, moment, total, all_moment, all_total, trained, decay, ow, ob, oa
):  # fmt: skip
    """Rows (w1, b1, w2) of ΦᵀDh + Ru + decay·u for a block."""
    for j in range(start, end):
        w, b, a = w1[j], b1[j], w2[j]
        m = all_moment - moment[j - start] if w > 0.0 else moment[j - start]
        t = all_total - total[j - start] if w > 0.0 else total[j - start]
        ow[j] = trained[0] * (a * m + p[j] * ua[j] + decay * uw[j])
        ob[j] = trained[1] * (a * t + q[j] * ua[j] + decay * ub[j])
        oa[j] = trained[2] * (w * m + b * t + p[j] * uw[j] + q[j] * ub[j] + decay * ua[j])


@njit(**FAST, **INLINE)
def _tangent(theta, position, inputs, u, scratch, bins, values):
    """Evaluate values[i] = (Φu)_i; bins (2n + 2, 2) are empty before and after."""
    k, n = position.size, inputs.size
    w1, b1, w2 = theta[:k], theta[k : 2 * k], theta[2 * k : 3 * k]
    uw, ub, ua = u[:k], u[k : 2 * k], u[2 * k : 3 * k]
    slope, shift = scratch[0], scratch[1]
    slope_everywhere = 0.0
    shift_everywhere = u[3 * k]
    for start in range(np.uint64(0), np.uint64(k), _BLOCK):
        end = min(start + _BLOCK, np.uint64(k))
        everywhere = _directions(start, end, w1, b1, w2, uw, ub, ua, slope, shift)
        slope_everywhere += everywhere[0]
        shift_everywhere += everywhere[1]
        _add(start, end, position, slope, shift, bins)
    for i in range(n):
        slope_everywhere += bins[i, 0] + bins[n + 1 + i, 0]
        shift_everywhere += bins[i, 1] + bins[n + 1 + i, 1]
        values[i] = slope_everywhere * inputs[i] + shift_everywhere
    for i in range(2 * n + 2):
        bins[i, 0] = 0.0
        bins[i, 1] = 0.0


@njit(**FAST, **INLINE)
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


@njit(**FAST, forceinline=True)
def _product(
    theta, position, inputs, curvature, p, q, trained, decay, u, out, scratch, bins, values, sums
):  # fmt: skip
    k, n = position.size, inputs.size
    _tangent(theta, position, inputs, u, scratch, bins, values)
    _accumulate(inputs, curvature, values, sums)
    w1, b1, w2 = theta[:k], theta[k : 2 * k], theta[2 * k : 3 * k]
    uw, ub, ua = u[:k], u[k : 2 * k], u[2 * k : 3 * k]
    ow, ob, oa = out[:k], out[k : 2 * k], out[2 * k : 3 * k]
    moment, total = scratch[0], scratch[1]
    for start in range(np.uint64(0), np.uint64(k), _BLOCK):
        end = min(start + _BLOCK, np.uint64(k))
        _fetch(start, end, position, sums, moment, total)
        _gather(
            start, end, w1, b1, w2, uw, ub, ua, p, q, moment, total, sums[n, 0], sums[n, 1], trained, decay,
            ow, ob, oa,
        )  # fmt: skip
    out[3 * k] = trained[3] * sums[n, 1]


def linearize(theta, position, inputs, labels, weights, logistic=False):
    """Evaluate f at the sorted inputs and the sums of g = ∂L/∂f over active sets.

    g = weights·(f - labels), or -weights·labels/(1 + e^{labels·f}) for the logistic loss. Returns values
    (n,), p (k,) with p_j = Σ_active g x, q (k,) with q_j = Σ_active g, and Σ g.
    """
    values, (p, q) = np.empty(inputs.size), np.empty((2, position.size))
    scratch, bins, slopes, sums = _work(inputs.size)
    total = _linearize(
        theta, position, inputs, labels, weights, logistic, values, p, q, scratch, bins, slopes, sums
    )
    return values, p, q, total


@njit(**EXACT)
def _linearize(theta, position, inputs, labels, weights, logistic, values, p, q, scratch, bins, slopes, sums):
    n = inputs.size
    b2 = theta[theta.size - 1]
    # f - b2 is homogeneous of degree 2 in the other blocks, so Φθ = 2 (f - b2) + b2.
    _tangent(theta, position, inputs, theta, scratch, bins, values)
    for i in range(n):
        values[i] = 0.5 * (values[i] + b2)
        slopes[i] = values[i] - labels[i]
    if logistic:
        for i in range(n):
            margin = labels[i] * values[i]
            far = margin > FAR
            slopes[i] = -labels[i] * (np.exp(-margin) if far else 1.0 / (1.0 + np.exp(margin)))
    _accumulate(inputs, weights, slopes, sums)
    all_moment, all_total = sums[n, 0], sums[n, 1]
    for j in range(position.size):
        moment, total = sums[position[j], 0], sums[position[j], 1]
        p[j] = all_moment - moment if theta[j] > 0.0 else moment
        q[j] = all_total - total if theta[j] > 0.0 else total
    return sums[n, 1]


def product(theta, position, inputs, curvature, p, q, trained, decay, u, out):
    """Set out = (H + decay·diag(mask))·u; u must vanish on frozen blocks."""
    _product(theta, position, inputs, curvature, p, q, trained, decay, u, out, *_work(inputs.size))


def _work(n):
    """Scratch rows, empty bins, values, prefix sums."""
    return np.empty((2, BLOCK)), np.zeros((2 * n + 2, 2)), np.empty(n), np.empty((n + 1, 2))


@njit(**FAST, **INLINE)
def _dot(a, b):
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@njit(**DISJOINT, **INLINE)
def _orthogonalize(out, basis, rows, inner):
    """Subtract from `out` its components along the first `rows` rows of an orthonormal basis; fill `inner`.

    In stretches that stay in the first-level cache while all rows pass by.
    """
    size = np.uint64(out.size)
    inner[:rows] = 0.0
    for start in range(np.uint64(0), size, STRETCH):
        end = min(start + STRETCH, size)
        for i in range(np.uint64(rows)):
            total = 0.0
            for j in range(start, end):
                total += basis[i, j] * out[j]
            inner[i] += total
    for start in range(np.uint64(0), size, STRETCH):
        end = min(start + STRETCH, size)
        for i in range(np.uint64(rows)):
            factor = inner[i]
            for j in range(start, end):
                out[j] -= factor * basis[i, j]


def lanczos(theta, position, inputs, curvature, p, q, trained, decay, basis, diagonal, beside, first, last):
    """Extend an orthonormal Krylov basis, rows of `basis` (m + 1, 3k + 1), from row `first` to row `last`.

    diagonal (m,), beside (m,): the tridiagonal matrix. Every row is orthogonalized against all: no ghosts.
    Returns the number of rows whose product was taken: less than `last` when the space is invariant.
    """
    return _lanczos(
        theta, position, inputs, curvature, p, q, trained, decay, basis, diagonal, beside, first, last,
        np.empty(last), *_work(inputs.size),
    )  # fmt: skip


@njit(**EXACT)
def _lanczos(
    theta, position, inputs, curvature, p, q, trained, decay, basis, diagonal, beside, first, last,
    inner, scratch, bins, values, sums,
):  # fmt: skip
    for m in range(first, last):
        out = basis[m + 1]
        _product(
            theta, position, inputs, curvature, p, q, trained, decay, basis[m], out,
            scratch, bins, values, sums,
        )  # fmt: skip
        size = np.sqrt(_dot(out, out))
        _orthogonalize(out, basis[: m + 1], m + 1, inner)
        diagonal[m] = inner[m]
        beside[m] = np.sqrt(_dot(out, out))
        if beside[m] < 0.1 * size:  # much canceled: rounding errors along the rows are no longer small
            _orthogonalize(out, basis[: m + 1], m + 1, inner)
            diagonal[m] += inner[m]
            beside[m] = np.sqrt(_dot(out, out))
        if not beside[m] > 1e-14 * size:
            beside[m] = 0.0
            return m + 1
        for i in range(out.size):
            out[i] /= beside[m]
    return last
