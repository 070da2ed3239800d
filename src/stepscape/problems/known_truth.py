"""What problems of low rank say of a matrix: its loss, and its distance to a truth that is known."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad
from stepscape.problems.linear_maps.linear_map import finite_array

Array = NDArray[np.float64]


def matrix_of(shape: tuple[int, int], values: object, name: str = "matrix", like: str = "") -> Array:
    """Read a matrix of finite numbers and of that shape, which is the shape of `like`."""
    array = finite_array(name, values, "(d1, d2)")
    if array.shape != shape:
        raise bad(name, f"have shape {shape}" + (f", as {like} has" if like else ""), array.shape)
    return array


def relative_error(matrix: Array, truth: Array | None) -> float:
    """‖X − truth‖_F/‖truth‖_F, without the division if the truth is 0."""
    if truth is None:
        raise bad("truth", "be given to measure an error to it", None)
    unit = float(np.abs(truth).max()) or 1.0  # so that no square of the truth overflows or vanishes
    with np.errstate(over="ignore"):
        error = float(np.linalg.norm((matrix - truth) / unit))
    return error / (float(np.linalg.norm(truth / unit)) or 1.0)


def finite_loss(loss: float) -> float:
    """Refuse a loss that float64 cannot hold."""
    if not math.isfinite(loss):
        raise bad("the loss", "be finite", "a number beyond 1.8e308", "rescale the matrix and the labels")
    return loss
