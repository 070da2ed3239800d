"""The tangent features of a network: its derivatives by all parameters, whose products are its kernel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.network import TwoLayerReLU

Array = NDArray[np.float64]


def tangent_features(network: TwoLayerReLU, x: Array) -> Array:
    """∇_θ f(x) of every input (n, 3k + 1); its Gram matrix is the neural tangent kernel of this network."""
    z = np.multiply.outer(x, network.w1) + network.b1
    outer = (z > 0.0) * network.w2
    return np.concatenate([outer * x[:, None], outer, np.maximum(z, 0.0), np.ones((x.size, 1))], axis=1)


def tangent_kernel(network: TwoLayerReLU, one: Array, other: Array) -> Array:
    """∇f(x)·∇f(x') over all parameters, for x of `one` (n,) and x' of `other` (m,): (n, m)."""
    return np.asarray(tangent_features(network, one) @ tangent_features(network, other).T)
