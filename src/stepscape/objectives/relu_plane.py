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
from stepscape.objectives.relu_plane_sharpness import plane_top, plane_top_from
from stepscape.problems.problem import Problem

Array = NDArray[np.float64]

STUCK = 1e-3  # of the range of w1·x over the inputs: a hyperplane this close to an input sticks to it
PAIRS = 4_000_000  # inputs times neurons looked at together
WORTHWHILE = 20  # steps in a row from which on it pays to look for neurons that never move
CHUNK = 1_000_000_000  # operations between two returns from the kernel, which take about a tenth of a second


@dataclass(frozen=True, eq=False)
class ReLUPlane:
    """L of `Problem` as a function of θ = (w1, b1, w2, b2), shape ((d + 2)k + 1,), in O(n d k) per call.

    The width and the trained blocks are the network's; gradients and products are 0 on frozen blocks. Where
    w1·x + b1 = 0 derivatives are those with max(z, 0)' = 0 at z = 0. Its `descend` is the compiled loop;
    weight decay acts on the trained coordinates but b2. At d = 1 it is the twin of `ReLULine`, which is
    faster there.

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

    def _operator(self, theta: Array, decay: float = 0.0) -> PlaneHessian:
        operator = PlaneHessian(self.problem, self._network(theta), decay=decay)
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
        self, theta: Array, decay: float = 0.0, start: Array | None = None, tolerance: float = 1e-8
    ) -> Eigenpair:
        """λ_max of H + decay·diag(mask) on the trained coordinates; mask 0 on b2, vectors ((d + 2)k + 1,)."""
        if not 0.0 < number("tolerance", tolerance, "lie between 0 and 1") < 1.0:
            raise bad("tolerance", "lie between 0 and 1", tolerance)
        start = None if start is None else vector("start", start, self.size)
        return plane_top(self._operator(theta, decay), start, tolerance)

    def rough_sharpness(self, theta: Array, decay: float = 0.0) -> float:
        """Return the value of `sharpness` to 1e-4; see `Descent`."""
        return plane_top_from(self._operator(theta, decay), tolerance=1e-4).value

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

        A neuron that is active on no input receives no gradient: without momentum and decay it never moves,
        and is left out, which is exact. That it is active nowhere is decided with the rounding of z.
        """
        operations = 4 * self.problem.size * self._points.shape[1] * self.network.width
        most = min(steps, max(1, CHUNK // operations))
        if method.momentum or method.weight_decay or most < WORTHWHILE:
            return self._kernel(state, method, first_step_size, most)
        alive = ~_surely_dead(self._points, self._network(state.theta))
        if alive.all():
            return self._kernel(state, method, first_step_size, most)
        moving = np.concatenate([np.repeat(alive, self.network.dimension), alive, alive, [True]])
        part = State.at(state.theta[moving])
        part.steps_made = state.steps_made
        loss = self._kernel(part, method, first_step_size, most)
        state.before[:] = state.theta
        state.before[moving], state.theta[moving] = part.before, part.theta
        state.steps_made = part.steps_made
        return loss

    def _kernel(self, state: State, method: GradientDescent, first_step_size: float, steps: int) -> float:
        status, made, loss = relu_plane.descend(
            state.theta, state.velocity, state.before, self._points, self.problem.labels,
            self.problem.averaging, self.problem.loss == "logistic", self._rates,
            method.weight_decay * np.array([1.0, 1.0, 1.0, 0.0]), method.momentum, float(method.nesterov),
            np.inf if method.clip is None else method.clip, first_step_size, method.step_size,
            method.warmup_steps, state.steps_made, steps,
        )  # fmt: skip
        state.steps_made += int(made)
        return np.inf if status == relu_plane.DIVERGED else float(loss)

    @cached_property
    def _rates(self) -> Array:
        return np.array([float(name in self.network.trainable) for name in BLOCKS])


def _surely_dead(points: Array, network: TwoLayerReLU) -> NDArray[np.bool_]:
    """Mask (k,) of the neurons with w̃·x̃_i < 0 at every input by more than rounding; points are X̃ (n, d + 1).

    A sum of d + 1 products errs by at most (d + 1) u ‖w̃‖ ‖x̃‖, in whatever order.
    """
    weights = np.column_stack([network.w1, network.b1])
    far = float(np.linalg.norm(points, axis=1).max())
    slack = 2.0**-51 * weights.shape[1] * far * np.linalg.norm(weights, axis=1)
    highest = np.empty(network.width)
    chunk = max(1, PAIRS // len(points))
    for start in range(0, network.width, chunk):
        part = slice(start, start + chunk)
        highest[part] = (points @ weights[part].T).max(axis=0)
    return np.asarray(highest < -slack)


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
