"""Units: mean 0 and standard deviation 1 and the way back, weights that count, and the grid of training."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad, beyond_range

Array = NDArray[np.float64]

LARGEST = 1e150  # magnitude of numbers whose squares a float still holds
GRID = -20  # training sees standardized values to 2⁻²⁰, a thousandth of the accuracy at which it stops
GAP = -10  # inputs are moved by at most 2⁻¹¹ of the smallest gap between them
FINEST = -60  # beyond it a grid is finer than numbers near 1 are
WEIGHT_BITS = 40


@dataclass(frozen=True)
class Affine:
    """value = center + scale · standardized, computed in multiples of `size` so that no unit overflows."""

    center: float
    scale: float
    size: float

    @classmethod
    def of(cls, values: Array, weights: Array) -> Affine:
        """Weighted mean and standard deviation; sums are exact, so that the order of rows does not count.

        The scale of a constant is 0: a spread below rounding is the error of the sum and no signal.
        """
        size = _power_of_two(values)
        ratio = values / size
        total = math.fsum(weights)
        center = math.fsum(weights * ratio) / total
        spread = math.sqrt(math.fsum(weights * (ratio - center) ** 2) / total)
        return cls(center, spread if spread > 4.0 * np.finfo(float).eps else 0.0, size)

    def standardize(self, values: Array) -> Array:
        """(value - center)/scale; infinite beyond the range of numbers."""
        with np.errstate(over="ignore"):
            return np.asarray((values / self.size - self.center) / self.scale)

    def restore(self, standardized: Array) -> Array:
        """Return center + scale · standardized; refused beyond the range of numbers."""
        with np.errstate(over="ignore"):
            values = np.asarray((self.center + self.scale * standardized) * self.size)
        if not np.isfinite(values).all():
            raise beyond_range("a prediction in the units of the labels")
        return values

    def formula(self, name: str) -> str:
        """Write how a column of that name is standardized, as in (x - 2.5)/1.25."""
        return f"({name} {'+' if self.mean < 0 else '-'} {abs(self.mean):.6g})/{self.deviation:.6g}"

    @property
    def mean(self) -> float:
        """Weighted mean in the user's units."""
        return self.center * self.size

    @property
    def deviation(self) -> float:
        """Weighted standard deviation in the user's units; for constant labels their magnitude, or 1."""
        return self.scale * self.size


def to_grid(values: Array, exponent: int = GRID) -> Array:
    """Round standardized values to multiples of 2^exponent.

    Standardization in another unit differs by about 1e-16, and training at the edge of stability is chaotic:
    it makes another fit of the difference. On a grid far coarser than that, and far finer than what a fit
    resolves, it vanishes, except for a value that happens to lie as near to the middle between two points of
    the grid. A relative change by 1e-12 moves one of 1000 values with a probability of about 0.1 %.
    """
    return np.asarray(np.ldexp(np.rint(np.ldexp(values, -exponent)), exponent))


def inputs_to_grid(inputs: Array) -> Array:
    """Round standardized inputs to a grid that keeps distinct ones apart: finer where they are closer."""
    distinct = np.unique(inputs)
    if distinct.size < 2:
        return to_grid(inputs)
    exponent = min(GRID, int(np.frexp(np.diff(distinct).min())[1]) - 1 + GAP)
    return to_grid(inputs, exponent) if exponent > FINEST else inputs


def shares(weights: Array) -> Array:
    """Weights over their sum, to 40 bits, so that their unit does not count either."""
    mantissa, exponent = np.frexp(weights / math.fsum(weights))
    return np.asarray(np.ldexp(np.rint(np.ldexp(mantissa, WEIGHT_BITS)), exponent - WEIGHT_BITS))


def positive(weights: Array) -> NDArray[np.bool_]:
    """Mask (n,) of the rows that count; at least one must.

    Beside the largest, a weight whose square vanishes counts as 0.
    """
    kept: NDArray[np.bool_] = relative(weights) > 1.0 / LARGEST
    if not kept.any():
        raise bad("sample_weight", "not be 0 everywhere", "no positive weight")
    return kept


def relative(weights: Array) -> Array:
    """Weights over a power of two: they keep every bit, and sums cannot overflow."""
    return np.asarray(np.ldexp(weights, -int(np.frexp(weights.max())[1])))


def standardized_inputs(distinct: Array, weights: Array, rows: int) -> tuple[Affine, Array]:
    """Units of distinct inputs (m,) in increasing order, and the inputs in them."""
    if distinct.size < 2:
        came = "n_samples=1" if rows == 1 else f"{float(distinct[0])!r} in all {rows} rows"
        raise bad("X", "hold at least two distinct inputs of positive weight", came)
    inputs = Affine.of(distinct, weights)
    standard = inputs.standardize(distinct) if inputs.scale else np.zeros(2)
    if not np.all(np.diff(standard) > 0):
        raise bad("X", "hold inputs that differ by more than rounding", "inputs too close together")
    return inputs, standard


def standardized_labels(labels: Array, weights: Array) -> tuple[Affine, Array]:
    """Units of labels (n,), and the labels in them; constant ones are 0 in units of their magnitude.

    Labels whose squared errors would overflow, or vanish, are refused.
    """
    size = float(np.abs(labels).max()) or 1.0
    if not 1.0 / LARGEST < size < LARGEST:
        must = f"be 0 or have a magnitude between {1.0 / LARGEST:g} and {LARGEST:g}: errors are squared"
        raise bad("labels", must, f"{size:g}", "rescale them")
    unit = Affine.of(labels, weights)
    if unit.scale == 0.0:  # what is left is rounding
        return Affine(unit.center, size / unit.size, unit.size), np.zeros_like(labels)
    return unit, unit.standardize(labels)


def _power_of_two(values: Array) -> float:
    """Return the least power of two that is larger than all magnitudes, or the largest there is."""
    exponent = int(np.frexp(np.abs(values).max())[1])
    return math.ldexp(1.0, min(max(exponent, -1021), 1023))
