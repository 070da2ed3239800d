"""The problem of a run: inputs by their law, labels by the truth, and fresh inputs to measure the risk on.

Inputs are drawn with the seed of the run itself; noise and fresh inputs have streams of their own. A shift
moves all inputs by `shift` along their last coordinate, and the truth with them: f0(x) = a·h(x − shift·e_d).
The laws called level are scaled to E‖x‖² = 1, which the unit sphere has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad, unknown
from stepscape.experiments.plane.spec import PlaneRun
from stepscape.lab.spec import stream
from stepscape.losses import LOSSES
from stepscape.network import generator
from stepscape.problems import Problem, geometry

Array = NDArray[np.float64]
Inputs = Callable[[PlaneRun], tuple[Array, Array]]

# h on rows (m, d).
TARGETS: dict[str, Callable[[Array], Array]] = {
    "first": lambda x: x[:, 0],
    "norm": lambda x: np.linalg.norm(x, axis=1),
    "bend": lambda x: np.abs(x[:, 0]),
}


@dataclass(frozen=True)
class Samples:
    """The problem of a run, and one with the same truth on fresh inputs."""

    problem: Problem
    fresh: Problem


def samples(run: PlaneRun) -> Samples:
    """Draw the problem of a run and its fresh inputs; unknown names are refused."""
    for name, value, known in (
        ("loss", run.loss, LOSSES),
        ("geometry", run.geometry, GEOMETRIES),
        ("target", run.target, TARGETS),
    ):
        if value not in known:
            raise unknown(name, value, known)
    if run.fresh < 2:
        raise bad("fresh", "be at least 2", run.fresh)
    design, fresh = GEOMETRIES[run.geometry](run)
    return Samples(_problem(run, design, "labels"), _problem(run, fresh, "fresh labels"))


def _problem(run: PlaneRun, rows: Array, purpose: str) -> Problem:
    """Shift the inputs and draw their labels."""
    away = np.append(np.zeros(run.dimension - 1), run.shift)

    def truth(x: Array) -> Array:
        return run.amplitude * TARGETS[run.target](x.reshape(-1, run.dimension) - away)

    inputs, rng = rows + away, generator(stream(run.seed, purpose))
    f0 = truth(inputs)
    if run.loss == "square":
        labels = f0 + run.noise * rng.standard_normal(len(f0))
        return Problem(inputs, labels, "square", truth, run.noise, name=run.geometry)
    labels = np.where(rng.random(len(f0)) < 1.0 / (1.0 + np.exp(-f0)), 1.0, -1.0)
    return Problem(inputs, labels, "logistic", truth, name=run.geometry)


def _twice(draw: Callable[[PlaneRun, int, int], Array]) -> Inputs:
    """Design and fresh inputs, independent draws of one law."""
    return lambda run: (draw(run, run.n, run.seed), draw(run, run.fresh, stream(run.seed, "fresh")))


def _subspaces(run: PlaneRun) -> tuple[Array, Array]:
    """Design and fresh inputs on the same subspaces, which depend on the seed: one draw, cut in two."""
    drawn = geometry.subspaces(run.n + run.fresh, run.dimension, run.count, run.inner, run.seed).inputs
    return drawn[: run.n], drawn[run.n :]


GEOMETRIES: dict[str, Inputs] = {
    "ball": _twice(lambda run, n, seed: geometry.ball(n, run.dimension, seed)),
    "sphere": _twice(lambda run, n, seed: geometry.sphere(n, run.dimension, seed)),
    "radial": _twice(lambda run, n, seed: geometry.radial(n, run.dimension, run.alpha, seed)),
    "level_ball": _twice(
        lambda run, n, seed: geometry.ball(n, run.dimension, seed, (1.0 + 2.0 / run.dimension) ** 0.5)
    ),
    "level_radial": _twice(
        lambda run, n, seed: (
            (0.5 * (run.alpha + 1.0) * (run.alpha + 2.0)) ** 0.5
            * geometry.radial(n, run.dimension, run.alpha, seed)
        )
    ),
    "subspaces": _subspaces,
}
GEOMETRY_WORDS = {
    "ball": "the ball",
    "sphere": "the sphere",
    "radial": "a radial law",
    "level_ball": "the ball",
    "level_radial": "a radial law",
    "subspaces": "subspaces",
}
