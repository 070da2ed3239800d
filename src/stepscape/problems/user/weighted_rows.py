"""The rows of a table that count: equal ones as one, in an order that does not depend on the table's."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stepscape.problems.user.scale import positive, relative

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
MOST_REPEATS = 2**53  # whole weights up to here are counts that a float holds exactly


@dataclass(frozen=True, eq=False)
class Rows:
    """Distinct rows (r,) in the order of their inputs, then of their labels.

    Inputs of several features are ordered by the first, then by the second, and so on.

    Attributes
    ----------
    at : (r,)
        Position of the input of each among the distinct inputs.
    labels : (r,)
    weights : (r,)
        Total weight of the rows that are equal.
    count : (r,)
        How many they are. If all weights are whole numbers, a weight is that many rows.
    """

    at: NDArray[np.intp]
    labels: Array
    weights: Array
    count: Whole

    @classmethod
    def of(cls, x: Array, labels: Array, weights: Array) -> tuple[Array, Rows]:
        """Distinct inputs (m,) or (m, d) in increasing order, and the rows of positive weight.

        Whole weights and repeated rows give the same bits, and so does every order of the rows.
        """
        kept = positive(weights)
        x, labels, weights = x[kept], labels[kept], weights[kept]
        order = np.lexsort((weights, labels, *_keys(x)))
        x, labels, weights = x[order], labels[order], weights[order]
        new_input = np.append(True, _differ(x))
        start = np.flatnonzero(new_input | np.append(True, labels[1:] != labels[:-1]))
        small = weights.max() < MOST_REPEATS and weights.sum() < MOST_REPEATS
        whole = small and bool((weights == np.rint(weights)).all())
        number = weights.astype(np.int64) if whole else np.ones(x.size, np.int64)
        return x[new_input], cls(
            at=np.cumsum(new_input)[start] - 1,
            labels=labels[start],
            weights=np.add.reduceat(relative(weights), start),
            count=np.add.reduceat(number, start),
        )

    def per_input(self, values: Array, inputs: int) -> Array:
        """Sum values (r,) over the rows of each of m inputs."""
        return np.bincount(self.at, weights=values, minlength=inputs).astype(np.float64)

    def share(self, held: Whole) -> tuple[NDArray[np.intp], Rows]:
        """Keep `held` (r,) of the equal rows each; return the inputs that are left, and their rows."""
        kept = held > 0
        left, at = np.unique(self.at[kept], return_inverse=True)
        count = held[kept]
        weights = self.weights[kept] * (count / self.count[kept])
        return left, Rows(at, self.labels[kept], weights, count)

    def mirror(self) -> Rows:
        """Return the rows with −label in place of each label, in order again."""
        order = np.lexsort((-self.labels, self.at))
        mirrored = replace(self, labels=-self.labels)
        return Rows(*(getattr(mirrored, name)[order] for name in ("at", "labels", "weights", "count")))


def _keys(x: Array) -> list[Array]:
    """Keys of inputs (n,) or (n, d) as `numpy.lexsort` takes them, the first feature last."""
    return [x] if x.ndim == 1 else list(x.T[::-1])


def _differ(x: Array) -> NDArray[np.bool_]:
    """Whether each input but the first differs from the one before it."""
    found = x[1:] != x[:-1]
    return np.asarray(found if x.ndim == 1 else found.any(axis=1))
