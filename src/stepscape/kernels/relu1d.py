"""Full-batch descent of f(x) = Σ_j w2_j max(w1_j x + b1_j, 0) + b2 in O(n + k) a step.

Inputs are sorted. Neuron j is active on a half-line of them, so one integer describes its activation pattern:
``position`` p = how many inputs lie left of its knot. For w1 > 0 the inputs x[p:] are active, for w1 ≤ 0 the
inputs x[:p]. Writing s = ±1 for the two cases, w2·max(z, 0) adds w2·s·w1 to the slope of f and w2·s·b1 to its
intercept at every input from p on, and neurons with w1 ≤ 0 add w2·w1 and w2·b1 everywhere. Hence

    slope(i) = Σ_{w1≤0} w2 w1 + Σ_{p_j ≤ i} s w2 w1       (a histogram over positions and one cumulative sum),

and with g_i = ∂L/∂f(x_i) every gradient is a difference of two prefix sums of g x and g.

Parameters are one flat vector θ = (w1, b1, w2, b2) of length 3k + 1. Neurons are worked on in blocks that stay
in the first-level cache: fetch the prefix sums, update (vectorized, branch-free), move the few knots that
crossed an input, add to the histogram. Loads through an index are scalar on purpose: vector gathers are slower
on many processors. Nothing is allocated per step.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from stepscape.kernels.compiler import DISJOINT, EXACT, FAST

FINISHED, DIVERGED = 0, 1
BLOCK = 256  # neurons worked on together: their scratch rows fill 10 KiB
LANES = 4  # private histograms, so that neighbors adding to one bin do not wait for each other
LANES_UP_TO = 512  # inputs; beyond, private histograms no longer fit the cache


@njit(**EXACT)
def is_left(w, b, x):
    """Whether input x lies left of the knot of (w, b): the one place where activation is decided.

    ``w * x + b > 0`` is evaluated exactly as dense code evaluates it (no fused multiply-add).
    """
    return (w * x + b > 0.0) != (w > 0.0)


@njit(**EXACT)
def relocate(w, b, inputs, p):
    """Position of the knot of (w, b), starting the search at p; ends also for NaN."""
    n = inputs.size
    for _ in range(2):
        if p < n and is_left(w, b, inputs[p]):
            p += 1
        elif p > 0 and not is_left(w, b, inputs[p - 1]):
            p -= 1
        else:
            return p
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if is_left(w, b, inputs[middle]):
            low = middle + 1
        else:
            high = middle
    return low


@njit(**EXACT)
def locate(w1, b1, inputs, padded, position, left, right):
    """Fill position, and for each neuron the inputs next to its knot (±∞ beyond the ends)."""
    for j in range(w1.size):
        p = relocate(w1[j], b1[j], inputs, np.int64(0))
        position[j] = p
        left[j] = padded[p]
        right[j] = padded[p + 1]


@njit(**FAST)
def _fetch(position, sums, moment, total):
    """Copy the prefix sums (of g x and of g) at each neuron's position."""
    for j in range(position.size):
        p = position[j]
        moment[j] = sums[p, 0]
        total[j] = sums[p, 1]


@njit(**DISJOINT)
def _update(w1, b1, w2, left, right, moment, total, all_moment, all_total, rates, decay, slope, shift, moved):
    """One step of plain descent for a block; histogram entries, and which knots crossed an input.

    Returns what neurons with w1 ≤ 0 add everywhere: ½ Σ (w2 w1 - s w2 w1) and ½ Σ (w2 b1 - s w2 b1).
    """
    slope_everywhere = 0.0
    shift_everywhere = 0.0
    for j in range(w1.size):
        w, b, a = w1[j], b1[j], w2[j]
        q = all_moment - moment[j] if w > 0.0 else moment[j]
        r = all_total - total[j] if w > 0.0 else total[j]
        w_new = w - rates[0] * (a * q + decay * w)
        b_new = b - rates[1] * (a * r + decay * b)
        a_new = a - rates[2] * (w * q + b * r + decay * a)
        w1[j], b1[j], w2[j] = w_new, b_new, a_new
        crossed = 0 if is_left(w_new, b_new, left[j]) else 1
        moved[j] = 1 if is_left(w_new, b_new, right[j]) else crossed
        signed = a_new if w_new > 0.0 else -a_new
        slope[j] = w_new * signed
        shift[j] = b_new * signed
        slope_everywhere += w_new * a_new - slope[j]
        shift_everywhere += b_new * a_new - shift[j]
    return 0.5 * slope_everywhere, 0.5 * shift_everywhere


@njit(**FAST)
def _normal(value):
    """Zero instead of a subnormal: the velocity of a dead neuron decays into them, and they are slow."""
    return value if abs(value) > 1e-290 else 0.0


@njit(**DISJOINT)
def _update_with_velocity(
    w1, b1, w2, v1, vb, v2, left, right, moment, total, all_moment, all_total, rates, decay, momentum, look,
    slope, shift, moved,
):  # fmt: skip
    """As `_update` with velocity v ← momentum·v + g and step v + look·(g + (momentum - 1)·v).

    look = 0 is the heavy ball (step v), look = 1 Nesterov (step g + momentum·v).
    """
    slope_everywhere = 0.0
    shift_everywhere = 0.0
    ahead = 1.0 + look * (momentum - 1.0)
    for j in range(w1.size):
        w, b, a = w1[j], b1[j], w2[j]
        q = all_moment - moment[j] if w > 0.0 else moment[j]
        r = all_total - total[j] if w > 0.0 else total[j]
        gw = a * q + decay * w
        gb = a * r + decay * b
        ga = w * q + b * r + decay * a
        vw_new = _normal(momentum * v1[j] + gw)
        vb_new = _normal(momentum * vb[j] + gb)
        va_new = _normal(momentum * v2[j] + ga)
        v1[j], vb[j], v2[j] = vw_new, vb_new, va_new
        w_new = w - rates[0] * (look * gw + ahead * vw_new)
        b_new = b - rates[1] * (look * gb + ahead * vb_new)
        a_new = a - rates[2] * (look * ga + ahead * va_new)
        w1[j], b1[j], w2[j] = w_new, b_new, a_new
        crossed = 0 if is_left(w_new, b_new, left[j]) else 1
        moved[j] = 1 if is_left(w_new, b_new, right[j]) else crossed
        signed = a_new if w_new > 0.0 else -a_new
        slope[j] = w_new * signed
        shift[j] = b_new * signed
        slope_everywhere += w_new * a_new - slope[j]
        shift_everywhere += b_new * a_new - shift[j]
    return 0.5 * slope_everywhere, 0.5 * shift_everywhere


@njit(**EXACT)
def _follow(w1, b1, position, left, right, moved, queue, inputs, padded):
    """Move the positions of the knots that crossed an input (collected first, without a branch)."""
    count = 0
    for j in range(w1.size):
        queue[count] = j
        count += moved[j]
    for i in range(count):
        j = queue[i]
        p = relocate(w1[j], b1[j], inputs, np.int64(position[j]))
        position[j] = p
        left[j] = padded[p]
        right[j] = padded[p + 1]


@njit(**FAST)
def _scatter(position, slope, shift, bins):
    """Add each neuron's slope and intercept at its position; bins (n + 1, 2·lanes)."""
    k = position.size
    one = 2 if bins.shape[1] > 2 else 0
    two, three = 2 * one, 3 * one
    whole = k - k % LANES
    for j in range(0, whole, LANES):
        row = bins[position[j]]
        row[0] += slope[j]
        row[1] += shift[j]
        row = bins[position[j + 1]]
        row[one] += slope[j + 1]
        row[one + 1] += shift[j + 1]
        row = bins[position[j + 2]]
        row[two] += slope[j + 2]
        row[two + 1] += shift[j + 2]
        row = bins[position[j + 3]]
        row[three] += slope[j + 3]
        row[three + 1] += shift[j + 3]
    for j in range(whole, k):
        row = bins[position[j]]
        row[0] += slope[j]
        row[1] += shift[j]


@njit(**FAST)
def _square_pass(inputs, labels, weights, slope, shift, bins, sums):
    """Prefix sums of g x and g with g = weight·(f - label); empties the bins. Returns Σ weight (f - label)²."""
    moment = 0.0
    total = 0.0
    squares = 0.0
    sums[0, 0] = 0.0
    sums[0, 1] = 0.0
    private = bins.shape[1] > 2
    for i in range(inputs.size):
        row = bins[i]
        slope += row[0]
        shift += row[1]
        row[0] = 0.0
        row[1] = 0.0
        if private:
            slope += (row[2] + row[4]) + row[6]
            shift += (row[3] + row[5]) + row[7]
            row[2:] = 0.0
        residual = slope * inputs[i] + shift - labels[i]
        g = weights[i] * residual
        squares += g * residual
        moment += g * inputs[i]
        total += g
        sums[i + 1, 0] = moment
        sums[i + 1, 1] = total
    bins[inputs.size] = 0.0
    return squares


@njit(**EXACT)
def descend(
    theta, velocity, before, inputs, padded, labels, weights, rates, decay, momentum, look,
    step_start, step_end, warmup, first, steps,
):  # fmt: skip
    """Run `steps` steps from θ in place; `first` is how many were made before (for the warm-up).

    theta, velocity, before : (3k + 1,); `before` receives the iterate one step before the last.
    inputs, labels, weights : (n,) sorted by input, weights summing to 1; padded: (n + 2,) inputs between ∓∞.
    rates : (4,) ones for the trained blocks (w1, b1, w2, b2), zeros for the frozen ones.
    step size at step t : step_start·(step_end/step_start)^{t/warmup} while t < warmup, then step_end.

    Returns (status, steps made, ½ Σ weight (f - label)² at the final θ). DIVERGED means that a gradient sum
    stopped being finite; θ is then unusable.
    """
    n = inputs.size
    k = (theta.size - 1) // 3
    w1, b1, w2 = theta[:k], theta[k : 2 * k], theta[2 * k : 3 * k]
    v1, vb, v2 = velocity[:k], velocity[k : 2 * k], velocity[2 * k : 3 * k]
    position = np.empty(k, np.uint32)
    left, right = np.empty(k), np.empty(k)
    locate(w1, b1, inputs, padded, position, left, right)
    moment, total, slope, shift = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    moved, queue = np.empty(BLOCK, np.uint8), np.empty(BLOCK + 1, np.int64)
    bins = np.zeros((n + 1, 2 * LANES if n <= LANES_UP_TO else 2))
    sums = np.zeros((n + 1, 2))
    plain = momentum == 0.0
    ahead = 1.0 + look * (momentum - 1.0)
    squares = 0.0
    for step in range(-1, steps):  # step -1 moves nothing: it fills the histogram of the given θ
        eta = 0.0
        if step >= 0:
            t = first + step
            eta = step_end
            if t < warmup:
                eta = step_start * (step_end / step_start) ** (t / warmup)
            if step == steps - 1:
                before[:] = theta
            g = sums[n, 1]
            if plain:
                theta[3 * k] -= eta * rates[3] * g
            else:
                velocity[3 * k] = momentum * velocity[3 * k] + g
                theta[3 * k] -= eta * rates[3] * (look * g + ahead * velocity[3 * k])
        eta_rates = eta * rates
        all_moment, all_total = sums[n, 0], sums[n, 1]
        slope_everywhere = 0.0
        shift_everywhere = theta[3 * k]
        for j in range(0, k, BLOCK):
            end = min(j + BLOCK, k)
            w, b, a = w1[j:end], b1[j:end], w2[j:end]
            place, lower, upper = position[j:end], left[j:end], right[j:end]
            _fetch(place, sums, moment, total)
            if plain or step < 0:
                everywhere = _update(
                    w, b, a, lower, upper, moment, total, all_moment, all_total, eta_rates, decay,
                    slope, shift, moved,
                )  # fmt: skip
            else:
                everywhere = _update_with_velocity(
                    w, b, a, v1[j:end], vb[j:end], v2[j:end], lower, upper, moment, total, all_moment,
                    all_total, eta_rates, decay, momentum, look, slope, shift, moved,
                )  # fmt: skip
            slope_everywhere += everywhere[0]
            shift_everywhere += everywhere[1]
            _follow(w, b, place, lower, upper, moved, queue, inputs, padded)
            _scatter(place, slope, shift, bins)
        squares = _square_pass(inputs, labels, weights, slope_everywhere, shift_everywhere, bins, sums)
        if not (abs(sums[n, 1]) + abs(sums[n, 0]) < np.inf and squares < np.inf):
            return DIVERGED, step + 1, np.inf
    return FINISHED, steps, 0.5 * squares
