"""λ_max of the loss Hessian of the univariate two-layer ReLU network, by the fastest way that is right."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature.lanczos import Eigenpair, norm, settle
from stepscape.errors import NotConverged, bad, beyond_range
from stepscape.kernels import relu1d, relu1d_sharpness
from stepscape.objectives.relu_line_hessian import Hessian
from stepscape.objectives.relu_line_sides import (
    COUNTED,
    EPS,
    Cells,
    above,
    below,
    careful_cells,
    mean_gradient,
    trace_bound,
)

Array = NDArray[np.float64]
RESTARTS = 6  # of Lanczos, from vectors that show that it missed the largest eigenvalue
MOST_INPUTS = 4096  # beyond, the work space of the compiled call leaves the cache, and the call is slower


def top(operator: Hessian, start: Array | None = None, tolerance: float = 1e-8) -> Eigenpair:
    """Largest eigenvalue of an operator in unit 1, with two sides; its vector (3k + 1,) is 0 where frozen.

    Lanczos begins twice, at `start` or a generic vector and at a second generic one that depends on neither.
    In one compiled call; where that does not settle, by `curvature.largest_eigenpair`, whose basis may grow;
    and where products in float64 are off by too much, with products in twice the digits. The residual is
    that of the Hessian and not of its rounding.

    Then an inertia count proves that no eigenvalue is larger (see `relu_line_sides`). If one is, the count
    yields a vector that shows it, and Lanczos begins again from there. Where rounding is too large for a
    count, Lanczos begins again from Σ D ∇f if that is a better vector, and the upper bound is that of the
    trace.
    """
    pair, cells = _measured(operator, start, tolerance)
    for _ in range(RESTARTS):
        found = above(operator, cells or careful_cells(operator, pair.value), pair.value)
        if math.isfinite(found.bound):
            return replace(pair, upper=found.bound, upper_by=COUNTED)
        if cells is not None:
            cells = None  # rounding may be to blame: take accurate numbers
            continue
        better = _restarted(operator, pair, found.vector, tolerance)
        if better is pair:
            break
        pair = better
    pair = _restarted(operator, pair, mean_gradient(operator), tolerance)
    return replace(pair, upper=trace_bound(operator), upper_by="trace")


def _restarted(operator: Hessian, pair: Eigenpair, vector: Array | None, tolerance: float) -> Eigenpair:
    """Return what Lanczos finds from a vector of a larger Rayleigh quotient, or the pair."""
    if vector is None or not below(operator, vector) > pair.value + 4.0 * EPS * abs(pair.value):
        return pair
    found = _step_by_step(operator, vector, tolerance)
    return replace(found, products=pair.products + found.products) if found.value > pair.value else pair


def _measured(operator: Hessian, start: Array | None, tolerance: float) -> tuple[Eigenpair, Cells | None]:
    pair, cells = _in_one_call(operator, start, tolerance) or (
        _step_by_step(operator, start, tolerance), None
    )  # fmt: skip
    if not math.isfinite(pair.value + pair.residual):
        raise beyond_range("the sharpness")
    return pair, cells


def _step_by_step(operator: Hessian, start: Array | None, tolerance: float) -> Eigenpair:
    """Find what the compiled call does not: in float64 if that does, else in twice the digits."""
    try:
        quick = operator.changed(careful=False)
        found = _from_both_starts(quick, start, tolerance) if operator.sides[0] else None
    except NotConverged:
        found = None
    if found and operator.lost <= tolerance * abs(found.value):
        least = found.value - operator.lost - 2.0**-50 * abs(found.value)
        return replace(found, residual=found.residual + operator.lost, lower=least)
    if found and operator.trusted:
        verified = _verified(operator, found)
        if verified.residual <= 2.0 * max(tolerance * abs(found.value), found.residual):
            return verified
    careful = operator.changed(careful=True)
    return _verified(careful, _from_both_starts(careful, start, tolerance))


def _verified(operator: Hessian, pair: Eigenpair) -> Eigenpair:
    """Take the residual of a product in twice the digits, and add how far that is off at most."""
    unit = operator.scale
    image, error = operator.changed(unit=unit).product_and_error(pair.vector)
    rest = image - (pair.value / unit) * pair.vector
    error = error + 2.0**-52 * np.abs(pair.value / unit * pair.vector)
    residual = (norm(rest) + norm(error)) * unit
    return replace(pair, residual=residual, products=pair.products + 1, lower=below(operator, pair.vector))


def _from_both_starts(operator: Hessian, start: Array | None, tolerance: float) -> Eigenpair:
    second = _second_vector(operator.network.width) * operator.network.trained
    pairs = [from_one_start(operator, begin, tolerance) for begin in (start, second)]
    best = max(pairs, key=lambda pair: pair.value)
    return replace(best, products=sum(pair.products for pair in pairs))


def _in_one_call(operator: Hessian, start: Array | None, tolerance: float) -> tuple[Eigenpair, Cells] | None:
    begin = np.array(operator.random_vector() if start is None else start, dtype=np.float64)
    if begin.shape != (operator.size,):
        raise bad("start", f"have shape ({operator.size},)", begin.shape)
    problem, network = operator.problem, operator.network
    if problem.size > MOST_INPUTS or not (0.0 < tolerance < 1.0 and operator.sides[0]):
        return None  # of a wrong tolerance `largest_eigenpair` says what is wrong
    position, line = np.empty(network.width, np.uint32), problem.line
    relu1d.positions(network.w1, network.b1, line.inputs, position)
    status, value, residual, rounding, products, vector, *cells = relu1d_sharpness.largest(
        network.parameters, position, *line.arrays, problem.loss == "logistic", operator.gauss_newton,
        operator.rates, float(operator.decay), begin, _second_vector(network.width), float(tolerance),
    )  # fmt: skip
    if status == relu1d_sharpness.UNSETTLED:
        return None
    sides = math.hypot(1.0, line.x_max) * operator.sides[1]
    residual, rounding = residual + sides, rounding + sides
    if not residual <= 2.0 * tolerance * value:
        return None
    curvature, moments, couplings = cells
    pair = Eigenpair(value, residual, vector, products, value - rounding)
    return pair, Cells(curvature, moments, couplings, rounding)


def from_one_start(operator: Hessian, start: Array | None = None, tolerance: float = 1e-8) -> Eigenpair:
    """Like `top`, from `start` or one generic vector alone, and without the product that verifies."""
    if operator.careful is None:
        operator = operator.changed(careful=not operator.trusted)
    unit = operator.scale
    pair = settle(operator if unit == 1.0 else operator.changed(unit=unit), start, tolerance)
    value, residual = pair.value * unit, pair.residual * unit
    return Eigenpair(value, residual, pair.vector, pair.products)


@lru_cache(maxsize=8)
def _second_vector(width: int) -> Array:
    """Return generic numbers (3k + 1,) for a second start, on frozen coordinates as well."""
    vector: Array = np.random.default_rng(19_520_711).standard_normal(3 * width + 1)
    vector.flags.writeable = False
    return vector
