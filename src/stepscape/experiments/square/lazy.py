"""What lazy training from a network interpolates: kernel regression with its tangent kernel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.tangent import tangent_kernel
from stepscape.network import TwoLayerReLU

Array = NDArray[np.float64]
RANK = 1e-12  # of the largest eigenvalue: what is smaller is rounding


def lazy_interpolant(network: TwoLayerReLU, inputs: Array, labels: Array, at: Array) -> Array:
    """Values at `at` (m,) of f_0(x) + K(x, X) K(X, X)⁺ (y − f_0(X)), with K the tangent kernel of f_0.

    It is where gradient flow on the square loss leads a network that is linear in its parameters: kernel
    regression without a ridge, from the start of the network.
    """
    gram = tangent_kernel(network, inputs, inputs)
    inverse = np.linalg.pinv(gram, rcond=RANK, hermitian=True)
    residual = labels - network.predict(inputs)
    return np.asarray(network.predict(at) + tangent_kernel(network, at, inputs) @ (inverse @ residual))
