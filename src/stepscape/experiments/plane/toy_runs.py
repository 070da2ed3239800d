"""The toy picture of mixup: two classes in the plane, and the probability p(y = 1 | x) that is learned.

Class −1 is uniform on a disk, class +1 on a ring around it, with a gap between them. The network has the
logistic loss; the examples of every step are the data (empirical risk minimization, α = 0), or n fresh mixed
pairs, each with the two labels that it comes from, weighted by their shares: cross-entropy with soft labels.
"""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from stepscape.errors import bad
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU, generator
from stepscape.problems import Problem, mixup
from stepscape.tables.records import Record
from stepscape.training import Trajectory, train

Array = NDArray[np.float64]
DISK, RING = 0.45, (0.65, 1.0)  # radii
CELLS = 41  # of the picture, a side
SCALE = 0.5  # of the start


class ToyRun(Spec, frozen=True, tag="plane-toy/1"):
    """One picture: mixup with α, or the data themselves for α = 0."""

    toy_alpha: float
    toy_n: int
    toy_width: int
    toy_step_size: float
    toy_steps: int
    seed: int
    drawn: bool


def rings(n: int, seed: int) -> Problem:
    """Draw n examples, the first half of class −1 on the disk, the others of class +1 on the ring."""
    rng, labels = generator(seed), np.where(np.arange(n) < n // 2, -1.0, 1.0)
    low, high = np.where(labels < 0.0, 0.0, RING[0]), np.where(labels < 0.0, DISK, RING[1])
    radius = np.sqrt(low**2 + (high**2 - low**2) * rng.random(n))
    angle = 2.0 * np.pi * rng.random(n)
    return Problem(np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), labels, "logistic")


def picture() -> tuple[Array, Array]:
    """Return the cells' centers (c², 2) of the square [−1, 1]², and which of them lie in the unit disk."""
    side = np.linspace(-1.0, 1.0, CELLS)
    points = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    return points, np.linalg.norm(points, axis=1) <= 1.0


def pairs_of_classes(problem: Problem, alpha: float, seed: int, step: int) -> Problem:
    """Return the mixed examples of a step, both labels of each."""
    return mixup(problem, alpha, 1, stream(seed, f"pairs {step}"))


def begin(run: ToyRun) -> tuple[Problem, TwoLayerReLU, GradientDescent]:
    """Draw data and start, and build the method; what is impossible is refused."""
    if run.toy_n < 4:
        raise bad("toy_n", "be at least 4", run.toy_n)
    if run.toy_alpha < 0.0:
        raise bad("toy_alphas", "be positive", run.toy_alpha)
    start = TwoLayerReLU.random(run.toy_width, SCALE, "he", stream(run.seed, "network"), dimension=2)
    return rings(run.toy_n, run.seed), start, GradientDescent(run.toy_step_size, run.toy_steps)


def probabilities(run: ToyRun) -> tuple[Trajectory, Array]:
    """Train, and return p(y = 1 | x) at the cells; none of a run that diverged."""
    problem, start, method = begin(run)
    alpha = run.toy_alpha
    seen = train(
        problem, start, method, record_every=run.toy_steps,
        examples=(lambda step: pairs_of_classes(problem, alpha, run.seed, step)) if alpha else None,
    )  # fmt: skip
    if seen.outcome == "diverged":
        return seen, np.empty(0)
    return seen, 1.0 / (1.0 + np.exp(-seen.midpoint.predict(picture()[0])))


def work(run: ToyRun, tick: Tick) -> Record:
    """Train with mixup and without, and compare the two pictures.

    ``distance``: mean |p_α − p_ERM| over the unit disk; ``certain``: share of the disk where p is outside
    [0.1, 0.9].
    """
    (_, erm), (seen, here) = probabilities(replace(run, toy_alpha=0.0)), probabilities(run)
    tick(1.0)
    if not (erm.size and here.size):
        return Record("diverged", {}, reason=seen.message)
    inside = picture()[1]
    problem = rings(run.toy_n, run.seed)
    numbers = {
        "distance": float(np.abs(here - erm)[inside].mean()),
        "certain": float(np.mean(np.abs(here - 0.5)[inside] > 0.4)),
        "toy_loss": problem.training_loss(seen.midpoint.predict(problem.inputs)),
        "toy_sharpness": float(seen.sharpness[-1]),
    }
    arrays = {"p": here, "inputs": problem.inputs.ravel(), "labels": problem.labels} if run.drawn else {}
    return Record("finished", numbers, arrays)
