"""One trained network and the largest gap between fresh and training error in its certified class.

At fixed inputs with labels y = f0 + ε, fresh labels y' of the same law, and a function h,

    gap(h) = E (1/n) Σ (h_i − y'_i)² − (1/n) Σ (h_i − y_i)² = σ² − (1/n) Σ ε_i² + (2/n) Σ ε_i (h_i − f0_i),

so that (1/n) Σ (h_i − f0_i)² = training error − σ² + gap(h), and the supremum of the gap over a class of flat
functions is a linear program.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stepscape.experiments.common.arms import ARMS, Start, equal_time, start
from stepscape.experiments.frame.follow import Followed, follow, with_moments
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.measures import prediction_gain, tightest_worst_case
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record
from stepscape.theory import Certificate, FlatClass, expected_gap, worst_case_gap

QUICK: dict[str, Any] = {
    "truth": "tent",
    "sizes": (30,),
    "noise": 0.5,
    "half_width": 3.0,
    "width": 60,
    "step_sizes": (0.05, 0.2, 0.8),
    "steps": 1500,
    "draws": 3,
    "arms": tuple(ARMS),
    "seeds": 4,
    "first_seed": 0,
}


class GapRun(Spec, frozen=True, tag="worst-case-gap/1"):
    """Descent on one sample, and the suprema over the classes of its end and of equal time."""

    truth: str
    n: int
    noise: float
    half_width: float
    width: int
    steps: int
    draws: int
    arm: str
    seed: int
    step_size: float
    smallest_step_size: float
    largest_step_size: float


def grid(settings: Settings) -> list[GapRun]:
    """Every size, arm, seed and step size."""
    at_least(settings, seeds=1, width=1, steps=1, draws=2)
    at_least({"sizes": min(settings["sizes"])}, sizes=4)
    etas = sorted(settings["step_sizes"])
    return sweep(
        GapRun,
        settings,
        n=settings["sizes"],
        arm=settings["arms"],
        seed=seeds(settings),
        step_size=etas,
        smallest_step_size=etas[0],
        largest_step_size=etas[-1],
    )


def begin(run: GapRun) -> tuple[Problem, Start]:
    """Return the sample and the start."""
    problem = curve(run.truth, n=run.n, noise=run.noise, seed=run.seed, half_width=run.half_width)
    origin = start(run.arm, problem, run.width, run.seed, run.largest_step_size)
    origin.method(run.step_size, run.steps)
    return problem, origin


def work(run: GapRun, tick: Tick) -> Record:
    """Train, and measure the end and the moment of equal time."""
    problem, origin = begin(run)
    same_time = equal_time(problem, origin, run.step_size, run.smallest_step_size, run.steps)
    method = origin.method(run.step_size, run.steps)
    seen = follow(problem, origin.network, method, [same_time], lambda done: tick(0.7 * done))

    def measure() -> tuple[dict[str, Any], dict[str, Any]]:
        tick(0.8)
        moments = {"equal_time": seen.at(same_time)}
        numbers = with_moments(_end(run, seen), moments, lambda record: _class(run, seen, record)[0])
        return numbers, {}

    return seen.record(measure)


def _end(run: GapRun, seen: Followed) -> dict[str, Any]:
    """Everything at the end: the class, what the noise could be, and what the table alone proves."""
    numbers, known = _class(run, seen, -1)
    network = seen.snapshots[-1].midpoint
    if known is not None:
        numbers |= _stand_ins(run, seen.problem, known)
    return {
        "edge_ratio": float(seen.trajectory.edge_ratio[-1]),
        "bent_neurons": int(seen.trajectory.bent_neurons[-1]),
        **numbers,
        **_identity(run, seen.problem, network),
        **_table(run, seen.problem, network),
    }


def _class(run: GapRun, seen: Followed, record: int) -> tuple[dict[str, Any], Certificate | None]:
    """Gap of the midpoint network of a record and the largest in its class; only the gap with no class.

    ``slack``: what rounding may have done to the difference.
    """
    problem, network = seen.problem, seen.snapshots[record].midpoint
    noise, truth = _noise(problem)
    free = run.noise**2 - float(np.mean(noise**2))
    own = free + 2.0 * float(np.mean(noise * (network.predict(problem.inputs) - truth)))
    found = tightest_worst_case(problem, network)
    if found.verdict == "inapplicable":
        return {"gap": own, "supremum": None, "slack": None, "variation": None, "height": None}, None
    return {
        "gap": own,
        "supremum": free + found.details["noise"],
        "slack": found.tolerance,
        "variation": found.details["variation"],
        "height": found.details["height"],
    }, found


def _stand_ins(run: GapRun, problem: Problem, known: Certificate) -> dict[str, Any]:
    """Return the largest noise term (2/n) Σ ε_i h_i: of the labels, of random signs, of fresh noise.

    Functions count from the center of the class, so that no term is left that all of them share.
    """
    flat = FlatClass(problem.inputs, known.details["variation"], known.details["height"])
    noise, _ = _noise(problem)
    seed = stream(run.seed, "signs")
    return {
        "with_noise": worst_case_gap(flat, noise, np.zeros(noise.size)).value,
        "with_signs": expected_gap(flat, run.noise, run.draws, seed, "signs").value,
        "with_fresh_noise": expected_gap(flat, run.noise, run.draws, seed).value,
    }


def _identity(run: GapRun, problem: Problem, network: TwoLayerReLU) -> dict[str, Any]:
    """Both sides of error to the truth = training error − σ² + gap, the gap from the noise alone."""
    noise, truth = _noise(problem)
    fitted = network.predict(problem.inputs)
    gap = run.noise**2 - float(np.mean(noise**2)) + 2.0 * float(np.mean(noise * (fitted - truth)))
    error, training = problem.design_error(fitted), 2.0 * problem.training_loss(fitted)
    size = error + training + run.noise**2 + float(np.mean(noise**2))
    return {
        "error": error,
        "training_error": training,
        "identity_error": (error - (training - run.noise**2 + gap)) / size,
    }


def _table(run: GapRun, problem: Problem, network: TwoLayerReLU) -> dict[str, Any]:
    """Return what inputs and labels alone prove, and the true gain over the mean label."""
    _, truth = _noise(problem)
    blind = Problem(problem.inputs, problem.labels)
    found = prediction_gain(blind, network, draws=run.draws, seed=stream(run.seed, "table"))
    mean = float(np.mean((problem.labels.mean() - truth) ** 2))
    return {
        "proved_gain": found.gain.value if found.gain else None,
        "mean_gain": found.gain.in_the_mean if found.gain else None,
        "true_gain": mean - problem.design_error(network.predict(problem.inputs)),
        "estimated_noise": found.noise,
    }


def _noise(problem: Problem) -> tuple[Any, Any]:
    """Return ε and f0 at the inputs."""
    assert problem.truth is not None  # a curve has one
    truth = problem.truth(problem.inputs)
    return problem.labels - truth, truth
