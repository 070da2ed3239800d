"""Constructed networks: flat interpolators on the sphere, and functions that no input of the ball sees.

``interpolator``   `sphere_interpolator` on noisy labels, and descent from beside it.
``caps``           `empty_caps` on inputs in the ball with labels 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stepscape.curvature.lanczos import Eigenpair
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.experiments.plane.columns import errors
from stepscape.experiments.plane.references import references
from stepscape.experiments.plane.runs import plane_sweep
from stepscape.experiments.plane.runs import work as train_and_measure
from stepscape.experiments.plane.spec import PlaneRun
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU, generator
from stepscape.objectives.network_curvature import sharpness
from stepscape.problems import Problem, ball, sphere
from stepscape.tables.records import Record
from stepscape.theory.plane import empty_caps, sphere_interpolator
from stepscape.theory.plane.exposed import Scale
from stepscape.training import train

SCALES: tuple[Scale, ...] = ("best", "unit")
NEAR_EDGE = 0.9  # step size of descent from beside the interpolator, in units of 2/λ_max


class SphereRun(Spec, frozen=True, tag="sphere-interpolator/1"):
    """Noisy labels on the unit sphere, interpolated; `beside` is a relative distance of the start."""

    part: str
    dimension: int
    n: int
    amplitude: float
    noise: float
    fresh: int
    beside: float
    kept_steps: int
    seed: int


class CapRun(Spec, frozen=True, tag="empty-caps/1"):
    """Labels 0 in the unit ball; `candidates` directions are tried for caps."""

    part: str
    dimension: int
    n: int
    candidates: int
    seed: int


def grid(settings: Settings) -> list[SphereRun | CapRun | PlaneRun]:
    """Interpolators, descents on the sphere from below the edge, and caps; every dimension, n and seed."""
    at_least(settings, kept_steps=1, candidates=1, fresh=2)
    interpolators = sweep(
        SphereRun, settings, part="interpolator", dimension=settings["dimensions"], n=settings["sizes"],
        seed=seeds(settings),
    )  # fmt: skip
    caps = sweep(
        CapRun, settings, part="caps", dimension=settings["cap_dimensions"], n=settings["cap_sizes"],
        seed=seeds(settings),
    )  # fmt: skip
    descents = plane_sweep(
        PlaneRun, settings, geometry="sphere", n=max(settings["sizes"]), dimension=settings["dimensions"],
        seed=seeds(settings), drawn=False,
    )  # fmt: skip
    return [*interpolators, *caps, *descents]


def work(run: SphereRun | CapRun | PlaneRun, tick: Tick) -> Record:
    """Build and measure a network, or train one."""
    if isinstance(run, PlaneRun):
        return train_and_measure(run, tick)
    return Record("finished", _interpolate(run, tick) if isinstance(run, SphereRun) else _hide(run))


def _interpolate(run: SphereRun, tick: Tick) -> dict[str, Any]:
    """Build both scalings, and descend from beside the flatter one.

    Columns with the scaling: ``sharpness_`` and ``residual_`` (λ_max measured, with its residual),
    ``formula_`` (its closed form), ``bound_`` (from D = max|y| and n alone); ``off``: largest |f(x_i) − y_i|
    over D; ``most_active``: most inputs on which a neuron is active; ``covered``: share of fresh inputs where
    f is not 0; ``kept_``: errors after the descent.
    """
    problem, fresh = (
        sphere(n, run.dimension, run.noise, seed, scale=run.amplitude)
        for n, seed in ((run.n, run.seed), (run.fresh, stream(run.seed, "fresh")))
    )
    largest = float(np.abs(problem.labels).max())
    found: dict[str, Any] = {}
    for scale in SCALES:
        tick(0.0)
        made = sphere_interpolator(problem.inputs, problem.labels, scale)
        net = TwoLayerReLU(made.w1, made.b1, made.w2, made.b2)
        pair = sharpness(problem, net)
        found |= {
            f"sharpness_{scale}": pair.value,
            f"residual_{scale}": pair.residual,
            f"formula_{scale}": made.sharpness,
            f"bound_{scale}": made.label_bound,
        }
        if scale == "best":
            found |= _what_it_is(net, problem, fresh, largest) | _kept(run, net, pair, problem, fresh)
    return {**found, **references(problem, fresh)}


def _what_it_is(net: TwoLayerReLU, problem: Problem, fresh: Problem, largest: float) -> dict[str, Any]:
    active = problem.points @ net.w1.T + net.b1 > 0.0
    return {
        "off": float(np.abs(net.predict(problem.inputs) - problem.labels).max()) / largest,
        "most_active": int(active.sum(axis=0).max()),
        "covered": float(np.mean(net.predict(fresh.inputs) != 0.0)),
        **errors(problem, fresh, net),
    }


def _kept(
    run: SphereRun, net: TwoLayerReLU, pair: Eigenpair, problem: Problem, fresh: Problem
) -> dict[str, Any]:
    """Descend from parameters moved by relative normal numbers, at 0.9 times the largest stable step size."""
    theta = net.parameters
    moved = theta * (1.0 + run.beside * generator(stream(run.seed, "beside")).standard_normal(theta.size))
    method = GradientDescent(NEAR_EDGE * 2.0 / pair.value, run.kept_steps)
    seen = train(problem, net.with_parameters(moved), method, method.steps, measure_sharpness=False)
    if seen.outcome == "diverged":
        return {"kept": False}
    after = errors(problem, fresh, seen.midpoint)
    return {"kept": True, **{f"{name}_kept": value for name, value in after.items()}}


def _hide(run: CapRun) -> dict[str, Any]:
    """Measure the network on empty caps.

    Columns: ``caps`` and ``empty``; ``sharpness_caps`` with ``residual_caps``; ``seen``: largest |f(x_i)|;
    ``mean_square``: E f² for X uniform in the ball.
    """
    problem = ball(run.n, run.dimension, 0.0, run.seed, truth="zero")
    made = empty_caps(problem.inputs, stream(run.seed, "caps"), candidates=run.candidates)
    net = TwoLayerReLU(made.w1, made.b1, made.w2, made.b2)
    pair = sharpness(problem, net)
    return {
        "caps": made.caps,
        "empty": net.width,
        "sharpness_caps": pair.value,
        "residual_caps": pair.residual,
        "seen": float(np.abs(net.predict(problem.inputs)).max()),
        "mean_square": made.mean_square,
    }
