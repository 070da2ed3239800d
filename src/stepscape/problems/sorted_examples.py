"""The examples of a problem with one input variable, in the order of their inputs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SortedExamples:
    """Inputs in increasing order, their labels and averaging weights, each (n,); ties keep their order."""

    inputs: Array
    labels: Array
    averaging: Array

    @classmethod
    def of(cls, inputs: Array, labels: Array, averaging: Array) -> SortedExamples:
        """Sort the examples; inputs (n, d) of several variables have no order and are refused."""
        if inputs.ndim != 1:
            raise bad("inputs", "have shape (n,) here", inputs.shape, "this works with one input variable")
        order = np.argsort(inputs, kind="stable")
        return cls(inputs[order], labels[order], averaging[order])

    @property
    def arrays(self) -> tuple[Array, Array, Array]:
        """Inputs, labels, averaging weights."""
        return self.inputs, self.labels, self.averaging

    @property
    def hull(self) -> tuple[float, float]:
        """The least and the largest input."""
        return float(self.inputs[0]), float(self.inputs[-1])

    @property
    def x_max(self) -> float:
        """Largest |x_i|."""
        return float(np.abs(self.inputs).max())

    @cached_property
    def padded(self) -> Array:
        """Inputs between −∞ and +∞ (n + 2,), as the kernels want them."""
        return np.concatenate([[-np.inf], self.inputs, [np.inf]])
