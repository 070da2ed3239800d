"""Full-batch descent of f(x) = Σ_j w2_j max(w1_j·x + b1_j, 0) + b2 for inputs in R^d.

With x̃ = (x, 1), w̃_j = (w1_j, b1_j), z_ij = w̃_j·x̃_i, s_ij = 1{z_ij > 0} and g_i = ∂L/∂f(x_i), one matrix
holds every gradient:

    P = (diag(g) X̃)ᵀ S  (d + 1, k):    ∂L/∂w̃_j = w2_j P_j,    ∂L/∂w2_j = ⟨w̃_j, P_j⟩,    ∂L/∂b2 = Σ g,

because Σ_i g_i s_ij z_ij = ⟨w̃_j, Σ_i g_i s_ij x̃_i⟩. Neither the activations max(z, 0) nor the outer product
g w2ᵀ is formed: a step is the two products X̃W̃ and P, 4n(d + 1)k operations, and one pass over Z.

Parameters are one flat vector θ = (w1, b1, w2, b2) of length (d + 2)k + 1, w1 neuron by neuron. Kernels work
on it in packed form, blocks of B neurons: inner (m, d + 1, B) with the biases as the last row, outer (m, B).
A matrix product of a block stays in the second-level cache. Places beyond the last neuron hold zeros: z = 0
there, so that they are active nowhere and no step moves them.

Products are BLAS's, which rounds w̃·x̃ in its own order: whether z > 0 is decided once, where S is made, and
may differ from dense code where |z| is of the size of its rounding. With up to three variables a descent
takes the passes of `kernels.relu_plane_narrow`, without matrix products; after a change there Numba's cache
is to be emptied. Rates and decays are arrays (4,) over the blocks w1, b1, w2, b2: rates 1 for trained and 0
for frozen ones.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stepscape.kernels.compiler import DISJOINT, EXACT, FAST, INLINE
from stepscape.kernels.relu_plane_narrow import backward as narrow_backward
from stepscape.kernels.relu_plane_narrow import columns_of
from stepscape.kernels.relu_plane_narrow import forward as narrow_forward

Array = NDArray[np.float64]

FINISHED, DIVERGED = 0, 1
BLOCK = 64  # neurons worked on together; their z are n·BLOCK numbers
THIN, THIN_BLOCK = 16, 32  # with fewer variables passes over z count for more, and fewer stay in the cache
STEP = 8  # a narrow network makes one block, of a multiple of so many


def packed(width: int, dimension: int) -> tuple[Array, Array]:
    """Return room for weights in packed form, zeros: inner (m, d + 1, B), outer (m, B)."""
    most = THIN_BLOCK if dimension < THIN else BLOCK
    size = min(most, max(1, -(-width // STEP)) * STEP)
    blocks = -(-width // size)
    return np.zeros((blocks, dimension + 1, size)), np.zeros((blocks, size))


@njit(**EXACT)
def pack(theta, inner, outer):
    """Write θ into packed form; places beyond the last neuron stay as they are."""
    d, size = inner.shape[1] - 1, outer.shape[1]
    k = (theta.size - 1) // (d + 2)
    for b in range(inner.shape[0]):
        first = b * size
        for i in range(min(size, k - first)):
            for c in range(d):
                inner[b, c, i] = theta[(first + i) * d + c]
            inner[b, d, i] = theta[k * d + first + i]
            outer[b, i] = theta[k * (d + 1) + first + i]


@njit(**EXACT)
def unpack(inner, outer, theta):
    """Write packed weights into θ, all but b2."""
    d, size = inner.shape[1] - 1, outer.shape[1]
    k = (theta.size - 1) // (d + 2)
    for b in range(inner.shape[0]):
        first = b * size
        for i in range(min(size, k - first)):
            for c in range(d):
                theta[(first + i) * d + c] = inner[b, c, i]
            theta[k * d + first + i] = inner[b, d, i]
            theta[k * (d + 1) + first + i] = outer[b, i]


@njit(**DISJOINT, **INLINE)
def switch(active, outer, values):
    """Add Σ_j w2_j max(z_ij, 0) of one block to values (n,) and overwrite z (n, B) with 1{z > 0}."""
    for i in range(active.shape[0]):
        total = 0.0
        for j in range(active.shape[1]):
            z = active[i, j]
            total += outer[j] * (z if z > 0.0 else 0.0)
            active[i, j] = 1.0 if z > 0.0 else 0.0
        values[i] += total


@njit(**FAST, **INLINE)
def forward(points, inner, outer, shift, active, values):
    """Set values to f (n,) and active (m, n, B) to S."""
    values[:] = shift
    for b in range(inner.shape[0]):
        np.dot(points, inner[b], active[b])
        switch(active[b], outer[b], values)


@njit(**DISJOINT, **INLINE)
def square_slopes(values, labels, weights, slopes):
    """Set slopes to g = weight·(f - label); returns Σ weight (f - label)²."""
    squares = 0.0
    for i in range(values.size):
        residual = values[i] - labels[i]
        slopes[i] = weights[i] * residual
        squares += slopes[i] * residual
    return squares


@njit(**DISJOINT, **INLINE)
def logistic_slopes(values, labels, weights, slopes):
    """Set slopes to g = -weight·label/(1 + e^{label·f}); returns Σ |f|.

    An exponential that overflows gives g = 0, as it should; the sum returned shows an f that is not finite.
    """
    reach = 0.0
    for i in range(values.size):
        reach += abs(values[i])
        slopes[i] = -weights[i] * labels[i] / (1.0 + np.exp(labels[i] * values[i]))
    return reach


@njit(**FAST, **INLINE)
def _logistic_loss(labels, weights, values):
    """Σ weight·log(1 + e^{-label·f})."""
    loss = 0.0
    for i in range(values.size):
        margin = labels[i] * values[i]
        loss += weights[i] * (max(-margin, 0.0) + np.log1p(np.exp(-abs(margin))))
    return loss


@njit(**FAST, **INLINE)
def pull(turned, slopes, pulled):
    """Set pulled (d + 1, n) to (diag(slopes) X̃)ᵀ; turned (d + 1, n) is X̃ᵀ. Returns Σ slopes."""
    total = 0.0
    for i in range(slopes.size):
        total += slopes[i]
    for c in range(turned.shape[0]):
        for i in range(slopes.size):
            pulled[c, i] = slopes[i] * turned[c, i]
    return total


@njit(**FAST, **INLINE)
def backward(turned, slopes, active, pulled, moments):
    """Set moments (m, d + 1, B) to P = (diag(slopes) X̃)ᵀ S, S (m, n, B) numbers. Returns Σ slopes."""
    total = pull(turned, slopes, pulled)
    for b in range(active.shape[0]):
        np.dot(pulled, active[b], moments[b])
    return total


@njit(**DISJOINT, **INLINE)
def scalar(inner, moments, pulls):
    """Set pulls (B,) to ⟨w̃_j, P_j⟩ of one block."""
    pulls[:] = 0.0
    for c in range(inner.shape[0]):
        for j in range(pulls.size):
            pulls[j] += inner[c, j] * moments[c, j]


@njit(**FAST, **INLINE)
def _shorten(inner, outer, moments, pulls, total, rates, clip):
    """Scale P so that ∇L is at most `clip` long; returns the factor, 0 where ‖∇L‖² is not finite."""
    d = inner.shape[1] - 1
    squares = rates[3] * total * total
    for b in range(inner.shape[0]):
        scalar(inner[b], moments[b], pulls)
        for j in range(pulls.size):
            row = 0.0
            for c in range(d):
                row += moments[b, c, j] * moments[b, c, j]
            row = rates[0] * row + rates[1] * moments[b, d, j] * moments[b, d, j]
            squares += outer[b, j] * outer[b, j] * row + rates[2] * pulls[j] * pulls[j]
    factor = min(1.0, clip / (np.sqrt(squares) + 1e-6)) if squares < np.inf else 0.0
    moments *= factor
    return factor


@njit(**FAST, **INLINE)
def _normal(value):
    """Zero instead of a subnormal: the velocity of a dead neuron decays into them, and they are slow."""
    return value if abs(value) > 1e-290 else 0.0


@njit(**DISJOINT, **INLINE)
def _move(row, speed, slope, factor, rate, decay, momentum, look):
    """One step for a row (B,) of one parameter of each neuron, whose gradient is factor·slope.

    Velocity v ← momentum·v + g, step v + look·(g + (momentum - 1)·v): look = 0 is the heavy ball, and with
    momentum 0 gradient descent; look = 1 is Nesterov (step g + momentum·v).
    """
    ahead = 1.0 + look * (momentum - 1.0)
    for j in range(row.size):
        g = factor[j] * slope[j] + decay * row[j]
        v = _normal(momentum * speed[j] + g)
        speed[j] = v
        row[j] -= rate * (look * g + ahead * v)


@njit(**DISJOINT, **INLINE)
def _update(inner, outer, speed, speed_outer, moments, pulls, ones, rates, decays, momentum, look):
    """One step for one block."""
    d = inner.shape[0] - 1
    scalar(inner, moments, pulls)
    for c in range(d):
        _move(inner[c], speed[c], moments[c], outer, rates[0], decays[0], momentum, look)
    _move(inner[d], speed[d], moments[d], outer, rates[1], decays[1], momentum, look)
    _move(outer, speed_outer, pulls, ones, rates[2], decays[2], momentum, look)


@njit(**EXACT)
def _run(
    theta, velocity, before, points, turned, columns, labels, weights, logistic, rates, decays, momentum,
    look, clip, step_start, step_end, warmup, first, steps,
    inner, outer, speed, speed_outer, active, values, slopes, pulled, moments, pulls, ones, eta_rates,
):  # fmt: skip
    """Loop of `descend`; the arrays of the last line are work space, packed ones zero, `ones` ones."""
    last = theta.size - 1
    pack(theta, inner, outer)
    pack(velocity, speed, speed_outer)
    ahead = 1.0 + look * (momentum - 1.0)
    size = 0.0
    for step in range(steps + 1):
        if columns is None:
            forward(points, inner, outer, theta[last], active, values)
        else:
            narrow_forward(columns, inner, outer, theta[last], values)
        if logistic:
            size = logistic_slopes(values, labels, weights, slopes)
        else:
            size = square_slopes(values, labels, weights, slopes)
        if not size < np.inf:
            return DIVERGED, step, np.inf
        if step == steps:
            break
        t = first + step
        eta = step_end if t >= warmup else step_start * (step_end / step_start) ** (t / warmup)
        if step == steps - 1:
            unpack(inner, outer, before)
            before[last] = theta[last]
        if columns is None:
            g = backward(turned, slopes, active, pulled, moments)
        else:
            g = narrow_backward(columns, turned, slopes, inner, pulled, moments)
        if clip < np.inf:
            factor = _shorten(inner, outer, moments, pulls, g, rates, clip)
            if factor == 0.0:
                return DIVERGED, step, np.inf
            g *= factor
        g += decays[3] * theta[last]
        eta_rates[:] = eta * rates
        for b in range(inner.shape[0]):
            _update(
                inner[b], outer[b], speed[b], speed_outer[b], moments[b], pulls, ones, eta_rates, decays,
                momentum, look,
            )  # fmt: skip
        velocity[last] = momentum * velocity[last] + g
        theta[last] -= eta_rates[3] * (look * g + ahead * velocity[last])
    unpack(speed, speed_outer, velocity)
    unpack(inner, outer, theta)
    if not np.all(np.isfinite(theta)):  # the loss does not show a nan, which is not active
        return DIVERGED, steps, np.inf
    return FINISHED, steps, _logistic_loss(labels, weights, values) if logistic else 0.5 * size


def descend(
    theta: Array, velocity: Array, before: Array, points: Array, labels: Array, weights: Array,
    logistic: bool, rates: Array, decays: Array, momentum: float, look: float,
    clip: float, step_start: float, step_end: float, warmup: int, first: int, steps: int,
) -> tuple[int, int, float]:  # fmt: skip
    """Run `steps` steps from θ in place; `first` is how many were made before (for the warm-up).

    theta, velocity, before : ((d + 2)k + 1,); `before` receives the iterate one step before the last.
    points : (n, d + 1) inputs with a last column of ones; labels, weights : (n,), weights summing to 1.
    logistic : the loss is Σ weight·log(1 + e^{-label·f}), labels ±1; else ½ Σ weight (f - label)².
    rates, decays : (4,) over the blocks w1, b1, w2, b2.
    clip : the largest length of ∇L on the trained coordinates, or infinite.
    step size at step t : step_start·(step_end/step_start)^{t/warmup} while t < warmup, then step_end.

    Returns (status, steps made, loss at the final θ). DIVERGED means that f or a parameter stopped being
    finite; θ is then unusable.
    """
    n, d = points.shape[0], points.shape[1] - 1
    (inner, outer), (speed, speed_outer) = (packed((theta.size - 1) // (d + 2), d) for _ in range(2))
    (blocks, block), columns = outer.shape, columns_of(points)
    stored = n if columns is None else 0
    work = (
        inner, outer, speed, speed_outer, np.empty((blocks, stored, block)), np.empty(n), np.empty(n),
        np.empty((d + 1, n)), np.empty_like(inner), np.empty(block), np.ones(block), np.empty(4),
    )  # fmt: skip
    status, made, loss = _run(
        theta, velocity, before, points, np.ascontiguousarray(points.T), columns, labels, weights,
        bool(logistic), rates, decays, float(momentum), float(look), float(clip), float(step_start),
        float(step_end), int(warmup), int(first), int(steps), *work,
    )  # fmt: skip
    return status, made, loss
