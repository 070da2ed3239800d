"""Runs with the logistic loss on inputs in R^d with their bound, and flat classifiers on the sphere."""

from __future__ import annotations

from typing import Any

from stepscape.experiments.frame.settings import Settings, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.experiments.plane.data import samples
from stepscape.experiments.plane.references import error, references, training_error
from stepscape.experiments.plane.runs import begin, measures, plane_sweep, train
from stepscape.experiments.plane.spec import DEFAULTS, PlaneRun
from stepscape.lab.pool import Tick
from stepscape.measures import certify
from stepscape.network import TwoLayerReLU
from stepscape.objectives.network_curvature import sharpness
from stepscape.tables.records import Record
from stepscape.theory.plane import sphere_classifier


class LogisticRun(PlaneRun, frozen=True, tag="plane-logistic/1"):
    """A run whose end is also certified."""


class ClassifierRun(PlaneRun, frozen=True, tag="sphere-classifier/1"):
    """No run: the flat network with logits `margin`·y_i at the inputs of the spec, which lie on a sphere."""

    margin: float


def grid(settings: Settings) -> list[LogisticRun | ClassifierRun]:
    """Every step size and decay from the matched start, and a flat classifier for each seed."""
    etas = sorted(settings["step_sizes"])
    descents = plane_sweep(
        LogisticRun, settings, loss="logistic", noise=0.0, step_size=etas,
        common_time=etas[0] * settings["steps"], weight_decay=settings["weight_decays"], seed=seeds(settings),
    )  # fmt: skip
    classifiers = sweep(
        ClassifierRun, {**DEFAULTS, **settings}, loss="logistic", noise=0.0, geometry="sphere",
        step_size=0.0, weight_decay=0.0, margin=settings["logit"], seed=seeds(settings), drawn=False,
    )  # fmt: skip
    return [*descents, *classifiers]


def work(run: LogisticRun | ClassifierRun, tick: Tick) -> Record:
    """Train, measure and certify; or build and measure."""
    if isinstance(run, ClassifierRun):
        return Record("finished", _classify(run))
    setup = begin(run)
    seen = train(run, setup, tick)

    def measure() -> tuple[dict[str, Any], dict[str, Any]]:
        numbers, arrays = measures(run, setup, seen)
        found = certify(setup.samples.problem, seen.snapshots[-1].midpoint)["weighted"]
        sides = {"bending": found.left, "bound": found.right, "verdict": found.verdict}
        return {**numbers, **sides}, arrays

    return seen.record(measure)


def _classify(run: ClassifierRun) -> dict[str, Any]:
    """Build the network with the logit `margin`·y_i at every input.

    Columns: ``sharpness`` with its residual and ``uniform_bound``, which holds for any logits; ``wrong``:
    share of the labels that differ from the sign of the truth, all of which it fits.
    """
    drawn = samples(run)
    problem, fresh = drawn.problem, drawn.fresh
    made = sphere_classifier(problem.inputs, run.margin * problem.labels, problem.labels)
    net = TwoLayerReLU(made.w1, made.b1, made.w2, made.b2)
    pair, values = sharpness(problem, net), net.predict(problem.inputs)
    return {
        "sharpness": pair.value,
        "sharpness_residual": pair.residual,
        "uniform_bound": made.uniform_bound,
        "train_error": training_error(problem, values),
        "design_error": error(problem, values),
        "population_error": error(fresh, net.predict(fresh.inputs)),
        **references(problem, fresh),
    }
