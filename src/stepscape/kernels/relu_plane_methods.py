"""Steps on minibatches and on noisy labels, on the ReLU network of inputs in R^d, in O(B d k) for B examples.

Packed weights, passes and work space are those of `kernels.relu_plane`; weights are packed anew for every
gradient, which is little beside it. After a change there Numba's cache is to be emptied.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stepscape.kernels.compiler import DISJOINT, EXACT, INLINE
from stepscape.kernels.relu_plane import (
    DIVERGED,
    FINISHED,
    backward,
    forward,
    logistic_slopes,
    pack,
    packed,
    scalar,
    square_slopes,
    unpack,
)
from stepscape.kernels.relu_plane_narrow import MOST
from stepscape.kernels.relu_plane_narrow import backward as narrow_backward
from stepscape.kernels.relu_plane_narrow import forward as narrow_forward

Array = NDArray[np.float64]


@njit(**DISJOINT, **INLINE)
def _weigh(moments, outer, rates):
    """Turn P (d + 1, B) of one block into ∂L/∂w̃: each column times w2 of its neuron, 0 on frozen rows."""
    d = moments.shape[0] - 1
    for c in range(d + 1):
        rate = rates[0] if c < d else rates[1]
        for j in range(outer.size):
            moments[c, j] *= rate * outer[j]


@njit(**EXACT)
def _gradient(
    theta, points, turned, columns, labels, weights, logistic, rates,
    inner, outer, active, values, slopes, pulled, moments, pulls, out,
):  # fmt: skip
    """Set out ((d + 2)k + 1,) to ∇ Σ weight·ℓ(f, label); returns Σ weight (f - label)², or Σ|f|."""
    last = theta.size - 1
    pack(theta, inner, outer)
    if columns is None:
        forward(points, inner, outer, theta[last], active, values)
    else:
        narrow_forward(columns, inner, outer, theta[last], values)
    if logistic:
        size = logistic_slopes(values, labels, weights, slopes)
    else:
        size = square_slopes(values, labels, weights, slopes)
    if columns is None:
        out[last] = rates[3] * backward(turned, slopes, active, pulled, moments)
    else:
        out[last] = rates[3] * narrow_backward(columns, turned, slopes, inner, pulled, moments)
    for b in range(inner.shape[0]):
        scalar(inner[b], moments[b], pulls[b])
        pulls[b] *= rates[2]
        _weigh(moments[b], outer[b], rates)
    unpack(moments, pulls, out)
    return size


@njit(**DISJOINT, **INLINE)
def _move(theta, before, velocity, gradient, eta, momentum, last):
    """Set v ← momentum·v + g, θ ← θ - η v; the last step keeps the iterate before it."""
    for j in range(theta.size):
        if last:
            before[j] = theta[j]
        velocity[j] = momentum * velocity[j] + gradient[j]
        theta[j] -= eta * velocity[j]


@njit(**EXACT)
def _stochastic(
    theta, before, velocity, points, labels, weights, logistic, rates, eta, momentum, batches,
    chosen, turned, columns, work, inner, outer, active, values, slopes, pulled, moments, pulls, out,
):  # fmt: skip
    """Loop of `stochastic`; the arrays of the last line are work space."""
    steps, size = batches.shape
    scale = labels.size / size
    for t in range(steps):
        for i in range(size):
            example = batches[t, i]
            work[0, i], work[1, i] = labels[example], scale * weights[example]
            for c in range(points.shape[1]):
                chosen[i, c] = turned[c, i] = points[example, c]
        reach = _gradient(
            theta, chosen, turned, columns, work[0], work[1], logistic, rates,
            inner, outer, active, values, slopes, pulled, moments, pulls, out,
        )  # fmt: skip
        if not reach < np.inf:
            return DIVERGED, t
        _move(theta, before, velocity, out, eta, momentum, t == steps - 1)
    return FINISHED, steps


@njit(**EXACT)
def _noisy(
    theta, before, velocity, points, labels, weights, logistic, rates, eta, noises,
    turned, columns, work, inner, outer, active, values, slopes, pulled, moments, pulls, out,
):  # fmt: skip
    """Loop of `noisy`; the arrays of the last line are work space."""
    steps = noises.shape[0]
    for t in range(steps):
        for i in range(labels.size):
            work[i] = labels[i] + noises[t, i]
        reach = _gradient(
            theta, points, turned, columns, work, weights, logistic, rates,
            inner, outer, active, values, slopes, pulled, moments, pulls, out,
        )  # fmt: skip
        if not reach < np.inf:
            return DIVERGED, t
        _move(theta, before, velocity, out, eta, 0.0, t == steps - 1)
    return FINISHED, steps


def stochastic(
    theta: Array, before: Array, velocity: Array, points: Array, labels: Array, weights: Array,
    logistic: bool, rates: Array, eta: float, momentum: float, batches: NDArray[np.int64],
) -> tuple[int, int]:  # fmt: skip
    """Make one step per row of batches (steps, B), on those examples: v ← momentum·v + g, θ ← θ - ηv.

    Arrays as in `relu_plane.descend`. The weight of a drawn example is n/B times its own, so that the
    gradient is unbiased. Returns (status, steps made).
    """
    chosen = np.empty((batches.shape[1], points.shape[1]))
    turned = np.empty(chosen.shape[::-1])
    status, made = _stochastic(
        theta, before, velocity, points, labels, weights, logistic, rates, eta, momentum, batches,
        chosen, turned, _columns(turned), np.empty((2, len(chosen))), *_work(theta, chosen),
    )  # fmt: skip
    return status, made


def noisy(
    theta: Array, before: Array, velocity: Array, points: Array, labels: Array, weights: Array,
    logistic: bool, rates: Array, eta: float, noises: Array,
) -> tuple[int, int]:  # fmt: skip
    """Make one step per row of noises (steps, n), with labels plus noise; as `stochastic`."""
    turned = np.ascontiguousarray(points.T)
    status, made = _noisy(
        theta, before, velocity, points, labels, weights, logistic, rates, eta, noises,
        turned, _columns(turned), np.empty_like(labels), *_work(theta, points),
    )  # fmt: skip
    return status, made


def gradient(
    theta: Array, points: Array, labels: Array, weights: Array, logistic: bool, rates: Array
) -> Array:
    """∇L ((d + 2)k + 1,), zero on frozen blocks; nan where f is not finite. Arrays as in `stochastic`."""
    turned, work = np.ascontiguousarray(points.T), _work(theta, points)
    given = points, turned, _columns(turned), labels, weights, logistic, rates
    reach = _gradient(theta, *given, *work)
    return work[-1] if reach < np.inf else np.full(theta.size, np.nan)


def _columns(turned: Array) -> tuple[Array | None, ...] | None:
    """Return views of the variables in X̃ᵀ (d + 1, n), as `relu_plane_narrow.columns_of` gives copies."""
    d = len(turned) - 1
    return tuple(turned[c] if c < d else None for c in range(MOST)) if d <= MOST else None


def _work(theta: Array, points: Array) -> tuple[Array, ...]:
    """Room for a gradient, from the packed weights to the gradient itself."""
    n, d = points.shape[0], points.shape[1] - 1
    inner, outer = packed((theta.size - 1) // (d + 2), d)
    active = np.empty((len(outer), n if d > MOST else 0, outer.shape[1]))
    return (
        inner, outer, active, np.empty(n), np.empty(n), np.empty((d + 1, n)), np.empty_like(inner),
        np.empty_like(outer), np.empty_like(theta),
    )  # fmt: skip
