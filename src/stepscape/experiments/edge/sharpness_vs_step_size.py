"""The sharpness of what large steps find lies on 2/η, and gets there by progressive sharpening."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.arms import ARMS, Start, start
from stepscape.experiments.common.experiment import Experiment, Result, Settings, at_least, shared
from stepscape.experiments.edge.sharpness_rule import EDGE, judge
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.measures.measures import measure_trajectory
from stepscape.objectives import sharpness as measure_sharpness
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record
from stepscape.training import Snapshot, Trajectory, train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]


class SharpnessRun(Spec, frozen=True, tag="sharpness-vs-step-size/1"):
    """One run on noisy labels; the grid's largest step size sets the initialization."""

    truth: str
    n: int
    noise: float
    half_width: float
    width: int
    steps: int
    records: int
    arm: str
    seed: int
    step_size: float
    largest_step_size: float
    drawn: bool


def specs(settings: Settings) -> list[SharpnessRun]:
    """Every arm, seed and step size."""
    at_least(settings, seeds=1, records=1, width=1, steps=1, n=2)
    first, etas = settings["first_seed"], sorted(settings["step_sizes"])
    runs = [
        SharpnessRun(
            **shared(SharpnessRun, settings),
            arm=arm,
            seed=seed,
            step_size=eta,
            largest_step_size=etas[-1],
            drawn=seed == first,
        )
        for arm in settings["arms"]
        for seed in range(first, first + settings["seeds"])
        for eta in etas
    ]
    for run in runs:
        if run.drawn:  # a wrong setting is refused before the first run
            _start(run, _problem(run)).method(run.step_size, run.steps)
    return runs


def _problem(run: SharpnessRun) -> Problem:
    return curve(run.truth, n=run.n, noise=run.noise, seed=run.seed, half_width=run.half_width)


def _start(run: SharpnessRun, problem: Problem) -> Start:
    return start(run.arm, problem, run.width, run.seed, run.largest_step_size)


def work(run: SharpnessRun, tick: Tick) -> Record:
    """Train one network and follow its sharpness."""
    problem = _problem(run)
    begin = _start(run, problem)
    method = begin.method(run.step_size, run.steps)
    phases = _Phases(problem)
    trajectory = train(
        problem,
        begin.network,
        method,
        record_every=max(1, run.steps // run.records),
        observe=phases.observe,
        progress=lambda made: tick(made / run.steps),
    )
    before = np.array(phases.sharpness)[: trajectory.at_steps.size]
    row: dict[str, Any] = {
        "threshold": method.threshold(),
        "initial_scale": begin.scale,
        "initial_sharpness": float(trajectory.sharpness[0]),
        "steps_made": int(trajectory.at_steps[-1]),
        **measure_trajectory(problem, trajectory),
    }
    if trajectory.outcome == "finished":
        row |= _follow(trajectory, before)
    curves = _curves(run, trajectory, before) if run.drawn else {}
    reason = trajectory.message if trajectory.outcome == "diverged" else ""
    return Record(trajectory.outcome, row, curves, reason)


@dataclass
class _Phases:
    """Sharpness of the iterate before each record: descent with period two shows a record one phase only."""

    problem: Problem
    sharpness: list[float] = field(default_factory=list)
    vector: Array | None = None

    def observe(self, snapshot: Snapshot) -> None:
        """Measure, starting from the last eigenvector."""
        pair = measure_sharpness(self.problem, snapshot.network_before, start=self.vector)
        self.sharpness.append(pair.value)
        self.vector = pair.vector


def _follow(run: Trajectory, before: Array) -> dict[str, Any]:
    """Edge ratio and directional smoothness·η/2 over the last half; whether and when the edge was reached.

    The edge ratio is the mean of those of the two iterates of a record, at the final step size. A record
    counts once the warm-up is over. ``started_inside``: the ratio at step 0 lies below the edge.
    ``share_outside``: records with a ratio above the edge's upper end. ``swing``: half the difference of the
    two iterates' ratios.
    """
    threshold = run.method.threshold()
    ratio = 0.5 * (run.sharpness + before) / threshold
    swing = 0.5 * np.abs(run.sharpness - before) / threshold
    late = run.at_steps >= run.at_steps[-1] / 2
    low, middle, high = np.quantile(ratio[late], [0.25, 0.5, 0.75])
    counted = run.at_steps >= run.method.warmup_steps
    reached = np.flatnonzero(counted & (ratio >= EDGE[0]))
    first = int(reached[0]) if reached.size else -1
    smoothness = run.smoothness[late & np.isfinite(run.smoothness)]
    return {
        "median_edge_ratio": float(middle),
        "low_edge_ratio": float(low),
        "high_edge_ratio": float(high),
        "swing": float(np.median(swing[late])),
        "median_sharpness": float(middle) * threshold,
        "mean_smoothness_ratio": float(np.mean(smoothness)) / threshold if smoothness.size else None,
        "median_smoothness": float(np.median(smoothness)) if smoothness.size else None,
        "reached_at_step": int(run.at_steps[first]) if reached.size else None,
        "reached_at_time": float(run.time[first]) if reached.size else None,
        "started_inside": bool(ratio[0] < EDGE[0]),
        "share_outside": float(np.mean(ratio[counted] > EDGE[1])),
    }


def _curves(run: SharpnessRun, trajectory: Trajectory, before: Array) -> dict[str, Array]:
    key = f"{run.arm}|{run.step_size:g}"
    kept = {
        "steps": trajectory.at_steps.astype(float),
        "time": trajectory.time,
        "sharpness": 0.5 * (trajectory.sharpness + before),
        "smoothness": trajectory.smoothness,
        "loss": trajectory.loss,
        "bent": trajectory.bent_neurons.astype(float),
    }
    return {f"{name}|{key}": values for name, values in kept.items()}


def figures(result: Result) -> dict[str, Figure]:
    """Sharpness against the step size with the line 2/η, and over time with each threshold."""
    from stepscape.experiments.edge import sharpness_vs_step_size_figures as draw

    arms = result.settings["arms"]
    etas = sorted(result.settings["step_sizes"])
    return {
        "edge": draw.edge(result.table, arms),
        "sharpening": draw.sharpening(result.arrays, arms, etas),
    }


_QUICK: dict[str, Any] = {
    "truth": "tent",
    "n": 30,
    "noise": 0.5,
    "half_width": 3.0,
    "width": 1000,
    "step_sizes": (0.04, 0.1, 0.2, 0.4),
    "steps": 10_000,
    "arms": tuple(ARMS),
    "seeds": 2,
    "first_seed": 0,
    "records": 100,
}

EXPERIMENT = Experiment(
    name="sharpness-vs-step-size",
    title="The edge of stability: sharpness against step size",
    claim=(
        "Gradient descent with step size η sharpens until λ_max reaches 2/η and stays there: 2/η predicts "
        "the sharpness of the solution very precisely."
    ),
    kind="figure",
    source="Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2; Cohen et al. (2021)",
    setup=(
        "The problem and the arms of curve-fitting, noisy labels; explored on seeds 1000 to 1002 and, "
        "with 300 and 1000 neurons and 4,000 to 10,000 steps, on seeds 0 and 1. Three things were changed"
        " after looking. The edge must be reached within the first half of the steps, since a run that "
        "gets there later has a median below the line without contradicting it. At large step sizes the "
        "sharpness alternates with period two between the iterates (0.75 and 1.32 times 2/η at step size "
        "0.6), and a first full run of 50,000 steps, recorded at even steps, saw one phase only: it had "
        "one arm partly and two premises not met. Since then the mean of two consecutive iterates is "
        "judged. And the runs became three times as long, because small step sizes take that long to get "
        "there from a small initialization. In the arm with warm-up the run comes down to its threshold "
        "from a sharper start, so only the arm with small initialization shows progressive sharpening."
    ),
    quick=_QUICK,
    full={
        **_QUICK,
        "step_sizes": (0.01, 0.03, 0.06, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8),
        "steps": 150_000,
        "seeds": 3,
        "records": 250,
    },
    specs=specs,
    work=work,
    judge=judge,
    figures=figures,
    premises={
        "bent_neurons": "some neurons bend among the data: the sharpness of a dead network is 1 whatever η",
        "started_inside": "the run started with sharpness below 2/η, for the claim that it then stays inside",
        "reached_at_step": "the edge was reached, early enough for the rest of the run to be judged",
        "knots_at_data": "few neurons have their kink stuck to an input, where the Hessian does not see it",
    },
)
