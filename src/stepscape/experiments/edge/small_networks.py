"""Five small networks that reach the edge of stability within some thousand steps, and where they do.

``relu``        the project's network, one hidden layer of ReLU, square loss of a noisy tent
``gelu``        two hidden layers of GELU, square loss of a Chebyshev polynomial of degree 5
``spiral``      two hidden layers of tanh, logistic loss of two spirals
``tanh``        two hidden layers of tanh, square loss of a Chebyshev polynomial of degree 4 at 8 points
``deep_relu``   two hidden layers of ReLU, square loss of a Chebyshev polynomial of degree 4
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stepscape import objectives
from stepscape.errors import unknown
from stepscape.experiments.common.arms import start
from stepscape.experiments.frame.finding import Finding, in_part
from stepscape.experiments.frame.limits import EDGE, MOST, NEARLY_ALL
from stepscape.experiments.frame.sentences import Says, clause, of_runs, sentence
from stepscape.lab.spec import stream
from stepscape.methods import GradientDescent
from stepscape.objectives import Objective
from stepscape.problems import Problem, curve
from stepscape.tables.records import Table
from stepscape.training import run as train

Array = NDArray[np.float64]
NETWORKS = {
    "relu": "one layer of ReLU, noisy tent",
    "gelu": "two layers of GELU, a polynomial",
    "spiral": "two layers of tanh, logistic, two spirals",
    "tanh": "two layers of tanh, a polynomial",
    "deep_relu": "two layers of ReLU, a polynomial",
}
SMOOTH = ("gelu", "spiral", "tanh")
STEP_SIZES = {"relu": 0.4, "gelu": 0.15, "spiral": 0.25, "tanh": 0.2, "deep_relu": 0.2}
LOOKS = 25  # steps between two measurements of the sharpness on the way to the edge


@dataclass(frozen=True, eq=False)
class SmallNetwork:
    """An objective, a start and descent on it; `skip` steps lead to just before the edge, -1 if none do."""

    objective: Objective
    theta: Array
    step_size: float
    skip: int
    initial_edge_ratio: float


def small_network(name: str, width: int, seed: int) -> tuple[Objective, Array, float]:
    """Return the objective, a random start and the step size; `width` of each hidden layer."""
    if name not in NETWORKS:
        raise unknown("network", name, NETWORKS)
    eta = STEP_SIZES[name]
    if name == "relu":
        problem = curve("tent", n=30, noise=0.5, seed=seed, half_width=3.0)
        network = start("small_init", problem, 5 * width, seed, eta).network
        # The same loss of the same parameters; in NumPy, whose gradients take less time at so small sizes.
        return objectives.layered(problem, (5 * width,), "relu"), network.parameters, eta
    activation = {"gelu": "gelu", "deep_relu": "relu"}.get(name, "tanh")
    o = objectives.layered(_problem(name), (width, width), activation)
    return o, o.start(1.0, stream(seed, "network")), eta


def near_the_edge(name: str, width: int, seed: int, most: int) -> SmallNetwork:
    """Descend until λ_max of the midpoint is about to reach the edge, for at most so many steps."""
    o, theta, eta = small_network(name, width, seed)
    state, made, first, block = theta, 0, float("nan"), GradientDescent(eta, 8 * LOOKS)
    while made < most:
        path = train(o, state, block, LOOKS)
        first = float(path.edge_ratio[0]) if not made else first
        reached = np.flatnonzero(path.edge_ratio >= EDGE[0])
        if reached.size:
            return SmallNetwork(o, theta, eta, max(0, made + int(path.at_steps[reached[0]]) - LOOKS), first)
        if path.outcome == "diverged":
            break
        made, state = made + block.steps, path.theta
    return SmallNetwork(o, theta, eta, -1, first)


def from_inside(table: Table) -> NDArray[np.bool_]:
    """Mask of the runs that begin inside the edge and come to it, whether they diverge there or not."""
    if "edge_reached" not in table:
        return np.zeros(len(table), bool)
    return np.asarray((table["edge_reached"] == 1) & (table["initial_edge_ratio"].astype(float) < 1.0))


def come(table: Table) -> str:
    """Say that too few runs come to the edge from inside; "" otherwise."""
    keep = from_inside(table)
    found = f"only {int(keep.sum())} of {len(table)} runs come to the edge from inside"
    return "" if keep.mean() >= MOST else found


def left_out(keep: NDArray[np.bool_]) -> str:
    """Say how many runs do not count; "" if nearly all do."""
    lost = int((~keep).sum())
    return f"{lost} of {keep.size} runs do not count" if keep.mean() < NEARLY_ALL else ""


def with_losses(found: Finding, table: Table, keep: NDArray[np.bool_]) -> Finding:
    """Say what does not count, and how many of the runs that do diverge; see `zero_if_diverged`."""
    lost = int(np.sum(keep & (table["outcome"] == "diverged")))
    whole = in_part(found, left_out(keep))
    says = of_runs(lost, int(keep.sum()), Says("runs that count", "diverge", plural=True))
    return replace(whole, sentence=sentence(clause(whole.sentence), says)) if lost else whole


def zero_if_diverged(rows: Table, column: str) -> Array:
    """Return a column of runs of which those count as 0 that diverge."""
    values = rows[column].astype(float) if column in rows else np.full(len(rows), np.nan)
    return np.where(rows["outcome"] == "diverged", 0.0, values)


def _problem(name: str) -> Problem:
    if name == "spiral":
        return _spirals()
    x = np.linspace(-1.0, 1.0, 8 if name == "tanh" else 20)
    return Problem(x, np.cos((5.0 if name == "gelu" else 4.0) * np.arccos(x)))


def _spirals(each: int = 50) -> Problem:
    """Two spirals of three turns and a third, with noise; the points are those of seed 0."""
    rng = np.random.default_rng(0)
    angle = np.sqrt(rng.random(each)) * 600.0 * 2.0 * np.pi / 360.0
    noise = 0.5 * rng.random((each, 2))
    arm = np.column_stack([-1.5 * np.cos(angle) * angle, 1.5 * np.sin(angle) * angle]) + noise
    points = np.vstack([arm, -arm]) / 8.0
    return Problem(points, np.repeat([1.0, -1.0], each), loss="logistic")
