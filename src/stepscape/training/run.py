"""Run a method on an objective, stopping at record points: the one loop of all training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import flag, function, reals, vector, whole
from stepscape.curvature.lanczos import Eigenpair
from stepscape.errors import bad, expect, shown
from stepscape.memory import require_memory
from stepscape.methods import GradientDescent
from stepscape.objectives.descent import Descent, State
from stepscape.objectives.objective import Objective, require_objective
from stepscape.training.numpy_descent import NumpyDescent
from stepscape.training.path import Path, PathPoint

Array = NDArray[np.float64]
BLOCK = 2**20  # steps of a warm-up whose step sizes are summed at a time
BYTES = 1500  # that a record takes until the run ends: a row, a census, and their places in the arrays


def run(
    objective: Objective,
    theta: ArrayLike,
    method: GradientDescent,
    record_every: int = 1000,
    measure_sharpness: bool = True,
    observe: Callable[[PathPoint], None] | None = None,
    progress: Callable[[int], None] | None = None,
    record_at: Sequence[int] = (),
    decayed: ArrayLike | None = None,
) -> Path:
    """Train an objective from `theta` and return the recorded path.

    Parameters
    ----------
    objective : Objective
        If it also has the methods of `Descent`, it makes its own, compiled steps; otherwise NumPy makes one
        step after another from its gradients.
    theta : array_like
        The start, shape (size,); not changed.
    record_every : int
        Steps between records; the first record is step 0, the last the final step.
    measure_sharpness : bool
        Measure λ_max of the midpoint and of the iterate, and the curvature along the last step, at each
        record.
    observe : callable, optional
        Called with a `PathPoint` at each record.
    progress : callable, optional
        Called from time to time with the number of steps made.
    record_at : sequence of int
        Further steps to record, from 1 to the number of steps.
    decayed : array_like of bool, optional
        Mask (size,) of the coordinates that weight decay acts on, by default all of them. An objective that
        descends by itself knows its own.

    Notes
    -----
    Divergence is an outcome, not an exception: the loss or a parameter is not finite, or so large that it
    never comes back (1e100 if the objective does not know better).
    """
    require_objective(objective)
    expect("method", method, GradientDescent)
    every, measure = whole("record_every", record_every, 1), flag("measure_sharpness", measure_sharpness)
    for name, called in (("observe", observe), ("progress", progress)):
        if called is not None:
            function(name, called)
    require_memory("record_every", every, BYTES * (method.steps // every), "record less often")
    stops = _stops(method.steps, every, record_at)
    start = _start(objective, theta)
    descent = _descent(objective, method, decayed)
    engine = _Engine(descent, method, start.theta)
    log = _Log(objective, engine, measure)
    limit = descent.largest_loss(start.theta)
    point = start
    for stop in (0, *stops):
        if stop:
            loss = engine.run_to(stop, progress)
            if not abs(loss) <= limit:
                return log.path("diverged", _diverged(engine), point)
            point = PathPoint(stop, loss, engine.state.theta.copy(), engine.state.before.copy())
        log.record(point)
        if observe:
            observe(point)
    return log.path("finished", f"finished after {method.steps} steps", point)


def _start(objective: Objective, theta: ArrayLike) -> PathPoint:
    start = vector("theta", theta, objective.size).copy()
    if not np.isfinite(start).all():
        raise bad("theta", "be finite", f"{start[~np.isfinite(start)][0]} in it")
    with np.errstate(over="ignore", invalid="ignore"):
        loss = float(objective.loss(start))
    if not np.isfinite(loss):
        raise bad("the loss of the start", "be finite", loss, "start elsewhere")
    return PathPoint(0, loss, start, start)


def _descent(objective: Objective, method: GradientDescent, decayed: ArrayLike | None) -> Descent:
    if isinstance(objective, Descent):
        if decayed is not None:
            name = type(objective).__name__
            raise bad("decayed", f"be left out, because {name} knows its own coordinates", "a mask")
        return objective
    if not method.decay_biases:
        must = "be True, because only networks tell biases from weights"
        raise bad("decay_biases", must, False, "choose the coordinates with decayed")
    mask = np.ones(objective.size) if decayed is None else vector("decayed", decayed, objective.size)
    if not np.isin(mask, (0.0, 1.0)).all():
        raise bad("decayed", "be a mask of truth values", "other numbers")
    return NumpyDescent(objective, mask)


def _stops(steps: int, every: int, further: Sequence[int]) -> list[int]:
    more = reals("record_at", further)
    if more.ndim != 1 or not (more == np.round(more)).all():
        raise bad("record_at", "be a sequence of whole numbers", shown(further))
    for step in more.astype(np.int64).tolist():
        if not 1 <= step <= steps:
            raise bad("record_at", f"lie between 1 and the {steps} steps", step)
    return sorted({*range(every, steps, every), *more.astype(np.int64).tolist(), steps})


class _Engine:
    """A descent in progress."""

    def __init__(self, descent: Descent, method: GradientDescent, start: Array) -> None:
        self.descent, self.method, self.start = descent, method, start
        self.state = State.at(start)
        self.first_step_size = method.step_size
        if method.warmup_steps:
            self.first_step_size = min(method.step_size, 1.0 / self.initial_sharpness())

    def initial_sharpness(self) -> float:
        """λ_max of the start, but at least the smallest normal number."""
        decay, biases = self.method.weight_decay, self.method.decay_biases
        return max(self.descent.rough_sharpness(self.start, decay, biases), 1e-300)

    def run_to(self, stop: int, progress: Callable[[int], None] | None) -> float:
        """Step until `stop`; return the loss there, which is infinite if the run diverged."""
        loss = np.inf
        while self.state.steps_made < stop:
            left = stop - self.state.steps_made
            loss = self.descent.descend(self.state, self.method, self.first_step_size, left)
            if progress:
                progress(self.state.steps_made)
            if loss == np.inf:
                break
        return loss


def _diverged(engine: _Engine) -> str:
    method, start = engine.method, engine.initial_sharpness()
    limit = method.threshold() * method.step_size / start  # the step size at which the start is at the edge
    allowed = f"step sizes up to {limit:.3g}"
    reason = f"the initial sharpness {start:.4g} allows {allowed}"
    if method.step_size <= limit:
        reason = f"the initial sharpness {start:.4g} would allow {allowed}, but it grew on the way"
    warm_up = "raise warmup_steps" if method.warmup_steps else "set warmup_steps"
    advice = f"lower step_size, shrink the initialization, or {warm_up}"
    made = engine.state.steps_made
    return f"diverged within {made} steps at step_size {method.step_size:g}; {reason}: {advice}"


class _Log:
    """Rows of a path under construction."""

    def __init__(self, objective: Objective, engine: _Engine, measure: bool) -> None:
        self.objective, self.engine, self.measure = objective, engine, measure
        self.rows: list[tuple[float, ...]] = []
        self.counts: list[dict[str, int]] = []
        self.pairs: tuple[Eigenpair, Eigenpair] | None = None

    def record(self, point: PathPoint) -> None:
        curvatures = (np.nan,) * 5
        if self.measure:
            self.pairs = middle, last = self._pairs(point)
            smoothness = self.engine.descent.smoothness(point.theta, point.theta_before)
            curvatures = (middle.value, middle.error, last.value, last.error, smoothness)
        self.rows.append((point.step, point.loss, *curvatures))
        self.counts.append(self.objective.census(point.midpoint))

    def _pairs(self, point: PathPoint) -> tuple[Eigenpair, Eigenpair]:
        """λ_max of the midpoint and of the iterate, each from its own eigenvector at the record before."""
        descent, method = self.engine.descent, self.engine.method

        def find(theta: Array, start: Array | None = None) -> Eigenpair:
            return descent.sharpness(theta, method.weight_decay, start, decay_biases=method.decay_biases)

        if self.pairs is None:  # the start is its own midpoint
            pair = find(point.theta)
            return pair, pair
        middle, last = self.pairs
        return find(point.midpoint, middle.vector), find(point.theta, last.vector)

    def path(self, outcome: Literal["finished", "diverged"], message: str, last: PathPoint) -> Path:
        step, loss, value, residual, value_last, residual_last, smoothness = np.array(self.rows).T
        method, at = self.engine.method, step.astype(np.int64)
        eta, time = _clock(method, at, self.engine.first_step_size)
        threshold = np.array([method.threshold(float(e)) for e in eta])
        with np.errstate(over="ignore"):  # a huge step size is infinitely far beyond the edge
            ratio, ratio_last = value / threshold, value_last / threshold
        return Path(
            outcome=outcome,
            message=message,
            method=method,
            at_steps=at,
            time=time,
            step_size=eta,
            loss=loss,
            sharpness=value,
            sharpness_residual=residual,
            edge_ratio=ratio,
            sharpness_last=value_last,
            sharpness_last_residual=residual_last,
            edge_ratio_last=ratio_last,
            smoothness=smoothness,
            census={name: np.array([row[name] for row in self.counts], np.int64) for name in self.counts[0]},
            theta=last.theta,
            theta_before=last.theta_before,
        )


def _clock(method: GradientDescent, at: NDArray[np.int64], first: float) -> tuple[Array, Array]:
    """Return the step size after each of the steps, and Σ η up to it over 1 − momentum."""
    inside = np.minimum(at, method.warmup_steps)
    time = _warm_time(method, inside, first) + method.step_size * (at - inside)
    return method.step_size_at(at, first), time / (1.0 - method.momentum)


def _warm_time(method: GradientDescent, at: NDArray[np.int64], first: float) -> Array:
    """Return Σ η up to some steps of the warm-up, in blocks that fit in memory."""
    out, total = np.zeros(at.size), 0.0
    for start in range(0, method.warmup_steps, BLOCK):
        block = np.arange(start, min(start + BLOCK, method.warmup_steps))
        sums = np.cumsum(np.append(total, method.step_size_at(block, first)))
        inside = (at >= start) & (at <= start + block.size)
        out[inside], total = sums[at[inside] - start], float(sums[-1])
    return out
