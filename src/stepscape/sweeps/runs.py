"""A user's own run: one spec, what it is made of, and how it is carried out and measured."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from stepscape.arguments import path
from stepscape.errors import expect
from stepscape.lab.data import Array
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.measures import activity, certify
from stepscape.measures.measures import ending
from stepscape.measures.measures import measure as measures
from stepscape.measures.rates import paths
from stepscape.methods import Adaptive
from stepscape.methods import Method as AnyMethod
from stepscape.network import TwoLayerReLU
from stepscape.objectives import hessian_trace, sharpness
from stepscape.problems.problem import Problem
from stepscape.problems.user.scale import Affine
from stepscape.problems.user.units import Standardized, hull
from stepscape.sweeps.clouds import Ball, Cloud, Mixup, Radial, Sphere, Subspaces
from stepscape.sweeps.material import Material, law_measures, material
from stepscape.sweeps.method import Method
from stepscape.sweeps.parts import AnyProblem, Bernoulli, Curve, Measure, Network, Table, Units, dimension_of
from stepscape.sweeps.watch import Watch
from stepscape.tables.records import Record
from stepscape.training import Trajectory, train

Folder = str | os.PathLike[str]
__all__ = [
    "Ball",
    "Bernoulli",
    "Curve",
    "Measure",
    "Method",
    "Mixup",
    "Network",
    "Radial",
    "Run",
    "Sphere",
    "Subspaces",
    "Table",
    "build",
    "work",
]


class Run(Spec, frozen=True, tag="run/2"):
    """One run of a user's sweep.

    >>> run = Run(
    ...     problem=Curve(truth="tent", half_width=3.0),
    ...     network=Network(width=100),
    ...     method=Method(step_size=0.1, steps=1000),
    ... )
    >>> problem, network, method = build(run)
    >>> problem.size, network.width, method.step_size
    (30, 100, 0.1)
    """

    problem: AnyProblem
    network: Network
    method: Method
    measure: Measure = Measure()
    seed: int = 0


def build(run: Run, data: Folder = "") -> tuple[Problem, TwoLayerReLU, AnyMethod]:
    """Make what a run trains: examples from its seed, the network from another stream of it.

    Parameters
    ----------
    run : Run
    data : path
        Folder that holds the columns of a table, ``data/`` in a store; what is drawn needs none.

    Raises
    ------
    InputError
        A field is out of its range, or the data are not in the folder.
    """
    expect("run", run, Run)
    path("data", data)
    found = _material(run, data)
    return found.training, *_start(run, found)


def work(run: Run, tick: Tick, data: Folder = "") -> Record:
    """Carry out a run.

    Numbers: those of `measures.measure_trajectory` (none for a run that diverged), and ``steps_made``,
    ``threshold``, ``initial_sharpness``, ``median_edge_ratio`` (over the records of the last half),
    ``slack_…`` of each certificate that applies to the midpoint network, and with `held_out` the best
    moment's ``steps_held_out``, ``time_held_out``, ``loss_held_out``, ``risk_held_out``,
    ``risk_interior_held_out`` (``excess_risk…`` for the logistic loss) and ``pieces_held_out``.

    With several input variables there are neither pieces nor regions, and further ``trace`` and
    ``decay_time`` (η·λ·T of weight decay λ). Laws of R^d add ``risk_population``
    (``excess_risk_population``), on 2000 further inputs, and for the square loss ``null_risk``,
    ``least_squares_risk`` and ``realized_noise``, see `problems.baselines`.

    A table with `held_out_rows` has ``test_error`` and, of two classes, ``test_error_rate``; with `held_out`
    the best moment is the one of least error on these rows, and has ``test_error_held_out`` in place of a
    risk. Stochastic descent with the square loss has ``batch_ratio``, its batch sharpness over the threshold,
    the median over the records of the last half. An adaptive method has ``preconditioned_sharpness``, which
    its threshold and its edge ratios are about; ``sharpness`` is that of the loss all the same.

    Of examples that are mixed in pairs, loss, sharpness and certificates are those of the mixed set, errors
    and rates those of the examples themselves.

    Arrays: ``at_steps``, ``time``, ``loss``, ``sharpness`` (or ``preconditioned_sharpness``), ``edge_ratio``
    and, with rows held out, ``test_error`` with `trajectory`;
    ``curve_x``, ``curve_y`` and, where it is known, ``curve_truth`` with `curve_points`, over the hull of the
    data and in the user's units, logits for the logistic loss; ``rates`` and ``paths``, one number for each
    neuron of the midpoint network, with `rates`.
    """
    found = _material(run, data)
    (network, method), measure = _start(run, found), run.measure
    watch = Watch(run, found, tick)
    trajectory = train(
        found.training,
        network,
        method,
        record_every=max(1, run.method.steps // measure.records),
        measure_sharpness=measure.sharpness,
        observe=watch.observe,
        progress=lambda made: tick(made / run.method.steps),
        examples=found.examples,
    )
    arrays = _records(trajectory, watch) if measure.trajectory else {}
    numbers: dict[str, Any] = {
        "steps_made": int(trajectory.at_steps[-1]),
        "threshold": method.threshold(),
        "initial_sharpness": float(trajectory.sharpness[0]),
        **ending(trajectory),
    }
    if isinstance(method, Adaptive) and measure.sharpness:
        numbers |= _of_the_loss(found.training, network, trajectory)
    if trajectory.outcome == "diverged":
        return Record("diverged", numbers, arrays, trajectory.message)
    numbers |= measures(found.measured, trajectory.network, trajectory.network_before)
    numbers |= watch.numbers(trajectory)
    numbers |= law_measures(run.problem, run.seed, found, trajectory.midpoint)
    if measure.sharpness:
        numbers |= _slacks(found.training, trajectory.midpoint)
    if _has_trace(run):
        numbers["trace"] = hessian_trace(found.training, trajectory.midpoint)
    if found.training.dimension > 1 or isinstance(run.problem, Cloud):
        numbers["decay_time"] = float(trajectory.time[-1]) * run.method.decay
    return Record("finished", numbers, arrays | _kept(run, found, trajectory))


def _material(run: Run, data: Folder) -> Material:
    run.measure.check(run.problem)
    return material(run.problem, run.seed, data)


def _start(run: Run, found: Material) -> tuple[TwoLayerReLU, AnyMethod]:
    run.method.check_for(run.problem)
    return run.network.draw(stream(run.seed, "network"), found.training), run.method.make(run.seed)


def _kept(run: Run, found: Material, trajectory: Trajectory) -> dict[str, Any]:
    """Return the arrays of the end of a run that are asked for."""
    arrays: dict[str, Any] = {}
    if run.measure.curve_points:
        arrays |= _curve(found.training, found.units, trajectory, run.measure.curve_points)
    if run.measure.rates is True:
        last = trajectory.midpoint
        arrays |= {"rates": activity(found.measured, last).rates, "paths": paths(last)}
    return arrays


def _has_trace(run: Run) -> bool:
    """Whether the trace is measured: in R^d it always was, beside the sharpness."""
    asked, usual = run.measure.trace is True, dimension_of(run.problem) > 1 or isinstance(run.problem, Cloud)
    return asked or (usual and run.measure.sharpness)


def _slacks(problem: Problem, network: TwoLayerReLU) -> dict[str, float | None]:
    return {
        f"slack_{name}": None if certificate.verdict == "inapplicable" else certificate.slack
        for name, certificate in certify(problem, network).items()
    }


def _of_the_loss(problem: Problem, start: TwoLayerReLU, trajectory: Trajectory) -> dict[str, Any]:
    """Sharpness of the loss at the ends of a run, beside the preconditioned one that its method records."""
    found: dict[str, Any] = {"initial_sharpness": sharpness(problem, start).value}
    if trajectory.outcome == "diverged":
        return found
    for name, at in (("sharpness", trajectory.midpoint), ("sharpness_last", trajectory.network)):
        pair = sharpness(problem, at)
        found |= {name: pair.value, f"{name}_residual": pair.error}
    return found | {"preconditioned_sharpness": float(trajectory.sharpness[-1])}


def _records(trajectory: Trajectory, watch: Watch) -> dict[str, Any]:
    errors = {"test_error": np.array(watch.errors)} if watch.errors else {}
    preconditioned = "preconditioned_" if isinstance(trajectory.method, Adaptive) else ""
    return {
        "at_steps": trajectory.at_steps,
        "time": trajectory.time,
        "loss": trajectory.loss,
        f"{preconditioned}sharpness": trajectory.sharpness,
        "edge_ratio": trajectory.edge_ratio,
        **errors,
    }


def _curve(problem: Problem, standard: Units, trajectory: Trajectory, points: int) -> dict[str, Array]:
    ends = problem.line.hull if standard is None else hull(standard, problem)
    x = np.linspace(*ends, points)
    y = trajectory.midpoint.predict(x)
    if standard is not None and isinstance(standard.inputs, Affine):  # a sweep reads one input column
        back = standard.labels.restore(y) if isinstance(standard, Standardized) else y
        return {"curve_x": standard.inputs.restore(x), "curve_y": back}
    truth = {} if problem.truth is None else {"curve_truth": problem.truth(x)}
    return {"curve_x": x, "curve_y": y, **truth}
