"""Labels that no function of the class explains, and the gap between fresh and training error on the middle.

Inputs are uniform on [−1, 1], and I is |x| ≤ ½. Two laws of labels with |y| ≤ 1 and no truth to find:

    parity     y = ±1, the parity of the cell of x among `CELLS` equal ones: a function of x that jumps a
               million times
    branches   y = ±(1 − |x|/2), either sign with equal chance: two values at each input

Under both E y h(x) = 0 for every h of the class, for parity up to TV(h)/CELLS. So beyond what the zero
function has, the gap on I between the error of h on fresh pairs and on the n_I training pairs is

    gap(h) = E_I h² − (1/n_I) Σ_I h_i² + (2/n_I) Σ_I y_i h_i.

Its supremum over {∫|h''|g ≤ C, |h_i| ≤ M on I} is at least the gap of the function that makes the last sum
largest, a linear program, and in the mean at most

    E sup (2/n_I) Σ y_i h_i + 4M E sup (1/n_I) Σ s_i h_i,    s_i random signs,

by symmetrization, and because h² is a contraction of h times 2M (Ledoux and Talagrand, 1991). That argument
takes g from the law of the inputs; here it is that of the sample, which differs by O(n^(−1/2)).

Source: Qiao et al. (2024), the agnostic case; the bounds are derived here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import positive
from stepscape.errors import unknown
from stepscape.experiments.certificates.runs import sizes
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.measures import tightest_worst_case
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem
from stepscape.tables.records import Record
from stepscape.theory import FlatClass, expected_gap, worst_case_gap
from stepscape.training import train

Array = NDArray[np.float64]
CELLS = 1_000_000
MIDDLE = (-0.5, 0.5)
GRID = 4001  # points of an integral over the middle
QUICK: dict[str, Any] = {
    "laws": ("parity", "branches"),
    "n_smallest": 50,
    "n_largest": 400,
    "variation": 3.0,
    "draws": 2,
    "width": 60,
    "scale": 0.3,
    "step_sizes": (0.1, 0.4),
    "steps": 600,
    "seeds": 4,
    "first_seed": 0,
}


class ClassRun(Spec, frozen=True, tag="generalization-gap/1"):
    """The supremum over one class on one sample."""

    law: str
    n: int
    variation: float
    draws: int
    seed: int


class AgnosticRun(Spec, frozen=True, tag="generalization-gap-descent/1"):
    """Descent on one sample."""

    law: str
    n: int
    width: int
    scale: float
    step_size: float
    steps: int
    seed: int


def grid(settings: Settings) -> list[ClassRun | AgnosticRun]:
    """Every law, size and seed: the class, and descent with every step size."""
    at_least(settings, seeds=1, draws=2, width=1, steps=1, n_smallest=8, n_largest=8)
    positive("variation", settings["variation"])
    for law in settings["laws"]:
        if law not in LAWS:
            raise unknown("law", law, LAWS)
    at = {"law": settings["laws"], "n": sizes(settings), "seed": seeds(settings)}
    return [
        *sweep(ClassRun, settings, **at),
        *sweep(AgnosticRun, settings, **at, step_size=sorted(settings["step_sizes"])),
    ]


def begin(run: ClassRun | AgnosticRun) -> tuple[Problem, TwoLayerReLU, GradientDescent] | FlatClass:
    """Return the class, or sample, start and method."""
    problem = sample(run)
    if isinstance(run, ClassRun):
        return _flat(run, problem)
    start = TwoLayerReLU.random(run.width, run.scale, seed=stream(run.seed, "network"))
    return problem, start, GradientDescent(run.step_size, run.steps)


def sample(run: ClassRun | AgnosticRun) -> Problem:
    """Draw the labels; their mean given the inputs is 0 at the resolution of the class."""
    rng = np.random.default_rng(stream(run.seed, f"{run.law} {run.n}"))
    x = np.sort(rng.uniform(-1.0, 1.0, run.n))
    return Problem(x, LAWS[run.law](x, rng), truth=np.zeros_like, name=run.law)


def _parity(x: Array, _: np.random.Generator) -> Array:
    return 1.0 - 2.0 * (np.floor(0.5 * CELLS * (x + 1.0)) % 2.0)


def _branches(x: Array, rng: np.random.Generator) -> Array:
    return np.asarray((1.0 - 0.5 * np.abs(x)) * (1.0 - 2.0 * rng.integers(0, 2, x.size)))


LAWS: dict[str, Callable[[Array, np.random.Generator], Array]] = {"parity": _parity, "branches": _branches}


def _flat(run: ClassRun, problem: Problem) -> FlatClass:
    return FlatClass(problem.inputs, variation=run.variation, height=1.0, interval=MIDDLE)


def work(run: ClassRun | AgnosticRun, tick: Tick) -> Record:
    """Bound the supremum over the class, or measure the gap of a trained network.

    A class: ``upper`` on the supremum, in the mean; ``attained``, the gap of one of its functions; ``linear``
    and ``signs``, the two suprema. A network: its ``gap``, the sum ``linear`` in it, and ``linear_bound``,
    the supremum of that sum over the class that the network was certified to lie in.
    """
    return _class(run, tick) if isinstance(run, ClassRun) else _descent(run, tick)


def _class(run: ClassRun, tick: Tick) -> Record:
    problem = sample(run)
    flat = _flat(run, problem)
    found = worst_case_gap(flat, problem.labels, np.zeros(run.n))
    tick(0.3)
    signs = expected_gap(flat, 0.5, run.draws, stream(run.seed, "signs"), "signs").value
    numbers = {
        "n_middle": int(flat.inside.sum()),
        "linear": found.value,
        "signs": signs,
        "upper": found.value + 4.0 * flat.height * signs,
        "attained": gap(problem, lambda at: np.interp(at, found.points, found.function)),
        "solver_gap": found.gap,
    }
    return Record("finished", numbers)


def _descent(run: AgnosticRun, tick: Tick) -> Record:
    begun = begin(run)
    assert not isinstance(begun, FlatClass)  # a network begins
    problem, start, method = begun
    path = train(
        problem, start, method, record_every=max(1, run.steps // 4),
        progress=lambda made: tick(0.8 * made / run.steps),
    )  # fmt: skip
    if path.outcome == "diverged":
        return Record("diverged", {}, reason=path.message)
    network = path.midpoint
    bound = tightest_worst_case(problem, network, MIDDLE)
    inside = _inside(problem)
    fitted = network.predict(problem.inputs[inside])
    numbers = {
        "gap": gap(problem, network.predict),
        "linear": 2.0 * float(np.mean(problem.labels[inside] * fitted)),
        "linear_bound": bound.details.get("noise"),
        "rounding": bound.tolerance,
        "training_error": float(2.0 * problem.training_loss(network.predict(problem.inputs))),
        "height": float(np.abs(fitted).max()),
        "edge_ratio": float(path.edge_ratio[-1]),
        "bent_neurons": int(path.bent_neurons[-1]),
    }
    return Record("finished", numbers)


def _inside(problem: Problem) -> NDArray[np.bool_]:
    return np.asarray((problem.inputs >= MIDDLE[0]) & (problem.inputs <= MIDDLE[1]))


def gap(problem: Problem, h: Callable[[Array], Array]) -> float:
    """Error of h on fresh pairs minus that on the sample, on the middle, less that of the zero function."""
    at, inside = np.linspace(*MIDDLE, GRID), _inside(problem)
    here = h(problem.inputs[inside])
    fresh = float(np.trapezoid(h(at) ** 2, at)) / (MIDDLE[1] - MIDDLE[0])
    return fresh - float(np.mean(here**2)) + 2.0 * float(np.mean(problem.labels[inside] * here))
