"""One function through (nearly) all noisy labels of a data set: an interpolant of a textbook, or descent's.

Methods of descent: plain or heavy ball from a large start with warm-up, with small steps so that they nearly
interpolate; and plain descent with a large step from the same start, which cannot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import positive
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem, curve
from stepscape.problems.interpolants import INTERPOLANTS, connect_the_dots
from stepscape.tables.records import Record
from stepscape.training import train

Array = NDArray[np.float64]
Curve = Callable[[Array], Array]
MOST_DEGREES = 64  # inputs of a polynomial: beyond it swings past 1e17
SCALE = 12.0  # of the mean-field start
QUERIES, PICTURE = 4000, 400  # random inputs at which the risk is measured; points of a drawn curve


class Descent(NamedTuple):
    """A way to descend: the setting that holds its step size, and its momentum."""

    step_size: str
    momentum: float


DESCENTS = {
    "heavy_ball": Descent("small_step_size", 0.9),
    "descent": Descent("small_step_size", 0.0),
    "large_step": Descent("large_step_size", 0.0),
}
QUICK: dict[str, Any] = {
    "truth": "wave",
    "noise": 0.5,
    "half_width": 3.0,
    "sizes": (8, 12, 16),
    "large_sizes": (160, 640),
    "picture_sizes": (12, 40),
    "width": 100,
    "small_step_size": 0.01,
    "large_step_size": 0.2,
    "steps": 60_000,
    "seeds": 5,
    "first_seed": 0,
}


class OverfittingRun(Spec, frozen=True, tag="benign-or-not/1"):
    """One method on one sample; `group` is "descent" or "textbook"."""

    group: str
    method: str
    truth: str
    n: int
    noise: float
    half_width: float
    width: int
    step_size: float
    momentum: float
    steps: int
    seed: int
    drawn: bool


def grid(settings: Settings) -> list[OverfittingRun]:
    """Every method at the sizes; textbook interpolants also at larger ones, and for the picture."""
    at_least(settings, seeds=1, width=1, steps=1)
    positive("noise", settings["noise"])
    for name in ("sizes", "large_sizes", "picture_sizes"):
        at_least({name: min(settings[name])}, **{name: 4})
    sizes, first = sorted(settings["sizes"]), settings["first_seed"]
    descents = [
        {
            "group": "descent",
            "method": name,
            "step_size": settings[how.step_size],
            "momentum": how.momentum,
        }
        for name, how in DESCENTS.items()
    ]
    textbook = [
        {"group": "textbook", "method": name, "step_size": 0.0, "momentum": 0.0} for name in INTERPOLANTS
    ]
    found = sweep(OverfittingRun, settings, case=descents, n=sizes, seed=seeds(settings), drawn=False)
    for each in textbook:
        more = [n for n in settings["large_sizes"] if each["method"] != "polynomial" or n <= MOST_DEGREES]
        every = sorted({*sizes, *more})
        found += sweep(OverfittingRun, settings, case=[each], n=every, seed=seeds(settings), drawn=False)
        pictures = sorted(settings["picture_sizes"])
        found += sweep(OverfittingRun, settings, case=[each], n=pictures, seed=[first], drawn=True)
    return found


def begin(run: OverfittingRun) -> tuple[Problem, TwoLayerReLU | None, GradientDescent | None]:
    """Return the sample, and start and method of descent."""
    problem = curve(
        run.truth, n=run.n, noise=run.noise, seed=run.seed, half_width=run.half_width, design="equispaced"
    )
    if run.method in INTERPOLANTS:
        return problem, None, None
    start = TwoLayerReLU.random(run.width, SCALE, "mean_field", stream(run.seed, "network"))
    method = GradientDescent(run.step_size, run.steps, momentum=run.momentum, warmup_steps=run.steps // 10)
    return problem, start, method


def work(run: OverfittingRun, tick: Tick) -> Record:
    """Fit, and measure what is left of the labels and the distance to the truth, in units of σ².

    ``left``: mean square of f − y at the inputs over that of the noise there. ``excess``: mean square of f −
    f0 at random inputs, over σ². ``over_dots``, of descent: log10 of that over the excess of the line through
    the same labels.
    """
    problem, start, method = begin(run)
    if start is None or method is None:
        interpolant = INTERPOLANTS[run.method]
        tick(0.5)
        return _measured(run, problem, lambda at: interpolant(at, problem.inputs, problem.labels), {})
    path = train(
        problem, start, method, record_every=max(1, run.steps // 4),
        progress=lambda made: tick(made / run.steps),
    )  # fmt: skip
    if path.outcome == "diverged":
        return Record("diverged", {}, reason=path.message)
    known = {
        "edge_ratio": float(path.edge_ratio[-1]),
        "bent_neurons": int(path.bent_neurons[-1]),
        "over_dots": _over_dots(run, problem, path.midpoint.predict),
    }
    return _measured(run, problem, path.midpoint.predict, known)


def _measured(run: OverfittingRun, problem: Problem, fit: Curve, known: dict[str, Any]) -> Record:
    assert problem.truth is not None  # a curve has one
    excess = _excess(run, problem, fit)
    noise = problem.labels - problem.truth(problem.inputs)
    left = float(np.mean((fit(problem.inputs) - problem.labels) ** 2) / np.mean(noise**2))
    numbers = {"excess": excess, "log_excess": float(np.log10(excess)), "left": left, **known}
    return Record("finished", numbers, _picture(run, problem, fit) if run.drawn else {})


def _excess(run: OverfittingRun, problem: Problem, fit: Curve) -> float:
    assert problem.truth is not None  # a curve has one
    rng = np.random.default_rng(stream(run.seed, "queries"))
    at = rng.uniform(-run.half_width, run.half_width, QUERIES)
    return float(np.mean((fit(at) - problem.truth(at)) ** 2)) / run.noise**2


def _over_dots(run: OverfittingRun, problem: Problem, fit: Curve) -> float:
    line = _excess(run, problem, lambda at: connect_the_dots(at, problem.inputs, problem.labels))
    return float(np.log10(_excess(run, problem, fit) / line))


def _picture(run: OverfittingRun, problem: Problem, fit: Curve) -> dict[str, Array]:
    """Return data, truth and fit; the grid holds the inputs, at which a singular kernel spikes."""
    assert problem.truth is not None
    even = np.linspace(-run.half_width, run.half_width, PICTURE)
    at = np.unique(np.concatenate([even, problem.inputs]))
    return {
        "inputs": problem.inputs,
        "labels": problem.labels,
        "grid": at,
        "truth": problem.truth(at),
        "fit": fit(at),
    }
