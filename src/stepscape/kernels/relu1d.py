"""Full-batch descent of f(x) = Σ_j w2_j max(w1_j x + b1_j, 0) + b2 in O(n + k) per step.

Inputs are sorted. Neuron j is active on a half-line of them, so one integer describes its activation pattern:
``position`` p = how many inputs lie left of its knot. For w1 > 0 the inputs x[p:] are active, for w1 ≤ 0 the
inputs x[:p]. Writing s = ±1 for the two cases, w2·max(z, 0) adds w2·s·w1 to the slope of f and w2·s·b1 to its
intercept at every input from p on, and neurons with w1 ≤ 0 add w2·w1 and w2·b1 everywhere. Hence

    slope(i) = Σ_{w1≤0} w2 w1 + Σ_{p_j ≤ i} s w2 w1       (a histogram over positions and one cumulative sum),

and with g_i = ∂L/∂f(x_i) every gradient is a difference of two prefix sums of g x and g.

Parameters are one flat vector θ = (w1, b1, w2, b2) of length 3k + 1. Neurons are worked on in blocks whose
scratch rows stay in the first-level cache: fetch the prefix sums, update (vectorized, branch-free), move the
few knots that are not where they were expected, add to the histogram. A knot is expected where it lay two
steps ago, because descent at the edge of stability has period two; so positions, and the inputs beside them,
are kept twice, for even and for odd steps. No bit depends on it: a position is an integer, however found.

Loads through an index are scalar on purpose: vector gathers are slower on many processors. Nothing is
allocated per step, and block functions receive whole arrays with a range ``start``..``end`` because slices
cost atomic reference counts. Indices are unsigned because Numba tests signed ones for being negative.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stepscape.kernels.compiler import DISJOINT, EXACT, FAST, INLINE

Array = NDArray[np.float64]

FINISHED, DIVERGED = 0, 1
BLOCK = 256  # neurons worked on together: their scratch rows fill 10 KiB
LANES = 4  # private histograms, so that neighbors adding to one bin do not wait for each other
LANES_UP_TO = 512  # inputs; beyond, private histograms no longer fit the cache
COUNTED_UP_TO = 64  # inputs; beyond, searching for a knot is cheaper than counting
NEAR = 16  # inputs on either side that a search for a knot counts at once

_ONE, _TWO, _THREE = np.uint64(1), np.uint64(2), np.uint64(3)
_BLOCK, _LANES = np.uint64(BLOCK), np.uint64(LANES)


@njit(**EXACT, **INLINE)
def is_left(w, b, x):
    """Whether input x lies left of the knot of (w, b): the one place where activation is decided.

    ``w * x + b > 0`` is evaluated exactly as dense code evaluates it (no fused multiply-add).
    """
    return (w * x + b > 0.0) != (w > 0.0)


@njit(**EXACT)
def relocate(w, b, inputs, p):
    """Position of the knot of (w, b), sought near p first; ends also for NaN.

    Bisection only until the inputs left can be tested all at once, which is vectorized and free of branches.
    """
    n = inputs.size
    low = max(p - NEAR, 0)
    high = min(p + NEAR, n)
    if low > 0 and not is_left(w, b, inputs[low - 1]):
        low, high = 0, low - 1
    elif high < n and is_left(w, b, inputs[high]):
        low, high = high + 1, n
    while high - low > 2 * NEAR:
        middle = (low + high) // 2
        if is_left(w, b, inputs[middle]):
            low = middle + 1
        else:
            high = middle
    position = low
    for i in range(np.uint64(low), np.uint64(high)):
        position += is_left(w, b, inputs[i])
    return position


@njit(**EXACT)
def positions(w1, b1, inputs, position):
    """Set position = Σ_i is_left(x_i) for each neuron."""
    if inputs.size > COUNTED_UP_TO:
        for j in range(w1.size):
            position[j] = relocate(w1[j], b1[j], inputs, inputs.size // 2)
        return
    position[:] = 0
    for i in range(inputs.size):  # vectorized over neurons: cheaper than searching few inputs
        x = inputs[i]
        for j in range(w1.size):
            position[j] += np.uint32(is_left(w1[j], b1[j], x))


@njit(**EXACT)
def locate(w1, b1, inputs, padded, position, left, right):
    """Fill both halves with each neuron's position and the inputs next to its knot (±∞ beyond the ends)."""
    k = w1.size
    positions(w1, b1, inputs, position[:k])
    for j in range(k):
        p = position[j]
        position[k + j] = p
        left[j] = left[k + j] = padded[p]
        right[j] = right[k + j] = padded[p + _ONE]


@njit(**FAST, **INLINE)
def _fetch(start, end, position, now, sums, moment, total):
    """Copy the prefix sums (of g x and of g) at each neuron's position."""
    for j in range(start, end):
        p = position[now + j]
        moment[j - start] = sums[p, 0]
        total[j - start] = sums[p, 1]


@njit(**FAST, **INLINE)
def _normal(value):
    """Zero instead of a subnormal: the velocity of a dead neuron decays into them, and they are slow."""
    return value if abs(value) > 1e-290 else 0.0


@njit(**DISJOINT, **INLINE)
def _update(
    sift, velocity, start, end, w1, b1, w2, position, left, right, now, then, moment, total, all_moment,
    all_total, ends, rates, decay, momentum, look, slope, shift, moved,
):  # fmt: skip
    """One step for a block; histogram entries, and which knots are not where they were two steps ago.

    Velocity v ← momentum·v + g, step v + look·(g + (momentum - 1)·v): look = 0 is the heavy ball (step v),
    look = 1 Nesterov (step g + momentum·v). With velocity = None plain descent: the step is g.

    With `sift` a dead neuron, which saw no input before the step and sees none after it, enters no sum; None:
    there are none. What is None is not compiled.

    Returns what those with w1 ≤ 0 add everywhere: ½ Σ (w2 w1 - s w2 w1) and ½ Σ (w2 b1 - s w2 b1).
    """
    slope_everywhere = shift_everywhere = 0.0
    ahead = 1.0 + look * (momentum - 1.0)
    for j in range(start, end):
        i = j - start
        w, b, a = w1[j], b1[j], w2[j]
        q = all_moment - moment[i] if w > 0.0 else moment[i]
        r = all_total - total[i] if w > 0.0 else total[i]
        gw = a * q + decay * w
        gb = a * r + decay * b
        ga = w * q + b * r + decay * a
        if velocity is not None:
            v1, vb, v2 = velocity
            vw_new = _normal(momentum * v1[j] + gw)
            vb_new = _normal(momentum * vb[j] + gb)
            va_new = _normal(momentum * v2[j] + ga)
            v1[j], vb[j], v2[j] = vw_new, vb_new, va_new
            gw = look * gw + ahead * vw_new
            gb = look * gb + ahead * vb_new
            ga = look * ga + ahead * va_new
        w_new = w - rates[0] * gw
        b_new = b - rates[1] * gb
        a_new = a - rates[2] * ga
        w1[j], b1[j], w2[j] = w_new, b_new, a_new
        back = 0 if is_left(w_new, b_new, left[then + j]) else -1
        moved[i] = 1 if is_left(w_new, b_new, right[then + j]) else back
        seen = a_new
        if sift is not None:
            beyond, nearest = ends[1] if w_new > 0.0 else ends[0]
            blind = is_left(w_new, b_new, nearest) == (w_new > 0.0)
            seen = 0.0 if (position[now + j] == beyond) & blind else a_new
        signed = seen if w_new > 0.0 else -seen
        slope[i] = w_new * signed
        shift[i] = b_new * signed
        slope_everywhere += w_new * seen - slope[i]
        shift_everywhere += b_new * seen - shift[i]
    return 0.5 * slope_everywhere, 0.5 * shift_everywhere


@njit(**EXACT, **INLINE)
def _collect(start, end, moved, queue):
    """List the neurons whose knot is not where it was expected, without a branch; returns how many."""
    count = np.uint64(0)
    for j in range(start, end):
        queue[count] = j
        count += np.uint64(moved[j - start] != 0)
    return count


@njit(**EXACT, **INLINE)
def _nudge(start, count, queue, moved, w1, b1, position, left, right, then, padded):
    """Move the positions of the listed neurons by one; returns how many are now listed as still wrong."""
    far = np.uint64(0)
    last = np.int64(padded.size - 2)
    for i in range(count):
        j = queue[i]
        p = np.uint64(min(max(np.int64(position[then + j]) + moved[j - start], 0), last))
        position[then + j] = p
        lower, upper = padded[p], padded[p + _ONE]
        left[then + j], right[then + j] = lower, upper
        queue[far] = j
        far += np.uint64(is_left(w1[j], b1[j], upper) | (not is_left(w1[j], b1[j], lower)))
    return far


@njit(**EXACT)
def _search(count, queue, w1, b1, position, left, right, now, then, inputs, padded):
    """Find the listed knots near their positions of two steps ago, or where they were heading."""
    n = inputs.size
    for i in range(count):
        j = queue[i]
        w, b, p = w1[j], b1[j], position[then + j]
        if not is_left(w, b, padded[max(p - NEAR, 0)]) or is_left(w, b, padded[min(p + NEAR, n) + 1]):
            p = min(max(2 * position[now + j] - p, 0), n)
        p = relocate(w, b, inputs, p)
        position[then + j] = p
        left[then + j], right[then + j] = padded[p], padded[p + 1]


@njit(**FAST, **INLINE)
def _scatter(start, end, position, then, slope, shift, bins):
    """Add each neuron's slope and intercept at its position; bins (lanes, 2n + 2)."""
    one = np.uint64(bins.shape[0] > 1)
    size = end - start
    at = then + start
    whole = size - size % _LANES
    for i in range(np.uint64(0), whole, _LANES):
        _add(bins, np.uint64(0), position[at + i], slope[i], shift[i])
        _add(bins, one, position[at + i + _ONE], slope[i + _ONE], shift[i + _ONE])
        _add(bins, one + one, position[at + i + _TWO], slope[i + _TWO], shift[i + _TWO])
        _add(bins, one + one + one, position[at + i + _THREE], slope[i + _THREE], shift[i + _THREE])
    for i in range(whole, size):
        _add(bins, np.uint64(0), position[at + i], slope[i], shift[i])


@njit(**FAST, **INLINE)
def _add(bins, lane, p, slope, shift):
    at = np.uint64(p) + np.uint64(p)
    bins[lane, at] += slope
    bins[lane, at + _ONE] += shift


@njit(**FAST, **INLINE)
def _merge(bins):
    """Add the private histograms to the first and empty them."""
    for i in range(bins.shape[1]):
        bins[0, i] += bins[1, i] + (bins[2, i] + bins[3, i])
    for lane in range(1, LANES):
        for i in range(bins.shape[1]):
            bins[lane, i] = 0.0


@njit(**FAST, **INLINE)
def _square_pass(inputs, labels, weights, slope, shift, bins, sums):
    """Prefix sums of g x and g with g = weight·(f - label); empties bins. Returns Σ weight (f - label)²."""
    moment = total = squares = 0.0
    n = np.uint64(inputs.size)
    for i in range(n):
        slope += bins[0, i + i]
        shift += bins[0, i + i + _ONE]
        bins[0, i + i] = 0.0
        bins[0, i + i + _ONE] = 0.0
        residual = slope * inputs[i] + shift - labels[i]
        g = weights[i] * residual
        squares += g * residual
        moment += g * inputs[i]
        total += g
        sums[i + _ONE, 0] = moment
        sums[i + _ONE, 1] = total
    bins[0, n + n] = 0.0
    bins[0, n + n + _ONE] = 0.0
    return squares


@njit(**FAST, **INLINE)
def _logistic_pass(inputs, labels, weights, slope, shift, bins, sums, values):
    """As `_square_pass` with g = -weight·label/(1 + e^{label·f}); sets values to f. Returns Σ |f|.

    An exponential that overflows gives g = 0, as it should; the sum returned shows an f that is not finite.
    """
    n = np.uint64(inputs.size)
    for i in range(n):
        slope += bins[0, i + i]
        shift += bins[0, i + i + _ONE]
        bins[0, i + i] = 0.0
        bins[0, i + i + _ONE] = 0.0
        values[i] = slope * inputs[i] + shift
    bins[0, n + n] = 0.0
    bins[0, n + n + _ONE] = 0.0
    moment = total = reach = 0.0
    for i in range(n):
        reach += abs(values[i])
        g = -weights[i] * labels[i] / (1.0 + np.exp(labels[i] * values[i]))
        moment += g * inputs[i]
        total += g
        sums[i + _ONE, 0] = moment
        sums[i + _ONE, 1] = total
    return reach


@njit(**FAST, **INLINE)
def _logistic_loss(labels, weights, values):
    """Σ weight·log(1 + e^{-label·f})."""
    loss = 0.0
    for i in range(values.size):
        margin = labels[i] * values[i]
        loss += weights[i] * (max(-margin, 0.0) + np.log1p(np.exp(-abs(margin))))
    return loss


@njit(**EXACT)
def _run(
    theta, velocity, before, inputs, padded, labels, weights, logistic, rates, decay, momentum, look,
    step_start, step_end, warmup, first, steps,
    position, left, right, moment, total, slope, shift, moved, queue, bins, sums, values, eta_rates,
):  # fmt: skip
    """Loop of `descend`; the arrays of the last line are work space, bins and sums zero.

    Positions before a step are read at `now`; those after it replace those of two steps ago, at `then`.
    """
    n, k = inputs.size, (theta.size - 1) // 3
    w1, b1, w2 = theta[:k], theta[k : 2 * k], theta[2 * k : 3 * k]
    speeds = velocity[:k], velocity[k : 2 * k], velocity[2 * k : 3 * k]
    locate(w1, b1, inputs, padded, position, left, right)
    plain = momentum == 0.0
    ahead = 1.0 + look * (momentum - 1.0)
    ends = (np.uint32(0), inputs[0]), (np.uint32(n), inputs[n - 1])
    size, now, then = 0.0, np.uint64(0), np.uint64(k)
    for step in range(-1, steps):  # step -1 moves nothing: it fills the histogram of the given θ
        eta = step_end if step >= 0 else 0.0
        if step >= 0:
            t = first + step
            if t < warmup:
                eta = step_start * (step_end / step_start) ** (t / warmup)
            if step == steps - 1:
                for j in range(theta.size):
                    before[j] = theta[j]
            g = sums[n, 1]
            if not plain:
                velocity[3 * k] = momentum * velocity[3 * k] + g
                g = look * g + ahead * velocity[3 * k]
            theta[3 * k] -= eta * rates[3] * g
        for i in range(4):
            eta_rates[i] = eta * rates[i]
        all_moment, all_total = sums[n, 0], sums[n, 1]
        all_slope, all_shift = 0.0, theta[3 * k]
        for start in range(np.uint64(0), np.uint64(k), _BLOCK):
            end = min(start + _BLOCK, np.uint64(k))
            _fetch(start, end, position, now, sums, moment, total)
            given = (
                start, end, w1, b1, w2, position, left, right, now, then, moment, total, all_moment,
                all_total, ends, eta_rates, decay, momentum, look, slope, shift, moved,
            )  # fmt: skip
            if plain and decay == 0.0:  # the caller has left dead neurons out
                everywhere = _update(None, None, *given)
            elif plain or step < 0:
                everywhere = _update(True, None, *given)
            else:
                everywhere = _update(True, speeds, *given)
            all_slope += everywhere[0]
            all_shift += everywhere[1]
            count = _collect(start, end, moved, queue)
            count = _nudge(start, count, queue, moved, w1, b1, position, left, right, then, padded)
            if count > 0:
                _search(count, queue, w1, b1, position, left, right, now, then, inputs, padded)
            _scatter(start, end, position, then, slope, shift, bins)
        if bins.shape[0] > 1:
            _merge(bins)
        if logistic:
            size = _logistic_pass(inputs, labels, weights, all_slope, all_shift, bins, sums, values)
        else:
            size = _square_pass(inputs, labels, weights, all_slope, all_shift, bins, sums)
        now, then = then, now
        if not (abs(sums[n, 1]) + abs(sums[n, 0]) < np.inf and size < np.inf):
            return DIVERGED, step + 1, np.inf
    if logistic:
        return FINISHED, steps, _logistic_loss(labels, weights, values)
    return FINISHED, steps, 0.5 * size


def descend(
    theta: Array, velocity: Array, before: Array, inputs: Array, padded: Array, labels: Array, weights: Array,
    logistic: bool, rates: Array, decay: float, momentum: float, look: float,
    step_start: float, step_end: float, warmup: int, first: int, steps: int,
) -> tuple[int, int, float]:  # fmt: skip
    """Run `steps` steps from θ in place; `first` is how many were made before (for the warm-up).

    theta, velocity, before : (3k + 1,); `before` receives the iterate one step before the last.
    inputs, labels, weights : (n,) sorted by input, weights summing to 1; padded: (n + 2,) inputs between ∓∞.
    logistic : the loss is Σ weight·log(1 + e^{-label·f}), labels ±1; else ½ Σ weight (f - label)².
    rates : (4,) ones for the trained blocks (w1, b1, w2, b2), zeros for the frozen ones.
    step size at step t : step_start·(step_end/step_start)^{t/warmup} while t < warmup, then step_end.

    Returns (status, steps made, loss at the final θ). DIVERGED means that f or a gradient sum stopped being
    finite; θ is then unusable.
    """
    n, k = inputs.size, (theta.size - 1) // 3
    work = (
        np.empty(2 * k, np.uint32), *np.empty((2, 2 * k)), *np.empty((4, BLOCK)), np.empty(BLOCK, np.int8),
        np.empty(BLOCK + 1, np.uint64), np.zeros((LANES if n <= LANES_UP_TO else 1, 2 * n + 2)),
        np.zeros((n + 1, 2)), np.empty(n), np.empty(4),
    )  # fmt: skip
    status, made, loss = _run(
        theta, velocity, before, inputs, padded, labels, weights, bool(logistic), rates, float(decay),
        float(momentum), float(look), float(step_start), float(step_end), int(warmup), int(first), int(steps),
        *work,
    )  # fmt: skip
    return status, made, loss
