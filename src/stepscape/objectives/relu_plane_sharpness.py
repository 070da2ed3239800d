"""λ_max of the loss Hessian of the two-layer ReLU network with inputs in R^d, from two starts."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature.lanczos import Eigenpair, settle
from stepscape.errors import beyond_range
from stepscape.objectives.relu_plane_hessian import PlaneHessian, generic_vector

Array = NDArray[np.float64]


def plane_top(operator: PlaneHessian, start: Array | None = None, tolerance: float = 1e-8) -> Eigenpair:
    """Largest eigenvalue of an operator in unit 1; its vector ((d + 2)k + 1,) is 0 where frozen.

    Lanczos begins twice, at `start` or a generic vector and at a second generic one that depends on neither.
    The residual and the lower bound include what rounding may have added (`PlaneHessian.lost`).
    """
    net = operator.network
    second = generic_vector(net.width, net.dimension, net.trainable, 19_520_711)
    pairs = [plane_top_from(operator, begin, tolerance) for begin in (start, second)]
    best = max(pairs, key=lambda pair: pair.value)
    lost = operator.lost + 2.0**-50 * abs(best.value)
    if not math.isfinite(best.value + best.residual + lost):
        raise beyond_range("the sharpness")
    spent = sum(pair.products for pair in pairs)
    return replace(best, residual=best.residual + lost, products=spent, lower=best.value - lost)


def plane_top_from(operator: PlaneHessian, start: Array | None = None, tolerance: float = 1e-8) -> Eigenpair:
    """Like `plane_top`, from `start` or one generic vector alone, rounding not counted."""
    unit = operator.scale
    pair = settle(operator if unit == 1.0 else operator.changed(unit=unit), start, tolerance)
    return Eigenpair(pair.value * unit, pair.residual * unit, pair.vector, pair.products)
