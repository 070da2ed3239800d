"""Steps of methods beyond descent, on the ReLU network of one input variable, in O(n k) per gradient.

θ = (w1, b1, w2, b2) is one flat vector (3k + 1,). A gradient is summed over all pairs of an input and a
neuron: minibatches are small, and then nothing is gained from sorted inputs. Nothing is allocated per step.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from stepscape.kernels.compiler import DISJOINT, EXACT, INLINE

FINISHED, DIVERGED = 0, 1


@njit(**EXACT, **INLINE)
def _activation(w, b, x):
    """max(w x + b, 0), decided as dense code decides it (no fused multiply-add)."""
    z = w * x + b
    return z if z > 0.0 else 0.0


@njit(**DISJOINT, **INLINE)
def _gradient(theta, inputs, labels, weights, rates, logistic, out):
    """Set out (3k + 1,) to ∇ Σ weight·ℓ(f, label), zero on frozen blocks.

    ℓ is ½ (f - label)², or log(1 + e^{-label·f}). Returns Σ weight (f - label)², or Σ|f|.
    """
    k = (theta.size - 1) // 3
    w1, b1, w2 = theta[:k], theta[k : 2 * k], theta[2 * k : 3 * k]
    g1, gb, g2 = out[:k], out[k : 2 * k], out[2 * k : 3 * k]
    out[:] = 0.0
    size = 0.0
    for i in range(inputs.size):
        x, f = inputs[i], theta[3 * k]
        for j in range(k):
            f += w2[j] * _activation(w1[j], b1[j], x)
        if logistic:
            g = -weights[i] * labels[i] / (1.0 + np.exp(labels[i] * f))
            size += abs(f)
        else:
            g = weights[i] * (f - labels[i])
            size += g * (f - labels[i])
        for j in range(k):
            z = _activation(w1[j], b1[j], x)
            a = g * w2[j] if z > 0.0 else 0.0
            g1[j] += a * x
            gb[j] += a
            g2[j] += g * z
        out[3 * k] += g
    for block in range(3):
        for j in range(k):
            out[block * k + j] *= rates[block]
    out[3 * k] *= rates[3]
    return size


@njit(**DISJOINT, **INLINE)
def _add_trace_gradient(theta, inputs, weights, rates, weight, out):
    """Add weight·∇ tr H of the square loss to out, zero on frozen blocks.

    tr H = Σ_j Σ_{i active on j} v_i (w2_j² x_i² + w2_j² + z_ij²) + Σ v_i, each term if its block (w1, b1, w2,
    b2) is trained. The active sets are constant almost everywhere, so that
        ∂/∂w1 = 2 Σ v z x,  ∂/∂b1 = 2 Σ v z,  ∂/∂w2 = 2 w2 Σ v (x² + 1).
    """
    k = (theta.size - 1) // 3
    for i in range(inputs.size):
        x = inputs[i]
        inner = rates[0] * x * x + rates[1]
        for j in range(k):
            z = _activation(theta[j], theta[k + j], x)
            scaled = 2.0 * weight * weights[i] if z > 0.0 else 0.0
            out[j] += rates[0] * rates[2] * scaled * z * x
            out[k + j] += rates[1] * rates[2] * scaled * z
            out[2 * k + j] += rates[2] * scaled * theta[2 * k + j] * inner


@njit(**DISJOINT, **INLINE)
def _move(theta, before, gradient, eta, last):
    """Step θ ← θ - η g; the last step keeps the iterate before it."""
    for j in range(theta.size):
        if last:
            before[j] = theta[j]
        theta[j] -= eta * gradient[j]


@njit(**EXACT)
def stochastic(
    theta, before, inputs, labels, weights, rates, logistic, eta, momentum, velocity, batches, work, out
):
    """Make one step per row of batches (steps, size), on those examples; work (3, size), out (3k + 1,).

    v ← momentum·v + gradient, θ ← θ - η v, the velocity v (3k + 1,) being changed in place.
    The weight of a drawn example is n/size times its own, so that the gradient is unbiased. Returns (status,
    steps made).
    """
    steps, size = batches.shape
    scale = inputs.size / size
    for t in range(steps):
        for i in range(size):
            example = batches[t, i]
            work[0, i], work[1, i] = inputs[example], labels[example]
            work[2, i] = scale * weights[example]
        if not _gradient(theta, work[0], work[1], work[2], rates, logistic, out) < np.inf:
            return DIVERGED, t
        for j in range(theta.size):
            velocity[j] = momentum * velocity[j] + out[j]
        _move(theta, before, velocity, eta, t == steps - 1)
    return FINISHED, steps


@njit(**EXACT)
def noisy(theta, before, inputs, labels, weights, rates, logistic, eta, noises, work, out):
    """Make one step per row of noises (steps, n), with labels plus noise; as `stochastic`."""
    steps, n = noises.shape
    for t in range(steps):
        for i in range(n):
            work[0, i] = labels[i] + noises[t, i]
        if not _gradient(theta, inputs, work[0], weights, rates, logistic, out) < np.inf:
            return DIVERGED, t
        _move(theta, before, out, eta, t == steps - 1)
    return FINISHED, steps


@njit(**EXACT)
def aware(theta, before, inputs, labels, weights, rates, logistic, eta, radius, steps, shifted, out):
    """Make steps along the gradient at θ + radius·∇L/‖∇L‖; as `stochastic`, shifted (3k + 1,)."""
    for t in range(steps):
        size = _gradient(theta, inputs, labels, weights, rates, logistic, out)
        square = 0.0
        for j in range(theta.size):
            square += out[j] * out[j]
        far = radius / np.sqrt(square) if square > 0.0 else 0.0
        for j in range(theta.size):
            shifted[j] = theta[j] + far * out[j]
        size += _gradient(shifted, inputs, labels, weights, rates, logistic, out)
        if not size < np.inf:
            return DIVERGED, t
        _move(theta, before, out, eta, t == steps - 1)
    return FINISHED, steps


@njit(**EXACT)
def penalized(theta, before, inputs, labels, weights, rates, logistic, eta, weight, steps, out):
    """Make steps along ∇(L + weight·tr H); as `stochastic`."""
    for t in range(steps):
        if not _gradient(theta, inputs, labels, weights, rates, logistic, out) < np.inf:
            return DIVERGED, t
        _add_trace_gradient(theta, inputs, weights, rates, weight, out)
        _move(theta, before, out, eta, t == steps - 1)
    return FINISHED, steps


@njit(**DISJOINT, **INLINE)
def _add_decay(theta, decays, gradient):
    """Set g ← g + decays·θ, coordinate by coordinate; returns ‖g‖²."""
    squares = 0.0
    for j in range(theta.size):
        gradient[j] += decays[j] * theta[j]
        squares += gradient[j] * gradient[j]
    return squares


@njit(**DISJOINT, **INLINE)
def _divide(gradient, square, beta2, epsilon):
    """Set v ← β2 v + (1 − β2) g², g ← g/(√v + ε)."""
    for j in range(gradient.size):
        square[j] = beta2 * square[j] + (1.0 - beta2) * gradient[j] * gradient[j]
        gradient[j] /= np.sqrt(square[j]) + epsilon


@njit(**DISJOINT, **INLINE)
def _adapt(gradient, mean, square, beta1, beta2, epsilon, first, second):
    """Set m ← β1 m + (1 − β1) g, v ← β2 v + (1 − β2) g², g ← m/(first (√(v/second) + ε))."""
    for j in range(gradient.size):
        mean[j] = beta1 * mean[j] + (1.0 - beta1) * gradient[j]
        square[j] = beta2 * square[j] + (1.0 - beta2) * gradient[j] * gradient[j]
        gradient[j] = mean[j] / (first * (np.sqrt(square[j] / second) + epsilon))


@njit(**DISJOINT, **INLINE)
def _shrink(theta, before, shares, last):
    """Set θ ← shares·θ; the last step keeps the iterate before it."""
    for j in range(theta.size):
        if last:
            before[j] = theta[j]
        theta[j] *= shares[j]


@njit(**EXACT)
def rmsprop(
    theta, before, inputs, labels, weights, rates, logistic, eta, beta2, epsilon, decays, square, steps, out
):
    """Make steps θ ← θ − η g/(√v + ε) with g = ∇L + decays·θ, decays (3k + 1,); as `stochastic`.

    v is `square` (3k + 1,), a running mean of g², or (1,): one number for all, of ‖g‖². Changed in place.
    """
    for t in range(steps):
        if not _gradient(theta, inputs, labels, weights, rates, logistic, out) < np.inf:
            return DIVERGED, t
        squares = _add_decay(theta, decays, out)
        if square.size == 1:
            square[0] = beta2 * square[0] + (1.0 - beta2) * squares
            _move(theta, before, out, eta / (np.sqrt(square[0]) + epsilon), t == steps - 1)
        else:
            _divide(out, square, beta2, epsilon)
            _move(theta, before, out, eta, t == steps - 1)
    return FINISHED, steps


@njit(**EXACT)
def adam(
    theta, before, inputs, labels, weights, rates, logistic, eta, beta1, beta2, epsilon, decays, shares,
    mean, square, made, steps, out,
):  # fmt: skip
    """Make steps θ ← shares·θ − η m/P with g = ∇L + decays·θ; decays and shares (3k + 1,), as `stochastic`.

    P = (1 − β1^t)(√(v/(1 − β2^t)) + ε). The means m and v (3k + 1,) and the number of steps t (1,) are
    changed in place.
    """
    for t in range(steps):
        if not _gradient(theta, inputs, labels, weights, rates, logistic, out) < np.inf:
            return DIVERGED, t
        _add_decay(theta, decays, out)
        made[0] += 1.0
        first, second = 1.0 - beta1 ** made[0], 1.0 - beta2 ** made[0]
        _adapt(out, mean, square, beta1, beta2, epsilon, first, second)
        _shrink(theta, before, shares, t == steps - 1)
        _move(theta, before, out, eta, False)
    return FINISHED, steps
