"""A network in units in which its numbers are at most about 1, so that nothing overflows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.kernels import relu1d, relu1d_accurate

Array = NDArray[np.float64]
Positions = NDArray[np.uint32]


def exponent(*parts: Array | float) -> int:
    """Return the least e with |x| < 2^e for every number x; 0 if all are 0."""
    largest = max(float(np.abs(part).max(initial=0.0)) for part in parts)
    return int(np.frexp(largest)[1]) if largest > 0.0 else 0


@dataclass(frozen=True, eq=False)
class Scaled:
    """w1 x + b1 in units of 2^inner, w2 in units of 2^outer, x in units of 2^input; all at most 1.

    Neurons that see no input are left out: `alive` are the others. `cell` and `anchor`: see the kernel.
    """

    w1: Array
    b1: Array
    w2: Array
    inputs: Array
    cell: Positions
    anchor: Array
    alive: NDArray[np.intp]
    input: int
    inner: int
    outer: int

    @property
    def operations(self) -> int:
        """How many roundings may meet in one number, at most."""
        return int(self.w1.size + 2 * self.inputs.size + 16)


def scaled(w1: Array, b1: Array, w2: Array, inputs: Array, position: Positions) -> Scaled:
    """Scale a network (k,) and its sorted inputs (n,), whose knots lie at `position`, by powers of two."""
    alive = np.flatnonzero(position != np.where(w1 > 0.0, inputs.size, 0))
    w1, b1, w2, position = w1[alive], b1[alive], w2[alive], position[alive]
    right = w1 > 0.0
    to_input, outer = exponent(inputs), exponent(w2)
    inner = max(exponent(w1) + to_input if w1.any() else -5000, exponent(b1) if b1.any() else -5000)
    inner = inner if inner > -5000 else 0
    x = np.ldexp(inputs, -to_input)
    w1, b1, w2 = np.ldexp(w1, to_input - inner), np.ldexp(b1, -inner), np.ldexp(w2, -outer)
    cell, anchor = np.empty(alive.size, np.uint32), np.empty(alive.size)
    relu1d_accurate.cells(right, position, x, cell, anchor)
    return Scaled(w1, b1, w2, x, cell, anchor, alive, to_input, inner, outer)


def located(w1: Array, b1: Array, inputs: Array) -> Positions:
    """Return how many sorted inputs lie left of each knot, by the test in float64 that training uses."""
    position = np.empty(w1.size, np.uint32)
    relu1d.positions(w1, b1, inputs, position)
    return position
