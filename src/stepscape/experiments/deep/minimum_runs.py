"""One method at one minimum: whether a small change shrinks or grows, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from stepscape.curvature import largest_eigenpair
from stepscape.errors import NotConverged, bad
from stepscape.experiments.deep.minimum import (
    critical_step_size,
    linear_rate,
    minimum,
    rate_at,
    with_step_size,
)
from stepscape.experiments.deep.networks import network
from stepscape.experiments.deep.optimizers import optimizer
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.methods import Adam, AdamW, Method, RMSProp
from stepscape.objectives.layered_network import LayeredNetwork
from stepscape.tables.records import Record
from stepscape.training import run as train

QUICK: dict[str, Any] = {
    "n": 8,
    "degree": 2,
    "width": 20,
    "layers": 2,
    "activation": "tanh",
    "scale": 1.0,
    "algorithms": (
        "descent", "heavy-ball", "nesterov", "heavy-ball-0.9", "rmsprop", "scalar-rmsprop", "adam",
    ),
    "epsilon": 0.1,
    "below": 0.98,
    "above": 1.02,
    "size": 1e-9,
    "leaving_size": 1e-3,
    "steps": 600,
    "seeds": 6,
    "first_seed": 0,
}  # fmt: skip
FULL: dict[str, Any] = {**QUICK, "steps": 10_000, "seeds": 40, "first_seed": 100}


class MinimumRun(Spec, frozen=True, tag="minimum/2"):
    """One method at the minimum of one seed."""

    n: int
    degree: int
    width: int
    layers: int
    activation: str
    scale: float
    epsilon: float
    below: float
    above: float
    size: float
    leaving_size: float
    steps: int
    method: str
    seed: int


def grid(settings: Settings) -> list[MinimumRun]:
    """Every method and seed."""
    at_least(settings, seeds=1, n=2, degree=1, width=1, layers=1, steps=1)
    if not 0.0 < settings["below"] < 1.0 < settings["above"]:
        raise bad("below and above", "lie on the two sides of 1", (settings["below"], settings["above"]))
    for name in ("size", "leaving_size"):
        if not 0.0 < settings[name] < 1.0:
            raise bad(name, "lie strictly between 0 and 1", settings[name])
    return sweep(MinimumRun, settings, method=settings["algorithms"], seed=seeds(settings))


def begin(run: MinimumRun) -> tuple[LayeredNetwork, Method]:
    """Return the loss, and the method with step size 1 and the ε of the settings."""
    method = optimizer(run.method).make(1.0, run.steps)
    if isinstance(method, RMSProp | Adam | AdamW):
        method = replace(method, epsilon=run.epsilon)
    return network(run.n, run.degree, (run.width,) * run.layers, run.activation), method


def work(run: MinimumRun, tick: Tick) -> Record:
    """Find the minimum, measure both rates there, and follow a larger change above the threshold."""
    objective, method = begin(run)
    try:
        at = minimum(objective, objective.start(run.scale, run.seed))
    except NotConverged as error:
        return Record("finished", {"minimum": False}, reason=str(error))
    tick(0.3)
    critical = critical_step_size(method, at.top.value)
    numbers: dict[str, Any] = {
        "minimum": True, "loss": at.loss, "gradient": at.gradient, "sharpness": at.top.value,
        "critical": critical,
    }  # fmt: skip
    for name, share in (("below", run.below), ("above", run.above)):
        there = with_step_size(method, share * critical)
        linear, steps = linear_rate(there, at.top.value, run.size)
        numbers[f"linear_{name}"] = linear
        numbers[f"rate_{name}"] = rate_at(objective, there, at, run.size, steps)
    start = at.theta + run.leaving_size * at.top.vector
    leaving = with_step_size(method, run.above * critical)
    path = train(
        objective, start, leaving, record_every=run.steps, measure_sharpness=False,
        progress=lambda done: tick(0.3 + 0.7 * done / run.steps),
    )  # fmt: skip
    if path.outcome == "diverged":
        return Record("diverged", numbers, reason=path.message)
    end = largest_eigenpair(objective.hessian(path.midpoint), tolerance=1e-6)
    numbers["left_ratio"] = end.value / at.top.value
    numbers["moved"] = float(np.linalg.norm(path.midpoint - at.theta))
    return Record("finished", numbers)
