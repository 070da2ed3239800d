"""The loss Hessian of the univariate two-layer ReLU network, and its numbers in closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import flag, nonnegative, positive
from stepscape.arguments import vector as one_each
from stepscape.curvature.lanczos import lanczos_steps, norm
from stepscape.errors import beyond_range
from stepscape.kernels import relu1d, relu1d_hessian
from stepscape.losses import loss_of
from stepscape.network import BLOCKS, TwoLayerReLU
from stepscape.objectives.accurate_line import AccurateLine
from stepscape.problems.one_variable import require_line
from stepscape.problems.problem import Problem
from stepscape.rounding import PROMISE
from stepscape.rounding.scaled import located

Array = NDArray[np.float64]
_SUBNORMAL = float(np.finfo(np.float64).smallest_subnormal)
LOSS_PROMISE = 1e-9  # of the loss: what its error must not exceed
TRUST = 1e-9  # of λ_max: what a bound says that products in float64 are off at most
MEASURED = 1e-11  # of a product: what a measured error may be, where the bound says too much
ORDINARY = 300  # λ_max between 2^±300 needs no other unit


@dataclass(frozen=True, eq=False)
class Hessian:
    """H = ΦᵀDΦ + R at one network, as products on flat vectors (3k + 1,), frozen coordinates kept at 0.

    D = diag(v_i ℓ''(f_i)): the averaging weights v_i for the square loss, v_i s(f_i) s(-f_i) for the logistic
    one.
    ``gauss_newton=True`` leaves R out. With `decay` λ the operator is H + λ·diag(mask), mask 0 on b2: the
    matrix whose largest eigenvalue the stability thresholds are about. Products are taken of that matrix over
    `unit`, a power of two, and in twice the digits with ``careful=True`` or where float64 does not do.

    Every number has a bound on its error beside it, and one that float64 cannot hold is refused.
    """

    problem: Problem
    network: TwoLayerReLU
    gauss_newton: bool = False
    decay: float = 0.0
    unit: float = 1.0
    careful: bool | None = None

    def __post_init__(self) -> None:
        require_line(self.problem, self.network)
        flag("gauss_newton", self.gauss_newton)
        if self.careful is not None:
            flag("careful", self.careful)
        nonnegative("decay", self.decay)
        positive("unit", self.unit)

    def changed(self, **settings: Any) -> Hessian:
        """Return the operator with other settings at the same network, whose numbers are computed once."""
        other = replace(self, **settings)
        other.__dict__["accurate"] = self.accurate
        return other

    @cached_property
    def rates(self) -> Array:
        """1 for trained blocks, 0 for frozen ones, in the order w1, b1, w2, b2."""
        return _rates(self.network.trainable)

    @cached_property
    def _positions(self) -> tuple[Array, NDArray[np.uint32]]:
        """θ, and how many sorted inputs lie left of each neuron's knot.

        A neuron that is active on no input is written as 0: what the kernels add of it cancels, but would
        leave the rounding of its weights behind.
        """
        net, inputs = self.network, self.problem.line.inputs
        theta, position = net.parameters, np.empty(net.width, np.uint32)
        relu1d.positions(net.w1, net.b1, inputs, position)
        dead = position == np.where(net.w1 > 0.0, inputs.size, 0)
        theta[:-1].reshape(3, -1)[:, dead] = 0.0
        position[dead] = 0
        return theta, position

    @cached_property
    def _linear(self) -> tuple[Array, Array, Array, float]:
        """Predictions at the sorted inputs, p and q of each neuron, and Σ v ℓ', all by float64 sums."""
        logistic = self.problem.loss == "logistic"
        values, p, q, total = relu1d_hessian.linearize(*self._positions, *self.problem.line.arrays, logistic)
        return values, p, q, float(total)

    @cached_property
    def accurate(self) -> AccurateLine:
        """The numbers of the network with bounds on their errors."""
        return AccurateLine(self.problem, self.network)

    @property
    def quick_predictions(self) -> Array:
        """Values of f at the sorted inputs (n,) by float64 sums over all neurons."""
        return self._linear[0]

    @property
    def predictions(self) -> Array:
        """Values of f at the sorted inputs (n,), right to 1e-10 of themselves."""
        return self.accurate.predictions[0]

    @property
    def predictions_error(self) -> Array:
        """How far each of `predictions` is off at most (n,)."""
        return self.accurate.predictions[1]

    @cached_property
    def _losses(self) -> tuple[float, float]:
        """L and its error: that of float64 sums unless it is off by more than 1e-9 of itself."""
        value, error = self.accurate.loss
        _, labels, weights = self.problem.line.arrays
        with np.errstate(all="ignore"):
            quick = float(np.sum(weights * loss_of(self.problem.loss).value(self._linear[0], labels)))
            apart = abs(quick - value)
        return (quick, apart + error) if apart + error <= LOSS_PROMISE * value else (value, error)

    @property
    def loss(self) -> float:
        """L at the network, right to 1e-9 of itself; see `Problem`."""
        return self._losses[0]

    @property
    def loss_error(self) -> float:
        """How far `loss` is off at most."""
        return self._losses[1]

    @cached_property
    def curvature(self) -> Array:
        """Diagonal of D: v_i ℓ''(f_i) at the sorted inputs (n,)."""
        weights = self.problem.line.averaging
        if self.problem.loss == "square":
            return weights  # the very array: 1·v
        with np.errstate(all="ignore"):
            return weights * loss_of(self.problem.loss).curvature(self._linear[0])

    @cached_property
    def scale(self) -> float:
        """A power of two near the largest eigenvalue of the operator; 1 if that is an ordinary number or 0.

        Products of a tiny operator, such as that of the logistic loss far out, have squares that vanish, and
        those of a huge one squares that overflow. Frozen coordinates do not count.
        """
        mantissa, power = math.frexp(self._reach)
        return 1.0 if mantissa == 0.0 or abs(power) <= ORDINARY else math.ldexp(0.5, power)

    @cached_property
    def _reach(self) -> float:
        """A number between λ_max and its multiple: the largest trained trace of G, ‖R‖ and decay."""
        diagonal = self.accurate.diagonal[0][self.rates > 0.0]
        residual = 0.0 if self.gauss_newton else self.residual_norm
        largest = max(float(diagonal.max()), residual, self.decay * float(self.rates[:3].any()))
        if not math.isfinite(largest):
            raise beyond_range("the Hessian")
        return largest

    @property
    def gradient(self) -> Array:
        """∇L (3k + 1,), zero on frozen blocks; weight decay not included."""
        return self.accurate.gradient[0]

    @property
    def gradient_error(self) -> Array:
        """How far each number of `gradient` is off at most (3k + 1,)."""
        return self.accurate.gradient[1]

    @property
    def residual_norm(self) -> float:
        """‖R‖ = max_j √(p_j² + q_j²) on the trained coordinates (0 where w2 is frozen).

        Source: R couples w2_j with (w1_j, b1_j) through (p_j, q_j); its eigenvalues are 0, ±√(p_j² + q_j²).
        """
        p, q = self.accurate.couplings[0]
        rates = self.rates
        return float(rates[2] * np.hypot(rates[0] * p, rates[1] * q).max())

    @property
    def residual_norm_error(self) -> float:
        """How far `residual_norm` is off at most."""
        (p, q), rates = self.accurate.couplings[1], self.rates
        off = float(rates[2] * np.hypot(rates[0] * p, rates[1] * q).max())
        return off + 2.0**-50 * self.residual_norm

    @cached_property
    def trusted(self) -> bool:
        """Whether products in float64 are right to 1e-9 of λ_max; else they are taken in twice the digits.

        Where the bound on their errors, which grows with n + k, is larger than that, one product of a generic
        vector decides.
        """
        if not self.sides[0]:
            return False
        with np.errstate(all="ignore"):
            if self.lost <= TRUST * self._reach / min(self.problem.size, self.size):
                return True
            vector = self.random_vector()
            quick, (image, error) = self._quick(vector), self.product_and_error(vector)
            return bool(norm(quick - image) + norm(error) <= MEASURED * norm(image))

    @cached_property
    def sides(self) -> tuple[bool, float]:
        """Whether float64 decides the sides of knots, and a bound on what f would move by other sides.

        See `rounding.values.evaluate`. Dead neurons count: that they are dead may be rounding.
        """
        w1, b1, w2 = np.abs(self.network.w1), np.abs(self.network.b1), np.abs(self.network.w2)
        line = self.problem.line
        with np.errstate(all="ignore"):
            blur = 2.0**-50 * float(w2 @ (w1 * line.x_max + b1))
        if blur <= PROMISE * float(np.abs(line.labels).max()):
            return True, blur
        found = located(self.network.w1, self.network.b1, line.inputs)
        return bool((found == self.accurate.position).all()), self.accurate.moved

    @cached_property
    def lost(self) -> float:
        """Bound on ‖error of H·u‖ for a unit vector u in float64, rounding and underflow; may be infinite."""
        terms, bend, slip, length = self._rounding
        reach, total = math.hypot(1.0, self.problem.line.x_max), float(self.curvature.sum())
        lost = (terms * total + bend) * length + terms * self.decay
        lost += 0.0 if self.gauss_newton or not self.rates[2] * self.rates[:2].any() else reach * slip
        if self.problem.loss == "square":
            return lost
        return lost + 2.0 * self.problem.size * (length + reach) * _SUBNORMAL

    @cached_property
    def quick_gradient(self) -> tuple[Array, float]:
        """∇L (3k + 1,) by float64 sums, and a bound on the norm of its error, which may be infinite."""
        net, (p, q, total) = self.network, self._linear[1:]
        _, _, slip, length = self._rounding
        full = np.concatenate([net.w2 * p, net.w2 * q, net.w1 * p + net.b1 * q, [total]])
        return full * net.trained, math.sqrt(length) * slip

    @cached_property
    def _rounding(self) -> tuple[float, float, float, float]:
        """Share by which sums err; how far Σ D and Σ |v ℓ'| move by rounding of f; a bound on ‖∇f‖².

        A sum of m terms errs by m u of their sizes. With x the largest |input| those in f are at most
        Σ |w2| (|w1| x + |b1|) + |b2|, and ‖∇f‖² on all blocks at most Σ w2² (x² + 1) + (|w1| x + |b1|)² + 1.
        """
        line, logistic = self.problem.line, self.problem.loss == "logistic"
        terms = 2.0**-52 * (4.0 * self.problem.size + self.network.width + 16.0)
        with np.errstate(all="ignore"):
            w1, b1, w2 = np.abs(self._positions[0][:-1].reshape(3, -1))
            inner = w1 * line.x_max + b1
            sizes = terms * (float(w2 @ inner) + abs(self.network.b2)) + self.sides[1]
            parts = np.array([float(w2 @ w2) * line.x_max**2, float(w2 @ w2), float(inner @ inner), 1.0])
            length = float(parts[self.rates > 0.0].sum())
            pull = float(
                line.averaging @ np.abs(loss_of(self.problem.loss).slope(self._linear[0], line.labels))
            )
            bend = 2.0 * math.expm1(min(sizes, 700.0)) * float(self.curvature.sum()) if logistic else 0.0
        return terms, bend, 3.0 * terms * pull + (bend if logistic else sizes), length

    @cached_property
    def _arguments(self) -> tuple[Array, NDArray[np.uint32], Array, Array, Array, Array, Array, float]:
        inputs = self.problem.line.inputs
        p, q = self._linear[1:3]
        seen = np.zeros(2) if self.gauss_newton else self.rates[2] * self.rates[:2]
        p, q = (part if on else np.zeros_like(part) for part, on in zip((p, q), seen, strict=True))
        curvature = self.curvature
        if self.unit != 1.0:
            curvature, p, q = (part / self.unit for part in (curvature, p, q))
        return *self._positions, inputs, curvature, p, q, self.rates, self.decay / self.unit

    @property
    def size(self) -> int:
        """Length 3k + 1 of the vectors."""
        return 3 * self.network.width + 1

    def product(self, vector: ArrayLike) -> Array:
        """H·vector/unit; frozen coordinates of the vector (3k + 1,) count as 0."""
        # A copy of one type and layout: Numba would compile the kernels anew for every other.
        given = np.array(one_each("vector", vector, self.size))
        if self.careful is False:
            return self._quick(given)
        quick = self.careful is None and self.trusted
        image = self._quick(given) if quick else self.product_and_error(given)[0]
        if not np.isfinite(image).all():
            raise beyond_range("the product of the Hessian with the vector")
        return image

    def _quick(self, vector: Array) -> Array:
        given, out = vector * self.network.trained, np.empty(self.size)
        relu1d_hessian.product(*self._arguments, given, out)
        return out

    def product_and_error(self, vector: Array) -> tuple[Array, Array]:
        """H·vector/unit in twice the digits, and how far each number is off at most."""
        given = one_each("vector", vector, self.size)
        power = math.frexp(self.unit)[1] - 1
        return self.accurate.product(given, power, self.decay, self.gauss_newton)

    def lanczos(self, basis: Array, diagonal: Array, beside: Array, first: int, last: int) -> int:
        """Compiled Lanczos steps; see `curvature.lanczos.lanczos_steps`."""
        if self.careful:
            return lanczos_steps(self, basis, diagonal, beside, first, last)
        return int(relu1d_hessian.lanczos(*self._arguments, basis, diagonal, beside, first, last))

    def random_vector(self) -> Array:
        """Return a fixed generic unit vector on the trained coordinates."""
        return _generic_vector(self.network.width, self.network.trainable)

    @property
    def trace(self) -> float:
        """Trace of H in closed form, O(n + k), right to 1e-9 of itself; R has zero diagonal.

        tr H = Σ_j [w2_j² Σ_active D x² + w2_j² Σ_active D + Σ_active D (w1_j x + b1_j)²] + Σ D, block by
        block; D_i = v_i ℓ''(f_i), so that Σ D = 1 for the square loss.
        """
        width = self.network.width
        blocks = self.accurate.diagonal[0] + self.decay * np.array([width, width, width, 0.0])
        total = float(blocks[self.rates > 0.0].sum())
        if not math.isfinite(total):
            raise beyond_range("the trace of the Hessian")
        return total

    @property
    def trace_error(self) -> float:
        """How far `trace` is off at most."""
        return float(self.accurate.diagonal[1][self.rates > 0.0].sum()) + 2.0**-51 * self.trace


@lru_cache(maxsize=8)
def _rates(trainable: tuple[str, ...]) -> Array:
    return np.array([float(name in trainable) for name in BLOCKS])


@lru_cache(maxsize=8)
def _generic_vector(width: int, trainable: tuple[str, ...]) -> Array:
    lengths = (width, width, width, 1)
    trained = np.repeat([name in trainable for name in BLOCKS], lengths)
    vector: Array = np.random.default_rng(20_251_201).standard_normal(trained.size) * trained
    vector /= np.linalg.norm(vector)
    vector.flags.writeable = False
    return vector
