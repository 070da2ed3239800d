"""What a tiny change of the start becomes: on the network, on a bowl with ripples, and in a double well."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape import dynamics, objectives
from stepscape.experiments.common.arms import Start, start
from stepscape.experiments.frame.limits import EDGE
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.methods import GradientDescent
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record
from stepscape.training import run as train

Array = NDArray[np.float64]
RECORDS = 40  # of the distance of two runs
BURN = 200  # steps that the toys make before they count
ORBIT = 32  # points of an orbit in the double well that are drawn
BINS = np.linspace(-3.0, 3.0, 41)  # of w over the standard deviation of the limit
QUICK: dict[str, Any] = {
    "truth": "tent",
    "n": 30,
    "noise": 0.5,
    "half_width": 3.0,
    "width": 60,
    "step_sizes": (0.1, 0.2, 0.4),
    "steps": 3000,
    "size": 1e-12,
    "ripples": (1e-6, 1.0),
    "ripple_step_sizes": (0.2, 0.5),
    "ripple_starts": 2000,
    "ripple_steps": 600,
    "well_step_sizes": (0.8, 1.2, 1.28, 1.4),
    "well_steps": 3000,
    "seeds": 4,
    "first_seed": 0,
}
FULL: dict[str, Any] = {
    **QUICK,
    "width": 200,
    "step_sizes": (0.05, 0.1, 0.2, 0.3, 0.4),
    "steps": 20_000,
    "ripples": (1e-8, 1e-6, 1e-4, 1.0),
    "ripple_step_sizes": (0.05, 0.2, 0.5, 1.0),
    "ripple_starts": 10_000,
    "ripple_steps": 1000,
    "well_step_sizes": tuple(round(0.9 + 0.01 * i, 2) for i in range(61)),
    "well_steps": 10_000,
    "seeds": 20,
    "first_seed": 100,
}


class NetworkRun(Spec, frozen=True, tag="chaos-network/1"):
    """Descent of the network from two starts that differ by `size`."""

    truth: str
    n: int
    noise: float
    half_width: float
    width: int
    steps: int
    size: float
    seed: int
    step_size: float
    largest_step_size: float
    drawn: bool


class RippleRun(Spec, frozen=True, tag="chaos-ripples/1"):
    """Descent on a bowl with ripples from many starts."""

    ripple: float
    ripple_starts: int
    ripple_steps: int
    seed: int
    step_size: float
    drawn: bool


class WellRun(Spec, frozen=True, tag="chaos-double-well/1"):
    """Descent in a double well from a random start."""

    well_steps: int
    seed: int
    step_size: float
    drawn: bool


AnyRun = NetworkRun | RippleRun | WellRun


def grid(settings: Settings) -> list[AnyRun]:
    """Every step size and seed of the three."""
    at_least(settings, seeds=1, width=1, n=2, steps=8, ripple_starts=2, ripple_steps=1, well_steps=1)
    every, first, etas = seeds(settings), settings["first_seed"], sorted(settings["step_sizes"])
    drawn = {"drawn": lambda run: run.seed == first}
    return [
        *sweep(NetworkRun, settings, seed=every, step_size=etas, largest_step_size=etas[-1], **drawn),
        *sweep(
            RippleRun, settings, ripple=settings["ripples"], seed=every,
            step_size=settings["ripple_step_sizes"], **drawn,
        ),
        *sweep(WellRun, settings, seed=every, step_size=settings["well_step_sizes"], **drawn),
    ]  # fmt: skip


def begin(run: AnyRun) -> object:
    """Build what the run begins with; an impossible step size, ripple or size is refused."""
    if isinstance(run, NetworkRun):
        return network(run)
    GradientDescent(run.step_size, 1)
    return objectives.corrugated(run.ripple) if isinstance(run, RippleRun) else objectives.double_well()


def network(run: NetworkRun) -> tuple[Problem, Start, GradientDescent]:
    """Return the problem, the small start and descent."""
    problem = curve(run.truth, n=run.n, noise=run.noise, seed=run.seed, half_width=run.half_width)
    origin = start("small_init", problem, run.width, run.seed, run.largest_step_size)
    return problem, origin, GradientDescent(run.step_size, run.steps)


def work(run: AnyRun, tick: Tick) -> Record:
    """Carry out one run of any kind."""
    tick(0.1)
    if isinstance(run, NetworkRun):
        return _network(run)
    return _ripples(run) if isinstance(run, RippleRun) else _well(run)


def _network(run: NetworkRun) -> Record:
    problem, origin, method = network(run)
    line, theta = objectives.line(problem, origin.network), origin.network.parameters
    every = max(1, run.steps // RECORDS)
    path = train(line, theta, method, every)
    if path.outcome == "diverged":
        return Record("diverged", reason=path.message)
    apart = dynamics.separation(line, theta, method, run.size, run.seed, every)
    late = path.at_steps >= run.steps // 2
    numbers = {
        "bent_neurons": int(path.census["bent_neurons"][-1]),
        "edge_ratio": float(np.median(path.edge_ratio[late])),
        "edge_reached": bool(np.median(path.edge_ratio[late]) >= EDGE[0]),
        "rate": apart.rate,
        "decades": float(np.log10(max(float(apart.distance[-1]), 1e-300) / run.size)),
        "most_decades": float(np.log10(apart.distance.max() / run.size)),
        "moved": float(apart.moved[-1]),
    }
    arrays = {"steps": apart.steps.astype(float), "distance": apart.distance} if run.drawn else {}
    return Record("finished", numbers, arrays)


def _ripples(run: RippleRun) -> Record:
    """Descend from many starts at once; exponent and variance of the orbits after `BURN` steps."""
    toy, rng = objectives.corrugated(run.ripple), np.random.default_rng(run.seed)
    w, logs, squares = rng.uniform(-1.0, 1.0, run.ripple_starts), 0.0, 0.0
    for step in range(BURN + run.ripple_steps):
        if step >= BURN:
            slope = np.abs(1.0 - run.step_size * toy.curvature(w))
            logs += float(np.mean(np.log(np.maximum(slope, 1e-300))))
            squares += float(np.mean(w * w))
        w = w - run.step_size * toy.gradient(w)
    limit = run.step_size / (2.0 * (2.0 - run.step_size))
    numbers = {
        "exponent": logs / run.ripple_steps,
        "exponent_limit": float(np.log(run.step_size / (2.0 * run.ripple))),
        "variance": squares / run.ripple_steps,
        "variance_limit": limit,
    }
    counts = np.histogram(w / np.sqrt(limit), BINS)[0]
    density = counts / (w.size * np.diff(BINS))
    return Record("finished", numbers, {"density": density} if run.drawn else {})


def _well(run: WellRun) -> Record:
    """Descend in the double well; its exponent, and how far its last two points are from the swing."""
    toy, rng = objectives.double_well(), np.random.default_rng(run.seed)
    w, eta, total = rng.uniform(0.5, 0.9, 1), run.step_size, 0.0
    points = np.empty(BURN + run.well_steps)
    for step in range(points.size):
        points[step] = w[0]
        if step >= BURN:
            total += float(np.log(max(abs(1.0 - eta * (3.0 * w[0] * w[0] - 1.0)), 1e-300)))
        w = w - eta * toy.gradient(w)
        if not abs(w[0]) < 1e6:
            return Record("diverged", reason=f"descent left the double well at step {step}")
    numbers = {"exponent": total / run.well_steps}
    if eta > 1.0:
        one, other = points[-1], points[-2]
        numbers["swing_error"] = max(abs(one * other - 1.0 / eta), abs((one + other) ** 2 - 1.0 - 3.0 / eta))
    return Record("finished", numbers, {"orbit": points[-ORBIT:]} if run.drawn else {})
