"""Descent at one setting of noise, range of the inputs and step size, beside what the theorem's rate says.

    mean squared error in the interior ≤ Õ( (σ²/n)^(4/5) (x_max/η + σ x_max²)^(2/5) ).

One of the three is varied at a time, from a base; the truth is stretched with the range of the inputs.

Source: tutorial 'Training Instability', part 2; Qiao et al. (2024).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stepscape.arguments import positive
from stepscape.experiments.common.arms import Start, start
from stepscape.experiments.frame.follow import follow
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.measures.regions import regions
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record

AXES = {"step_size": "step_sizes", "noise": "noises", "half_width": "half_widths"}
QUICK: dict[str, Any] = {
    "truth": "tent",
    "n": 60,
    "noise": 0.5,
    "half_width": 3.0,
    "step_size": 0.2,
    "noises": (0.2, 0.45, 1.0),
    "half_widths": (1.5, 3.0, 6.0),
    "step_sizes": (0.05, 0.1, 0.2),
    "width": 60,
    "arms": ("small_init", "warm_up"),
    "steps": 4000,
    "seeds": 5,
    "first_seed": 0,
}


class ConstantRun(Spec, frozen=True, tag="risk-constants/1"):
    """One run; `axis` names what is varied."""

    axis: str
    truth: str
    n: int
    noise: float
    half_width: float
    step_size: float
    largest_step_size: float
    width: int
    arm: str
    steps: int
    seed: int


def grid(settings: Settings) -> list[ConstantRun]:
    """Every arm and seed along every axis, the others at the base."""
    at_least(settings, seeds=1, n=8, width=1, steps=1)
    for name in (*AXES, *AXES.values()):
        positive(name, float(np.min(settings[name])))
    cases = [
        {**{name: settings[name] for name in AXES}, "axis": axis, axis: value}
        for axis, values in AXES.items()
        for value in sorted(settings[values])
    ]
    largest = max(*settings["step_sizes"], settings["step_size"])
    return sweep(
        ConstantRun,
        settings,
        case=cases,
        arm=settings["arms"],
        seed=seeds(settings),
        largest_step_size=largest,
    )


def begin(run: ConstantRun) -> tuple[Problem, Start]:
    """Return the sample and the start."""
    problem = curve(run.truth, n=run.n, noise=run.noise, seed=run.seed, half_width=run.half_width)
    origin = start(run.arm, problem, run.width, run.seed, run.largest_step_size)
    origin.method(run.step_size, run.steps)
    return problem, origin


def rate(run: ConstantRun) -> float:
    """(σ²/n)^(4/5) (x_max/η + σ x_max²)^(2/5), without the constant and the logarithms."""
    size = run.half_width / run.step_size + run.noise * run.half_width**2
    return float((run.noise**2 / run.n) ** 0.8 * size**0.4)


def work(run: ConstantRun, tick: Tick) -> Record:
    """Train, and measure the risk at the inputs of the interior, and what the theorem supposes.

    ``over_rate``: the risk over `rate`. ``fits``: whether Σ (f − y)² ≤ Σ (f0 − y)² over the interior.
    """
    problem, origin = begin(run)
    method = origin.method(run.step_size, run.steps)
    seen = follow(problem, origin.network, method, [run.steps], tick)

    def measure() -> tuple[dict[str, Any], dict[str, Any]]:
        x, y, truth = problem.inputs, problem.labels, problem.truth
        assert truth is not None  # a curve has one
        inside = regions(problem, x)["interior"]
        f, f0 = seen.snapshots[-1].midpoint.predict(x)[inside], truth(x)[inside]
        training, noise = (float(np.mean((values - y[inside]) ** 2)) for values in (f, f0))
        risk = float(np.mean((f - f0) ** 2))
        return {
            "risk": risk,
            "over_rate": risk / rate(run),
            "training_error": training,
            "training_error_truth": noise,
            "fits": training <= noise,
            "edge_ratio": float(seen.trajectory.edge_ratio[-1]),
            "bent_neurons": int(seen.trajectory.bent_neurons[-1]),
        }, {}

    return seen.record(measure)
