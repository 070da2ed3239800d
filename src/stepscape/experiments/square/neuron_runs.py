"""Runs that follow single neurons: which are active where, which die, come back, and matter beyond the data.

A neuron is dead when it is active on no input. Iterates are looked at one by one at the beginning and at the
end of training, because a neuron that momentum carries comes back within a few steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import unknown
from stepscape.experiments.common.arms import Start, start
from stepscape.experiments.common.tangent import tangent_kernel
from stepscape.experiments.frame.follow import by_log, follow
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.experiments.square.columns import edge, training_errors
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.measures.features import active_sets
from stepscape.measures.measures import measure_trajectory
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
METHODS: dict[str, dict[str, Any]] = {
    "descent": {},
    "weight_decay": {"weight_decay": 1e-3},
    "heavy_ball": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9, "nesterov": True},
    "heavy_ball_decay": {"momentum": 0.9, "weight_decay": 1e-3},
}
METHOD_NAMES = {
    "descent": "plain descent",
    "weight_decay": "weight decay",
    "heavy_ball": "heavy ball",
    "nesterov": "Nesterov",
    "heavy_ball_decay": "heavy ball with weight decay",
}
REACH = 2.0  # beyond: up to so many times the half width
POINTS = 200  # on each side beyond the data
SHOWN = 40  # neurons that a drawn run keeps
KEPT = ("loss", "edge_ratio", "pieces", "weighted_tv", "bent_neurons", "risk_grid", "risk_interior_grid")


class NeuronRun(Spec, frozen=True, tag="neurons/1"):
    """One run; `watched` iterates are looked at one by one at the beginning, and as many at the end."""

    truth: str
    n: int
    noise: float
    half_width: float
    width: int
    steps: int
    watched: int
    arm: str
    method: str
    seed: int
    step_size: float
    largest_step_size: float
    drawn: bool


def grid(settings: Settings) -> list[NeuronRun]:
    """Every range, arm, method, seed and step size."""
    at_least(settings, seeds=1, width=1, steps=1, watched=1, n=2)
    return sweep(
        NeuronRun,
        settings,
        half_width=settings["half_widths"],
        arm=settings["arms"],
        method=settings["methods"],
        seed=seeds(settings),
        step_size=sorted(settings["step_sizes"]),
        largest_step_size=max(settings["step_sizes"]),
        drawn=lambda run: run.seed == settings["first_seed"] and run.method == "descent",
    )


def begin(run: NeuronRun) -> tuple[Problem, Start, GradientDescent]:
    """Return problem, start and method; a method that is not known is refused."""
    if run.method not in METHODS:
        raise unknown("method", run.method, METHODS)
    problem = curve(run.truth, n=run.n, noise=run.noise, seed=run.seed, half_width=run.half_width)
    origin = start(run.arm, problem, run.width, run.seed, run.largest_step_size)
    plain = origin.method(run.step_size, run.steps)
    method = GradientDescent(run.step_size, run.steps, warmup_steps=plain.warmup_steps, **METHODS[run.method])
    return problem, origin, method


def work(run: NeuronRun, tick: Tick) -> Record:
    """Train one network and follow its neurons."""
    problem, origin, method = begin(run)
    early = range(1, min(run.watched, run.steps) + 1)
    late = range(max(1, run.steps - run.watched), run.steps + 1)
    at = {*early, *late, *by_log(run.steps, 2 * run.watched)}
    seen = follow(problem, origin.network, method, at, tick, measure_sharpness=False)

    def measure() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        solution = seen.snapshots[-1].midpoint
        numbers = {
            **{key: x for key, x in measure_trajectory(problem, seen.trajectory).items() if key in KEPT},
            **training_errors(problem, solution),
            **edge(seen.trajectory),
            **fates(problem, [snapshot.network for snapshot in seen.snapshots]),
            **beyond(problem, run.half_width, origin.network, solution),
        }
        return numbers, _neurons(problem, run, origin.network, solution) if run.drawn else {}

    return seen.record(
        measure, {"initial_scale": origin.scale, "steps_made": int(seen.trajectory.at_steps[-1])}
    )


def dead(problem: Problem, network: TwoLayerReLU) -> Mask:
    """Mask of the neurons that are active on no input: by linearity, on neither of the outermost two."""
    x = problem.inputs
    ends = np.multiply.outer((x.min(), x.max()), network.w1) + network.b1
    return np.asarray(~(ends > 0.0).any(axis=0))


def fates(problem: Problem, iterates: Sequence[TwoLayerReLU]) -> dict[str, Any]:
    """Count what became of the neurons over the iterates of a run, as shares of the width.

    ``dead_at_start``, ``dead_at_end``; ``rearranged``: active on other inputs at the end than at the start;
    ``died``: dead at the end, not at the start; ``ever_dead``: in some iterate; ``revived``: active after an
    iterate in which they were dead; ``revived_for_good``: these, and active at the end; ``kernel_change``:
    ‖K_T − K_0‖/‖K_0‖ of the tangent kernels of the inputs, Frobenius norms.
    """
    masks = np.array([dead(problem, network) for network in iterates])
    was = np.logical_or.accumulate(masks, axis=0)
    back = (was[:-1] & ~masks[1:]).any(axis=0) if len(masks) > 1 else np.zeros(masks.shape[1], bool)
    first, last = (active_sets(problem, iterates[i]) for i in (0, -1))
    before, after = (tangent_kernel(iterates[i], problem.inputs, problem.inputs) for i in (0, -1))
    return {
        "dead_at_start": float(masks[0].mean()),
        "dead_at_end": float(masks[-1].mean()),
        "died": float((masks[-1] & ~masks[0]).mean()),
        "ever_dead": float(was[-1].mean()),
        "revived": float(back.mean()),
        "revived_for_good": float((back & ~masks[-1]).mean()),
        "iterates": len(iterates),
        "rearranged": float((first != last).any(axis=0).mean()),
        "kernel_change": float(np.linalg.norm(after - before) / np.linalg.norm(before)),
    }


def beyond(
    problem: Problem, half_width: float, first: TwoLayerReLU, solution: TwoLayerReLU
) -> dict[str, Any]:
    """Mean squared errors to the truth beyond the data, with the dead neurons and without them.

    The points reach from the hull of the data to `REACH` half widths, on both sides. Without its dead neurons
    the network is the same at all inputs.
    """
    x = beyond_points(problem, half_width)
    gone = dead(problem, solution)
    kept = {
        "": np.ones_like(gone),
        "_without_dead": ~gone,
        "_without_died": ~(gone & ~dead(problem, first)),
    }
    assert problem.truth is not None  # every problem of a run has one
    truth = problem.truth(x)
    waking = np.multiply.outer(x, solution.w1[gone]) + solution.b1[gone]
    return {
        "alive_beyond": float((waking > 0.0).any(axis=0).sum() / gone.size),
        **{
            f"risk_beyond{name}": float(np.mean((part(solution, mask).predict(x) - truth) ** 2))
            for name, mask in kept.items()
        },
    }


def beyond_points(problem: Problem, half_width: float) -> Array:
    """Points beyond the hull of the data, as many on each side."""
    low, high = problem.line.hull
    far = REACH * half_width
    return np.concatenate([np.linspace(-far, low, POINTS), np.linspace(high, far, POINTS)])


def part(network: TwoLayerReLU, kept: Mask) -> TwoLayerReLU:
    """Return the network with the output of the other neurons set to 0."""
    return TwoLayerReLU(network.w1, network.b1, np.where(kept, network.w2, 0.0), network.b2)


def _neurons(
    problem: Problem, run: NeuronRun, first: TwoLayerReLU, solution: TwoLayerReLU
) -> dict[str, Array]:
    """Keep a few neurons before and after, and the solution with and without its dead ones."""
    chosen = np.unique(np.linspace(0, run.width - 1, min(SHOWN, run.width)).astype(int))
    far = REACH * run.half_width
    x = np.linspace(-far, far, 2 * POINTS + 1)
    assert problem.truth is not None
    return {
        "inputs": problem.inputs,
        "labels": problem.labels,
        "grid": x,
        "truth": np.asarray(problem.truth(x)),
        "solution": solution.predict(x),
        "without_dead": part(solution, ~dead(problem, solution)).predict(x),
        "before": np.array([each[chosen] for each in (first.w1, first.b1, first.w2)]),
        "after": np.array([each[chosen] for each in (solution.w1, solution.b1, solution.w2)]),
    }
