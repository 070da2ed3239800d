"""The tangent kernel of a network, and what lazy training from that network interpolates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.network import TwoLayerReLU

Array = NDArray[np.float64]
RANK = 1e-12  # of the largest eigenvalue: what is smaller is rounding


def tangent_kernel(network: TwoLayerReLU, one: Array, other: Array) -> Array:
    """∇f(x)·∇f(x') over all parameters, for x of `one` (n,) and x' of `other` (m,): (n, m)."""
    slopes, outputs = [], []
    for x in (one, other):
        z = np.multiply.outer(x, network.w1) + network.b1
        slopes.append((z > 0.0) * network.w2)
        outputs.append(np.maximum(z, 0.0))
    affine = 1.0 + np.multiply.outer(one, other)
    return np.asarray(slopes[0] @ slopes[1].T * affine + outputs[0] @ outputs[1].T + 1.0)


def lazy_interpolant(network: TwoLayerReLU, inputs: Array, labels: Array, at: Array) -> Array:
    """Values at `at` (m,) of f_0(x) + K(x, X) K(X, X)⁺ (y − f_0(X)), with K the tangent kernel of f_0.

    It is where gradient flow on the square loss leads a network that is linear in its parameters: kernel
    regression without a ridge, from the start of the network.
    """
    gram = tangent_kernel(network, inputs, inputs)
    inverse = np.linalg.pinv(gram, rcond=RANK, hermitian=True)
    residual = labels - network.predict(inputs)
    return np.asarray(network.predict(at) + tangent_kernel(network, at, inputs) @ (inverse @ residual))
