"""Runs on subspaces, carried out in the coordinates of the space that holds all inputs.

With Q (d, q) an orthonormal basis of a space that holds every input, x = Q z, and

    w·x = (Qᵀw)·z,    ∂L/∂w = Q ∂L/∂(Qᵀw):

descent never moves the part of w1 that is orthogonal to the space, and the network never sees it. Training
Qᵀw1 on the inputs z is the same run, exactly, and its curvature has the same eigenvalues but for zeros. Lines
in a thousand dimensions cost no more than in as many dimensions as there are lines.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.plane.data import Samples, samples
from stepscape.experiments.plane.runs import Setup, method_of
from stepscape.experiments.plane.spec import PlaneRun
from stepscape.lab.spec import stream
from stepscape.network import BIASES, TwoLayerReLU
from stepscape.problems import Problem, geometry
from stepscape.problems.truth import Truth
from stepscape.training.matched_start import matched

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Embedded:
    """A truth on R^d at coordinates z (m, q): f0(Q z)."""

    truth: Truth
    basis: Array

    def __call__(self, z: Array) -> Array:
        """Evaluate at coordinates (m, q), or (m,) for q = 1."""
        return np.asarray(self.truth(z.reshape(len(z), -1) @ self.basis.T))


def span(run: PlaneRun) -> Array:
    """Orthonormal basis (d, q) of the space that holds all subspaces of a run."""
    bases = geometry.subspaces(1, run.dimension, run.count, run.inner, run.seed).bases
    rows = bases.reshape(-1, run.dimension)
    if len(rows) >= run.dimension:
        return np.eye(run.dimension)
    return np.asarray(np.linalg.qr(rows.T)[0])


def begin_reduced(run: PlaneRun) -> Setup:
    """Draw a run on subspaces with a matched start, in reduced coordinates."""
    basis, drawn = span(run), samples(run)
    problem, fresh = (_reduced(each, basis) for each in (drawn.problem, drawn.fresh))
    whole = TwoLayerReLU.random(
        run.width, 1.0, "he", stream(run.seed, "network"), BIASES[run.biases], run.dimension
    )
    unit = project(whole, basis)
    start = matched(problem, lambda scale: unit.with_parameters(scale * unit.parameters), run.start_sharpness)
    return Setup(Samples(problem, fresh), start, method_of(run))


def project(network: TwoLayerReLU, basis: Array) -> TwoLayerReLU:
    """Return the network that computes f(Q z) at z."""
    return replace(network, w1=network.w1.reshape(network.width, -1) @ basis)


def _reduced(problem: Problem, basis: Array) -> Problem:
    truth = problem.truth
    assert isinstance(truth, Truth)
    inputs = problem.points @ basis
    return Problem(inputs, problem.labels, "square", Embedded(truth, basis), problem.noise, name=problem.name)
