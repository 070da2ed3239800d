"""One training run of a fit: initialization, warm-up, and the rule that ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature.hessian import Hessian
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU
from stepscape.problems.problem import Problem
from stepscape.training.train import train
from stepscape.training.trajectory import Snapshot, Trajectory

Array = NDArray[np.float64]
Stop = Literal["edge", "stationary", "budget", "diverged"]

STOP_WORDS: dict[str, str] = {
    "edge": "at the edge of stability, loss level",
    "stationary": "loss level below the edge",
    "budget": "steps spent: smoothed by time as well",
    "diverged": "diverged",
}
# Of the mean-field initialization. On real tables 3, 6 and 12 were tried. At 12 nearly the whole path of step
# sizes ends at the edge within the budget; at 3 the small ones run out of it. Below 2/600 the edge ratio
# is the start's (its sharpness is near 600 on those tables): there time smooths, whatever the stop is called.
SCALE = 12.0
RECORDS = 24  # over the whole budget
EDGE = (0.9, 1.25)  # edge ratios that count as the edge of stability
FLOOR = 1e-6  # a loss below so much of the label variance is level


@dataclass(frozen=True)
class Schedule:
    """How every member of a fit is trained; only the step size differs.

    A network of `width` neurons, mean-field initialization of scale 12, b2 = 0, all blocks trained. Plain
    gradient descent; the step size rises geometrically from 1/(initial sharpness) over the first tenth of the
    budget (at least 1000 steps, at most half the budget): without the warm-up a catapult kills neurons.

    The rule that ends a run is asked at half the budget, at three quarters, and at its end. With ℓ the loss
    of the mean of the last two iterates, averaged over each half of the last third of the run,

    - "edge": ℓ changed by less than `tolerance` (relative) and the mean edge ratio of that third lies in
      [0.9, 1.25];
    - "stationary": ℓ changed by less than tolerance/100 (or is below 1e-6 of the label variance) elsewhere;
    - "budget": neither before the steps were spent: the fit is smoothed by the time Σ η as well.

    A level loss at the edge is a plateau to this tolerance, not a proof of convergence.
    """

    width: int = 200
    steps: int = 40_000
    seed: int = 0
    tolerance: float = 0.01

    @property
    def warmup_steps(self) -> int:
        """Steps over which the step size rises."""
        return min(max(self.steps // 10, 1000), self.steps // 2)


@dataclass(frozen=True, eq=False)
class Run:
    """A trajectory, why it ended, and its mean edge ratio over the last third of the records."""

    trajectory: Trajectory
    stop: Stop
    edge_ratio: float


def descend(
    problem: Problem, step_size: float, schedule: Schedule, tick: Callable[[float], None] | None = None
) -> Run:
    """Train one network at one step size; `tick` receives the fraction of the budget spent."""
    net = TwoLayerReLU.random(schedule.width, SCALE, "mean_field", schedule.seed)
    every = schedule.steps // RECORDS | 1  # odd, so that records see both phases of the oscillation
    levels: list[float] = []
    whole: Trajectory | None = None
    for block in _blocks(schedule.steps):
        done = 0 if whole is None else int(whole.at_steps[-1])
        warmup = schedule.warmup_steps if whole is None else 0
        run = train(
            problem,
            net if whole is None else whole.network,
            GradientDescent(step_size, block, warmup_steps=warmup),
            record_every=every,
            observe=lambda snapshot: levels.append(_level(problem, snapshot)),
            progress=None if tick is None else _reporter(tick, done, schedule.steps),
        )
        if whole is not None:
            levels.pop(-run.at_steps.size)  # the block's step 0 is the last record of the one before
        whole = run if whole is None else join(whole, run)
        stop = _reason(whole, np.array(levels), schedule)
        if stop != "budget":
            break
    assert whole is not None
    return Run(whole, stop, edge_ratio(whole))


def _blocks(steps: int) -> list[int]:
    half, quarter = steps // 2, steps // 4
    return [block for block in (half, quarter, steps - half - quarter) if block]


def _reporter(tick: Callable[[float], None], done: int, steps: int) -> Callable[[int], None]:
    return lambda made: tick((done + made) / steps)


def _level(problem: Problem, snapshot: Snapshot) -> float:
    """Loss of the mean of the two iterates: that of one swings with period two at the edge."""
    _, labels, weights = problem.sorted
    both = (Hessian(problem, net).predictions for net in (snapshot.network, snapshot.network_before))
    return float(0.5 * weights @ (0.5 * sum(both) - labels) ** 2)


def edge_ratio(run: Trajectory) -> float:
    """Mean edge ratio over the last third of the records: single iterates swing around the edge."""
    return float(run.edge_ratio[-max(1, run.edge_ratio.size // 3) :].mean())


def _reason(run: Trajectory, levels: Array, schedule: Schedule) -> Stop:
    if run.outcome == "diverged":
        return "diverged"
    third = levels.size // 3
    if third < 2:
        return "budget"
    last = levels[-third:]
    before, after = last[: third // 2].mean(), last[third // 2 :].mean()
    change = abs(before - after) / max(float(after), 0.5 * FLOOR)
    edge = edge_ratio(run)
    if EDGE[0] <= edge <= EDGE[1] and change < schedule.tolerance:
        return "edge"
    level = change < schedule.tolerance / 100 or after < 0.5 * FLOOR
    return "stationary" if level and edge < EDGE[0] else "budget"


def join(first: Trajectory, second: Trajectory) -> Trajectory:
    """Join a run and its continuation from the last network of the first (plain descent has no memory)."""
    steps = int(first.at_steps[-1]) + second.method.steps
    changed: dict[str, object] = {"method": replace(first.method, steps=steps)}
    for item in fields(Trajectory):
        a, b = getattr(first, item.name), getattr(second, item.name)
        if isinstance(a, np.ndarray):
            shift = a[-1] if item.name in ("at_steps", "time") else 0
            changed[item.name] = np.concatenate([a, b[1:] + shift])
        elif item.name != "method":
            changed[item.name] = b
    if second.outcome == "finished":
        changed["message"] = f"finished after {steps} steps"
    return replace(first, **changed)  # type: ignore[arg-type]
