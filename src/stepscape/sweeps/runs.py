"""A user's own run: one spec, what it is made of, and how it is carried out and measured."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from stepscape.arguments import path
from stepscape.errors import expect
from stepscape.lab.data import Array
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.measures import certify
from stepscape.measures.classification import excess_risks
from stepscape.measures.measures import measure_trajectory, pieces, risks
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU
from stepscape.problems.problem import Problem
from stepscape.problems.user.scale import Affine
from stepscape.problems.user.units import Standardized, hull
from stepscape.sweeps.parts import AnyProblem, Bernoulli, Curve, Measure, Method, Network, Table, Units
from stepscape.tables.records import Record
from stepscape.training import Snapshot, Trajectory, train

Folder = str | os.PathLike[str]
__all__ = ["Bernoulli", "Curve", "Measure", "Method", "Network", "Run", "Table", "build", "work"]


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


def build(run: Run, data: Folder = "") -> tuple[Problem, TwoLayerReLU, GradientDescent]:
    """Make what a run trains: labels from its seed, the network from another stream of it.

    Parameters
    ----------
    run : Run
    data : path
        Folder that holds the columns of a table, ``data/`` in a store; a curve needs none.

    Raises
    ------
    InputError
        A field is out of its range, or the data are not in the folder.
    """
    expect("run", run, Run)
    path("data", data)
    return _problem(run, data)[0], *_start(run)


def work(run: Run, tick: Tick, data: Folder = "") -> Record:
    """Carry out a run.

    Numbers: those of `measures.measure_trajectory` (none for a run that diverged), and ``steps_made``,
    ``threshold``, ``initial_sharpness``, ``median_edge_ratio`` (over the records of the last half),
    ``slack_…`` of each certificate that applies to the midpoint network, and with `held_out` the best
    moment's ``steps_held_out``, ``time_held_out``, ``loss_held_out``, ``risk_held_out``,
    ``risk_interior_held_out`` (``excess_risk…`` for the logistic loss) and ``pieces_held_out``.

    Arrays: ``at_steps``, ``time``, ``loss``, ``sharpness``, ``edge_ratio`` with `trajectory`;
    ``curve_x``, ``curve_y`` and, where it is known, ``curve_truth`` with `curve_points`, over the hull of the
    data and in the user's units; logits for the logistic loss.
    """
    (problem, standard), (network, method), measure = _problem(run, data), _start(run), run.measure
    watch = _Watch(run, problem, tick)
    trajectory = train(
        problem,
        network,
        method,
        record_every=max(1, run.method.steps // measure.records),
        measure_sharpness=measure.sharpness,
        observe=watch.observe,
        progress=lambda made: tick(made / run.method.steps),
    )
    arrays = _records(trajectory) if measure.trajectory else {}
    numbers: dict[str, Any] = {
        "steps_made": int(trajectory.at_steps[-1]),
        "threshold": method.threshold(),
        "initial_sharpness": float(trajectory.sharpness[0]),
        **measure_trajectory(problem, trajectory),
    }
    if trajectory.outcome == "diverged":
        return Record("diverged", numbers, arrays, trajectory.message)
    numbers |= watch.numbers(trajectory)
    if measure.sharpness:
        numbers |= _slacks(problem, trajectory.midpoint)
    if measure.curve_points:
        arrays |= _curve(problem, standard, trajectory, measure.curve_points)
    return Record("finished", numbers, arrays)


def _problem(run: Run, data: Folder) -> tuple[Problem, Units]:
    run.measure.check(run.problem)
    if isinstance(run.problem, Table):
        return run.problem.load(data)
    return run.problem.draw(run.seed), None


def _start(run: Run) -> tuple[TwoLayerReLU, GradientDescent]:
    return run.network.draw(stream(run.seed, "network")), run.method.descent()


@dataclass
class _Watch:
    """What must be observed during a run: its best held-out moment."""

    run: Run
    problem: Problem
    tick: Tick
    least: float = np.inf
    best: Snapshot | None = None
    sample: Problem | None = None

    def __post_init__(self) -> None:
        if self.run.measure.held_out and not isinstance(self.run.problem, Table):
            self.sample = self.run.problem.draw(stream(self.run.seed, "held out"))

    def observe(self, snapshot: Snapshot) -> None:
        """Look at one record."""
        self.tick(snapshot.step / self.run.method.steps)
        if self.sample is not None and snapshot.step:  # the untrained network is no result
            error = self.sample.training_loss(snapshot.midpoint.predict(self.sample.inputs))
            if error < self.least:
                self.least, self.best = error, snapshot

    def numbers(self, trajectory: Trajectory) -> dict[str, Any]:
        """Return what was observed in a run that finished."""
        found: dict[str, Any] = {}
        if self.run.measure.sharpness:
            late = 2 * trajectory.at_steps >= self.run.method.steps
            middle = float(np.median(trajectory.sharpness[late]))
            found["median_edge_ratio"] = middle / trajectory.method.threshold()
        if self.best is not None:
            found |= self._held_out(self.best, trajectory)
        return found

    def _held_out(self, best: Snapshot, trajectory: Trajectory) -> dict[str, Any]:
        square = self.problem.loss == "square"
        found = (risks if square else excess_risks)(self.problem, best.network, best.network_before)
        kinds = ("risk", "risk_interior") if square else ("excess_risk", "excess_risk_interior")
        return {
            "steps_held_out": best.step,
            "time_held_out": float(trajectory.time[trajectory.at_steps == best.step][0]),
            "loss_held_out": best.loss,
            **{f"{kind}_held_out": found[kind] for kind in kinds},
            "pieces_held_out": pieces(self.problem, best.midpoint),
        }


def _slacks(problem: Problem, network: TwoLayerReLU) -> dict[str, float | None]:
    return {
        f"slack_{name}": None if certificate.verdict == "inapplicable" else certificate.slack
        for name, certificate in certify(problem, network).items()
    }


def _records(trajectory: Trajectory) -> dict[str, Any]:
    return {
        "at_steps": trajectory.at_steps,
        "time": trajectory.time,
        "loss": trajectory.loss,
        "sharpness": trajectory.sharpness,
        "edge_ratio": trajectory.edge_ratio,
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
