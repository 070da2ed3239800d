"""Descent step by step through the edge of stability: which steps raise the loss, and their curvature."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature.lanczos import settle
from stepscape.dynamics import step_curvature
from stepscape.experiments.edge.small_networks import SMOOTH, SmallNetwork, near_the_edge, small_network
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.objectives.objective import Objective, secant
from stepscape.tables.records import Record

Array = NDArray[np.float64]
LOOKS = 9  # measurements of the sharpness
LARGEST = 1e6  # a loss beyond it has diverged
CLEAR = 1e-3  # of L: smaller changes of the loss are not told from rounding, and decide no sign
FLOOR = 1e-20  # a smaller loss is half the mean square of residuals near rounding: its change is not known
EXACT = 1e-4  # of L: error of the integral of the curvature, where the loss is smooth
QUICK: dict[str, Any] = {
    "networks": ("gelu",),
    "width": 20,
    "steps": 250,
    "patience": 3000,
    "seeds": 6,
    "first_seed": 0,
}
FULL: dict[str, Any] = {
    "networks": ("relu", "gelu", "spiral", "tanh", "deep_relu"),
    "width": 20,
    "steps": 3000,
    "patience": 6000,
    "seeds": 20,
    "first_seed": 100,
}


class StepsRun(Spec, frozen=True, tag="nonmonotone/3"):
    """Descent on a network, every step of it measured from just before the edge on."""

    network: str
    width: int
    steps: int
    patience: int
    seed: int
    drawn: bool


def grid(settings: Settings) -> list[StepsRun]:
    """Every network and seed."""
    at_least(settings, seeds=1, width=2, steps=40, patience=200)
    first = settings["first_seed"]
    return sweep(
        StepsRun, settings, network=settings["networks"], seed=seeds(settings),
        drawn=lambda run: run.seed == first,
    )  # fmt: skip


def begin(run: StepsRun) -> object:
    """Build the network; an unknown one is refused."""
    return small_network(run.network, run.width, run.seed)


def work(run: StepsRun, tick: Tick) -> Record:
    """Follow the steps before the edge, and those at it."""
    net = near_the_edge(run.network, run.width, run.seed, run.patience)
    numbers: dict[str, Any] = {"edge_reached": net.skip >= 0, "initial_edge_ratio": net.initial_edge_ratio}
    if net.skip < 0:
        return Record("finished", numbers)
    tick(0.3)
    theta, rises_before = net.theta, 0
    loss = net.objective.loss(theta)
    for _ in range(net.skip):
        theta = theta - net.step_size * net.objective.gradient(theta)
        after = net.objective.loss(theta)
        rises_before, loss = rises_before + int(after > loss), after
    numbers |= {"rises_before": rises_before, "steps_before": net.skip}
    rows = _rows(net, theta, run.steps, smooth=run.network in SMOOTH)
    if rows is None:
        return Record("diverged", numbers, reason="the loss left every bound")
    tick(0.9)
    losses, squares, curvatures, secants, ratios = rows
    ratios = ratios[np.isfinite(ratios)]
    late = slice(run.steps // 2, None)
    change, predicted = np.diff(losses), -net.step_size * squares * (1.0 - 0.5 * net.step_size * curvatures)
    scale, known = losses[:-1], np.minimum(losses[:-1], losses[1:]) > FLOOR
    clear = known & (np.abs(change) > CLEAR * scale)
    wrong = clear & ((change > 0.0) != (curvatures > 2.0 / net.step_size))
    weights = squares[late]
    tenths = losses[-(losses.size // 10) :].mean() / losses[run.steps // 2 :][: losses.size // 10].mean()
    numbers |= {
        "late_edge_ratio": float(np.median(ratios)),
        "rising_share": float(np.mean(change[late] > 0.0)),
        "identity_error": float(np.max(np.abs(change - predicted)[known] / scale[known], initial=0.0)),
        "clear_steps": int(clear.sum()),
        "wrong_signs": int(wrong.sum()),
        "median_secant": float(np.median(secants[late]) * net.step_size / 2.0),
        "weighted_secant": float(np.sum(weights * secants[late]) / np.sum(weights) * net.step_size / 2.0),
        "mean_secant": float(np.mean(secants[late]) * net.step_size / 2.0),
        "late_over_middle": float(tenths),
    }
    names = ("loss", "curvature", "secant")
    arrays = dict(zip(names, (losses, curvatures, secants), strict=True)) if run.drawn else {}
    return Record("finished", numbers, {**arrays, "eta": np.array([net.step_size])} if arrays else {})


def _rows(net: SmallNetwork, theta: Array, steps: int, smooth: bool) -> tuple[Array, ...] | None:
    """Losses (steps + 1,), ‖∇L‖², M, D and edge ratio of the steps (steps,); None if they diverge.

    The edge ratio is that of the middle of a step, measured at some steps of the last half, nan elsewhere.
    """
    o, eta, looks = net.objective, net.step_size, np.linspace(steps // 2, steps - 1, LOOKS).astype(int)
    losses, rows = [o.loss(theta)], []
    gradient = o.gradient(theta)
    for step in range(steps):
        after = theta - eta * gradient
        loss = o.loss(after)
        if not abs(loss) < LARGEST:
            return None
        then = o.gradient(after)
        bend = _bend(o, theta, after, losses[-1], smooth)
        mean = secant(then - gradient, after - theta)
        middle = 0.5 * (theta + after)
        ratio = settle(o.hessian(middle), tolerance=1e-4).value * eta / 2.0 if step in looks else np.nan
        rows.append((float(gradient @ gradient), bend, mean, ratio))
        losses.append(loss)
        theta, gradient = after, then
    return (np.array(losses), *np.array(rows).T)


def _bend(o: Objective, theta: Array, after: Array, loss: float, smooth: bool) -> float:
    """M of the step: to a tolerance where the loss is smooth; kinks would never let it come to that."""
    if smooth:
        return step_curvature(o, theta, after, nodes=4, tolerance=EXACT * loss)
    return step_curvature(o, theta, after)
