"""Run a method on an objective, stopping at record points: the one loop of all training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import flag, function, reals, vector, whole
from stepscape.curvature.lanczos import Eigenpair
from stepscape.errors import bad, shown
from stepscape.memory import require_memory
from stepscape.methods import Adaptive, GradientDescent, LineMethod, Method, clock_of
from stepscape.objectives.adaptive_line import adaptive_steps
from stepscape.objectives.descent import Descent
from stepscape.objectives.method_steps import stepped
from stepscape.objectives.objective import Objective, require_objective
from stepscape.objectives.relu_line import ReLULine
from stepscape.objectives.relu_plane import ReLUPlane
from stepscape.training.engine import DescentEngine, Engine
from stepscape.training.map_engine import MapEngine
from stepscape.training.numpy_descent import NumpyDescent
from stepscape.training.optimizer_map import OptimizerMap
from stepscape.training.path import Path, PathPoint

Array = NDArray[np.float64]
BYTES = 1500  # that a record takes until the run ends: a row, a census, and their places in the arrays


def run(
    objective: Objective,
    theta: ArrayLike,
    method: Method,
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
        If it also has the methods of `Descent`, it makes its own, compiled steps of gradient descent;
        otherwise, and for most other methods, NumPy makes one step after another from its gradients.
    theta : array_like
        The start, shape (size,); not changed.
    method : any of `stepscape.methods`
        Random ones need an objective with examples (`objectives.torch`, `layered`, `line`, `plane`),
        TracePenalty needs `objectives.line`.
    record_every : int
        Steps between records; the first record is step 0, the last the final step.
    measure_sharpness : bool
        Measure λ_max of the midpoint and of the iterate, and the curvature along the last step, at each
        record. With an adaptive method it is λ_max of the preconditioned Hessian (`OptimizerMap.stabilized`).
    observe : callable, optional
        Called with a `PathPoint` at each record.
    progress : callable, optional
        Called from time to time with the number of steps made.
    record_at : sequence of int
        Further steps to record, from 1 to the number of steps.
    decayed : array_like of bool, optional
        Mask (size,) of the coordinates that weight decay acts on, by default all of them. An objective that
        descends by itself knows its own for gradient descent, and a network for every method.

    Notes
    -----
    Divergence is an outcome, not an exception: the loss or a parameter is not finite, or so large that it
    never comes back (1e100 if the objective does not know better).
    """
    require_objective(objective)
    if not isinstance(method, Method):
        raise bad("method", "be a GradientDescent or another method of stepscape.methods", shown(method))
    every, measure = whole("record_every", record_every, 1), flag("measure_sharpness", measure_sharpness)
    for name, called in (("observe", observe), ("progress", progress)):
        if called is not None:
            function(name, called)
    require_memory("record_every", every, BYTES * (method.steps // every), "record less often")
    stops = _stops(method.steps, every, record_at)
    start = _start(objective, theta)
    engine = _engine(objective, method, start.theta, decayed)
    log = _Log(objective, engine, method, measure)
    limit = engine.largest_loss()
    point = start
    for stop in (0, *stops):
        if stop:
            loss = engine.run_to(stop, progress)
            if not abs(loss) <= limit:
                return log.path("diverged", engine.diverged(), point)
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


def _engine(objective: Objective, method: Method, start: Array, decayed: ArrayLike | None) -> Engine:
    """Return what makes the steps: compiled ones where they exist."""
    if isinstance(method, GradientDescent):
        return DescentEngine(_descent(objective, method, decayed), method, start)
    if isinstance(method, LineMethod) and isinstance(objective, ReLULine | ReLUPlane):
        return DescentEngine(stepped(objective, method), clock_of(method), start)
    optimizer = OptimizerMap(objective, method, decayed)
    if isinstance(method, Adaptive) and isinstance(objective, ReLULine):
        return MapEngine(optimizer, start, adaptive_steps(objective, method, np.asarray(optimizer.decayed)))
    return MapEngine(optimizer, start)


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


class _Log:
    """Rows of a path under construction."""

    def __init__(self, objective: Objective, engine: Engine, method: Method, measure: bool) -> None:
        self.objective, self.engine, self.method, self.measure = objective, engine, method, measure
        self.rows: list[tuple[float, ...]] = []
        self.counts: list[dict[str, int]] = []
        self.pairs: tuple[Eigenpair, Eigenpair] | None = None

    def record(self, point: PathPoint) -> None:
        curvatures = (np.nan,) * 5
        if self.measure:
            self.pairs = middle, last = self._pairs(point)
            smoothness = self.engine.smoothness(point.theta, point.theta_before)
            curvatures = (middle.value, middle.error, last.value, last.error, smoothness)
        self.rows.append((point.step, point.loss, *curvatures))
        self.counts.append(self.objective.census(point.midpoint))

    def _pairs(self, point: PathPoint) -> tuple[Eigenpair, Eigenpair]:
        """λ_max of the midpoint and of the iterate, each from its own eigenvector at the record before."""
        find = self.engine.sharpness
        if self.pairs is None:  # the start is its own midpoint
            pair = find(point.theta, None)
            return pair, pair
        middle, last = self.pairs
        return find(point.midpoint, middle.vector), find(point.theta, last.vector)

    def path(self, outcome: Literal["finished", "diverged"], message: str, last: PathPoint) -> Path:
        step, loss, value, residual, value_last, residual_last, smoothness = np.array(self.rows).T
        method, at = self.method, step.astype(np.int64)
        eta, time = self.engine.clock(at)
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
