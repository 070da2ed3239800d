"""The two sides of λ_max of the univariate network: what is proved from below and from above."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape.kernels import relu1d_inertia
from stepscape.objectives.relu_line_hessian import Hessian

Array = NDArray[np.float64]
STEPS = (2.0**-37, 2.0**-30, 2.0**-23, 2.0**-16)  # by how much of itself a σ that is tried exceeds λ_max
FEW = (
    2  # of these with float64 sums around 0; beyond, accurate ones around the middle of the inputs are better
)
MOST = 1e20  # inputs, and σ or 1/σ, beyond which underflow is not covered
EPS = 2.0**-52
COUNTED = "inertia count"


@dataclass(frozen=True, eq=False)
class Cells:
    """H over `unit`, cell by cell, as `kernels.relu1d_inertia` takes it.

    curvature (n,): D; moments (2n + 2, 9), couplings (2n + 2, 2). The largest eigenvalue of H is at most
    `error` above that of the matrix of these numbers, over `unit` as well.
    """

    curvature: Array
    moments: Array
    couplings: Array
    error: float
    unit: float = 1.0
    center: float = 0.0
    blur: Array | None = None

    def first_nonpositive(self, operator: Hessian, decay: float, sigma: float) -> tuple[int, Array, Array]:
        """See `kernels.relu1d_inertia`."""
        blur = np.zeros(len(self.moments)) if self.blur is None else self.blur
        found: tuple[int, Array, Array] = relu1d_inertia.first_nonpositive(
            operator.problem.line.inputs - self.center, self.curvature, self.moments, self.couplings, blur,
            self.center, operator.rates, decay, sigma,
        )  # fmt: skip
        return found


class Above(NamedTuple):
    """An upper bound on λ_max, infinite if there is none, and if so a vector (3k + 1,) that shows why.

    If the bound failed because λ_max is larger than thought, that vector has a larger Rayleigh quotient.
    """

    bound: float
    vector: Array | None = None


def above(operator: Hessian, cells: Cells, value: float) -> Above:
    """Find σ close above `value` such that σ - H is positive definite, by the inertia of an n × n matrix.

    Source: Haynsworth (1968); see `kernels.relu1d_inertia`.
    """
    guess, decay = value / cells.unit, operator.decay / cells.unit * bool(operator.rates[:3].any())
    if not (1.0 / MOST < guess < MOST and operator.problem.line.x_max < MOST):
        return Above(math.inf)
    for step in STEPS if cells.blur is not None else STEPS[:FEW]:
        sigma = guess * (1.0 + step)
        at, steps, ends = cells.first_nonpositive(operator, decay, sigma)
        if at == cells.curvature.size:
            return Above((sigma + cells.error) * cells.unit * (1.0 + 4.0 * EPS))
    return Above(math.inf, None if at < 0 else _witness(operator, cells, sigma, decay, steps, ends, at))


def _witness(
    operator: Hessian, cells: Cells, sigma: float, decay: float, steps: Array, ends: Array, at: int
) -> Array | None:
    """Return u = S⁻¹ Wᵀ v, v = L⁻ᵀ e: with vᵀ B v ≤ 0 its Rayleigh quotient is at least σ.

    vᵀ v ≤ vᵀ C v, C = W S⁻¹ Wᵀ, and by Cauchy and Schwarz (vᵀ C v)² ≤ vᵀ v · vᵀ C² v: so uᵀ (S - WᵀW) u =
    vᵀ C v - vᵀ C² v ≤ 0.
    """
    n, net = cells.curvature.size, operator.network
    v, after = np.zeros(n), ends[at].copy()
    v[at] = 1.0
    for i in range(at - 1, -1, -1):
        v[i] = steps[i] @ after
        after += v[i] * ends[i]
    m, t = _seen_sums(operator, v * np.sqrt(cells.curvature))
    rates, gap = operator.rates, sigma - decay
    cell = _cell_of(operator)
    p, q = cells.couplings[cell].T * rates[:2, None] * rates[2]
    h = rates[2] * (net.w1 * m[:-1] + net.b1 * t[:-1])
    w_part, b_part = rates[0] * m[:-1], rates[1] * t[:-1]
    with np.errstate(all="ignore"):
        a = (gap * h + net.w2 * (p * w_part + q * b_part)) / (gap * gap - p * p - q * q)
        blocks = (
            (net.w2 * w_part + p * a) / gap,
            (net.w2 * b_part + q * a) / gap,
            a,
            [rates[3] * t[-1] / sigma],
        )
        return _unit(np.concatenate(blocks))


def mean_gradient(operator: Hessian) -> Array | None:
    """Return Σ D ∇f as a unit vector (3k + 1,): it attests the left side of T0, Σ D if b2 is trained."""
    m, t = _seen_sums(operator, operator.accurate.curvature[0])
    net = operator.network
    with np.errstate(all="ignore"):
        blocks = net.w2 * m[:-1], net.w2 * t[:-1], net.w1 * m[:-1] + net.b1 * t[:-1], [t[-1]]
        return _unit(np.concatenate(blocks) * net.trained)


def _seen_sums(operator: Hessian, y: Array) -> tuple[Array, Array]:
    """Σ y x and Σ y over the inputs that each neuron sees, and over all of them (k + 1,)."""
    position, right = operator.accurate.position, operator.network.w1 > 0.0
    found = []
    for part in (y * operator.problem.line.inputs, y):
        sums = np.append(0.0, np.cumsum(part))
        found.append(np.append(np.where(right, sums[-1] - sums[position], sums[position]), sums[-1]))
    return found[0], found[1]


def _cell_of(operator: Hessian) -> NDArray[np.intp]:
    """Return the cell of each neuron (k,), numbered as in `kernels.relu1d_sharpness`."""
    position = operator.accurate.position.astype(np.intp)
    return np.asarray(np.where(operator.network.w1 > 0.0, position + operator.problem.size + 1, position))


def _unit(vector: Array) -> Array | None:
    size = np.linalg.norm(vector)
    return vector / size if np.isfinite(size) and size > 0.0 else None


def trace_bound(operator: Hessian) -> float:
    """λ_max ≤ tr G + ‖R‖ + decay: crude, but always true, and 0 for a Hessian that vanishes."""
    values, errors = operator.accurate.diagonal
    on = operator.rates > 0.0
    total = float((values + errors)[on].sum()) + operator.decay * float(on[:3].any())
    if not operator.gauss_newton:
        total += operator.residual_norm + operator.residual_norm_error
    return total * (1.0 + 8.0 * EPS)


def careful_cells(operator: Hessian, value: float) -> Cells:
    """Take the cells from accurate numbers: D rounded up, p and q with their errors."""
    unit = math.ldexp(1.0, math.frexp(value)[1])
    net, n, accurate = operator.network, operator.problem.size, operator.accurate
    cell = _cell_of(operator)
    w, a, center = net.w1, net.w2, _center(*operator.problem.line.hull)
    b = net.b1 + w * center
    off = 2.0 * EPS * (np.abs(net.b1) + np.abs(w * center)) * (center != 0.0)
    moments, couplings = np.zeros((2 * n + 2, 9)), np.zeros((2 * n + 2, 2))
    with np.errstate(all="ignore"):
        for column, part in zip(
            (0, 1, 2, 3, 4, 5, 8), (w * w, w * b, b * b, w * a, b * a, a * a, None), strict=True
        ):
            moments[:, column] = np.bincount(cell, part, 2 * n + 2)
        curvature = (accurate.curvature[0] + accurate.curvature[1]) * (1.0 + EPS) / unit
        blur = np.bincount(cell, off * off * (1.0 + 1e-9), 2 * n + 2)
    error = 0.0
    if not operator.gauss_newton:
        couplings[cell] = accurate.couplings[0].T / unit
        error = operator.residual_norm_error / unit * (1.0 + 4.0 * EPS)
    return Cells(curvature, moments, couplings, error, unit, center, blur.astype(np.float64))


def _center(low: float, high: float) -> float:
    """Return the middle of inputs far from 0, of which it can be subtracted exactly (Sterbenz), else 0."""
    middle = 0.5 * low + 0.5 * high
    return middle if (low > 0.0 or high < 0.0) and min(abs(low), abs(high)) >= 0.5 * abs(middle) else 0.0


def below(operator: Hessian, vector: Array) -> float:
    """Return what is proved of λ_max from below: the Rayleigh quotient of a vector, less what it may be off.

    The product is taken in twice the digits and comes with a bound on its error, sums are exact.
    """
    unit = operator.scale
    image, error = operator.changed(unit=unit).product_and_error(vector)
    terms = vector * image
    lost = float(np.abs(vector) @ error) * (1.0 + 1e-6) + EPS * float(np.abs(terms).sum())
    quotient = (math.fsum(terms) - lost) / math.fsum(vector * vector)
    return (quotient - 4.0 * EPS * abs(quotient)) * unit
