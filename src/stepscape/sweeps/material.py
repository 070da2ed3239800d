"""What a run of a user's sweep trains on, and what it is measured on."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stepscape.lab.spec import stream
from stepscape.measures.rates import rates
from stepscape.network import TwoLayerReLU
from stepscape.problems.baselines import baselines
from stepscape.problems.problem import Problem
from stepscape.sweeps.clouds import Cloud, Mixup
from stepscape.sweeps.parts import AnyProblem, Table, Units

FRESH = 2000  # further examples on which the error of a law of R^d is measured


@dataclass(frozen=True)
class Material:
    """The examples of a run.

    Attributes
    ----------
    training : the loss that descent reduces, and whose sharpness is measured.
    measured : what errors and rates are of; another problem than `training` only where examples are mixed.
    units : the way back to the units of a table.
    examples : the examples of each step, where they are fresh ones.
    held : rows of a table that are not trained on, in the units of those that are.
    """

    training: Problem
    measured: Problem
    units: Units = None
    examples: Callable[[int], Problem] | None = None
    held: Problem | None = None


def material(part: AnyProblem, seed: int, data: str | os.PathLike[str]) -> Material:
    """Draw or read the examples of a run."""
    if isinstance(part, Table):
        problem, units, held = part.load(data, seed)
        return Material(problem, problem, units, held=held)
    problem = part.draw(seed)
    if isinstance(part, Mixup):
        return Material(part.mixed(problem, seed), problem, None, part.pairs(problem, seed))
    return Material(problem, problem)


def further(part: AnyProblem, seed: int, purpose: str, n: int = 0) -> Problem | None:
    """Draw other examples by the law of a problem, as many as it has, or n; a table has none."""
    if isinstance(part, Table):
        return None
    if isinstance(part, Cloud):
        return part.again(seed, n or part.n, purpose)
    return part.draw(stream(seed, purpose))


def law_measures(part: AnyProblem, seed: int, found: Material, network: TwoLayerReLU) -> dict[str, Any]:
    """Measure what only the laws of R^d have; see `sweeps.runs.work`."""
    if not isinstance(part, Cloud):
        return {}
    numbers: dict[str, Any] = rates(found.measured, network) if found.measured.dimension == 1 else {}
    return {**numbers, **_population(part, seed, network), **_references(found.measured)}


def _population(part: Cloud, seed: int, network: TwoLayerReLU) -> dict[str, float]:
    fresh = part.again(seed, FRESH, "population")
    f = network.predict(fresh.inputs)
    if part.loss == "square":
        return {"risk_population": fresh.design_error(f)}
    return {"excess_risk_population": fresh.excess_risk(f)}


def _references(problem: Problem) -> dict[str, float]:
    """Errors that one has to be compared with; square loss only."""
    if problem.loss != "square" or problem.truth is None:
        return {}
    known = baselines(problem.inputs, problem.labels, problem.truth(problem.inputs))
    return {
        "null_risk": known.null,
        "least_squares_risk": known.least_squares,
        "realized_noise": known.noise,
    }
