"""Three interpolators of a data set, their sharpness, and what descent does near them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.memory import require_memory
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU
from stepscape.objectives import sharpness
from stepscape.objectives.relu_line_hessian import Hessian
from stepscape.problems import Problem
from stepscape.training import Snapshot, train

Array = NDArray[np.float64]

INTERPOLATORS = {
    "spline": "connects the dots, knots just off the inputs",
    "flattest": "flattest of any width, by convex optimization",
    "dots": "connects the dots, knots on the inputs",
}
LINEAR = 0.2  # share of the steps over which the rate is measured: e² at the rate 1 %, for 1000 steps
RETURNED, LEFT = 0.01, 100.0  # final distance over first distance


@dataclass(frozen=True, eq=False)
class Top:
    """The top of the Gauss–Newton spectrum at an interpolator, where it is the Hessian's up to ‖R‖.

    Attributes
    ----------
    value : λ_max(ΦΦᵀ/n), from all n eigenvalues.
    vector : unit vector in parameter space.
    residual : ‖H·vector − value·vector‖ with the Hessian of `stepscape.objectives`.
    rest : ‖R‖, so that |λ_max(H) − value| ≤ rest.
    second : the next eigenvalue.
    """

    value: float
    vector: Array
    residual: float
    rest: float
    second: float


def top(problem: Problem, network: TwoLayerReLU) -> Top:
    """Diagonalize the n × n Gram matrix of the tangent features (equal weights, all blocks trained)."""
    values, vectors, features = _spectrum(problem, network, closed=False)
    vector = features.T @ vectors[:, -1]
    vector /= np.linalg.norm(vector)
    operator = Hessian(problem, network)
    residual = float(np.linalg.norm(operator.product(vector) - values[-1] * vector))
    return Top(float(values[-1]), vector, residual, operator.residual_norm, float(values[-2]))


def one_sided_sharpness(problem: Problem, network: TwoLayerReLU) -> float:
    """λ_max if a neuron whose knot lies on an input counts as active there."""
    return float(_spectrum(problem, network, closed=True)[0][-1])


def _spectrum(problem: Problem, network: TwoLayerReLU, closed: bool) -> tuple[Array, Array, Array]:
    x = problem.line.arrays[0]
    require_memory("width", network.width, 24 * x.size * (3 * network.width + x.size))
    z = np.multiply.outer(x, network.w1) + network.b1
    outer = ((z >= 0.0) if closed else (z > 0.0)) * network.w2
    one = np.ones((x.size, 1))
    features = np.concatenate([outer * x[:, None], outer, np.maximum(z, 0.0), one], axis=1)
    values, vectors = np.linalg.eigh(features @ features.T / x.size)
    return values, vectors, features


@dataclass(frozen=True, eq=False)
class Visit:
    """Descent from two starts near an interpolator θ*, one on either side.

    Attributes
    ----------
    at_steps : (records,).
    distances : (2, records), ‖θ_t − θ*‖; infinite after divergence.
    factor : (2,), growth of |⟨θ_t − θ*, v⟩| per step over the first fifth of the steps.
    loss, sharpness : (2,), at the end; nan after divergence.
    """

    at_steps: Array
    distances: Array
    factor: Array
    loss: Array
    sharpness: Array

    @property
    def end(self) -> str:
        """What descent did: it "returned", "left", or "stayed" (neither); "mixed" if the two sides differ."""
        words = {_word(row) for row in self.distances}
        return words.pop() if len(words) == 1 else "mixed"


def _word(distance: Array) -> str:
    ratio = distance[-1] / distance[0]
    return "returned" if ratio <= RETURNED else "left" if ratio >= LEFT else "stayed"


def visit(
    problem: Problem,
    network: TwoLayerReLU,
    vector: Array,
    step_size: float,
    offset: float,
    steps: int,
    records: int,
    tick: Callable[[float], None] = lambda _: None,
) -> Visit:
    """Start at θ* ± offset·vector and descend."""
    every = max(1, steps // records)
    sides = [
        _follow(problem, network, sign * offset * vector, step_size, steps, every, tick)
        for sign in (1.0, -1.0)
    ]
    at, distances, factor, loss, end = zip(*sides, strict=True)
    return Visit(max(at, key=len), _filled(distances), np.array(factor), np.array(loss), np.array(end))


def _filled(rows: tuple[Array, ...]) -> Array:
    size = max(row.size for row in rows)
    return np.array([np.pad(row, (0, size - row.size), constant_values=np.inf) for row in rows])


def _follow(
    problem: Problem,
    network: TwoLayerReLU,
    shift: Array,
    step_size: float,
    steps: int,
    every: int,
    tick: Callable[[float], None],
) -> tuple[Array, Array, float, float, float]:
    center, size = network.parameters, float(np.linalg.norm(shift))
    seen: list[tuple[float, float, float]] = []

    def observe(snapshot: Snapshot) -> None:
        away = snapshot.network.parameters - center
        seen.append((snapshot.step, float(np.linalg.norm(away)), abs(float(away @ shift)) / size))
        tick(snapshot.step / steps)

    run = train(
        problem,
        network.with_parameters(center + shift),
        GradientDescent(step_size, steps),
        record_every=every,
        measure_sharpness=False,
        observe=observe,
    )
    at, distance, along = np.array(seen).T
    if run.outcome == "diverged":
        return np.append(at, steps), np.append(distance, np.inf), np.nan, np.nan, np.nan
    last = max(1, int(np.searchsorted(at, LINEAR * steps)))
    factor = float((along[last] / along[0]) ** (1.0 / at[last])) if last < at.size else np.nan
    flat = sharpness(problem, run.network, tolerance=1e-4).value
    return at, distance, factor, float(run.loss[-1]), flat
