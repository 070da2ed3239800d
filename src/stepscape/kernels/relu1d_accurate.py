"""Values, gradients and products of the network of `relu1d` in twice the digits, with bounds, in O(n + k).

A number is a pair (high, low) of float64, high = the sum rounded (Dekker 1971). An operation errs by at most
8 u² of the sizes of what it adds, u = 2⁻⁵³. Neurons that see the same inputs share a cell: cell p for w1 ≤ 0
sees x[:p], cell n + 1 + p for w1 > 0 sees x[p:]. Sums never leave the inputs that a cell sees, and its lines
are written around its **anchor**, the input it sees next to its knot:

    w1 x + b1 = w1 (x - anchor) + z,   z = w1 anchor + b1 ≥ 0,

so neither neurons that are active elsewhere nor an offset of the inputs can cancel. What is left to cancel
are neurons active at one input, and their sizes are summed up beside the values. Numbers come scaled to at
most about 1 (see `rounding.scaled`): nothing overflows; what products lose below 2⁻¹⁰⁷⁴ is in the bounds.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from stepscape.kernels.compiler import EXACT, INLINE

SPLITTER = 134217729.0  # 2²⁷ + 1
SQUARE = 2.0**-103  # 8 u²
FLOOR = 2.0**-1040  # what products of scaled numbers lose to underflow, generously
LEAST = 2.0**-1071  # what a few such products lose

HIGH, LOW, SIZE = 0, 1, 2


@njit(**EXACT, **INLINE)
def _two_sum(a, b):
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


@njit(**EXACT, **INLINE)
def _two_product(a, b):
    p = a * b
    t = SPLITTER * a
    ah = t - (t - a)
    al = a - ah
    t = SPLITTER * b
    bh = t - (t - b)
    bl = b - bh
    return p, ((ah * bh - p) + ah * bl + al * bh) + al * bl


@njit(**EXACT, **INLINE)
def _add(ah, al, bh, bl):
    s, e = _two_sum(ah, bh)
    t, f = _two_sum(al, bl)
    e += t
    h = s + e
    e = (e - (h - s)) + f
    s = h + e
    return s, e - (s - h)


@njit(**EXACT, **INLINE)
def _times(ah, al, bh, bl):
    p, e = _two_product(ah, bh)
    e += ah * bl + al * bh
    h = p + e
    return h, e - (h - p)


@njit(**EXACT, **INLINE)
def line(w, x, b):
    """Evaluate w·x + b as a pair, to 8 u² of the result: what cancels is exact."""
    h, lo = _two_product(w, x)
    s, e = _two_sum(h, b)
    return _two_sum(s, e + lo)


@njit(**EXACT, **INLINE)
def _is_left(w, b, x):
    """As `relu1d.is_left`, decided by the exact sign of w·x + b."""
    return (line(w, x, b)[0] > 0.0) != (w > 0.0)


@njit(**EXACT)
def exact_positions(w1, b1, inputs, position):
    """Correct positions by inputs so near a knot that rounding decides there; only values need it."""
    n = inputs.size
    for j in range(w1.size):
        w, b, p = w1[j], b1[j], position[j]
        if (p == 0 or _is_left(w, b, inputs[p - 1])) and (p == n or not _is_left(w, b, inputs[p])):
            continue
        low, high = 0, n
        while low < high:
            middle = (low + high) // 2
            if _is_left(w, b, inputs[middle]):
                low = middle + 1
            else:
                high = middle
        position[j] = low


@njit(**EXACT)
def cells(right, position, inputs, cell, anchor):
    """Set each neuron's cell, and the input next to its knot that it sees; 0 where it sees none.

    right (k,): whether w1 > 0, before scaling, which may round w1 to 0.
    """
    n = inputs.size
    for j in range(position.size):
        p = np.int64(position[j])
        cell[j] = n + 1 + p if right[j] else p
        at = p if right[j] else p - 1
        anchor[j] = inputs[at] if 0 <= at < n else 0.0


@njit(**EXACT, **INLINE)
def _drop(jumps, c, of, h, lo, size):
    """Add a pair and its size to one of the two sums of a cell."""
    jumps[c, of, HIGH], jumps[c, of, LOW] = _add(jumps[c, of, HIGH], jumps[c, of, LOW], h, lo)
    jumps[c, of, SIZE] += size


@njit(**EXACT, **INLINE)
def _sees_none(c, cells_end):
    return c == 0 or c == cells_end


@njit(**EXACT)
def value_jumps(w1, b1, w2, cell, anchor, jumps):
    """Add the slope w2·w1 and the value w2·z at the anchor of each neuron to its cell (2n + 2, 2, 3)."""
    for j in range(w1.size):
        c = cell[j]
        if _sees_none(c, jumps.shape[0] - 1):
            continue
        h, lo = _two_product(w2[j], w1[j])
        _drop(jumps, c, 0, h, lo, abs(h))
        zh, zl = line(w1[j], anchor[j], b1[j])
        h, lo = _times(zh, zl, w2[j], 0.0)
        _drop(jumps, c, 1, h, lo, abs(h))


@njit(**EXACT)
def tangent_jumps(w1, b1, w2, uw, ub, ua, cell, anchor, jumps):
    """As `value_jumps` for Φu: slope w2·uw + w1·ua, value w2·(uw·anchor + ub) + z·ua."""
    for j in range(w1.size):
        c = cell[j]
        if _sees_none(c, jumps.shape[0] - 1):
            continue
        h, lo = _two_product(w2[j], uw[j])
        _drop(jumps, c, 0, h, lo, abs(h))
        h, lo = _two_product(w1[j], ua[j])
        _drop(jumps, c, 0, h, lo, abs(h))
        vh, vl = line(uw[j], anchor[j], ub[j])
        h, lo = _times(vh, vl, w2[j], 0.0)
        _drop(jumps, c, 1, h, lo, abs(h))
        zh, zl = line(w1[j], anchor[j], b1[j])
        h, lo = _times(zh, zl, ua[j], 0.0)
        _drop(jumps, c, 1, h, lo, abs(h))


@njit(**EXACT, **INLINE)
def _walk(inputs, jumps, first, step, values):
    """Sum up the lines of the cells that open to one side, from their far end; add them to values (n, 3)."""
    n = inputs.size
    rise, rise_low, steep = 0.0, 0.0, 0.0
    lift, lift_low, size = 0.0, 0.0, 0.0
    i = 0 if step > 0 else n - 1
    for m in range(n):
        if m > 0:
            d, e = _two_sum(inputs[i], -inputs[i - step])
            h, lo = _times(rise, rise_low, d, e)
            lift, lift_low = _add(lift, lift_low, h, lo)
            size += steep * abs(d)
        c = first + i
        rise, rise_low = _add(rise, rise_low, jumps[c, 0, HIGH], jumps[c, 0, LOW])
        lift, lift_low = _add(lift, lift_low, jumps[c, 1, HIGH], jumps[c, 1, LOW])
        steep += jumps[c, 0, SIZE]
        size += jumps[c, 1, SIZE]
        values[i, HIGH], values[i, LOW] = _add(values[i, HIGH], values[i, LOW], lift, lift_low)
        values[i, SIZE] += size
        i += step


@njit(**EXACT)
def values_of(inputs, jumps, constant, values):
    """Evaluate at each input the sum of the lines of the cells that see it, and of the sizes of their terms.

    values (n, 3): high, low, and Σ |terms|.
    """
    n = inputs.size
    values[:] = 0.0
    _walk(inputs, jumps, n + 1, 1, values)
    _walk(inputs, jumps, 1, -1, values)
    for i in range(n):
        values[i, HIGH], values[i, LOW] = _add(values[i, HIGH], values[i, LOW], constant, 0.0)


@njit(**EXACT, **INLINE)
def _gather(inputs, pulls, first, step, at):
    """Sum what the cells that open to one side see, from the far end of the inputs."""
    n = inputs.size
    moment, moment_low, moment_bound = 0.0, 0.0, 0.0
    total, total_low, total_bound = 0.0, 0.0, 0.0
    i = 0 if step > 0 else n - 1
    for m in range(n):
        if m > 0:
            d, e = _two_sum(inputs[i - step], -inputs[i])
            h, lo = _times(total, total_low, d, e)
            moment, moment_low = _add(moment, moment_low, h, lo)
            moment_bound += total_bound * abs(d)
        total, total_low = _add(total, total_low, pulls[i, HIGH], pulls[i, LOW])
        total_bound += pulls[i, SIZE]
        c = first + i
        at[c, 0, HIGH], at[c, 0, LOW], at[c, 0, SIZE] = moment, moment_low, moment_bound
        at[c, 1, HIGH], at[c, 1, LOW], at[c, 1, SIZE] = total, total_low, total_bound
        i += step


@njit(**EXACT)
def sums_of(inputs, pulls, at):
    """Sum over the inputs that each cell sees: at (2n + 2, 2, 3) = Σ y·(x - anchor), Σ y, with bounds.

    pulls (n, 3): y as a pair, and a bound on how far it and all sums with it are off.
    """
    n = inputs.size
    at[0], at[2 * n + 1] = 0.0, 0.0
    _gather(inputs, pulls, n + 1, -1, at)
    _gather(inputs, pulls, 1, 1, at)


@njit(**EXACT)
def transposed(w1, b1, w2, cell, anchor, at, out, bound):
    """Set out = Φᵀy (3k + 1,) from the sums of `sums_of`, and bound how far each number is off."""
    k = w1.size
    for j in range(k):
        c, x = cell[j], anchor[j]
        mh, ml, me = at[c, 0, HIGH], at[c, 0, LOW], at[c, 0, SIZE]
        th, tl, te = at[c, 1, HIGH], at[c, 1, LOW], at[c, 1, SIZE]
        h, lo = _times(th, tl, x, 0.0)
        sh, sl = _add(mh, ml, h, lo)
        se = me + abs(x) * te + SQUARE * (abs(mh) + abs(h))
        out[j] = _times(sh, sl, w2[j], 0.0)[0]
        bound[j] = abs(w2[j]) * se
        out[k + j] = _times(th, tl, w2[j], 0.0)[0]
        bound[k + j] = abs(w2[j]) * te
        zh, zl = line(w1[j], x, b1[j])
        h, lo = _times(zh, zl, th, tl)
        gh, gl = _times(mh, ml, w1[j], 0.0)
        out[2 * k + j] = _add(h, lo, gh, gl)[0]
        bound[2 * k + j] = abs(w1[j]) * me + abs(zh) * te + SQUARE * (abs(h) + abs(gh))
    c = at.shape[0] // 2
    out[3 * k] = at[c, 1, HIGH]
    bound[3 * k] = at[c, 1, SIZE]
    for j in range(out.size):
        bound[j] += 2.0**-53 * abs(out[j]) + LEAST


@njit(**EXACT)
def couplings_of(inputs, at, couplings, bound):
    """Set couplings (2n + 2, 2) = Σ y x, Σ y over the inputs that each cell sees, and bound both."""
    n = inputs.size
    couplings[0], couplings[2 * n + 1] = 0.0, 0.0
    bound[0], bound[2 * n + 1] = 0.0, 0.0
    for c in range(1, 2 * n + 1):
        x = inputs[c - n - 1] if c > n else inputs[c - 1]
        h, lo = _times(at[c, 1, HIGH], at[c, 1, LOW], x, 0.0)
        couplings[c, 0] = _add(at[c, 0, HIGH], at[c, 0, LOW], h, lo)[0]
        couplings[c, 1] = at[c, 1, HIGH]
        bound[c, 0] = at[c, 0, SIZE] + abs(x) * at[c, 1, SIZE] + SQUARE * (abs(at[c, 0, HIGH]) + abs(h))
        bound[c, 1] = at[c, 1, SIZE]
        for i in range(2):
            bound[c, i] += 2.0**-53 * abs(couplings[c, i]) + LEAST


@njit(**EXACT, **INLINE)
def _spread(inputs, weights, first, step, at):
    n = inputs.size
    total = moment = square = 0.0
    i = 0 if step > 0 else n - 1
    for m in range(n):
        d = abs(inputs[i] - inputs[i - step]) if m > 0 else 0.0
        square += d * (2.0 * moment + d * total)
        moment += d * total
        total += weights[i]
        c = first + i
        at[c, 0], at[c, 1], at[c, 2] = total, moment, square
        i += step


@njit(**EXACT)
def spreads_of(inputs, weights, at):
    """Set at (2n + 2, 3) = Σ v, Σ v d, Σ v d², d = |x - anchor|, over the inputs that each cell sees.

    No term is negative, so each sum errs by at most 4n u of itself.
    """
    n = inputs.size
    at[0], at[2 * n + 1] = 0.0, 0.0
    _spread(inputs, weights, n + 1, -1, at)
    _spread(inputs, weights, 1, 1, at)


@njit(**EXACT, **INLINE)
def _pile(inputs, weights, first, step, at):
    n = inputs.size
    total = 0.0
    i = 0 if step > 0 else n - 1
    for _ in range(n):
        total += weights[i] * inputs[i] * inputs[i]
        at[first + i] = total
        i += step


@njit(**EXACT)
def squares_of(inputs, weights, at):
    """Set at (2n + 2,) = Σ v x² over the inputs that each cell sees."""
    n = inputs.size
    at[0] = at[2 * n + 1] = 0.0
    _pile(inputs, weights, n + 1, -1, at)
    _pile(inputs, weights, 1, 1, at)


@njit(**EXACT)
def products(a, b):
    """Return a·b elementwise, rounded, and what the rounding left."""
    high, low = np.empty(a.size), np.empty(a.size)
    for i in range(a.size):
        high[i], low[i] = _two_product(a[i], b[i])
    return high, low


@njit(**EXACT)
def heights(w1, b1, anchor, out):
    """Set out = w1·anchor + b1, correctly but for the last place."""
    for j in range(w1.size):
        out[j] = line(w1[j], anchor[j], b1[j])[0]
