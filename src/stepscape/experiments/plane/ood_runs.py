"""Runs whose dead neurons are looked at: whether they come back, and what they do away from the data."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad
from stepscape.experiments.frame.follow import Followed, evenly, follow
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.plane.columns import measured
from stepscape.experiments.plane.data import TARGETS
from stepscape.experiments.plane.references import references
from stepscape.experiments.plane.runs import Setup, begin, plane_sweep, settling
from stepscape.experiments.plane.spec import PlaneRun
from stepscape.lab.pool import Tick
from stepscape.lab.spec import stream
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem, geometry
from stepscape.tables.records import Record

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
CLIP = 50.0
ARMS: dict[str, dict[str, Any]] = {
    "plain": {"start": "torch", "clip": CLIP, "momentum": 0.0},
    "decay": {"start": "torch", "clip": CLIP, "momentum": 0.0},
    "momentum": {"start": "torch", "clip": CLIP},
    "matched": {"start": "matched", "clip": 0.0, "momentum": 0.0},
}


class OodRun(PlaneRun, frozen=True, tag="plane-ood/1"):
    """A run of an arm, whose network is then asked on spheres around the data.

    Attributes
    ----------
    altered : whether the method is another than plain gradient descent.
    radii : of the spheres, in units of that of the data, as text with spaces between them.
    probes : inputs on each sphere.
    """

    arm: str
    altered: bool
    momentum: float
    radii: str
    probes: int


def grid(settings: Settings) -> list[OodRun]:
    """Every arm and seed."""
    at_least(settings, probes=1, records=2)
    if not min(settings["radii"]) > 0.0:
        raise bad("radii", "be positive", min(settings["radii"]))
    own = {
        "decay": {"weight_decay": settings["weight_decay"]},
        "momentum": {"momentum": settings["momentum"], "step_size": settings["momentum_step_size"]},
    }
    plain = {"weight_decay": 0.0, "step_size": settings["step_size"]}
    arms = [{"arm": name, **plain, **fields, **own.get(name, {})} for name, fields in ARMS.items()]
    return plane_sweep(
        OodRun, settings, arms=arms, seed=seeds(settings), drawn=False,
        altered=lambda run: run.momentum > 0.0 or run.weight_decay > 0.0,
        radii=" ".join(f"{radius:g}" for radius in settings["radii"]),
    )  # fmt: skip


def start(run: OodRun) -> Setup:
    """Return the setup of a run with its momentum."""
    made = begin(run)
    method = GradientDescent(
        run.step_size, run.steps, momentum=run.momentum, weight_decay=run.weight_decay, clip=run.clip or None
    )
    return Setup(made.samples, made.start, method)


def work(run: OodRun, tick: Tick) -> Record:
    """Train, follow the dead neurons over the records, and ask the network on the spheres.

    Columns besides those of `columns.measured`: see `_afterlife` and `_away`. No arrays are kept.
    """
    setup = start(run)
    problem, fresh = setup.samples.problem, setup.samples.fresh
    at = {settling(run.steps), *evenly(run.steps, run.records)}
    seen = follow(problem, setup.start, setup.method, at, tick)

    def measure() -> tuple[dict[str, Any], dict[str, Any]]:
        last = seen.snapshots[-1].midpoint
        numbers = measured(seen, problem, fresh, seen.at(settling(run.steps)))
        numbers |= {**_afterlife(seen, problem), **_away(run, problem, fresh, last)}
        return {**numbers, **references(problem, fresh)}, {}

    return seen.record(measure)


def dead(problem_points: Array, network: TwoLayerReLU) -> Mask:
    """Mask (k,) of the neurons that are active on none of the points (m, d)."""
    z = problem_points @ network.w1.reshape(network.width, -1).T + network.b1
    return np.asarray(~(z > 0.0).any(axis=0))


def _afterlife(seen: Followed, problem: Problem) -> dict[str, int]:
    """Count dead neurons over the records, and those of them that are alive at a later record.

    ``observed``: pairs of a dead neuron and a later record; ``returned``: those at which it is alive;
    ``recovered_neurons``: neurons that were dead at some record and alive at a later one.
    """
    masks = np.array([dead(problem.points, each.network) for each in seen.snapshots])
    ever = np.logical_or.accumulate(masks, axis=0)[:-1]
    back = ever & ~masks[1:]
    return {
        "observed": int(ever.sum()),
        "returned": int(back.sum()),
        "recovered_neurons": int(back.any(axis=0).sum()),
    }


def _away(run: OodRun, problem: Problem, fresh: Problem, network: TwoLayerReLU) -> dict[str, Any]:
    """Ask the network, and the network without its dead neurons, on the data and on spheres.

    ``changed``: largest change of a prediction on the data when the dead neurons are removed;
    ``awake_fresh``, ``awake_R``: share of the dead neurons active on some fresh input, or at radius R;
    ``error_R``, ``pruned_R``: root mean square distance to the truth there, whole and without dead neurons.
    """
    gone = dead(problem.points, network)
    pruned = without(network, gone)
    change = network.predict(problem.inputs) - pruned.predict(problem.inputs)
    found: dict[str, Any] = {
        "changed": float(np.abs(change).max()),
        "awake_fresh": _awake(fresh.points, network, gone),
    }
    units = geometry.sphere(run.probes, run.dimension, stream(run.seed, "probes"))
    for radius in map(float, run.radii.split()):
        x = radius * units
        truth = run.amplitude * TARGETS[run.target](x)
        found[f"awake_{radius:g}"] = _awake(x, network, gone)
        for name, net in (("error", network), ("pruned", pruned)):
            found[f"{name}_{radius:g}"] = float(np.sqrt(np.mean((net.predict(x) - truth) ** 2)))
    return found


def without(network: TwoLayerReLU, gone: Mask) -> TwoLayerReLU:
    """Return the network without some neurons: their output weights are 0."""
    return TwoLayerReLU(network.w1, network.b1, np.where(gone, 0.0, network.w2), network.b2)


def _awake(points: Array, network: TwoLayerReLU, gone: Mask) -> float:
    """Share of the neurons of a mask that are active on some point; nan of none."""
    return float(np.mean(~dead(points, network)[gone])) if gone.any() else float("nan")
