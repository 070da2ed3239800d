"""How the swing of descent holds the sharpness at the edge: in a toy with two numbers, and in networks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape import dynamics, objectives
from stepscape.curvature.lanczos import settle
from stepscape.dynamics.central_flow import derivatives_of_curvature
from stepscape.errors import NotConverged
from stepscape.experiments.edge.small_networks import near_the_edge, small_network
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.methods import GradientDescent
from stepscape.tables.records import Record

Array = NDArray[np.float64]
CLEAR = 0.01  # of 2/η: nearer to it the growth of the swing has no sign
ONSET = 0.1  # of the force of the slope: once the swing pulls that much, its steps are looked at
FEWEST = 30  # of these steps
TOLERANCE = 1e-8  # of Lanczos
POINTS = 1500  # of an orbit of the toy that are drawn
POINTS_OF_ENERGY = 400  # that are drawn of the energy over the steps
QUICK: dict[str, Any] = {
    "networks": ("gelu",),
    "width": 20,
    "steps": 350,
    "patience": 3000,
    "cycle_step_size": 0.1,
    "slopes": (0.003, 0.01),
    "cycle_steps": 20_000,
    "seeds": 4,
    "first_seed": 0,
}
FULL: dict[str, Any] = {
    **QUICK,
    "networks": ("gelu", "spiral", "tanh"),
    "width": 20,
    "steps": 1000,
    "patience": 6000,
    "slopes": (0.001, 0.003, 0.01, 0.03),
    "cycle_steps": 200_000,
    "seeds": 20,
    "first_seed": 100,
}


class StabilizationRun(Spec, frozen=True, tag="self-stabilization/1"):
    """Descent on a network at the edge, its sharpness and swing measured at every step."""

    network: str
    width: int
    steps: int
    patience: int
    seed: int
    drawn: bool


class ToyRun(Spec, frozen=True, tag="self-stabilization-toy/3"):
    """Descent on ½x²(2/η + y) − αy from a random start."""

    cycle_step_size: float
    slope: float
    cycle_steps: int
    seed: int
    drawn: bool


AnyRun = StabilizationRun | ToyRun


def grid(settings: Settings) -> list[AnyRun]:
    """Every network, slope and seed."""
    at_least(settings, seeds=1, width=2, steps=20, patience=200, cycle_steps=100)
    every, first = seeds(settings), settings["first_seed"]
    drawn = {"drawn": lambda run: run.seed == first}
    return [
        *sweep(StabilizationRun, settings, network=settings["networks"], seed=every, **drawn),
        *sweep(ToyRun, settings, slope=settings["slopes"], seed=every, **drawn),
    ]


def begin(run: AnyRun) -> object:
    """Build what the run begins with; an unknown network, and a wrong slope, are refused."""
    if isinstance(run, ToyRun):
        return objectives.self_stabilizing(run.cycle_step_size, run.slope)
    return small_network(run.network, run.width, run.seed)


def work(run: AnyRun, tick: Tick) -> Record:
    """Carry out one run of either kind."""
    tick(0.1)
    return _toy(run) if isinstance(run, ToyRun) else _network(run)


def _toy(run: ToyRun) -> Record:
    """Return how the energy of the cycles changes."""
    rng, eta, alpha = np.random.default_rng(run.seed), run.cycle_step_size, run.slope
    x, y = np.sqrt(2.0 * alpha) * np.exp(rng.uniform(-1.0, 0.0)), np.sqrt(alpha) * rng.uniform(-0.5, 0.5)
    points, lost = np.empty((run.cycle_steps + 1, 2)), ""
    points[0] = x, y
    for step in range(run.cycle_steps):
        # The gradient of objectives.self_stabilizing, written out for speed.
        x, y = -(1.0 + eta * y) * x, y + eta * (alpha - 0.5 * x * x)
        if not (abs(y) < 1e6 and x != 0.0):
            points, lost = points[: step + 1], f"the swing left its cycle at step {step}"
            break
        points[step + 1] = x, y
    rest = 0.5 * alpha * (1.0 - np.log(2.0 * alpha))  # E where x² = 2α and y = 0
    energy = objectives.self_stabilizing(eta, alpha).energy(points) - rest
    arrays = {"orbit": points[:POINTS], "energy": _thinned(energy / energy[0])} if run.drawn else {}
    if lost:
        return Record("diverged", {}, arrays, lost)
    numbers = {
        "energy_growth": float(energy[-1] / energy[0]),
        "largest_excursion": float(points[:, 1].max() * eta / 2.0),
    }
    return Record("finished", numbers, arrays)


def _thinned(values: Array) -> Array:
    """Return steps and values (2, m): the first, the last, and some between, spread in the logarithm."""
    steps = np.unique(np.geomspace(1, len(values), POINTS_OF_ENERGY).astype(int)) - 1
    return np.array([steps, values[steps]])


def _network(run: StabilizationRun) -> Record:
    net = near_the_edge(run.network, run.width, run.seed, run.patience)
    numbers: dict[str, Any] = {"edge_reached": net.skip >= 0, "initial_edge_ratio": net.initial_edge_ratio}
    if net.skip < 0:
        return Record("finished", numbers)
    eta = net.step_size
    try:
        method = GradientDescent(eta, net.skip + run.steps + 1)
        orbit = dynamics.orbit(net.objective, net.theta, method, net.skip)
    except NotConverged as error:
        return Record("diverged", numbers, reason=str(error))
    rows, vector = [], None
    for middle, swing in zip(orbit.theta, orbit.swing, strict=True):
        pair = settle(net.objective.hessian(middle), vector, TOLERANCE)
        vector = pair.vector
        slope = derivatives_of_curvature(net.objective, middle, vector[:, None])[0]
        force, bend = -float(net.objective.gradient(middle) @ slope), float(slope @ slope)
        rows.append((pair.value, float(vector @ swing), force, bend))
    table = np.array(rows).T
    sharpness, swing, force, bend = table
    numbers |= measured(sharpness, swing, force, bend, eta)
    names = ("sharpness", "swing", "force", "bend")
    arrays = dict(zip(names, table, strict=True)) if run.drawn else {}
    return Record("finished", numbers, {**arrays, "eta": np.array([eta])} if arrays else {})


def measured(sharpness: Array, swing: Array, force: Array, bend: Array, eta: float) -> dict[str, Any]:
    """Share of the change of λ that η(α − ½βx²) explains; growth of the swing; balance of both forces."""
    change, pull = np.diff(sharpness), 0.5 * bend * swing**2
    onset = np.flatnonzero(pull >= ONSET * np.abs(force))
    at = np.arange(onset[0] if onset.size else change.size, change.size)
    if at.size < FEWEST:
        return {"swings": False}
    miss, spread = (change - eta * (force - pull)[:-1])[at], change[at] - change[at].mean()
    size, clear = np.abs(swing), np.abs(0.5 * eta * sharpness[at] - 1.0) > CLEAR
    seen = at[clear]
    grows, above = size[seen + 1] > size[seen], sharpness[seen] * eta > 2.0
    return {
        "swings": True,
        "steps_with_swing": int(at.size),
        "explained": float(1.0 - np.sum(miss**2) / np.sum(spread**2)),
        "growth_agrees": float(np.mean(grows == above)) if seen.size else float("nan"),
        "balance": float(np.mean(pull[at]) / np.mean(force[at])),
        "late_edge_ratio": float(np.median(sharpness[at]) * eta / 2.0),
    }
