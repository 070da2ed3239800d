"""Run a method on a network, stopping at record points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature.hessian import Hessian, directional_smoothness, padded, top
from stepscape.errors import bad, expect
from stepscape.kernels import relu1d
from stepscape.methods import GradientDescent
from stepscape.network import BLOCKS, TwoLayerReLU
from stepscape.problems.problem import Problem
from stepscape.training.trajectory import Snapshot, Trajectory

Array = NDArray[np.float64]

CHUNK = 10_000_000  # (n + k)·steps between two returns from the kernel: about a tenth of a second
BLOW_UP = 1e10  # a loss so many times the scale of labels and network never comes back


def train(
    problem: Problem,
    network: TwoLayerReLU,
    method: GradientDescent,
    record_every: int = 1000,
    measure_sharpness: bool = True,
    observe: Callable[[Snapshot], None] | None = None,
    progress: Callable[[int], None] | None = None,
    record_at: Sequence[int] = (),
) -> Trajectory:
    """Train `network` on `problem` and return the recorded trajectory.

    Parameters
    ----------
    record_every : int
        Steps between records; the first record is step 0, the last the final step.
    measure_sharpness : bool
        Measure λ_max and directional smoothness at each record.
    observe : callable, optional
        Called with a `Snapshot` at each record: to follow a risk, or to keep networks.
    progress : callable, optional
        Called with the number of steps made, several times a second.
    record_at : sequence of int
        Further steps to record, from 1 to the number of steps.

    Notes
    -----
    A step costs O(n + k). Neurons that are active on no input receive no gradient; plain descent without
    decay leaves them out, which is exact. Divergence is an outcome, not an exception.
    """
    expect("method", method, GradientDescent)
    if isinstance(record_every, bool) or not isinstance(record_every, (int, np.integer)) or record_every < 1:
        raise bad("record_every", "be a whole number of at least 1", repr(record_every))
    snapshot = Snapshot(0, _loss_at_start(problem, network), network, network)
    engine = _Engine(problem, network, method)
    log = _Log(problem, method, engine.first_step_size, measure_sharpness)
    limit = _largest_loss(problem, network)
    log.record(snapshot)
    if observe:
        observe(snapshot)
    for stop in _stops(method.steps, int(record_every), record_at):
        loss = engine.run_to(stop, progress)
        if not loss <= limit:
            return log.trajectory("diverged", _diverged(engine, method), snapshot)
        snapshot = Snapshot(stop, loss, *engine.networks())
        log.record(snapshot)
        if observe:
            observe(snapshot)
    return log.trajectory("finished", f"finished after {method.steps} steps", snapshot)


def _loss_at_start(problem: Problem, network: TwoLayerReLU) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        operator = Hessian(problem, network)
        loss, size = operator.loss, float(np.abs(operator.predictions).max())
    if not np.isfinite(loss + size):  # the logistic loss of an infinite f may be 0
        what = "the loss of the start" if np.isfinite(size) else "the start's prediction"
        value = loss if np.isfinite(size) else size
        raise bad(what, "be finite", value, "rescale the labels, the inputs or the network")
    return loss


def _largest_loss(problem: Problem, network: TwoLayerReLU) -> float:
    """BLOW_UP times the loss that a network of this size can have on labels of this size.

    Square loss: a bound on ½ Σ v (f - y)² that no cancellation in f or against the labels makes small.
    Logistic loss: a bound on 1 + |f|. Finite: beyond the range of numbers the largest of them, which only an
    infinite loss exceeds.
    """
    w1, b1, w2 = np.abs([network.w1, network.b1, network.w2])
    with np.errstate(over="ignore", invalid="ignore"):
        reach = w2 @ (w1 * problem.x_max + b1) + abs(network.b2) + np.abs(problem.labels).max()
        size = reach if problem.loss == "logistic" else 0.5 * np.square(reach)
        limit = float(BLOW_UP * (size + 1e-300))
    return limit if np.isfinite(limit) else float(np.finfo(np.float64).max)


def _stops(steps: int, every: int, further: Sequence[int]) -> list[int]:
    for step in further:
        if not 1 <= step <= steps:
            raise bad("record_at", f"lie between 1 and the {steps} steps", step)
    return sorted({*range(every, steps, every), *map(int, further), steps})


def _diverged(engine: _Engine, method: GradientDescent) -> str:
    start = engine.initial_sharpness()
    limit = method.threshold() * method.step_size / start  # the step size at which the start is at the edge
    allowed = f"step sizes up to {limit:.3g}"
    reason = f"the initial sharpness {start:.4g} allows {allowed}"
    if method.step_size <= limit:
        reason = f"the initial sharpness {start:.4g} would allow {allowed}, but it grew on the way"
    warm_up = "raise warmup_steps" if method.warmup_steps else "set warmup_steps"
    advice = f"lower step_size, shrink the initialization, or {warm_up}"
    return f"diverged within {engine.steps_made} steps at step_size {method.step_size:g}; {reason}: {advice}"


@dataclass
class _Engine:
    """The mutable state of a run: θ, velocity, and how many steps were made."""

    problem: Problem
    network: TwoLayerReLU
    method: GradientDescent
    steps_made: int = 0
    theta: Array = field(init=False)
    before: Array = field(init=False)
    velocity: Array = field(init=False)
    first_step_size: float = field(init=False)

    def __post_init__(self) -> None:
        self.theta = self.network.parameters.copy()
        self.before = self.theta.copy()
        self.velocity = np.zeros_like(self.theta)
        self.first_step_size = self.method.step_size
        if self.method.warmup_steps:
            self.first_step_size = min(self.method.step_size, 1.0 / self.initial_sharpness())

    def initial_sharpness(self) -> float:
        """λ_max of the starting point, at least the smallest normal number."""
        operator = Hessian(self.problem, self.network, decay=self.method.weight_decay)
        return max(top(operator, tolerance=1e-4).value, 1e-300)

    def run_to(self, stop: int, progress: Callable[[int], None] | None) -> float:
        """Step until `stop`; returns the loss there, infinite when the run diverged."""
        most = max(1, CHUNK // (self.problem.size + self.network.width))
        loss = np.inf
        while self.steps_made < stop:
            status, made, loss = self._descend(min(most, stop - self.steps_made))
            self.steps_made += made
            if progress:
                progress(self.steps_made)
            if status == relu1d.DIVERGED:
                return np.inf
        return loss

    def _descend(self, steps: int) -> tuple[int, int, float]:
        if self.method.momentum or self.method.weight_decay:
            return self._kernel(self.theta, self.velocity, self.before, steps)
        alive = np.append(~_dead(self.problem, self.theta), True)
        if alive.all():
            return self._kernel(self.theta, self.velocity, self.before, steps)
        moving = np.concatenate([np.tile(alive[:-1], 3), [True]])
        theta = self.theta[moving]
        before = theta.copy()
        result = self._kernel(theta, np.zeros_like(theta), before, steps)
        self.before[:] = self.theta
        self.before[moving], self.theta[moving] = before, theta
        return result

    def _kernel(self, theta: Array, velocity: Array, before: Array, steps: int) -> tuple[int, int, float]:
        inputs, labels, weights = self.problem.sorted
        method = self.method
        status, made, loss = relu1d.descend(
            theta, velocity, before, inputs, padded(inputs), labels, weights, self.problem.loss == "logistic",
            np.array([float(name in self.network.trainable) for name in BLOCKS]),
            method.weight_decay, method.momentum, float(method.nesterov),
            self.first_step_size, method.step_size, method.warmup_steps, self.steps_made, steps,
        )  # fmt: skip
        return int(status), int(made), float(loss)

    def networks(self) -> tuple[TwoLayerReLU, TwoLayerReLU]:
        """Return the current iterate and the one before it."""
        return self.network.with_parameters(self.theta), self.network.with_parameters(self.before)


def _dead(problem: Problem, theta: Array) -> NDArray[np.bool_]:
    """Neurons active on no input: the activation of a line over an interval is decided at its ends."""
    w1, b1, _ = theta[:-1].reshape(3, -1)
    low, high = problem.sorted[0][[0, -1]]
    dead: NDArray[np.bool_] = ~((w1 * low + b1 > 0) | (w1 * high + b1 > 0))
    return dead


class _Log:
    """Rows of a trajectory under construction."""

    def __init__(self, problem: Problem, method: GradientDescent, first: float, measure: bool) -> None:
        self.problem, self.method, self.first, self.measure = problem, method, first, measure
        self.rows: list[tuple[float, ...]] = []
        self.vector: Array | None = None

    def record(self, snapshot: Snapshot) -> None:
        value = residual = smoothness = np.nan
        if self.measure:
            operator = Hessian(self.problem, snapshot.network, decay=self.method.weight_decay)
            pair = top(operator, self.vector)
            self.vector, value, residual = pair.vector, pair.value, pair.residual
            smoothness = directional_smoothness(self.problem, snapshot.network, snapshot.network_before)
        counts = count_neurons(self.problem, snapshot.network)
        self.rows.append((snapshot.step, snapshot.loss, value, residual, smoothness, *counts))

    def trajectory(self, outcome: str, message: str, last: Snapshot) -> Trajectory:
        step, loss, value, residual, smoothness, bent, dead, stuck = np.array(self.rows).T
        at = step.astype(np.int64)
        eta = self.method.step_size_at(at, self.first)
        warm = self.method.step_size_at(np.arange(self.method.warmup_steps), self.first)
        warmed = np.concatenate([[0.0], np.cumsum(warm)])
        inside = np.minimum(at, self.method.warmup_steps)
        time = warmed[inside] + self.method.step_size * (at - inside)
        threshold = np.array([self.method.threshold(float(e)) for e in eta])
        return Trajectory(
            outcome=outcome,  # type: ignore[arg-type]
            message=message,
            method=self.method,
            at_steps=at,
            time=time / (1.0 - self.method.momentum),
            step_size=eta,
            loss=loss,
            sharpness=value,
            sharpness_residual=residual,
            edge_ratio=value / threshold,
            smoothness=smoothness,
            bent_neurons=bent.astype(np.int64),
            dead_neurons=dead.astype(np.int64),
            knots_at_data=stuck.astype(np.int64),
            network=last.network,
            network_before=last.network_before,
        )


def count_neurons(problem: Problem, network: TwoLayerReLU) -> tuple[int, int, int]:
    """Bent neurons, dead neurons, and neurons whose knot sticks to an input (within 1e-3 of the range)."""
    inputs = problem.sorted[0]
    low, high = inputs[0], inputs[-1]
    live = network.w1 != 0
    with np.errstate(over="ignore"):
        knots = -network.b1[live] / network.w1[live]
    inside = knots[(knots > low) & (knots < high)]
    right = np.searchsorted(inputs, inside).clip(1, max(1, inputs.size - 1))
    gap = np.minimum(
        np.abs(inside - inputs[right - 1]), np.abs(inputs[right.clip(max=inputs.size - 1)] - inside)
    )
    stuck = int(np.sum(gap <= 1e-3 * (high - low)))
    return inside.size, int(_dead(problem, network.parameters).sum()), stuck
