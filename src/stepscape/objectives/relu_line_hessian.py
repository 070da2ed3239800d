"""The loss Hessian of the univariate two-layer ReLU network, and its numbers in closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.curvature.lanczos import Eigenpair, lanczos_steps, largest_eigenpair, norm
from stepscape.errors import NotConverged, bad, expect
from stepscape.kernels import relu1d, relu1d_hessian, relu1d_sharpness
from stepscape.losses import loss_of
from stepscape.network import BLOCKS, TwoLayerReLU
from stepscape.objectives.accurate_line import AccurateLine, beyond_range
from stepscape.problems.problem import Problem

Array = NDArray[np.float64]
MOST_INPUTS = 4096  # beyond, the work space of the compiled call leaves the cache, and the call is slower
LOSS_PROMISE = 1e-9  # of the loss: what its error must not exceed
TRUST = 1e-6  # of λ_max: what products in float64 may be off
ORDINARY = 300  # λ_max between 2^±300 needs no other unit


@dataclass(frozen=True, eq=False)
class Hessian:
    """H = ΦᵀDΦ + R at one network, as products on flat vectors (3k + 1,), frozen coordinates kept at 0.

    D = diag(v_i ℓ''(f_i)): the averaging weights v_i for the square loss, v_i s(f_i) s(-f_i) for the logistic
    one.
    ``gauss_newton=True`` leaves R out. With `decay` λ the operator is H + λ·diag(mask), mask 0 on b2: the
    matrix whose largest eigenvalue the stability thresholds are about. Products are taken of that matrix over
    `unit`, a power of two, and with ``careful=True`` in twice the digits.

    Every number has a bound on its error beside it, and one that float64 cannot hold is refused.
    """

    problem: Problem
    network: TwoLayerReLU
    gauss_newton: bool = False
    decay: float = 0.0
    unit: float = 1.0
    careful: bool = False

    def __post_init__(self) -> None:
        expect("problem", self.problem, Problem)
        expect("network", self.network, TwoLayerReLU)

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

    @cached_property
    def accurate(self) -> AccurateLine:
        """The numbers of the network with bounds on their errors."""
        return AccurateLine(self.problem, self.network)

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
        return 1.0 if mantissa == 0.0 or abs(power) <= ORDINARY else math.ldexp(1.0, power)

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

    @cached_property
    def trusted(self) -> bool:
        """Whether products in float64 are right to 1e-6 of λ_max: if not, they are taken in twice the digits.

        A product of float64 sums errs by at most 4 (n + k) u ΣD Σ_j [w2² (1 + x²) + (|w1| x + |b1|)²], x the
        largest |input|, and by the errors of D, p and q; λ_max is at least the mean of the diagonal.
        """
        if self.careful:
            return False
        with np.errstate(all="ignore"):
            w1, b1, w2 = np.abs(self._positions[0][:-1].reshape(3, -1))
            x = self.problem.line.x_max
            length = float(np.sum(np.square(w2) * (1.0 + x * x) + np.square(w1 * x + b1))) + 1.0
            curvature = self.accurate.curvature[0]
            lost = 2.0**-51 * (self.problem.size + self.network.width + 8) * float(curvature.sum())
            lost = (lost + float(np.abs(curvature - self.curvature).sum())) * length
            if not self.gauss_newton:
                lost += float(np.abs(self.accurate.couplings[0] - np.stack(self._linear[1:3])).max())
        return lost <= TRUST * self._reach / (3 * self.network.width + 1)

    @cached_property
    def _arguments(self) -> tuple[Array, NDArray[np.uint32], Array, Array, Array, Array, Array, float]:
        inputs = self.problem.line.inputs
        p, q = self._linear[1:3]
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
        given, out = np.array(vector, dtype=np.float64), np.empty(self.size)
        if given.shape != out.shape:
            raise bad("vector", f"have shape {out.shape}", given.shape)
        if not self.trusted:
            return self.product_and_error(given)[0]
        given *= self.network.trained
        relu1d_hessian.product(*self._arguments, given, out)
        return out

    def product_and_error(self, vector: Array) -> tuple[Array, Array]:
        """H·vector/unit in twice the digits, and how far each number is off at most."""
        power = math.frexp(self.unit)[1] - 1
        return self.accurate.product(vector, power, self.decay, self.gauss_newton)

    def lanczos(self, basis: Array, diagonal: Array, beside: Array, first: int, last: int) -> int:
        """Compiled Lanczos steps; see `curvature.lanczos.lanczos_steps`."""
        if not self.trusted:
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


def top(operator: Hessian, start: Array | None = None, tolerance: float = 1e-8) -> Eigenpair:
    """Largest eigenvalue of an operator in unit 1; the vector (3k + 1,) is 0 on frozen coordinates.

    Lanczos begins twice, at `start` or a generic vector and at a second generic one that depends on neither:
    no network hides its largest eigenvalue from both. In one compiled call; where that does not settle, by
    `curvature.largest_eigenpair`, whose basis may grow; and where products in float64 are off by too much,
    with products in twice the digits. These verify every eigenpair: the residual is that of the Hessian and
    not of its rounding.
    """
    if operator.trusted:
        try:
            found = _in_one_call(operator, start, tolerance) or _from_both_starts(operator, start, tolerance)
        except NotConverged:
            found = None
        if found:
            verified = _verified(operator, found)
            if verified.residual <= 2.0 * max(tolerance * abs(found.value), found.residual):
                return verified
    careful = replace(operator, careful=True)
    return _verified(careful, _from_both_starts(careful, start, tolerance))


def _verified(operator: Hessian, pair: Eigenpair) -> Eigenpair:
    """Take the residual of a product in twice the digits, and add how far that is off at most."""
    unit = operator.scale
    image, error = replace(operator, unit=unit).product_and_error(pair.vector)
    rest = image - (pair.value / unit) * pair.vector
    error = error + 2.0**-52 * np.abs(pair.value / unit * pair.vector)
    residual = (norm(rest) + norm(error)) * unit
    if not math.isfinite(residual + pair.value):
        raise beyond_range("the sharpness")
    return replace(pair, residual=residual, products=pair.products + 1)


def _from_both_starts(operator: Hessian, start: Array | None, tolerance: float) -> Eigenpair:
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
    """Like `top`, from `start` or one generic vector alone, and without the product that verifies."""
    unit = operator.scale
    pair = largest_eigenpair(operator if unit == 1.0 else replace(operator, unit=unit), start, tolerance)
    return replace(pair, value=pair.value * unit, residual=pair.residual * unit)


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
