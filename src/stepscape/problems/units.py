"""Standardized data: inputs and labels with weighted mean 0 and standard deviation 1, repeats merged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad
from stepscape.problems.problem import Problem
from stepscape.problems.tables import bin_inputs, merge_repeated

Array = NDArray[np.float64]

MOST_INPUTS = 10_000  # distinct inputs beyond which training data are binned
LARGEST = 1e150  # magnitude of labels whose squared errors a float still holds


@dataclass(frozen=True)
class Affine:
    """value = center + scale · standardized, computed in multiples of `size` so that no unit overflows."""

    center: float
    scale: float
    size: float

    @classmethod
    def of(cls, values: Array, weights: Array, scatter: float = 0.0) -> Affine:
        """Weighted mean and standard deviation; `scatter` is variance to add, in units of max |values|².

        The scale of a constant is 0: a spread below rounding is the error of the sum and no signal.
        """
        size = float(np.abs(values).max()) or 1.0
        shares = weights / weights.sum()
        ratio = values / size
        center = float(shares @ ratio)
        spread = float(np.sqrt(shares @ (ratio - center) ** 2 + scatter))
        return cls(center, spread if spread > 4.0 * np.finfo(float).eps else 0.0, size)

    def standardize(self, values: Array) -> Array:
        """(value - center)/scale."""
        return np.asarray((values / self.size - self.center) / self.scale)

    def restore(self, standardized: Array) -> Array:
        """Return center + scale · standardized."""
        return np.asarray((self.center + self.scale * standardized) * self.size)

    @property
    def mean(self) -> float:
        """Weighted mean in the user's units."""
        return self.center * self.size

    @property
    def deviation(self) -> float:
        """Weighted standard deviation in the user's units; for constant labels their magnitude, or 1."""
        return self.scale * self.size


@dataclass(frozen=True, eq=False)
class Standardized:
    """Merged data in standardized units, and the way back.

    Attributes
    ----------
    x, y, weights : (m,)
        Distinct inputs in increasing order, the weighted mean label of each, its weight; standardized.
    scatter : (m,)
        Σ w (y - ȳ)² over the rows merged into each input, standardized: what no function can explain.
    inputs, labels : Affine
        From standardized to the user's units.
    """

    x: Array
    y: Array
    weights: Array
    scatter: Array
    inputs: Affine
    labels: Affine

    @classmethod
    def of(cls, x: Array, y: Array, weights: Array) -> Standardized:
        """Merge repeated inputs exactly, drop weight 0, standardize.

        Everything is computed from the merged data, so that integer weights and repeated rows give the same
        bits whenever labels agree within an input.
        """
        kept = weights > 0
        if not kept.any():
            raise bad("sample_weight", "not be 0 everywhere", "no positive weight")
        # A power of two: relative weights keep every bit, and sums cannot overflow.
        x, y, weights = x[kept], y[kept], np.ldexp(weights[kept], -int(np.frexp(weights.max())[1]))
        _check_magnitude(y)
        merged = merge_repeated(x, y, weights)
        if merged.x.size < 2:
            rows = "n_samples=1" if x.size == 1 else f"{float(x[0])!r} in all {x.size} rows"
            raise bad("X", "hold at least two distinct inputs of positive weight", rows)
        size = float(np.abs(merged.y).max()) or 1.0
        where = np.searchsorted(merged.x, x)
        within = np.bincount(where, weights=weights * ((y - merged.y[where]) / size) ** 2)
        total = float(merged.weights.sum())
        inputs = Affine.of(merged.x, merged.weights)
        labels = Affine.of(merged.y, merged.weights, float(within.sum()) / total)
        constant = labels.scale == 0.0
        if constant:  # their magnitude is the only unit there is
            labels = Affine(labels.center, 1.0, labels.size)
        standard = inputs.standardize(merged.x) if inputs.scale else np.zeros(2)
        if not np.all(np.diff(standard) > 0):
            raise bad("X", "hold inputs that differ by more than rounding", "inputs too close together")
        scatter = within / labels.scale / labels.scale
        targets = labels.standardize(merged.y)
        if constant:  # what is left is rounding
            targets, scatter = np.zeros_like(targets), np.zeros_like(scatter)
        return cls(standard, targets, merged.weights, scatter, inputs, labels)

    @property
    def size(self) -> int:
        """Number of distinct inputs."""
        return int(self.x.size)

    @property
    def binned(self) -> bool:
        """Whether training on all of them bins: more than `MOST_INPUTS` distinct inputs."""
        return self.size > MOST_INPUTS

    def problem(self, rows: NDArray[np.bool_] | None = None) -> Problem:
        """Return the training problem on some of the distinct inputs, binned beyond `MOST_INPUTS` of them."""
        keep = np.ones(self.size, bool) if rows is None else rows
        x, y, weights = self.x[keep], self.y[keep], self.weights[keep]
        if x.size > MOST_INPUTS:
            x, y, weights = bin_inputs(x, y, MOST_INPUTS, weights)
        return Problem(x, y, weights=weights, name="standardized data")

    def error(self, predictions: Array, rows: NDArray[np.bool_]) -> float:
        """Mean squared error on some of the distinct inputs, over all their rows; standardized units."""
        weights = self.weights[rows]
        squares = float(weights @ (predictions - self.y[rows]) ** 2) + float(self.scatter[rows].sum())
        return squares / float(weights.sum())


def _check_magnitude(labels: Array) -> None:
    """Refuse labels whose squared errors would overflow, or vanish."""
    size = float(np.abs(labels).max()) or 1.0
    if not 1.0 / LARGEST < size < LARGEST:
        must = f"be 0 or have a magnitude between {1.0 / LARGEST:g} and {LARGEST:g}: errors are squared"
        raise bad("labels", must, f"{size:g}", "rescale them")
