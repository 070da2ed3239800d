"""The loss Hessian of the univariate two-layer ReLU network, and its numbers in closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import flag, nonnegative, positive
from stepscape.arguments import vector as one_each
from stepscape.curvature.lanczos import Eigenpair, largest_eigenpair
from stepscape.errors import bad, expect
from stepscape.kernels import relu1d, relu1d_hessian, relu1d_sharpness
from stepscape.losses import loss_of
from stepscape.network import BLOCKS, TwoLayerReLU
from stepscape.problems.problem import Problem

Array = NDArray[np.float64]
MOST_INPUTS = 4096  # beyond, the work space of the compiled call leaves the cache, and the call is slower
_SUBNORMAL = float(np.finfo(np.float64).smallest_subnormal)


@dataclass(frozen=True, eq=False)
class Hessian:
    """H = ΦᵀDΦ + R at one network, as products on flat vectors (3k + 1,), frozen coordinates kept at 0.

    D = diag(v_i ℓ''(f_i)): the averaging weights v_i for the square loss, v_i s(f_i) s(-f_i) for the logistic
    one.
    ``gauss_newton=True`` leaves R out. With `decay` λ the operator is H + λ·diag(mask), mask 0 on b2: the
    matrix whose largest eigenvalue the stability thresholds are about. Products are taken of that matrix over
    `unit`.
    """

    problem: Problem
    network: TwoLayerReLU
    gauss_newton: bool = False
    decay: float = 0.0
    unit: float = 1.0

    def __post_init__(self) -> None:
        expect("problem", self.problem, Problem)
        expect("network", self.network, TwoLayerReLU)
        flag("gauss_newton", self.gauss_newton)
        nonnegative("decay", self.decay)
        positive("unit", self.unit)

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
        """Predictions at the sorted inputs, and the sums of `active_gradients`."""
        logistic = self.problem.loss == "logistic"
        values, p, q, total = relu1d_hessian.linearize(*self._positions, *self.problem.line.arrays, logistic)
        return values, p, q, float(total)

    @property
    def predictions(self) -> Array:
        """Values of f at the sorted inputs (n,)."""
        return self._linear[0]

    @cached_property
    def loss(self) -> float:
        """L at the network; see `Problem`."""
        _, labels, weights = self.problem.line.arrays
        return float(np.sum(weights * loss_of(self.problem.loss).value(self.predictions, labels)))

    @cached_property
    def curvature(self) -> Array:
        """Diagonal of D: v_i ℓ''(f_i) at the sorted inputs (n,)."""
        weights = self.problem.line.averaging
        if self.problem.loss == "square":
            return weights  # the very array: 1·v
        return weights * loss_of(self.problem.loss).curvature(self.predictions)

    @property
    def scale(self) -> float:
        """A power of two near the largest of D, decay and, unless left out, p and q; 1 for the square loss.

        Far out on the logistic loss they are all tiny, and the squares of products would vanish.
        """
        if self.problem.loss == "square":
            return 1.0
        p, q, _ = self.active_gradients
        residual = 0.0 if self.gauss_newton else max(np.abs(p).max(), np.abs(q).max())
        largest = max(self.curvature.max(), residual, self.decay)
        return float(np.ldexp(1.0, int(np.frexp(largest)[1]))) if largest > 0.0 else 1.0

    @property
    def underflow(self) -> float:
        """How far eigenvalues move if curvatures of confident examples round to subnormal numbers."""
        root, x_max = math.sqrt(_SUBNORMAL), self.problem.line.x_max  # first, so that no square overflows
        w1, b1, w2 = np.abs(self._positions[0][:-1].reshape(3, -1))
        lengths = np.concatenate([w1 * x_max + b1, w2 * math.hypot(1.0, x_max), [1.0]])
        gradients = float(np.sum((root * lengths) ** 2))  # ‖∇f‖² at most
        return self.problem.size * (gradients + _SUBNORMAL * math.hypot(1.0, x_max))

    @property
    def active_gradients(self) -> tuple[Array, Array, float]:
        """p_j = Σ_active v ℓ' x and q_j = Σ_active v ℓ' of each neuron, and Σ v ℓ'; ℓ' = f - y if square."""
        return self._linear[1:]

    @property
    def gradient(self) -> Array:
        """∇L (3k + 1,), zero on frozen blocks; weight decay not included."""
        p, q, total = self.active_gradients
        net = self.network
        full = np.concatenate([net.w2 * p, net.w2 * q, net.w1 * p + net.b1 * q, [total]])
        return full * net.trained

    @property
    def residual_norm(self) -> float:
        """‖R‖ = max_j √(p_j² + q_j²) on the trained coordinates (0 where w2 is frozen).

        Source: R couples w2_j with (w1_j, b1_j) through (p_j, q_j); its eigenvalues are 0, ±√(p_j² + q_j²).
        """
        p, q, _ = self.active_gradients
        rates = self.rates
        return float(rates[2] * np.hypot(rates[0] * p, rates[1] * q).max())

    @cached_property
    def _arguments(self) -> tuple[Array, NDArray[np.uint32], Array, Array, Array, Array, Array, float]:
        inputs = self.problem.line.inputs
        p, q, _ = self.active_gradients
        if self.gauss_newton:
            p, q = np.zeros_like(p), np.zeros_like(q)
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
        given, out = np.array(one_each("vector", vector, self.size)), np.empty(self.size)
        given *= self.network.trained
        relu1d_hessian.product(*self._arguments, given, out)
        return out

    def lanczos(self, basis: Array, diagonal: Array, beside: Array, first: int, last: int) -> int:
        """Compiled Lanczos steps; see `curvature.lanczos.lanczos_steps`."""
        return int(relu1d_hessian.lanczos(*self._arguments, basis, diagonal, beside, first, last))

    def random_vector(self) -> Array:
        """Return a fixed generic unit vector on the trained coordinates."""
        return _generic_vector(self.network.width, self.network.trainable)

    @property
    def trace(self) -> float:
        """Trace of H in closed form, O(n + k); R has zero diagonal.

        tr H = Σ_j [w2_j² Σ_active D x² + w2_j² Σ_active D + Σ_active D (w1_j x + b1_j)²] + Σ D, block by
        block; D_i = v_i ℓ''(f_i), so that Σ D = 1 for the square loss.
        """
        inputs, weights = self.problem.line.inputs, self.curvature
        net = self.network
        powers = weights * inputs ** np.arange(3)[:, None]
        sums = np.concatenate([np.zeros((3, 1)), np.cumsum(powers, axis=1)], axis=1)
        theta, position = self._positions
        at = sums[:, position]
        s0, s1, s2 = np.where(theta[: net.width] > 0, sums[:, -1:] - at, at)
        outer = net.w1**2 * s2 + 2.0 * net.w1 * net.b1 * s1 + net.b1**2 * s0
        blocks = [np.sum(net.w2**2 * s2), np.sum(net.w2**2 * s0), np.sum(outer), weights.sum()]
        decayed = self.decay * np.array([net.width, net.width, net.width, 0.0])
        return float(self.rates @ (np.array(blocks) + decayed))


def top(operator: Hessian, start: Array | None = None, tolerance: float = 1e-8) -> Eigenpair:
    """Largest eigenvalue of an operator in unit 1; the vector (3k + 1,) is 0 on frozen coordinates.

    Lanczos begins twice, at `start` or a generic vector and at a second generic one that depends on neither:
    no network hides its largest eigenvalue from both. In one compiled call; where that does not settle, by
    `curvature.largest_eigenpair`, whose basis may grow.
    """
    if found := _in_one_call(operator, start, tolerance):
        return found
    second = _second_vector(operator.network.width) * operator.network.trained
    pairs = [from_one_start(operator, begin, tolerance) for begin in (start, second)]
    best = max(pairs, key=lambda pair: pair.value)
    return replace(best, products=sum(pair.products for pair in pairs))


def _in_one_call(operator: Hessian, start: Array | None, tolerance: float) -> Eigenpair | None:
    begin = np.array(operator.random_vector() if start is None else start, dtype=np.float64)
    if begin.shape != (operator.size,):
        raise bad("start", f"have shape ({operator.size},)", begin.shape)
    problem, network = operator.problem, operator.network
    if problem.size > MOST_INPUTS or not 0.0 < tolerance < 1.0:
        return None  # of a wrong tolerance `largest_eigenpair` says what is wrong
    position, line = np.empty(network.width, np.uint32), problem.line
    relu1d.positions(network.w1, network.b1, line.inputs, position)
    status, value, residual, products, vector = relu1d_sharpness.largest(
        network.parameters, position, *line.arrays, problem.loss == "logistic", operator.gauss_newton,
        operator.rates, float(operator.decay), begin, _second_vector(network.width), float(tolerance),
    )  # fmt: skip
    return Eigenpair(value, residual, vector, products) if status == relu1d_sharpness.CONVERGED else None


def from_one_start(operator: Hessian, start: Array | None = None, tolerance: float = 1e-8) -> Eigenpair:
    """Like `top`, from `start` or one generic vector alone."""
    unit = operator.scale
    pair = largest_eigenpair(operator if unit == 1.0 else replace(operator, unit=unit), start, tolerance)
    if operator.problem.loss == "square":
        return pair
    return replace(pair, value=pair.value * unit, residual=pair.residual * unit + operator.underflow)


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


@lru_cache(maxsize=8)
def _second_vector(width: int) -> Array:
    """Return generic numbers (3k + 1,) for a second start, on frozen coordinates as well."""
    vector: Array = np.random.default_rng(19_520_711).standard_normal(3 * width + 1)
    vector.flags.writeable = False
    return vector
