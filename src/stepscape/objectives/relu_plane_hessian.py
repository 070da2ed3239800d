"""The loss Hessian of the two-layer ReLU network with inputs in R^d, and its numbers in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import flag, nonnegative, positive
from stepscape.arguments import vector as one_each
from stepscape.curvature.lanczos import extend
from stepscape.errors import beyond_range, expect
from stepscape.kernels import relu_plane
from stepscape.kernels import relu_plane_hessian as kernel
from stepscape.kernels.relu_plane_narrow import Columns, columns_of
from stepscape.losses import loss_of
from stepscape.network import BLOCKS, TwoLayerReLU, require_dimension
from stepscape.problems.problem import Problem

Array = NDArray[np.float64]
ORDINARY = 300  # λ_max between 2^±300 needs no other unit


class Linear(NamedTuple):
    """The network in packed form (see `kernels.relu_plane`), f (n,), S, P, and the sum of the slopes g.

    S is one byte a place: with many neurons, fresh memory for numbers would cost more than a product.
    """

    inner: Array
    outer: Array
    values: Array
    active: NDArray[np.bool_]
    moments: Array
    total: float


@dataclass(frozen=True, eq=False)
class PlaneHessian:
    """H = ΦᵀDΦ + R at one network with inputs in R^d, as products on flat vectors ((d + 2)k + 1,).

    Coordinates of frozen blocks are kept at 0. D = diag(v_i ℓ''(f_i)): the averaging weights v_i for the
    square loss, v_i s(f_i) s(-f_i) for the logistic one. R couples w2_j with (w1_j, b1_j) through
    P_j = Σ_active g_i (x_i, 1), g = ∂L/∂f. ``gauss_newton=True`` leaves R out. With `decay` λ the operator is
    H + λ·diag(mask), mask 0 on b2, and on b1 without `decay_biases`. Products are taken of that matrix over
    `unit`, a power of two.

    Sums are float64 sums, and inputs are active where float64 says so. `lost` bounds what rounding does to a
    product, given these activations. It also works at d = 1, where `Hessian` is the faster twin with an
    accurate fallback.
    """

    problem: Problem
    network: TwoLayerReLU
    gauss_newton: bool = False
    decay: float = 0.0
    unit: float = 1.0
    decay_biases: bool = True

    def __post_init__(self) -> None:
        expect("problem", self.problem, Problem)
        require_dimension(self.network, self.problem.dimension)
        for name in ("gauss_newton", "decay_biases"):
            flag(name, getattr(self, name))
        nonnegative("decay", self.decay)
        positive("unit", self.unit)

    def changed(self, **settings: Any) -> PlaneHessian:
        """Return the operator with other settings at the same network, whose numbers are computed once."""
        other = replace(self, **settings)
        other.__dict__["linear"] = self.linear
        return other

    @cached_property
    def rates(self) -> Array:
        """1 for trained blocks, 0 for frozen ones, in the order w1, b1, w2, b2."""
        return np.array([float(name in self.network.trainable) for name in BLOCKS])

    @property
    def decays(self) -> Array:
        """Shift of each block (w1, b1, w2, b2), over `unit`."""
        return self.decay / self.unit * np.array([1.0, float(self.decay_biases), 1.0, 0.0])

    @cached_property
    def points(self) -> Array:
        """X̃ (n, d + 1): inputs with a last column of ones."""
        return with_ones(self.problem.points)

    @cached_property
    def _turned(self) -> Array:
        """X̃ᵀ (d + 1, n)."""
        return np.ascontiguousarray(self.points.T)

    @cached_property
    def _columns(self) -> Columns | None:
        """The variables of X̃ one by one where there are few."""
        return columns_of(self.points)

    @cached_property
    def linear(self) -> Linear:
        """What one pass over the data gives."""
        net, problem = self.network, self.problem
        inner, outer = relu_plane.packed(net.width, net.dimension)
        relu_plane.pack(net.parameters, inner, outer)
        blocks, size = outer.shape
        values, active = np.empty(problem.size), np.empty((blocks, problem.size, size), np.bool_)
        moments = np.empty_like(inner)
        work = np.empty((problem.size, size)), np.empty((net.dimension + 2, problem.size))
        total = kernel.linearize(
            self.points, self._turned, self._columns, problem.labels, problem.averaging,
            problem.loss == "logistic", inner, outer, net.b2, active, values, moments, *work,
        )  # fmt: skip
        if not (np.isfinite(values).all() and math.isfinite(total)):
            raise beyond_range("the network's prediction")
        return Linear(inner, outer, values, active, moments, float(total))

    @property
    def predictions(self) -> Array:
        """Values of f at the inputs (n,), in the order given."""
        return self.linear.values

    @cached_property
    def loss(self) -> float:
        """L at the network; see `Problem`."""
        problem = self.problem
        with np.errstate(over="ignore", invalid="ignore"):
            terms = loss_of(problem.loss).value(self.predictions, problem.labels)
            loss = float(np.sum(problem.averaging * terms))
        if not math.isfinite(loss):
            raise beyond_range("the loss")
        return loss

    @cached_property
    def curvature(self) -> Array:
        """Diagonal of D: v_i ℓ''(f_i) (n,)."""
        return self.problem.averaging * loss_of(self.problem.loss).curvature(self.predictions)

    @property
    def gradient(self) -> Array:
        """∇L ((d + 2)k + 1,), zero on frozen blocks; weight decay not included."""
        net, at = self.network, self.linear
        out = np.empty(net.size)
        with np.errstate(over="ignore", invalid="ignore"):
            pulls = np.einsum("mcb,mcb->mb", at.inner, at.moments)
            relu_plane.unpack(at.outer[:, None, :] * at.moments, pulls, out)
        out[-1] = at.total
        if not np.isfinite(out).all():
            raise beyond_range("the gradient")
        return out * net.trained

    @property
    def residual_norm(self) -> float:
        """‖R‖ = max_j ‖P_j‖ on the trained coordinates (0 where w2 is frozen).

        Source: R couples w2_j with (w1_j, b1_j) through P_j; its eigenvalues are 0 and ±‖P_j‖.
        """
        largest = float(np.abs(self.coupling).max())
        if largest == 0.0 or not math.isfinite(largest):
            return largest
        unit = self.coupling / largest  # so that no square overflows or vanishes
        return largest * math.sqrt(float(np.einsum("mcb,mcb->mb", unit, unit).max()))

    @cached_property
    def coupling(self) -> Array:
        """P in packed form, 0 where R has no entry: on frozen blocks, and of the Gauss–Newton part."""
        if self.gauss_newton:
            return np.zeros_like(self.linear.moments)
        if self.rates[:3].all():
            return self.linear.moments
        rows = np.append(np.full(self.network.dimension, self.rates[0]), self.rates[1])
        with np.errstate(invalid="ignore"):  # a moment beyond the range is refused with the Hessian
            return np.asarray(self.linear.moments * (self.rates[2] * rows[:, None]))

    @cached_property
    def scale(self) -> float:
        """A power of two near the largest eigenvalue of the operator; 1 if that is an ordinary number or 0.

        Products of a tiny operator, such as that of the logistic loss far out, have squares that vanish, and
        those of a huge one squares that overflow.
        """
        if self._ordinary:
            return 1.0
        mantissa, power = math.frexp(self._reach)
        return 1.0 if mantissa == 0.0 or abs(power) <= ORDINARY else math.ldexp(0.5, power)

    @property
    def _ordinary(self) -> bool:
        """Whether bounds that cost no pass over the data show that `_reach` is an ordinary number.

        Σ D is the trace of G on b2. The other traces are at most Σ D ‖X̃‖² times ‖w2‖² or ‖w̃‖², and ‖R‖ is at
        most ‖P‖, with norms of all entries.
        """
        at, total = self.linear, float(self.curvature.sum())
        with np.errstate(all="ignore"):
            points, inner, outer, moments = (
                float(np.vdot(each, each)) for each in (self.points, at.inner, at.outer, at.moments)
            )
            most = total * points * (1.0 + inner + outer) + moments + self.unit * float(self.decays.max())
        return bool(self.rates[3]) and total >= 2.0**-ORDINARY and most <= 2.0**ORDINARY

    @cached_property
    def _reach(self) -> float:
        """A number between λ_max and its multiple: the largest trained trace of G, ‖R‖ and decay."""
        diagonal = self._diagonal[self.rates > 0.0]
        largest = max(
            float(diagonal.max()), self.residual_norm, self.unit * float((self.rates * self.decays).max())
        )
        if not math.isfinite(largest):
            raise beyond_range("the Hessian")
        return largest

    @cached_property
    def _diagonal(self) -> Array:
        """Trace of G on each block (w1, b1, w2, b2)."""
        at, d = self.linear, self.curvature
        with np.errstate(over="ignore", invalid="ignore"):
            squares = np.stack([d * np.sum(self.problem.points**2, axis=1), d])
            inner, bias = np.einsum("mrb,mb->r", squares @ at.active, at.outer**2)
            heights = self.points @ at.inner
            np.square(np.maximum(heights, 0.0, out=heights), out=heights)
            outer = (d @ heights).sum()
        return np.array([inner, bias, outer, d.sum()])

    @property
    def trace(self) -> float:
        """Trace of H in closed form, O(n d k); R has zero diagonal.

        tr H = Σ_j [w2_j² Σ_active D_i ‖x_i‖² + w2_j² Σ_active D_i + Σ_active D_i z_ij²] + Σ D, block by
        block; D_i = v_i ℓ''(f_i), so that Σ D = 1 for the square loss.
        """
        net = self.network
        shifts = self.unit * self.decays * np.array([net.w1.size, net.width, net.width, 1.0])
        total = float((self._diagonal + shifts)[self.rates > 0.0].sum())
        if not math.isfinite(total):
            raise beyond_range("the trace of the Hessian")
        return total

    @cached_property
    def lost(self) -> float:
        """Bound on ‖error of H·u‖ for a unit vector u in float64, the activations being given.

        A sum of m terms errs by m u of their sizes. With x the largest ‖(x_i, 1)‖ those in f are at most
        Σ |w2| ‖w̃‖ x + |b2|, and ‖∇f‖² on the trained blocks at most Σ w2² x² + ‖w̃‖² x² + 1.
        """
        net, at, logistic = self.network, self.linear, self.problem.loss == "logistic"
        terms = 2.0**-52 * (4.0 * self.problem.size + net.width + 4.0 * net.dimension + 16.0)
        with np.errstate(all="ignore"):
            far = float(np.sqrt(np.sum(self.points**2, axis=1)).max())
            alive = at.active.any(axis=1)  # what is active nowhere adds exact zeros
            lengths, heights = alive * np.sqrt(np.sum(at.inner**2, axis=1)), alive * np.abs(at.outer)
            sizes = terms * (far * float(np.sum(heights * lengths)) + abs(net.b2))
            parts = np.array([far**2 * np.sum(heights**2), far**2 * np.sum(lengths**2), 1.0])
            length = float(parts @ np.array([self.rates[:2].any(), self.rates[2], self.rates[3]]))
            slopes = np.abs(loss_of(self.problem.loss).slope(at.values, self.problem.labels))
            total, pull = float(self.curvature.sum()), float(self.problem.averaging @ slopes)
            bend = 2.0 * math.expm1(min(sizes, 700.0)) * total if logistic else 0.0
            slip = 3.0 * terms * pull + (bend if logistic else sizes)
            coupled = not self.gauss_newton and self.rates[2] * self.rates[:2].any()
            return (terms * total + bend) * length + terms * self.decay + (far * slip if coupled else 0.0)

    @property
    def size(self) -> int:
        """Length (d + 2)k + 1 of the vectors."""
        return self.network.size

    def product(self, vector: ArrayLike) -> Array:
        """H·vector/unit; frozen coordinates of the vector ((d + 2)k + 1,) count as 0."""
        out = np.empty(self.size)
        self._products()(np.array(one_each("vector", vector, self.size)), out)
        if not np.isfinite(out).all():
            raise beyond_range("the product of the Hessian with the vector")
        return out

    def _products(self) -> Callable[[Array, Array], None]:
        """Return a function that sets its second argument to the product with the first."""
        at, n = self.linear, self.problem.size
        (tilt, push), (forces, pulls) = (
            relu_plane.packed(self.network.width, self.network.dimension) for _ in range(2)
        )
        work = np.empty((n, at.outer.shape[1])), np.empty(n), np.empty((self.points.shape[1], n))
        given = (
            self.points, self._turned, self._columns, at.inner, at.outer, at.active,
            *self._scaled, self.rates, self.decays,
        )  # fmt: skip

        def set_product(vector: Array, out: Array) -> None:
            kernel.product(*given, vector, out, tilt, push, forces, pulls, *work)

        return set_product

    @cached_property
    def _scaled(self) -> tuple[Array, Array]:
        """D and P over `unit`."""
        if self.unit == 1.0:
            return self.curvature, self.coupling
        return self.curvature / self.unit, self.coupling / self.unit

    def lanczos(self, basis: Array, diagonal: Array, beside: Array, first: int, last: int) -> int:
        """Lanczos steps; see `curvature.lanczos.lanczos_steps`."""
        return extend(self._products(), basis, diagonal, beside, first, last)

    def random_vector(self) -> Array:
        """Return a fixed generic unit vector on the trained coordinates."""
        return generic_vector(self.network.width, self.network.dimension, self.network.trainable, 20_251_201)


def with_ones(points: Array) -> Array:
    """Return inputs (n, d) with a last column of ones."""
    return np.ascontiguousarray(np.concatenate([points, np.ones((len(points), 1))], axis=1))


@lru_cache(maxsize=8)
def generic_vector(width: int, dimension: int, trainable: tuple[str, ...], seed: int) -> Array:
    """Return a unit vector of normal numbers on the trained coordinates, 0 on the others."""
    trained = np.repeat([name in trainable for name in BLOCKS], (dimension * width, width, width, 1))
    vector: Array = np.random.default_rng(seed).standard_normal(trained.size) * trained
    vector /= np.linalg.norm(vector)
    vector.flags.writeable = False
    return vector
