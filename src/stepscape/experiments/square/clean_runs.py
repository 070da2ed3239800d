"""Interpolants of clean labels that are not trained, on the samples and from the starts of the runs.

The dots connected by lines, the natural cubic spline, and kernel regression with the tangent kernel of the
network that descent starts from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.arms import start
from stepscape.experiments.frame.settings import Settings, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.experiments.square.columns import CURVE_POINTS
from stepscape.experiments.square.lazy import lazy_interpolant
from stepscape.experiments.square.runs import StepSizeRun
from stepscape.experiments.square.runs import begin as begin_descent
from stepscape.experiments.square.runs import grid as grid_of
from stepscape.experiments.square.runs import work as descend
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.measures.regions import grid as points_of
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record

Array = NDArray[np.float64]
REFERENCES = {"dots": "connect-the-dots", "spline": "cubic spline", "kernel": "tangent kernel"}
KEYS = ("truth", "half_width", "arm", "seed")


class ReferenceRun(Spec, frozen=True, tag="clean-reference/1"):
    """Interpolants of one sample; the arm and its largest step size draw the start of the kernel."""

    truth: str
    n: int
    half_width: float
    width: int
    arm: str
    labels: str
    seed: int
    largest_step_size: float
    drawn: bool


AnyRun = StepSizeRun | ReferenceRun


def grid(settings: Settings) -> list[AnyRun]:
    """Every truth, range, arm and seed: descent at every step size, and the other interpolants."""
    given = {**settings, "noise": 0.0}
    descents = [run for truth in settings["truths"] for run in grid_of({**given, "truth": truth}, "clean")]
    others = sweep(
        ReferenceRun,
        given,
        truth=settings["truths"],
        half_width=settings["half_widths"],
        arm=settings["arms"],
        labels="clean",
        seed=seeds(settings),
        largest_step_size=max(settings["step_sizes"]),
        drawn=lambda run: run.seed == settings["first_seed"],
    )
    return [*descents, *others]


def begin(run: AnyRun) -> object:
    """Return what a run begins with; what is impossible is refused."""
    return _begin(run) if isinstance(run, ReferenceRun) else begin_descent(run)


def work(run: AnyRun, tick: Tick) -> Record:
    """Train, or interpolate."""
    return _interpolate(run, tick) if isinstance(run, ReferenceRun) else descend(run, tick)


def _begin(run: ReferenceRun) -> tuple[Problem, TwoLayerReLU]:
    problem = curve(run.truth, n=run.n, noise=0.0, seed=run.seed, half_width=run.half_width)
    return problem, start(run.arm, problem, run.width, run.seed, run.largest_step_size).network


def _interpolate(run: ReferenceRun, tick: Tick) -> Record:
    tick(0.0)
    problem, network = _begin(run)
    x = points_of(problem)
    assert problem.truth is not None  # every problem of a run has one
    truth = problem.truth(x)
    found = interpolants(problem, network, x)
    numbers: dict[str, Any] = {
        f"risk_{name}": float(np.mean((values - truth) ** 2)) for name, values in found.items()
    }
    return Record("finished", numbers, _curves(problem, network) if run.drawn else {})


def interpolants(problem: Problem, network: TwoLayerReLU, at: Array) -> dict[str, Array]:
    """Values of every reference at `at` (m,), by its name."""
    from scipy.interpolate import CubicSpline

    order = np.argsort(problem.inputs)
    x, y = problem.inputs[order], problem.labels[order]
    return {
        "dots": np.interp(at, x, y),
        "spline": np.asarray(CubicSpline(x, y, bc_type="natural")(at)),
        "kernel": lazy_interpolant(network, x, y, at),
    }


def _curves(problem: Problem, network: TwoLayerReLU) -> Mapping[str, Array]:
    x = np.linspace(problem.inputs.min(), problem.inputs.max(), CURVE_POINTS)
    return {"grid": x, **interpolants(problem, network, x)}
