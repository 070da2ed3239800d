"""Activation cells: the half-lines of inputs that a neuron can be active on, and the cones of its parameters.

A neuron that is active on the half-line h of the inputs adds X u to the values of the network at the inputs,
with u = w2·(w1, b1) and X (n, 2) the rows (x_i, 1) for i in h, else 0. Its knot lies in one gap between
inputs and it faces one way exactly when u/w2 is a nonnegative combination of two rays: (±1, ∓t) for t at the
two ends of the gap; active on all inputs, of (1, −x_1) and (−1, x_n).

Slopes and values are taken at the middle c of the gap, (w1, w1 c + b1): where a gap is narrow its rays are
almost parallel, and sums about any other point would cancel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from stepscape.errors import bad
from stepscape.theory.line.distribution import FloatArray, vector


@dataclass(frozen=True, eq=False)
class Cells:
    """The 2n − 1 half-lines of n sorted inputs: n − 1 to the right, n − 1 to the left, and all inputs.

    Attributes
    ----------
    middles : (2n − 1,), the point c of each.
    rays : (2n − 1, 2, 2), two rays (w1, w1 c + b1) of each.
    basis : (2n − 1, n, 2), the rows (x_i − c, 1) at active inputs, 0 at the others: Y with X u = Y (w1, w1 c
        + b1)·w2.
    """

    middles: FloatArray
    rays: FloatArray
    basis: FloatArray

    @property
    def count(self) -> int:
        """The number of half-lines."""
        return len(self.rays)

    @cached_property
    def metric(self) -> FloatArray:
        """M (2n − 1, 2, 2) with X Xᵀ = Y M Yᵀ."""
        shear = np.tile(np.eye(2), (self.count, 1, 1))
        shear[:, 1, 0] = self.middles
        return np.asarray(shear @ shear.transpose(0, 2, 1))

    @cached_property
    def columns(self) -> FloatArray:
        """The basis side by side, (n, 2·(2n − 1))."""
        return np.ascontiguousarray(self.basis.transpose(1, 0, 2).reshape(self.basis.shape[1], -1))

    @cached_property
    def values(self) -> FloatArray:
        """What each ray adds to the values at the inputs, (2n − 1, n, 2)."""
        return np.asarray(np.einsum("pni,pri->pnr", self.basis, self.rays))


def activation_cells(inputs: FloatArray, margin: float = 0.0) -> Cells:
    """Cells of sorted distinct inputs; knots keep `margin` gap widths away from the two ends of their gap."""
    half = (0.5 - margin) * np.diff(inputs)
    right = np.stack([np.stack([np.ones_like(half), side], -1) for side in (half, -half)], 1)
    center, reach = 0.5 * (inputs[0] + inputs[-1]), 0.5 * (inputs[-1] - inputs[0])
    gaps = inputs[:-1] + 0.5 * np.diff(inputs)
    middles = np.concatenate([gaps, gaps, [center]])
    place, first = np.arange(inputs.size), np.arange(1, inputs.size)[:, None]
    active = np.concatenate([place >= first, place < first, np.ones((1, inputs.size), bool)])
    away = inputs - middles[:, None]
    basis = np.stack([away, np.ones_like(away)], -1) * active[:, :, None]
    return Cells(middles, np.concatenate([right, -right, [[[1.0, reach], [-1.0, reach]]]]), basis)


def distinct(inputs: ArrayLike, labels: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Sort the inputs together with their labels; refuse repeated inputs."""
    x, y = vector("inputs", inputs), vector("labels", labels)
    if y.shape != x.shape:
        raise bad("labels", f"have one entry per input ({x.size})", y.size)
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    if not (np.diff(x) > 0.0).all():
        raise bad("inputs", "be distinct", f"{x[:-1][np.diff(x) == 0.0][0]} twice")
    return x, y
