"""The loss of the univariate two-layer ReLU network as an objective, with compiled descent."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import flag, nonnegative, number, vector
from stepscape.curvature.lanczos import Eigenpair, norm
from stepscape.errors import InputError, bad
from stepscape.kernels import relu1d
from stepscape.methods import GradientDescent
from stepscape.network import BLOCKS, TwoLayerReLU
from stepscape.objectives.descent import BLOW_UP, State, clipped
from stepscape.objectives.objective import secant
from stepscape.objectives.relu_line_hessian import Hessian
from stepscape.objectives.relu_line_sharpness import from_one_start, top
from stepscape.objectives.relu_plane import STUCK, ReLUPlane
from stepscape.problems.one_variable import require_line
from stepscape.problems.problem import Problem

Array = NDArray[np.float64]

CHUNK = 10_000_000  # (n + k)·steps between two returns from the kernel, which take about a tenth of a second
CAREFUL = 300  # careful steps at a time
SURE = 2.5e-7  # of the residuals: with errors in f up to this, losses are right to 1e-6
MEASURED = 1e-9  # of label, f and residuals: what f by the kernel's sums may differ from f at an input


@dataclass(frozen=True, eq=False)
class ReLULine:
    """L of `Problem` as a function of θ = (w1, b1, w2, b2), shape (3k + 1,), in O(n + k) per call.

    The width and the trained blocks are the network's; gradients and products are 0 on frozen blocks. At a
    knot exactly on an input, derivatives are those with max(z, 0)' = 0 at z = 0. Its `descend` is the
    compiled loop; weight decay acts on the trained coordinates but b2. Where it spares b1 the objective
    descends, and finds its sharpness, as its twin `ReLUPlane` does, in O(n k).

    Raises
    ------
    InputError
        For a problem or a network with more than one input variable.
    """

    problem: Problem
    network: TwoLayerReLU

    def __post_init__(self) -> None:
        require_line(self.problem, self.network)

    @property
    def size(self) -> int:
        """Length 3k + 1 of θ."""
        return 3 * self.network.width + 1

    def loss(self, theta: Array) -> float:
        """½ Σ v (f − y)², or Σ v log(1 + e^{−yf})."""
        return self.hessian(theta).loss

    def gradient(self, theta: Array) -> Array:
        """∇L(θ) (3k + 1,), zero on frozen blocks."""
        return self.hessian(theta).gradient

    def hessian(self, theta: Array) -> Hessian:
        """Return the loss Hessian at θ."""
        return Hessian(self.problem, self._network(theta))

    def _network(self, theta: Array) -> TwoLayerReLU:
        return self.network.with_parameters(vector("theta", theta, self.size))

    def census(self, theta: Array) -> dict[str, int]:
        """Bent neurons, dead neurons, knots at data; see `count_neurons`."""
        counts = count_neurons(self.problem, self._network(theta))
        return dict(zip(("bent_neurons", "dead_neurons", "knots_at_data"), counts, strict=True))

    def sharpness(
        self,
        theta: Array,
        decay: float = 0.0,
        start: Array | None = None,
        tolerance: float = 1e-8,
        decay_biases: bool = True,
    ) -> Eigenpair:
        """λ_max of H + decay·diag(mask) on the trained coordinates; vectors (3k + 1,).

        The mask is 0 on b2, and on b1 without `decay_biases`.
        """
        if not 0.0 < number("tolerance", tolerance, "lie between 0 and 1") < 1.0:
            raise bad("tolerance", "lie between 0 and 1", tolerance)
        start = None if start is None else vector("start", start, self.size)
        if self._spares_biases(decay, decay_biases):
            return self._twin.sharpness(theta, decay, start, tolerance, decay_biases)
        return top(Hessian(self.problem, self._network(theta), decay=decay), start, tolerance)

    def rough_sharpness(self, theta: Array, decay: float = 0.0, decay_biases: bool = True) -> float:
        """Return the value of `sharpness` to 1e-4; see `Descent`."""
        if self._spares_biases(decay, decay_biases):
            return self._twin.rough_sharpness(theta, decay, decay_biases)
        operator = Hessian(self.problem, self._network(theta), decay=decay)
        return from_one_start(operator, tolerance=1e-4).value

    def smoothness(self, theta: Array, before: Array) -> float:
        """See `Descent`; of float64 sums where their errors are less than 1e-6 of it."""
        theta, before = vector("theta", theta, self.size), vector("before", before, self.size)
        step, ends = theta - before, (self.hessian(theta), self.hessian(before))
        (here, lost), (there, also) = (end.quick_gradient for end in ends)
        with np.errstate(all="ignore"):
            found = secant(here - there, step)
            if lost + also <= 1e-6 * abs(found) * norm(step):
                return found
        return secant(ends[0].gradient - ends[1].gradient, step)

    def largest_loss(self, theta: Array) -> float:
        """BLOW_UP times the loss that a network of this size can have on labels of this size.

        Square loss: a bound on ½ Σ v (f - y)² that no cancellation in f or against the labels makes small.
        Logistic loss: a bound on 1 + |f|. Finite: beyond the range of numbers the largest of them, which only
        an infinite loss exceeds.
        """
        theta = vector("theta", theta, self.size)
        w1, b1, w2 = np.abs(theta[:-1].reshape(3, -1))
        with np.errstate(over="ignore", invalid="ignore"):
            reach = w2 @ (w1 * self.problem.line.x_max + b1) + abs(theta[-1])
            reach = reach + np.abs(self.problem.labels).max()
            size = reach if self.problem.loss == "logistic" else 0.5 * np.square(reach)
            limit = float(BLOW_UP * (size + 1e-300))
        return limit if np.isfinite(limit) else float(np.finfo(np.float64).max)

    def descend(self, state: State, method: GradientDescent, first_step_size: float, steps: int) -> float:
        """Make steps with the compiled kernel; see `Descent`.

        Steps with ``method.clip``, or with weight decay that spares b1, are those of `ReLUPlane`, in O(n k).
        Neurons that are active on no input receive no gradient; plain descent without decay leaves them out,
        which is exact. Where the kernel's sums in float64 are off by too much at either end of its steps,
        they are made again one by one with accurate gradients.
        """
        if state.steps_made == 0:
            state.careful = not self._judged(state, self.loss(state.theta))[1]
        if not state.careful:
            kept = state.copy()
            loss = self._fast_steps(state, method, first_step_size, steps)
            if loss == np.inf:
                return loss
            loss, settled = self._judged(state, loss)
            if settled:
                return loss
            state.restore(kept)
        loss = self._careful_steps(state, method, first_step_size, steps)
        state.careful = loss == np.inf or not self._judged(state, loss)[1]
        return loss

    def _judged(self, state: State, loss: float) -> tuple[float, bool]:
        """Return the loss, mended if it is off by more than 1e-6 of itself, and whether to trust the kernel.

        The bound on the error of f, `SURE` of the residuals or less, mostly settles both. Where it does not,
        f by sums in float64 is compared with f by accurate ones.
        """
        w1, b1, w2 = np.abs(state.theta[:-1].reshape(3, -1))
        line, square = self.problem.line, self.problem.loss == "square"
        with np.errstate(all="ignore"):
            sizes = float(w2 @ (w1 * line.x_max + b1)) + abs(float(state.theta[-1]))
            off = 2.0**-52 * (2 * line.inputs.size + w1.size + 16) * sizes
            if off <= SURE * (math.sqrt(2.0 * loss) if square else 1.0):
                state.largest_loss = max(state.largest_loss, loss)
                return loss, True
            here = self.hessian(state.theta)
            try:
                mended = loss if abs(loss - here.loss) <= 1e-6 * here.loss else here.loss
            except InputError:  # beyond the range of float64
                return loss, False
            state.largest_loss = max(state.largest_loss, mended)
            scale = np.abs(line.labels) + np.abs(here.predictions) + math.sqrt(2.0 * state.largest_loss)
            apart = np.abs(here.quick_predictions - here.predictions)
            near = bool((apart <= MEASURED * (scale if square else 1.0)).all())
            return mended, near and here.sides[0]

    def _careful_steps(
        self, state: State, method: GradientDescent, first_step_size: float, steps: int
    ) -> float:
        """Make steps one by one with accurate gradients."""
        numbers = state.steps_made + np.arange(min(steps, CAREFUL))
        decayed = np.repeat([1.0, float(method.decay_biases), 1.0, 0.0], [self.network.width] * 3 + [1])
        decayed *= self.network.trained
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                for eta in method.step_size_at(numbers, first_step_size):
                    g = clipped(self.gradient(state.theta), method)
                    g = g + method.weight_decay * decayed * state.theta
                    state.move(g, eta, method)
                    if not np.isfinite(state.theta).all():
                        return np.inf
                return self.loss(state.theta)
        except InputError:  # beyond the range of float64
            return np.inf

    def _fast_steps(self, state: State, method: GradientDescent, first_step_size: float, steps: int) -> float:
        # Clipping needs the whole gradient before anything moves.
        if method.clip is not None or self._spares_biases(method.weight_decay, method.decay_biases):
            return self._twin.descend(state, method, first_step_size, steps)
        most = min(steps, max(1, CHUNK // (self.problem.size + self.network.width)))
        if method.momentum or method.weight_decay:
            return self._kernel(state, method, first_step_size, most)
        alive = np.append(~_dead(self.problem, state.theta), True)
        if alive.all():
            return self._kernel(state, method, first_step_size, most)
        moving = np.concatenate([np.tile(alive[:-1], 3), [True]])
        part = State.at(state.theta[moving])
        part.steps_made = state.steps_made
        loss = self._kernel(part, method, first_step_size, most)
        state.before[:] = state.theta
        state.before[moving], state.theta[moving] = part.before, part.theta
        state.steps_made = part.steps_made
        return loss

    def _spares_biases(self, decay: float, decay_biases: bool) -> bool:
        """Whether b1 is trained and not decayed, but other blocks are."""
        spares = not flag("decay_biases", decay_biases) and "b1" in self.network.trainable
        return nonnegative("decay", decay) > 0.0 and spares

    @property
    def _twin(self) -> ReLUPlane:
        return ReLUPlane(self.problem, self.network)

    def _kernel(self, state: State, method: GradientDescent, first_step_size: float, steps: int) -> float:
        line = self.problem.line
        status, made, loss = relu1d.descend(
            state.theta, state.velocity, state.before, line.inputs, line.padded, line.labels, line.averaging,
            self.problem.loss == "logistic",
            np.array([float(name in self.network.trainable) for name in BLOCKS]),
            method.weight_decay, method.momentum, float(method.nesterov),
            first_step_size, method.step_size, method.warmup_steps, state.steps_made, steps,
        )  # fmt: skip
        state.steps_made += int(made)
        return np.inf if status == relu1d.DIVERGED else float(loss)


def _dead(problem: Problem, theta: Array) -> NDArray[np.bool_]:
    """Count neurons active on no input: the ends of an interval decide the sign of a line over it."""
    w1, b1, _ = theta[:-1].reshape(3, -1)
    low, high = problem.line.hull
    dead: NDArray[np.bool_] = ~((w1 * low + b1 > 0) | (w1 * high + b1 > 0))
    return dead


def count_neurons(problem: Problem, network: TwoLayerReLU) -> tuple[int, int, int]:
    """Count bent neurons, dead neurons, and those with a knot within 1e-3 of the range of an input."""
    inputs = problem.line.inputs
    low, high = problem.line.hull
    live = network.w1 != 0
    with np.errstate(over="ignore"):
        knots = -network.b1[live] / network.w1[live]
    inside = knots[(knots > low) & (knots < high)]
    right = np.searchsorted(inputs, inside).clip(1, max(1, inputs.size - 1))
    gap = np.minimum(
        np.abs(inside - inputs[right - 1]), np.abs(inputs[right.clip(max=inputs.size - 1)] - inside)
    )
    stuck = int(np.sum(gap <= STUCK * (high - low)))
    return inside.size, int(_dead(problem, network.parameters).sum()), stuck
