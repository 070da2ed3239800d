"""One training run of a fit: initialization, warm-up, and the rule that ends it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from stepscape.estimators.start import start
from stepscape.methods import GradientDescent
from stepscape.objectives.network_loss import network_hessian
from stepscape.problems.problem import Problem
from stepscape.training.stops import Stop
from stepscape.training.train import train
from stepscape.training.trajectory import Snapshot, Trajectory

Array = NDArray[np.float64]
LOGISTIC_WARMUP = 100  # steps; see `start`
SHORTEST = 25  # steps of the earliest stop of several features
RECORDS = 24  # over the whole budget
EDGE = (0.9, 1.25)  # edge ratios that count as the edge of stability
FLOOR = 1e-6  # a loss below so much of the label variance (logistic: half of it in nats) is level


@dataclass(frozen=True)
class Schedule:
    """How every member of a fit is trained; only the step size differs.

    A network of `width` neurons, b2 = 0, all blocks trained; labels that are all equal start at their
    constant, where no step moves the network. Plain gradient descent.

    One feature: mean-field initialization of scale 12 (logistic loss: 1). The step size rises geometrically
    from 1/(initial sharpness) over the first tenth of the budget and at least 1000 steps (logistic loss: 100
    steps), at most half the budget: without the warm-up a catapult kills neurons.

    Several features: He initialization of `scale`, which `matched_scale` finds below the edge, and no
    warm-up.

    The rule that ends a run is applied at half the budget, at three quarters of it, and at its end. With ℓ
    the loss of the midpoint of the last two iterates, averaged over each half of the last third of the run,

    - "edge": ℓ changed by less than `tolerance` (relative) and the mean edge ratio of that third lies in
      [0.9, 1.25];
    - "stationary": ℓ changed by less than tolerance/100 (or is below 1e-6 of the label variance) elsewhere;
    - "budget": neither happened before the steps ran out: the short time Σ η smoothed the fit as well.

    Changes are relative to ℓ; with logistic loss to the gain, the entropy of the labels minus ℓ, because
    most of ℓ stays whatever is learned. A level loss at the edge is a plateau to this tolerance, not a proof
    of convergence. With logistic loss a network whose predictions have the sign of every label is neither,
    however level: scaling w2 and b2 up lowers the loss, so that there is no stationary point. It ends
    "interpolating", when ℓ is below 5e-7 or the steps are spent. A run asked to stop before its budget was
    spent ends "validated".
    """

    width: int = 200
    steps: int = 40_000
    seed: int = 0
    tolerance: float = 0.01
    scale: float | None = None

    def warmup_steps(self, loss: str = "square") -> int:
        """Return the number of steps over which the step size rises."""
        if self.scale is not None:
            return 0
        least = max(self.steps // 10, 1000) if loss == "square" else LOGISTIC_WARMUP
        return min(least, self.steps // 2)

    def stopping_times(self) -> list[int]:
        """Return the budget and its halvings down to the end of the logistic loss's warm-up, in order.

        A run stopped at one of them has made steps of the full size. Of several features, whose start needs
        no warm-up, the least of them is 25 steps or more.
        """
        times = [self.steps]
        least = self.warmup_steps("logistic") if self.scale is None else SHORTEST
        while times[-1] // 2 >= max(1, least):
            times.append(times[-1] // 2)
        return times[::-1]


@dataclass(frozen=True, eq=False)
class Run:
    """A trajectory, why it ended, its mean edge ratio over the last third of records, and recorded states."""

    trajectory: Trajectory
    stop: Stop
    edge_ratio: float
    states: tuple[Snapshot, ...]


def descend(
    problem: Problem,
    step_size: float,
    schedule: Schedule,
    tick: Callable[[float], None] | None = None,
    until: int | None = None,
    record_at: Sequence[int] = (),
) -> Run:
    """Train one network at one step size; `tick` receives the fraction of the steps made.

    `until` ends it before the budget is spent; `record_at` adds records. Of several features, where the
    sharpness of a record costs as much as many steps, it names all of them.
    """
    net = start(problem, schedule.width, schedule.seed, schedule.scale)
    steps = schedule.steps if until is None else until
    every = steps // RECORDS | 1  # odd, so that records see both phases of the oscillation
    if problem.dimension > 1 and record_at:
        every = steps
    seen: list[tuple[float, Snapshot]] = []
    whole: Trajectory | None = None
    for block in _blocks(schedule.steps, steps):
        done = 0 if whole is None else int(whole.at_steps[-1])
        warmup = schedule.warmup_steps(problem.loss) if whole is None else 0
        run = train(
            problem,
            net if whole is None else whole.network,
            GradientDescent(step_size, block, warmup_steps=warmup),
            record_every=every,
            observe=lambda snapshot: seen.append((_level(problem, snapshot), snapshot)),
            progress=None if tick is None else _reporter(tick, done, steps),
            record_at=[step - done for step in record_at if done < step <= done + block],
        )
        if whole is not None:
            seen.pop(-run.at_steps.size)  # the block's step 0 is the last record of the one before
        whole = run if whole is None else join(whole, run)
        stop = _reason(problem, whole, np.array([level for level, _ in seen]), schedule)
        if stop != "budget":
            break
    assert whole is not None
    if stop != "diverged" and whole.at_steps[-1] == steps < schedule.steps:
        stop = "validated"
    return Run(whole, stop, edge_ratio(whole.edge_ratio), tuple(state for _, state in seen))


def _blocks(steps: int, until: int) -> list[int]:
    half, quarter = steps // 2, steps // 4
    ends = sorted({min(end, until) for end in (half, half + quarter, steps)} - {0})
    return [end - start for start, end in pairwise([0, *ends])]


def _reporter(tick: Callable[[float], None], done: int, steps: int) -> Callable[[int], None]:
    return lambda made: tick((done + made) / steps)


def _level(problem: Problem, snapshot: Snapshot) -> float:
    """Loss of the midpoint: that of an iterate swings with period two at the edge."""
    return network_hessian(problem, snapshot.midpoint).loss


def edge_ratio(recorded: Array) -> float:
    """Mean edge ratio over the last third of the records: single iterates swing around the edge."""
    return float(recorded[-max(1, recorded.size // 3) :].mean())


def overshot(problem: Problem, recorded: Array) -> bool:
    """Whether a recorded loss is 1 % above those of the start, the first of them, and of the best constant.

    Steps below 2/λ only lower the loss: that of such a state was raised by steps that were too large.
    """
    return bool(recorded.max() > 1.01 * max(recorded[0], _loss_of_constant(problem)))


def fits_every_label(problem: Problem, run: Trajectory) -> bool:
    """Whether the predictions at the inputs have the signs of labels ±1, so that no state is stationary."""
    return problem.loss == "logistic" and bool(
        (problem.labels * run.midpoint.predict(problem.inputs)).min() > 0.0
    )


def _reason(problem: Problem, run: Trajectory, levels: Array, schedule: Schedule) -> Stop:
    if run.outcome == "diverged":
        return "diverged"
    if fits_every_label(problem, run):
        over = levels[-1] < 0.5 * FLOOR or run.at_steps[-1] == schedule.steps
        return "interpolating" if over else "budget"
    third = levels.size // 3
    if third < 2:
        return "budget"
    last = levels[-third:]
    before, after = last[: third // 2].mean(), last[third // 2 :].mean()
    change = abs(before - after) / max(_scale(problem, float(after)), 0.5 * FLOOR)
    edge = edge_ratio(run.edge_ratio)
    if EDGE[0] <= edge <= EDGE[1] and change < schedule.tolerance:
        return "edge"
    level = change < schedule.tolerance / 100 or after < 0.5 * FLOOR
    return "stationary" if level and edge < EDGE[0] else "budget"


def _scale(problem: Problem, level: float) -> float:
    """Return what a level loss changes little beside: itself; logistic, its gain over a constant.

    Of noisy labels most of the loss stays whatever is learned, and a small step size hardly moves it.
    """
    return level if problem.loss == "square" else _loss_of_constant(problem) - level


def _loss_of_constant(problem: Problem) -> float:
    """Least loss of a constant: half the variance of the labels; logistic, the entropy of their shares."""
    if problem.loss == "square":
        return 0.5 * float(problem.averaging @ (problem.labels - problem.averaging @ problem.labels) ** 2)
    share = float(problem.averaging @ (problem.labels > 0.0))
    return -sum(p * math.log(p) for p in (share, 1.0 - share) if p > 0.0)


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
