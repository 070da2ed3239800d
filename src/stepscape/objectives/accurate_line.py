"""Loss, gradient, trace and products of the ReLU network on the line, each with a bound on its error.

All in O(n + k), in twice the digits (`kernels.relu1d_accurate`), around each neuron's own inputs. Predictions
and residuals are right to 1e-10 of themselves, exactly summed where they cancel more. A number beyond the
range of float64 is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import InputError
from stepscape.kernels import relu1d_accurate
from stepscape.kernels.relu1d_accurate import FLOOR, SQUARE
from stepscape.losses import loss_of
from stepscape.network import TwoLayerReLU
from stepscape.problems.problem import Problem
from stepscape.rounding.scaled import Positions, Scaled, exponent, scaled
from stepscape.rounding.values import UNIT_ROUNDOFF, Values, evaluate

Array = NDArray[np.float64]

ELEMENTARY = 16.0 * UNIT_ROUNDOFF  # relative error of exp, log1p and the few operations around them
SUBNORMAL = 2.0**-1074


@dataclass(frozen=True, eq=False)
class AccurateLine:
    """The numbers of one network on one problem; arrays over examples are in the order of the inputs."""

    problem: Problem
    network: TwoLayerReLU

    @cached_property
    def _values(self) -> Values:
        """Predictions, predictions minus labels, and where the knots lie."""
        net, line = self.network, self.problem.line
        labels = line.labels if self._square else None
        return evaluate(net.w1, net.b1, net.w2, net.b2, line.inputs, labels)

    @property
    def _square(self) -> bool:
        return self.problem.loss == "square"

    @cached_property
    def predictions(self) -> tuple[Array, Array]:
        """Values of f at the sorted inputs (n,), and how far each is off at most."""
        values, error = self._values.f.rounded()
        if not np.isfinite(values).all():
            raise beyond_range("the network's prediction")
        return values, error

    @cached_property
    def loss(self) -> tuple[float, float]:
        """L, and how far it is off at most."""
        weights = self.problem.line.averaging
        if self._square:
            residuals = self._values.residuals
            sizes, _, unit = _in_one_unit(residuals.high, residuals.unit)
            errors = np.ldexp(residuals.error, residuals.unit - unit)
            total = 0.5 * float(np.sum(weights * sizes**2))
            error = float(np.sum(weights * (np.abs(sizes) + errors) * errors))
            error += (self.problem.size + 8) * UNIT_ROUNDOFF * total
            with np.errstate(over="ignore"):
                total, error = (float(np.ldexp(x, 2 * unit)) for x in (total, error))
            if not np.isfinite(total):
                raise beyond_range("the loss")
            return total, error + SUBNORMAL * (total != 0.0 or sizes.any())
        f, off = self.predictions
        terms = loss_of("logistic").value(f, self.problem.line.labels)
        total = float(np.sum(weights * terms))
        with np.errstate(over="ignore"):
            moved = np.minimum(np.expm1(np.minimum(off, 700.0)) * terms, off)
        error = float(np.sum(weights * (moved + ELEMENTARY * terms)))
        return total, error + (self.problem.size + 8) * UNIT_ROUNDOFF * total + SUBNORMAL

    @cached_property
    def curvature(self) -> tuple[Array, Array]:
        """Diagonal v_i ℓ''(f_i) of D (n,), and how far each is off at most."""
        weights = self.problem.line.averaging
        if self._square:
            return weights, np.zeros_like(weights)
        f, off = self.predictions
        values = weights * loss_of("logistic").curvature(f)
        return values, (np.expm1(np.minimum(off, 700.0)) + ELEMENTARY) * values + SUBNORMAL

    @cached_property
    def scaled(self) -> Scaled:
        """The neurons that see an input, in their own units."""
        net, inputs = self.network, self.problem.line.inputs
        return scaled(net.w1, net.b1, net.w2, inputs, self.position)

    @property
    def position(self) -> Positions:
        """How many sorted inputs lie left of each knot (k,); see `rounding.values.evaluate`."""
        return self._values.position

    @cached_property
    def _pulls(self) -> tuple[Array, int]:
        """v_i ℓ'(f_i) as pairs with bounds (n, 3), in units of a power of two."""
        weights, labels = self.problem.line.averaging, self.problem.line.labels
        if self._square:
            residuals = self._values.residuals
            high, low, unit = _in_one_unit(residuals.high, residuals.unit, residuals.low)
            error = np.ldexp(residuals.error, residuals.unit - unit) + SUBNORMAL
            product, rest = relu1d_accurate.products(high, weights)
            return np.stack([product, rest + low * weights, weights * error + SQUARE * abs(product)], 1), unit
        values = weights * loss_of("logistic").slope(self.predictions[0], labels)
        error = 2.0 * self.curvature[1] + ELEMENTARY * np.abs(values) + SUBNORMAL  # |s(f + δ) - s(f)|
        unit = exponent(values)
        return np.ldexp(np.stack([values, np.zeros_like(values), error], 1), -unit), unit

    @cached_property
    def _sums(self) -> tuple[Array, int]:
        """Sums of v ℓ' over what each cell sees (see the kernel), and their unit."""
        pulls, unit = self._pulls
        return self._summed(pulls), unit

    def _summed(self, pulls: Array) -> Array:
        """Sum pulls (n, 3) over what each cell sees; their bounds grow by the rounding of the sums."""
        net = self.scaled
        pulls[:, 2] += SQUARE * net.operations * np.abs(pulls[:, 0]) + FLOOR * pulls[:, 0].any()
        at = np.empty((2 * net.inputs.size + 2, 2, 3))
        relu1d_accurate.sums_of(net.inputs, pulls, at)
        return at

    @cached_property
    def gradient(self) -> tuple[Array, Array]:
        """∇L (3k + 1,), zero on frozen blocks, and how far each number is off at most."""
        at, unit = self._sums
        net = self.scaled
        values, errors = self._transposed(at, (
            unit + net.input + net.outer, unit + net.outer, unit + net.inner, unit
        ))  # fmt: skip
        if not np.isfinite(values).all():
            raise beyond_range("the gradient")
        return values, errors

    def _transposed(self, at: Array, units: tuple[int, int, int, int]) -> tuple[Array, Array]:
        """Φᵀy on all trained coordinates from the sums of y; units of the blocks as exponents of two."""
        net, k = self.scaled, self.network.width
        parts = np.empty((2, 3 * net.w1.size + 1))
        relu1d_accurate.transposed(net.w1, net.b1, net.w2, net.cell, net.anchor, at, parts[0], parts[1])
        out = np.zeros((2, 3 * k + 1))
        with np.errstate(over="ignore"):
            blocks = np.ldexp(parts[:, :-1].reshape(2, 3, -1), np.array(units[:3])[:, None])
            out[:, -1] = np.ldexp(parts[:, -1], units[3])
        out[:, :-1].reshape(2, 3, k)[:, :, net.alive] = blocks
        out[:, ~self.network.trained] = 0.0
        out[1] += SUBNORMAL * (out[1] > 0.0)
        return out[0], out[1]

    @cached_property
    def couplings(self) -> tuple[Array, Array]:
        """p_j = Σ_active v ℓ' x and q_j = Σ_active v ℓ', rows (2, k), and how far they are off at most."""
        at, unit = self._sums
        net = self.scaled
        by_cell = np.zeros((2, len(at), 2))
        relu1d_accurate.couplings_of(net.inputs, at, by_cell[0], by_cell[1])
        out = np.zeros((2, 2, self.network.width))
        with np.errstate(over="ignore"):
            seen = by_cell[:, net.cell].swapaxes(1, 2)
            out[:, :, net.alive] = np.ldexp(seen, np.array([unit + net.input, unit])[:, None])
        if not np.isfinite(out[0]).all():
            raise beyond_range("the gradient")
        return out[0], out[1]

    @cached_property
    def diagonal(self) -> tuple[Array, Array]:
        """Traces of the blocks w1, b1, w2, b2 of ΦᵀDΦ (4,), infinite beyond the range, and their errors."""
        curvature, off = self.curvature
        values = self._diagonal_of(curvature)
        relative = 2.0 * UNIT_ROUNDOFF * (self.scaled.operations + 4.0 * self.problem.size)
        error = relative * values + SUBNORMAL * (values > 0.0)
        return values, error + self._diagonal_of(off) if off.any() else error

    def _diagonal_of(self, curvature: Array) -> Array:
        """Σ_j w2² Σ D x², Σ_j w2² Σ D, Σ_j Σ D z² and Σ D, inner sums over what each neuron sees.

        z = z₀ + |w1| d at the distance d ≥ 0 from the anchor, so that no term is negative in
        Σ D z² = z₀² Σ D + 2 z₀ |w1| Σ D d + w1² Σ D d².
        """
        net = self.scaled
        unit = exponent(curvature)
        weights = np.ldexp(curvature, -unit)
        at, squares = np.empty((2 * net.inputs.size + 2, 3)), np.empty(2 * net.inputs.size + 2)
        relu1d_accurate.spreads_of(net.inputs, weights, at)
        relu1d_accurate.squares_of(net.inputs, weights, squares)
        z = np.empty(net.w1.size)
        relu1d_accurate.heights(net.w1, net.b1, net.anchor, z)
        mass, moment, spread = at[net.cell].T
        z, w1, w2 = np.maximum(z, 0.0), np.abs(net.w1), np.abs(net.w2)
        heights = np.sqrt(mass * z**2 + w1 * (2.0 * moment * z + w1 * spread))
        factors = (w2 * np.sqrt(squares[net.cell]), w2 * np.sqrt(mass), heights)
        exponents = (net.outer + net.input, net.outer, net.inner)
        with np.errstate(over="ignore"):
            blocks = [_sum_of_squares(f, e, unit) for f, e in zip(factors, exponents, strict=True)]
        return np.array([*blocks, float(curvature.sum())])

    def product(
        self, vector: Array, unit: int = 0, decay: float = 0.0, gauss_newton: bool = False
    ) -> tuple[Array, Array]:
        """(H + decay·mask)·vector/2^unit on the trained coordinates, and how far numbers are off at most."""
        net, k = self.scaled, self.network.width
        u = vector * self.network.trained
        raised = max(net.outer + net.input, net.outer, net.inner, 0)
        y, curvature_unit = self._bent(u, raised)
        shift = raised + curvature_unit - unit
        out, error = self._transposed(self._summed(y), (
            shift + net.outer + net.input, shift + net.outer, shift + net.inner, shift
        ))  # fmt: skip
        uw, ub, ua = u[:-1].reshape(3, k)
        rest = np.zeros((2, 3 * k + 1))
        if not gauss_newton:
            (p, q), (p_off, q_off) = self._trained_couplings(unit)
            rest[0, :-1] = np.concatenate([p * ua, q * ua, p * uw + q * ub])
            sizes = [p_off * abs(ua), q_off * abs(ua), p_off * abs(uw) + q_off * abs(ub)]
            rest[1, :-1] = np.concatenate(sizes)
        if decay:
            rest[0, :-1] += float(np.ldexp(decay, -unit)) * u[:-1]
            rest[1, :-1] += UNIT_ROUNDOFF * np.abs(rest[0, :-1])
        rest[:, ~self.network.trained] = 0.0
        total = out + rest[0]
        return total, error + rest[1] + UNIT_ROUNDOFF * np.abs(total)

    def _trained_couplings(self, unit: int) -> tuple[Array, Array]:
        """Return p and q (2, k) over 2^unit and their errors, 0 where they couple nothing that is trained."""
        k, trained = self.network.width, self.network.trained
        couples = trained[[0, k]] & trained[2 * k]
        values, off = self.couplings
        off = off + 3.0 * UNIT_ROUNDOFF * np.abs(values)
        out = np.zeros((2, 2, k))
        out[:, couples] = np.ldexp(np.stack([values, off])[:, couples], -unit)
        return out[0], out[1]

    def _bent(self, u: Array, raised: int) -> tuple[Array, int]:
        """DΦu as pairs with bounds (n, 3), in units of 2^(raised + the exponent returned)."""
        net, n = self.scaled, self.scaled.inputs.size
        uw, ub, ua = u[:-1].reshape(3, -1)[:, net.alive]
        jumps, values = np.zeros((2 * n + 2, 2, 3)), np.empty((n, 3))
        relu1d_accurate.tangent_jumps(
            net.w1, net.b1, net.w2, np.ldexp(uw, net.outer + net.input - raised),
            np.ldexp(ub, net.outer - raised), np.ldexp(ua, net.inner - raised), net.cell, net.anchor, jumps,
        )  # fmt: skip
        relu1d_accurate.values_of(net.inputs, jumps, float(np.ldexp(u[-1], -raised)), values)
        curvature, off = self.curvature
        unit = exponent(curvature)
        curvature, off = np.ldexp(curvature, -unit), np.ldexp(off, -unit)
        high, low, size = values.T
        product, rest = relu1d_accurate.products(high, curvature)
        error = curvature * (SQUARE * (net.operations * size + np.abs(high)) + FLOOR)
        return np.stack([product, rest + low * curvature, error + off * np.abs(high)], 1), unit


def beyond_range(what: str) -> InputError:
    """Word a number that float64 cannot hold."""
    return InputError(
        f"{what} must be finite, got a number beyond 1.8e308; rescale the labels, the inputs or the network"
    )


def _in_one_unit(
    high: Array, unit: int | NDArray[np.int64], low: Array | None = None
) -> tuple[Array, Array, int]:
    """Return pairs in one unit, in which the largest is between ½ and 1."""
    units = np.broadcast_to(unit, high.shape)
    exponents = units + np.frexp(high)[1]
    shared = int(exponents[high != 0.0].max(initial=-100_000))
    shared = 0 if shared == -100_000 else shared
    low = np.zeros_like(high) if low is None else low
    return np.ldexp(high, units - shared), np.ldexp(low, units - shared), shared


def _sum_of_squares(factors: Array, scale: int, unit: int) -> float:
    """Σ (factor·2^scale)²·2^unit, without squares that overflow or vanish."""
    largest = exponent(factors)
    total = float(np.sum(np.ldexp(factors, -largest) ** 2))
    return float(np.ldexp(total, 2 * (largest + scale) + unit))
