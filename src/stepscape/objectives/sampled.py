"""The protocol of a loss over examples that a stochastic method can draw from."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@runtime_checkable
class Sampled(Protocol):
    """What an objective over examples has besides the methods of `Objective`."""

    @property
    def examples(self) -> int:
        """Number n of examples."""
        ...

    def batch_gradient(self, theta: Array, rows: NDArray[np.int64]) -> Array:
        """∇L_B(θ) (size,) of the mean loss over the examples with these numbers (B,)."""
        ...

    def noisy_gradient(self, theta: Array, noise: Array) -> Array:
        """∇L(θ) (size,) with noise (n,) added to the labels."""
        ...
