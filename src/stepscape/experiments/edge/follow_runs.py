"""Flows beside descent from just before the edge of stability: their errors, losses and amplitudes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape import dynamics
from stepscape.curvature import largest_eigenpair
from stepscape.dynamics import Curve
from stepscape.errors import InputError, NotConverged
from stepscape.experiments.edge.small_networks import SMOOTH, SmallNetwork, near_the_edge, small_network
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.methods import GradientDescent
from stepscape.tables.records import Record

Array = NDArray[np.float64]
FLOWS = {
    "gradient": "gradient flow",
    "central": "central flow",
    "rod": "rod flow, one rod",
    "rods": "rod flow, three rods",
    "mirror": "mirror flow",
}
CHANGE = 1e-6  # of the start: what becomes of it is the chaos floor
DRAWN = 100  # points of the sharpness of a curve that is drawn
QUICK: dict[str, Any] = {
    "networks": ("relu",),
    "width": 6,
    "steps": 80,
    "window": 20,
    "patience": 1000,
    "seeds": 4,
    "first_seed": 0,
}
FULL: dict[str, Any] = {
    "networks": ("relu", "gelu", "spiral", "tanh", "deep_relu"),
    "width": 20,
    "steps": 800,
    "window": 50,
    "patience": 6000,
    "seeds": 20,
    "first_seed": 100,
}


class FollowRun(Spec, frozen=True, tag="flows/1"):
    """Descent and the flows of one network, with a smooth loss or with kinks, from one start."""

    network: str
    width: int
    steps: int
    window: int
    patience: int
    seed: int
    smooth: bool
    drawn: bool


def grid(settings: Settings) -> list[FollowRun]:
    """Every network and seed."""
    at_least(settings, seeds=1, width=2, window=2, patience=200)
    at_least(settings, steps=2 * settings["window"])
    first = settings["first_seed"]
    return sweep(
        FollowRun, settings, network=settings["networks"], seed=seeds(settings),
        smooth=lambda run: run.network in SMOOTH, drawn=lambda run: run.seed == first,
    )  # fmt: skip


def begin(run: FollowRun) -> object:
    """Build the network; an unknown one is refused."""
    return small_network(run.network, run.width, run.seed)


def work(run: FollowRun, tick: Tick) -> Record:
    """Follow descent, a twin of it, and each flow from the steps before the edge."""
    net = near_the_edge(run.network, run.width, run.seed, run.patience)
    numbers: dict[str, Any] = {
        "initial_edge_ratio": net.initial_edge_ratio,
        "edge_reached": net.skip >= 0,
        "steps_before": net.skip,
    }
    if net.skip < 0:
        return Record("finished", numbers)
    tick(0.1)
    method = GradientDescent(net.step_size, net.skip + run.steps + 1)
    try:
        orbit = dynamics.orbit(net.objective, net.theta, method, net.skip)
    except NotConverged as error:
        return Record("diverged", numbers, reason=str(error))
    curves = {"descent": orbit}
    for number, (name, flow) in enumerate(_flows(net, orbit, method, run.seed).items()):
        try:
            curves[name] = flow()
        except (InputError, NotConverged) as error:
            numbers[f"{name}_refused"] = str(error)
        tick(0.2 + 0.7 * number / len(FLOWS))
    for name, each in curves.items():
        if name != "descent":
            numbers |= _against(name, each, orbit, run.window)
    numbers["late_edge_ratio"] = _late_ratio(net, orbit)
    return Record("finished", numbers, _arrays(net, curves, run.window) if run.drawn else {})


def _flows(
    net: SmallNetwork, orbit: Curve, method: GradientDescent, seed: int
) -> dict[str, Callable[[], Curve]]:
    """Return what solves each flow; ``twin`` is descent from a start that differs a little."""
    place = (net.objective, net.theta, method)
    direction = np.random.default_rng(seed).standard_normal(net.theta.size)
    twin = net.theta + CHANGE * direction / np.linalg.norm(direction)
    end, count = float(orbit.time[-1]), orbit.time.size - 1
    return {
        "twin": lambda: dynamics.orbit(net.objective, twin, method, net.skip),
        "gradient": lambda: dynamics.gradient_flow(net.objective, orbit.theta[0], end, count, tolerance=1e-2),
        "mirror": lambda: dynamics.mirror_flow(*place, skip=net.skip),
        "central": lambda: dynamics.central_flow(*place, skip=net.skip),
        "rod": lambda: dynamics.rod_flow(*place, skip=net.skip),
        "rods": lambda: dynamics.rod_flow(*place, skip=net.skip, rods=3),
    }


def _against(name: str, flow: Curve, orbit: Curve, window: int) -> dict[str, float]:
    """Error of a flow, of its loss, and its amplitude over that of descent.

    The error is the mean distance of means over a window, over the largest move of descent; that of the loss
    the median of |log| of the ratio of mean losses; amplitudes are root mean squares over the last half.
    """
    gap = dynamics.compare(orbit, flow, window=window)
    way, late = float(gap.moved.max()), slice(orbit.time.size // 2, None)
    swing, real = (float(np.sqrt(np.mean(each.amplitude[late] ** 2))) for each in (flow, orbit))
    known = gap.loss[np.isfinite(gap.loss)]
    return {
        f"{name}_error": float(np.mean(gap.parameters) / way) if way > 0.0 else float("nan"),
        f"{name}_loss_error": float(np.median(np.abs(known))) if known.size else float("nan"),
        f"{name}_amplitude": swing / real if real > 0.0 else float("nan"),
    }


def _late_ratio(net: SmallNetwork, orbit: Curve) -> float:
    """Median edge ratio of the midpoints over the last half, at ten places."""
    places = np.linspace(orbit.time.size // 2, orbit.time.size - 1, 10).astype(int)
    return float(np.median([_ratio(net, orbit.theta[at]) for at in places]))


def _ratio(net: SmallNetwork, theta: Array) -> float:
    pair = largest_eigenpair(net.objective.hessian(theta), tolerance=1e-4)
    return pair.value * net.step_size / 2.0


def _arrays(net: SmallNetwork, curves: dict[str, Curve], window: int) -> dict[str, Array]:
    """Distance, mean loss and sharpness of each curve over the steps, and the plane of the first seed.

    The plane is spanned by the way of descent and by the direction of its last swing.
    """
    orbit = curves["descent"]
    way, places = (
        orbit.theta[-1] - orbit.theta[0],
        np.unique(np.linspace(0, orbit.time.size - 1, DRAWN).astype(int)),
    )
    across = orbit.swing[-1] / max(float(np.linalg.norm(orbit.swing[-1])), 1e-300)
    along = way - across * float(across @ way)
    axes = np.column_stack([along / max(float(np.linalg.norm(along)), 1e-300), across])
    out = {"places": places.astype(float)}
    for name, curve in curves.items():
        out[f"{name}_loss"] = curve.smoothed(window).mean_loss
        out[f"{name}_plane"] = (curve.theta - orbit.theta[0]) @ axes
        if name in ("descent", "mirror"):
            out[f"{name}_swing"] = curve.swing @ axes
        if name in ("descent", "gradient", "mirror", "central", "rod"):
            out[f"{name}_ratio"] = np.array([_ratio(net, curve.theta[at]) for at in places])
        if name != "descent":
            gap = dynamics.compare(orbit, curve, window=window)
            out[f"{name}_gap"] = gap.parameters / float(gap.moved.max())
    return out
