"""Weighted least squares over lines that bend at inputs, with a price on every bend, along falling penalties.

    minimize ½ Σ v_i (u_i − y_i)² + λ Σ_k w_k |Δ_k|,      Δ_k the slope change of u at x_k,

for one λ after the other, by an active set. The bends are the *nodes*, with both ends; between two nodes u is
straight. Given nodes and the signs of their bends the minimizer is that of a tridiagonal system in the values
at the nodes. The method goes towards it until a bend vanishes, which is then no node any more (`_descend`).
With the signs right, the derivative of the loss for a bend at x_i,

    G_i = Σ_{l ≥ i} v_l (u_l − y_l) (x_l − x_i),      |G_i| ≤ λ w_i at the minimizer,

shows where one is missing: where the excess |G_i| − λ w_i is largest between two nodes (`_enlarge`). Each
round lowers the objective, so no set of nodes comes twice; the next λ starts from the last nodes.

G is 0 at both ends and −sign·λw at the nodes. So it is summed from the nearer node, not across the data: near
the ends, where w may be as small as n⁻³, it keeps its relative accuracy.

Source: Lawson and Hanson (1974), chapter 23, for nonnegative least squares; Lee, Battle, Raina and Ng (2006),
for the lasso.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stepscape.kernels.compiler import EXACT, INLINE

Array = NDArray[np.float64]
Nodes = NDArray[np.int64]

SLACK = 1e-12  # of a price: a smaller excess is rounding
PROGRESS = 1e-14  # of the objective: a round that gains less gains from rounding alone
ROUNDING = 1e-15  # of the labels: residuals of this size are none


@njit(**EXACT)
def bent_lines(x, y, v, w, penalties, most_bends):
    """Minimize for each of the falling penalties (L,), up to the first with more than `most_bends` bends.

    Parameters
    ----------
    x, y, v, w : (m,)
        Increasing inputs, labels, positive weights, prices; those of the two ends are not looked at.

    Returns
    -------
    first : (l + 1,)
        Minimizer j of the l ≤ L found has the nodes ``nodes[first[j]:first[j + 1]]``, both ends among them.
    nodes, values
        Indices of inputs, and u there.
    gaps : (l,)
        Duality gaps.
    """
    m, count = x.size, penalties.size
    at, u, sign, fresh, sums, work = _start(x, y, v)
    g, gaps = np.zeros(m), np.empty(count)
    first = np.zeros(count + 1, np.int64)
    nodes, values = np.empty(4 * m, np.int64), np.empty(4 * m)
    size, j = 2, 0
    while j < count:
        size = _minimize(x, y, v, w, penalties[j], at, size, u, sign, fresh, sums, g, work)
        gaps[j] = _gap(x, y, v, w, penalties[j], at, size, u, g, work)
        if first[j] + size > nodes.size:
            nodes, values = _longer(nodes), _longer(values)
        for k in range(size):
            nodes[first[j] + k], values[first[j] + k] = at[k], u[at[k]]
        first[j + 1] = first[j] + size
        j += 1
        if size - 2 > most_bends:
            break
    return first[: j + 1], nodes[: first[j]], values[: first[j]], gaps[:j]


@njit(**EXACT)
def largest_penalty(x, y, v, w):
    """Return the least λ from which on the line of least squares is the minimizer: max |G|/w, or 0."""
    at, u, sign, _, sums, work = _start(x, y, v)
    _target(x, y, v, w, 0.0, at, 2, sign, sums, work)
    u[0], u[-1] = work[0, 0], work[0, 1]
    g = np.zeros(x.size)
    _fill(x, y, v, w, 0.0, at, 2, u)
    _derivative(x, y, v, w, 0.0, at, 2, u, sign, g, work)
    largest = 0.0
    for i in range(1, x.size - 1):
        if g[i] != 0.0:
            largest = max(largest, abs(g[i]) / w[i])
    return largest


@njit(**EXACT)
def values_at(t, x, first, nodes, values):
    """Values (l, q) of the minimizers at increasing points t (q,); beyond the inputs their end pieces."""
    out = np.empty((first.size - 1, t.size))
    for j in range(first.size - 1):
        k, last = first[j], first[j + 1] - 2
        for i in range(t.size):
            while k < last and t[i] > x[nodes[k + 1]]:
                k += 1
            a, b = x[nodes[k]], x[nodes[k + 1]]
            slope = (values[k + 1] - values[k]) / (b - a)
            # From the nearer node, so that values there are kept bit for bit.
            if t[i] - a <= b - t[i]:
                out[j, i] = values[k] + slope * (t[i] - a)
            else:
                out[j, i] = values[k + 1] + slope * (t[i] - b)
    return out


@njit(**EXACT, **INLINE)
def _start(x, y, v):
    """Nodes, values, signs of bends, which of them are new, sums between nodes, and scratch."""
    m = x.size
    at = np.empty(m, np.int64)
    at[0], at[1] = 0, m - 1
    sums = np.empty((5, m))
    _sum_cell(x, y, v, 0, m - 1, sums)
    return at, np.zeros(m), np.zeros(m), np.zeros(m, np.bool_), sums, np.empty((5, m))


@njit(**EXACT, **INLINE)
def _minimize(x, y, v, w, penalty, at, size, u, sign, fresh, sums, g, work):
    """Minimize for one λ from the nodes at hand; return how many there are then."""
    floor, last = 0.0, np.inf
    for i in range(x.size):
        floor += ROUNDING * ROUNDING * v[i] * y[i] * y[i]
    while True:
        size = _descend(x, y, v, w, penalty, at, size, u, sign, fresh, sums, work)
        objective = _fill(x, y, v, w, penalty, at, size, u)
        _derivative(x, y, v, w, penalty, at, size, u, sign, g, work)
        if objective <= floor or objective >= last - PROGRESS * last:
            return size
        last, before = objective, size
        size = _enlarge(x, y, v, w, penalty, at, size, sign, fresh, sums, g, work)
        if size == before:
            return size


@njit(**EXACT, **INLINE)
def _longer(old):
    new = np.empty(2 * old.size, old.dtype)
    new[: old.size] = old
    return new


@njit(**EXACT, **INLINE)
def _sum_cell(x, y, v, a, b, sums):
    """Keep, under a, the normal equations of what lies between the nodes a and b, for the values at both."""
    left = mixed = right = by_left = by_right = 0.0
    length = x[b] - x[a]
    for i in range(a + 1, b):
        t = (x[i] - x[a]) / length
        s = (x[b] - x[i]) / length
        left += v[i] * s * s
        mixed += v[i] * s * t
        right += v[i] * t * t
        by_left += v[i] * s * y[i]
        by_right += v[i] * t * y[i]
    sums[0, a], sums[1, a], sums[2, a], sums[3, a], sums[4, a] = left, mixed, right, by_left, by_right


@njit(**EXACT, **INLINE)
def _target(x, y, v, w, penalty, at, size, sign, sums, work):
    """Minimizer for these nodes and signs: its values go to work[0], node by node."""
    target, diagonal, beside = work[0], work[1], work[2]
    for k in range(size):
        i = at[k]
        diagonal[k], target[k], beside[k] = v[i], v[i] * y[i], 0.0
    for k in range(size - 1):
        i, h = at[k], x[at[k + 1]] - x[at[k]]
        diagonal[k] += sums[0, i]
        diagonal[k + 1] += sums[2, i]
        beside[k] = sums[1, i]
        target[k] += sums[3, i]
        target[k + 1] += sums[4, i]
        # Σ λ w sign Δ: a slope change is the slope after less the slope before.
        push = 0.0
        if k > 0:
            push += penalty * w[i] * sign[i]
        if k + 1 < size - 1:
            push -= penalty * w[at[k + 1]] * sign[at[k + 1]]
        target[k] += push / h
        target[k + 1] -= push / h
    for k in range(1, size):
        ratio = beside[k - 1] / diagonal[k - 1]
        diagonal[k] -= ratio * beside[k - 1]
        target[k] -= ratio * target[k - 1]
    target[size - 1] /= diagonal[size - 1]
    for k in range(size - 2, -1, -1):
        target[k] = (target[k] - beside[k] * target[k + 1]) / diagonal[k]


@njit(**EXACT, **INLINE)
def _bend(x, at, k, before, here, after):
    """Slope change at node k."""
    i = at[k]
    return (after - here) / (x[at[k + 1]] - x[i]) - (here - before) / (x[i] - x[at[k - 1]])


@njit(**EXACT, **INLINE)
def _descend(x, y, v, w, penalty, at, size, u, sign, fresh, sums, work):
    """Minimize over bends at these nodes; return how many of them are left."""
    target, gone = work[0], work[3]
    while True:
        _target(x, y, v, w, penalty, at, size, sign, sums, work)
        step, refused = 1.0, False
        for k in range(1, size - 1):
            i = at[k]
            gone[k] = 1.0
            new = sign[i] * _bend(x, at, k, target[k - 1], target[k], target[k + 1])
            if new > 0.0:
                continue
            if fresh[i]:
                gone[k], refused = 0.0, True
                continue
            now = sign[i] * _bend(x, at, k, u[at[k - 1]], u[i], u[at[k + 1]])
            gone[k] = now / (now - new) if now > 0.0 else 0.0
            step = min(step, gone[k])
        if refused:
            step = 0.0
        for k in range(size):
            i = at[k]
            u[i] += step * (target[k] - u[i])
            if step == 1.0:
                u[i] = target[k]
            fresh[i] = fresh[i] and step == 0.0
        if step == 1.0:
            return size
        size = _drop(x, y, v, at, size, step, sign, fresh, sums, work)


@njit(**EXACT, **INLINE)
def _drop(x, y, v, at, size, step, sign, fresh, sums, work):
    """Leave out the nodes whose bend has vanished after that step; return how many are left."""
    gone, kept = work[3], 1
    changed = False
    for k in range(1, size):
        i = at[k]
        if k < size - 1 and gone[k] <= step:
            sign[i], fresh[i], changed = 0.0, False, True
            continue
        if changed:
            _sum_cell(x, y, v, at[kept - 1], i, sums)
            changed = False
        at[kept] = i
        kept += 1
    return kept


@njit(**EXACT, **INLINE)
def _fill(x, y, v, w, penalty, at, size, u):
    """Set the values between the nodes, and return the objective."""
    loss = bends = 0.0
    for k in range(size - 1):
        a, b = at[k], at[k + 1]
        length = x[b] - x[a]
        for i in range(a, b):
            if i > a:
                u[i] = (u[a] * (x[b] - x[i]) + u[b] * (x[i] - x[a])) / length
            loss += v[i] * (u[i] - y[i]) ** 2
        if k > 0:
            bends += w[a] * abs(_bend(x, at, k, u[at[k - 1]], u[a], u[b]))
    loss += v[-1] * (u[-1] - y[-1]) ** 2
    return 0.5 * loss + penalty * bends


@njit(**EXACT, **INLINE)
def _derivative(x, y, v, w, penalty, at, size, u, sign, g, work):
    """G at every input, from the nearer node; its slopes beside the nodes go to work[0] and work[1]."""
    m = x.size
    g[0] = g[m - 1] = 0.0
    for k in range(size - 1):
        a, b = at[k], at[k + 1]
        if a > 0:
            g[a] = -sign[a] * penalty * w[a]
        if b < m - 1:
            g[b] = -sign[b] * penalty * w[b]
        length = x[b] - x[a]
        # What is left of the slope of G after both ends are met: the force of the inputs between.
        left = right = 0.0
        for i in range(a + 1, b):
            force = v[i] * (u[i] - y[i])
            left += force * (x[b] - x[i]) / length
            right += force * (x[i] - x[a]) / length
        mean = (g[b] - g[a]) / length
        slope_left, slope_right = mean - left, mean + right
        work[0, k], work[1, k] = slope_left, slope_right
        if a == 0:
            slope_left = v[0] * (u[0] - y[0])
        if b == m - 1:
            slope_right = -v[b] * (u[b] - y[b])
        middle = (a + b) // 2
        value, slope = g[a], slope_left
        for i in range(a + 1, middle + 1):
            value += slope * (x[i] - x[i - 1])
            g[i] = value
            slope += v[i] * (u[i] - y[i])
        value, slope = g[b], slope_right
        for i in range(b - 1, middle, -1):
            value -= slope * (x[i + 1] - x[i])
            g[i] = value
            slope -= v[i] * (u[i] - y[i])


@njit(**EXACT, **INLINE)
def _enlarge(x, y, v, w, penalty, at, size, sign, fresh, sums, g, work):
    """Make a node of the input with the largest excess between each two nodes; return how many there are."""
    new = work[4]
    found = 0
    for k in range(size - 1):
        best, where = 0.0, -1
        for i in range(at[k] + 1, at[k + 1]):
            price = penalty * w[i]
            excess = abs(g[i]) - price
            if excess > best and excess > SLACK * price:
                best, where = excess, i
        new[k] = where
        found += where >= 0
    last = size + found - 1
    to = last
    for k in range(size - 1, -1, -1):
        if k < size - 1 and new[k] >= 0:
            here = np.int64(new[k])
            at[to] = here
            sign[here], fresh[here] = -np.sign(g[here]), True
            _sum_cell(x, y, v, here, at[to + 1], sums)
            _sum_cell(x, y, v, at[k], here, sums)
            to -= 1
        at[to] = at[k]
        to -= 1
    return size + found


@njit(**EXACT, **INLINE)
def _gap(x, y, v, w, penalty, at, size, u, g, work):
    """Objective less that of the dual at θG, θ ≤ 1 the largest number that keeps it between the prices.

    The dual has p = −θG and the value −½ Σ (Rᵀp)²/v + pᵀRy, so that the two differ by

        ½ Σ (v (u − y) + Rᵀp)²/v + Σ_k (λ w_k |Δ_k| − p_k Δ_k).

    Between nodes RᵀG is v (u − y), because G is summed from it; at a node the two differ by what rounding
    has left of its equation.
    """
    share = 1.0
    for i in range(1, x.size - 1):
        if abs(g[i]) > penalty * w[i]:
            share = min(share, penalty * w[i] / abs(g[i]))
    total = 0.0
    for k in range(size):
        i = at[k]
        after = work[0, k] if k < size - 1 else 0.0
        before = work[1, k - 1] if k > 0 else 0.0
        force = v[i] * (u[i] - y[i])
        off = force - share * (after - before)
        total += 0.5 * off * off / v[i]
        if 0 < k < size - 1:
            bend = _bend(x, at, k, u[at[k - 1]], u[i], u[at[k + 1]])
            total += penalty * w[i] * abs(bend) + share * g[i] * bend
        if k < size - 1:
            for q in range(i + 1, at[k + 1]):
                total += 0.5 * v[q] * ((1.0 - share) * (u[q] - y[q])) ** 2
    return total
