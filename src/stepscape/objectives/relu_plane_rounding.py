"""How far the numbers of a network with inputs in R^d are off, and a lower side for its sharpness.

Activations s_ij are those of float64 and taken as given; a certificate supposes that no input lies so close
to a hyperplane that another order of summation would decide otherwise. With x̃ = (x, 1) and w̃ = (w1, b1), a
sum of m terms errs by at most m u of the sum of their sizes, so that

    |error of f(x_i)| ≤ δ_i = (k + d + 6) 2u (Σ_j s_ij |w2_j| ⟨|w̃_j|, |x̃_i|⟩ + |b2|),

example by example: what is active nowhere adds exact zeros, and a dead network is off by nothing.

The Rayleigh quotient of a vector (ũ, a, c) is a sum over the examples,

    uᵀHu = Σ_i D_i p_i² + 2 Σ_i g_i t_i,   p_i = ⟨x̃_i, Σ_j s_ij (w2_j ũ_j + a_j w̃_j)⟩ + c,
                                           t_i = ⟨x̃_i, Σ_j s_ij a_j ũ_j⟩,

which is taken in long double, whatever its length is on a machine, with a bound on each term.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape.losses import loss_of
from stepscape.objectives.relu_plane_hessian import PlaneHessian

Array = NDArray[np.float64]
Long = NDArray[Any]  # of long double
EPS = 2.0**-52
FINE = float(np.finfo(np.longdouble).eps)


class Known(NamedTuple):
    """Numbers (n,) and how far each is off at most."""

    value: Long
    error: Long


@dataclass(frozen=True, eq=False)
class PlaneRounding:
    """Bounds on the rounding of one Hessian without weight decay."""

    operator: PlaneHessian

    @property
    def terms(self) -> int:
        """How many roundings one of the sums over neurons and variables has at most."""
        return self.operator.network.width + self.operator.network.dimension + 6

    @cached_property
    def active(self) -> Array:
        """The s_ij (n, k)."""
        packed = np.moveaxis(self.operator.linear.active, 0, 1)
        return np.ascontiguousarray(packed.reshape(len(packed), -1)[:, : self.operator.network.width])

    @cached_property
    def weights(self) -> Array:
        """The w̃_j (k, d + 1)."""
        net = self.operator.network
        return np.column_stack([net.w1.reshape(net.width, -1), net.b1])

    @cached_property
    def prediction_error(self) -> Array:
        """How far each f(x_i) is off at most (n,)."""
        net = self.operator.network
        held = self.active @ np.abs(net.w2[:, None] * self.weights)
        sizes = np.einsum("ic,ic->i", held, np.abs(self.operator.points)) + abs(net.b2)
        return np.asarray(self.terms * EPS * sizes)

    @cached_property
    def loss_error(self) -> float:
        """How far L is off at most: |ℓ(f + δ) − ℓ(f)| ≤ |ℓ'(f)| δ + ½ δ² for both losses."""
        operator, off = self.operator, self.prediction_error
        slopes = np.abs(loss_of(operator.problem.loss).slope(operator.predictions, operator.problem.labels))
        with np.errstate(over="ignore"):
            moved = float(operator.problem.averaging @ (slopes * off + 0.5 * off * off))
        return (moved + (operator.problem.size + 16) * EPS * operator.loss) * (1.0 + 1e-12)

    @cached_property
    def residual_norm_error(self) -> float:
        """How far ‖R‖ is off at most, by the neuron whose P_j is off the most."""
        operator = self.operator
        coupled = operator.rates[2] * np.append(
            np.full(operator.network.dimension, operator.rates[0]), operator.rates[1]
        )
        if operator.gauss_newton or not coupled.any():
            return 0.0
        v, off = operator.problem.averaging, self.prediction_error
        pull = v * np.abs(loss_of(operator.problem.loss).slope(operator.predictions, operator.problem.labels))
        each = v * off + (operator.problem.size + operator.network.dimension + 16) * EPS * pull
        with np.errstate(over="ignore"):
            moved = self.active.T @ (each[:, None] * np.abs(operator.points) * coupled)
        largest = float(moved.max())
        if largest == 0.0 or not np.isfinite(largest):
            return largest
        return largest * float(np.linalg.norm(moved / largest, axis=1).max()) * (1.0 + 1e-12)

    def below(self, vector: Array) -> float:
        """Return what is proved of λ_max from below: uᵀHu/uᵀu less what it may be off; u ((d + 2)k + 1,)."""
        k, d = self.operator.network.width, self.operator.network.dimension
        u = np.asarray(vector, dtype=np.longdouble)
        inner = np.column_stack([u[: k * d].reshape(k, d), u[k * d : k * (d + 1)]])
        value, error = self._form(inner, u[k * (d + 1) : -1], u[-1])
        length = (u * u).sum()
        quotient = float((value - error) / length)
        return quotient - (4.0 * EPS + u.size * FINE) * abs(quotient)

    def _form(self, inner: Long, outer: Long, last: Long) -> tuple[Long, Long]:
        """Return uᵀHu, and how far it is off at most."""
        weights = self.weights.astype(np.longdouble)
        curvature, slope = self._derivatives
        tilt = self.operator.network.w2[:, None] * inner + outer[:, None] * weights
        sizes = np.abs(self.operator.network.w2[:, None] * inner) + np.abs(outer[:, None] * weights)
        p, off = self._sum(tilt, sizes, last)
        value = (curvature.value * p * p).sum()
        size = np.abs(p) + off
        error = (curvature.value * off * (2.0 * np.abs(p) + off) + curvature.error * size * size).sum()
        magnitude = value
        if not self.operator.gauss_newton:
            t, away = self._sum(outer[:, None] * inner, np.abs(outer[:, None] * inner), 0.0 * last)
            value = value + 2.0 * (slope.value * t).sum()
            error = error + 2.0 * (np.abs(slope.value) * away + slope.error * (np.abs(t) + away)).sum()
            magnitude = magnitude + 2.0 * np.abs(slope.value * t).sum()
        return value, error + (p.size + 16) * FINE * magnitude

    def _sum(self, rows: Long, sizes: Long, last: Any) -> Known:
        """⟨x̃_i, Σ_j s_ij rows_j⟩ + last; `sizes` (k, d + 1) are those of what the rows are sums of."""
        points, active = self.operator.points.astype(np.longdouble), self.active.astype(np.longdouble)
        value = ((active @ rows) * points).sum(axis=1) + last
        size = ((active @ sizes) * np.abs(points)).sum(axis=1) + abs(last)
        return Known(value, (self.terms * FINE) * size)

    @cached_property
    def _derivatives(self) -> tuple[Known, Known]:
        """v_i times second and first derivative of the loss in f(x_i)."""
        net, problem = self.operator.network, self.operator.problem
        rows = net.w2[:, None] * self.weights.astype(np.longdouble)
        f, off = self._sum(rows, np.abs(rows), np.longdouble(net.b2))
        v, y = problem.averaging.astype(np.longdouble), problem.labels.astype(np.longdouble)
        if problem.loss == "square":
            slope = v * (f - y)
            return Known(v, 0.0 * v), Known(slope, v * off + 4.0 * FINE * np.abs(slope))
        decayed = np.exp(-np.abs(f))
        curvature = v * decayed / (1.0 + decayed) ** 2
        slope = -y * v * np.where(y * f > 0.0, decayed, 1.0) / (1.0 + decayed)
        # Neither changes by more than the factor e^δ where f changes by δ; rounding adds a few units.
        factor = np.expm1(np.minimum(off, 700.0)) + 16.0 * FINE
        return Known(curvature, curvature * factor), Known(slope, np.abs(slope) * factor)
