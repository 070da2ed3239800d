"""Several columns of inputs: each to mean 0 and standard deviation 1, and no more coordinates than rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad
from stepscape.problems.user.scale import Affine

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Features:
    """Standardized coordinates (m, q) of inputs (m, d).

    A column that is constant in the data has no scale: its coordinate is 0, for every input.

    With d features and m < d distinct inputs the standardized inputs span at most m dimensions, and training
    moves no weight across them: Σ_i g_i s_ij x_i lies in their span. So q = m coordinates along an
    orthonormal basis of it are enough, exactly, and what a new input has across it counts for nothing.

    Attributes
    ----------
    columns : tuple of d Affine
        From standardized to the user's units, column by column.
    turn : (d, q) or None
        Orthonormal columns, where there are fewer inputs than features.
    """

    columns: tuple[Affine, ...]
    turn: Array | None = None

    @classmethod
    def of(cls, inputs: Array, weights: Array) -> Features:
        """Units of distinct inputs (m, d) with weights (m,)."""
        columns = tuple(Affine.of(column, weights) for column in inputs.T)
        if len(inputs) >= inputs.shape[1]:
            return cls(columns)
        rows = cls(columns).standardize(inputs)
        return cls(columns, np.ascontiguousarray(np.linalg.svd(rows, full_matrices=False)[2].T))

    def standardize(self, inputs: Array) -> Array:
        """Coordinates (m, q) of inputs (m, d); infinite beyond the range of numbers."""
        parts = [_standardized(unit, column) for unit, column in zip(self.columns, inputs.T, strict=True)]
        rows = np.column_stack(parts)
        with np.errstate(over="ignore", invalid="ignore"):
            return rows if self.turn is None else rows @ self.turn

    def plane(self, weights: Array, offset: float) -> tuple[Array, float]:
        """Write w·coordinates + b, w (q,), as a function in the user's units: its weights (d,) and offset."""
        turned = weights if self.turn is None else self.turn @ weights
        known = ~self.constant
        deviations = np.array([unit.deviation for unit in self.columns])
        means = np.array([unit.mean for unit in self.columns])
        slopes = np.divide(turned, deviations, out=np.zeros_like(turned), where=known)
        return slopes, float(offset - means[known] @ slopes[known])

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Mask (d,) of the columns that are constant in the data."""
        return np.array([unit.scale == 0.0 for unit in self.columns])


def standardized_features(distinct: Array, weights: Array, rows: int) -> tuple[Features, Array]:
    """Units of distinct inputs (m, d), and the inputs in them."""
    if len(distinct) < 2:
        came = "n_samples=1" if rows == 1 else f"the same input in all {rows} rows"
        raise bad("X", "hold at least two distinct inputs of positive weight", came)
    units = Features.of(distinct, weights)
    if units.constant.all():
        raise bad("X", "hold inputs that differ by more than rounding", "inputs too close together")
    return units, units.standardize(distinct)


def _standardized(unit: Affine, column: Array) -> Array:
    return np.zeros(column.size) if unit.scale == 0.0 else unit.standardize(column)
