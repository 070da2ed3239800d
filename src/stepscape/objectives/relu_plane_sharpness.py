"""λ_max of the loss Hessian of the two-layer ReLU network with inputs in R^d, with two sides."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature.lanczos import Eigenpair, settle
from stepscape.errors import beyond_range
from stepscape.objectives.relu_plane_hessian import PlaneHessian, generic_vector
from stepscape.objectives.relu_plane_sides import COUNTED, MOST_INPUTS, stays_below, vector_beyond

Array = NDArray[np.float64]
RESTARTS = 3  # of Lanczos, from vectors that show that it missed the largest eigenvalue
SLACKS = (1e-9, 1e-7, 1e-5)  # of λ_max, added to it and its residual: where a count is tried


def plane_top(operator: PlaneHessian, start: Array | None = None, tolerance: float = 1e-8) -> Eigenpair:
    """Largest eigenvalue of an operator in unit 1; its vector ((d + 2)k + 1,) is 0 where frozen.

    Lanczos begins twice, at `start` or a generic vector and at a second generic one that depends on neither.
    The residual and the lower bound include what rounding may have added (`PlaneHessian.lost`). Up to
    `MOST_INPUTS` inputs a count then proves that no eigenvalue is larger (see `relu_plane_sides`); where one
    is, Lanczos begins again from a vector that shows it. That M of the count is positive definite needs
    σ > λ_max(R + Λ), which holds for σ > λ_max(H) because G is positive semidefinite.
    """
    net = operator.network
    second = generic_vector(net.width, net.dimension, net.trainable, 19_520_711)
    pairs = [plane_top_from(operator, begin, tolerance) for begin in (start, second)]
    pair = max(pairs, key=lambda pair: pair.value)
    pair = replace(pair, products=sum(pair.products for pair in pairs))
    upper = _bound(operator, pair)
    for _ in range(RESTARTS if upper is None else 0):
        vector = vector_beyond(operator, _above(pair, SLACKS[-1]))
        found = None if vector is None else plane_top_from(operator, vector, tolerance)
        if found is None or not found.value > pair.value:
            break
        pair = replace(found, products=pair.products + found.products)
        if (upper := _bound(operator, pair)) is not None:
            break
    lost = operator.lost + 2.0**-50 * abs(pair.value)
    if not math.isfinite(pair.value + pair.residual + lost):
        raise beyond_range("the sharpness")
    pair = replace(pair, residual=pair.residual + lost, lower=pair.value - lost)
    return pair if upper is None else replace(pair, upper=upper + lost, upper_by=COUNTED)


def _bound(operator: PlaneHessian, pair: Eigenpair) -> float | None:
    """Return the least σ tried that the operator is proved to stay below, rounding of H not counted."""
    if operator.problem.size > MOST_INPUTS or not pair.value > 0.0:
        return None
    tried = (_above(pair, slack) for slack in SLACKS)
    return next((sigma for sigma in tried if stays_below(operator, sigma)), None)


def _above(pair: Eigenpair, slack: float) -> float:
    return pair.value + pair.residual + slack * abs(pair.value)


def plane_top_from(operator: PlaneHessian, start: Array | None = None, tolerance: float = 1e-8) -> Eigenpair:
    """Like `plane_top`, from `start` or one generic vector alone, rounding not counted."""
    unit = operator.scale
    pair = settle(operator if unit == 1.0 else operator.changed(unit=unit), start, tolerance)
    return Eigenpair(pair.value * unit, pair.residual * unit, pair.vector, pair.products)
