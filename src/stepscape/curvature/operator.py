"""What the eigenvalue solver asks of a symmetric operator: products, nothing else."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class SymmetricOperator(Protocol):
    """A symmetric matrix known through its products with flat vectors."""

    @property
    def size(self) -> int:
        """Length of the vectors."""
        ...

    def product(self, vector: Array) -> Array:
        """Matrix times vector (size,)."""
        ...

    def random_vector(self) -> Array:
        """Return a reproducible generic unit vector in the space the operator acts on."""
        ...

    def lanczos(self, basis: Array, diagonal: Array, beside: Array, first: int, last: int) -> int:
        """Extend an orthonormal Krylov basis from row `first` to row `last`; see `lanczos_steps`."""
        ...
