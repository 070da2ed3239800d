"""The loss of the two-layer ReLU network with inputs in R^d as an objective, with compiled descent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import number, vector
from stepscape.curvature.lanczos import Eigenpair
from stepscape.errors import bad, expect
from stepscape.kernels import relu_plane
from stepscape.memory import require_memory
from stepscape.methods import GradientDescent
from stepscape.network import BLOCKS, TwoLayerReLU, require_dimension
from stepscape.objectives.descent import BLOW_UP, State
from stepscape.objectives.objective import secant
from stepscape.objectives.relu_plane_hessian import PlaneHessian, with_ones
from stepscape.objectives.relu_plane_part import PAIRS, Part, coast_all, may_stay_dead, span_of, surely_dead
from stepscape.objectives.relu_plane_sharpness import plane_top, plane_top_from
from stepscape.problems.problem import Problem

Array = NDArray[np.float64]

STUCK = 1e-3  # of the range of w1·x over the inputs: a hyperplane this close to an input sticks to it
WORTHWHILE = 20  # steps in a row from which on it pays to look for neurons that never move
CHUNK = 1_000_000_000  # operations between two returns from the kernel, which take about a tenth of a second


@dataclass(frozen=True, eq=False)
class ReLUPlane:
    """L of `Problem` as a function of θ = (w1, b1, w2, b2), shape ((d + 2)k + 1,), in O(n d k) per call.

    The width and the trained blocks are the network's; gradients and products are 0 on frozen blocks. Where
    w1·x + b1 = 0 derivatives are those with max(z, 0)' = 0 at z = 0. Its `descend` is the compiled loop;
    weight decay acts on the trained coordinates but b2, and on b1 as the method says. At d = 1 it is the twin
    of `ReLULine`, which is faster there.

    Raises
    ------
    InputError
        For a network with another number of input variables than the problem, or one whose activations on
        all inputs, 8nk bytes, do not fit in memory.
    """

    problem: Problem
    network: TwoLayerReLU

    def __post_init__(self) -> None:
        expect("problem", self.problem, Problem)
        require_dimension(self.network, self.problem.dimension)
        require_memory("width", self.network.width, 24.0 * self.problem.size * (self.network.width + 64))

    @property
    def size(self) -> int:
        """Length (d + 2)k + 1 of θ."""
        return self.network.size

    def loss(self, theta: Array) -> float:
        """½ Σ v (f − y)², or Σ v log(1 + e^{−yf})."""
        return self.hessian(theta).loss

    def gradient(self, theta: Array) -> Array:
        """∇L(θ) ((d + 2)k + 1,), zero on frozen blocks."""
        return self.hessian(theta).gradient

    def hessian(self, theta: Array) -> PlaneHessian:
        """Return the loss Hessian at θ."""
        return self._operator(theta)

    def _operator(self, theta: Array, decay: float = 0.0, decay_biases: bool = True) -> PlaneHessian:
        operator = PlaneHessian(self.problem, self._network(theta), decay=decay, decay_biases=decay_biases)
        operator.__dict__["points"] = self._points
        return operator

    @cached_property
    def _points(self) -> Array:
        return with_ones(self.problem.points)

    def _network(self, theta: Array) -> TwoLayerReLU:
        return self.network.with_parameters(vector("theta", theta, self.size))

    def census(self, theta: Array) -> dict[str, int]:
        """Bent neurons, dead neurons, hyperplanes at data; see `count_plane_neurons`."""
        counts = count_plane_neurons(self.problem, self._network(theta))
        return dict(zip(("bent_neurons", "dead_neurons", "knots_at_data"), counts, strict=True))

    def sharpness(
        self,
        theta: Array,
        decay: float = 0.0,
        start: Array | None = None,
        tolerance: float = 1e-8,
        decay_biases: bool = True,
    ) -> Eigenpair:
        """λ_max of H + decay·diag(mask) on the trained coordinates; vectors ((d + 2)k + 1,).

        The mask is 0 on b2, and on b1 without `decay_biases`.
        """
        if not 0.0 < number("tolerance", tolerance, "lie between 0 and 1") < 1.0:
            raise bad("tolerance", "lie between 0 and 1", tolerance)
        start = None if start is None else vector("start", start, self.size)
        return plane_top(self._operator(theta, decay, decay_biases), start, tolerance)

    def rough_sharpness(self, theta: Array, decay: float = 0.0, decay_biases: bool = True) -> float:
        """Return the value of `sharpness` to 1e-4; see `Descent`."""
        return plane_top_from(self._operator(theta, decay, decay_biases), tolerance=1e-4).value

    def smoothness(self, theta: Array, before: Array) -> float:
        """See `Descent`."""
        theta, before = vector("theta", theta, self.size), vector("before", before, self.size)
        return secant(self.gradient(theta) - self.gradient(before), theta - before)

    def largest_loss(self, theta: Array) -> float:
        """`BLOW_UP` times the loss that a network of this size can have on labels of this size.

        Square loss: a bound on ½ Σ v (f - y)² that no cancellation in f or against the labels makes small.
        Logistic loss: a bound on 1 + |f|. Finite: beyond the range of numbers the largest of them.
        """
        net, points = self._network(theta), self.problem.points
        with np.errstate(over="ignore", invalid="ignore"):
            lengths = np.linalg.norm(net.w1.reshape(net.width, -1), axis=1)
            far = float(np.linalg.norm(points, axis=1).max())
            reach = np.abs(net.w2) @ (lengths * far + np.abs(net.b1)) + abs(net.b2)
            reach = reach + np.abs(self.problem.labels).max()
            size = reach if self.problem.loss == "logistic" else 0.5 * np.square(reach)
            limit = float(BLOW_UP * (size + 1e-300))
        return limit if np.isfinite(limit) else float(np.finfo(np.float64).max)

    def descend(self, state: State, method: GradientDescent, first_step_size: float, steps: int) -> float:
        """Make steps with the compiled kernel; see `Descent`.

        What no gradient reaches is left out, which is exact (see `relu_plane_part`): directions of w1 in
        which no input lies, and neurons that are active nowhere and stay so, with the rounding of z.
        """
        basis = self._span if steps >= WORTHWHILE else np.eye(self.network.dimension)
        operations = 4 * self.problem.size * (basis.shape[1] + 1) * self.network.width
        most = min(steps, max(1, CHUNK // operations))
        alive = np.ones(self.network.width, bool)
        points = self._points if basis.shape[1] == len(basis) else self._spanned
        if most >= WORTHWHILE:
            alive = ~self._left_out(state, method, points, basis)
        part = Part(alive, basis)
        if part.is_all:
            return self._kernel(state, points, method, first_step_size, most)
        return self._partly(state, part, points, method, first_step_size, most)

    def _left_out(
        self, state: State, method: GradientDescent, points: Array, basis: Array
    ) -> NDArray[np.bool_]:
        """Mask (k,) of the neurons that are dead and stay so."""
        net, k = self._network(state.theta), self.network.width
        may = may_stay_dead(state.theta, state.velocity, method, self._rates, net.dimension)
        out = np.zeros(k, bool)
        out[may] = surely_dead(points, net.w1.reshape(k, -1)[may] @ basis, net.b1[may])
        return out

    def _partly(
        self, state: State, part: Part, points: Array, method: GradientDescent, first_step_size: float,
        steps: int,
    ) -> float:  # fmt: skip
        """Make steps with the kernel for a part of the coordinates, while the others coast."""
        inside = State(part.of(state.theta), part.of(state.before), part.of(state.velocity), state.steps_made)
        loss = self._kernel(inside, points, method, first_step_size, steps)
        if loss == np.inf:
            state.steps_made = inside.steps_made
            return loss
        coast_all(state, method, self._rates, first_step_size, steps, self.network.dimension)
        for name in ("theta", "before", "velocity"):
            part.put(getattr(state, name), getattr(inside, name))
        return loss

    def _kernel(
        self, state: State, points: Array, method: GradientDescent, first_step_size: float, steps: int
    ) -> float:
        status, made, loss = relu_plane.descend(
            state.theta, state.velocity, state.before, points, self.problem.labels,
            self.problem.averaging, self.problem.loss == "logistic", self._rates,
            method.weight_decay * np.array([1.0, float(method.decay_biases), 1.0, 0.0]), method.momentum,
            float(method.nesterov), np.inf if method.clip is None else method.clip, first_step_size,
            method.step_size, method.warmup_steps, state.steps_made, steps,
        )  # fmt: skip
        state.steps_made += int(made)
        return np.inf if status == relu_plane.DIVERGED else float(loss)

    @cached_property
    def _span(self) -> Array:
        return span_of(self.problem.points)

    @cached_property
    def _spanned(self) -> Array:
        """Inputs in the coordinates of their span, with a last column of ones (n, q + 1)."""
        return with_ones(self.problem.points @ self._span)

    @cached_property
    def _rates(self) -> Array:
        return np.array([float(name in self.network.trainable) for name in BLOCKS])


def count_plane_neurons(problem: Problem, network: TwoLayerReLU) -> tuple[int, int, int]:
    """Count bent neurons, dead neurons, and those whose hyperplane w1·x + b1 = 0 lies close to an input.

    Bent: active on some inputs, not on all; dead: active on none. Close: bent, and some |w1·x_i + b1| is at
    most 1e-3 of the range of w1·x over the inputs. On the line these are the counts of `ReLULine`.
    """
    points, rows = problem.points, network.w1.reshape(network.width, -1)
    counts = np.zeros(3, np.int64)
    chunk = max(1, PAIRS // problem.size)
    for start in range(0, network.width, chunk):
        part = slice(start, start + chunk)
        with np.errstate(over="ignore", invalid="ignore"):
            z = points @ rows[part].T + network.b1[part]
            spread = z.max(axis=0) - z.min(axis=0)
            near = np.abs(z).min(axis=0) <= STUCK * spread
        active = (z > 0.0).sum(axis=0)
        bent = (active > 0) & (active < problem.size)
        counts += [int(bent.sum()), int((active == 0).sum()), int((bent & near).sum())]
    return int(counts[0]), int(counts[1]), int(counts[2])
