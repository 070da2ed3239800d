"""Runs on augmented examples, which the claims on mixup share.

A run on fresh examples sees n of them at every step. Its sharpness is measured on a fixed set of `COPIES`·n
examples of later steps: the loss that descent moves on changes from step to step, this estimate of its mean
does not. A run on a fixed set is trained on the set itself.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from stepscape.errors import unknown
from stepscape.experiments.plane.augmentation import AUGMENTATIONS, Examples
from stepscape.experiments.plane.runs import Setup, begin, measures, train
from stepscape.experiments.plane.spec import PlaneRun
from stepscape.lab.pool import Tick
from stepscape.lab.spec import stream
from stepscape.objectives import rough_sharpness
from stepscape.problems import Problem
from stepscape.tables.records import Record

COPIES = 4
KINDS = ("none", "fixed", *AUGMENTATIONS)


class MixedRun(PlaneRun, frozen=True, tag="plane-mixed/1"):
    """A run of `PlaneRun` on augmented examples.

    Attributes
    ----------
    augmentation : "none", "fixed" (a set of mixed pairs that stays), or one of `AUGMENTATIONS`.
    strength : its strength; 0 for "none".
    arm : its name in the claim.
    """

    augmentation: str
    strength: float
    arm: str


class Augmented(NamedTuple):
    """What a run is trained on: a fixed problem, and the examples of each step where they are fresh."""

    training: Problem
    examples: Examples | None


def augmented(run: MixedRun, problem: Problem) -> Augmented:
    """Return what a run is trained on; an unknown augmentation is refused."""
    if run.augmentation not in KINDS:
        raise unknown("augmentation", run.augmentation, KINDS)
    if run.augmentation == "none":
        return Augmented(problem, None)
    fixed = run.augmentation == "fixed"
    draw = AUGMENTATIONS["mixup" if fixed else run.augmentation]
    examples = draw(problem, run.strength, stream(run.seed, "augmentation"))
    together = stacked([examples(run.steps + i) for i in range(COPIES)], problem)
    return Augmented(together, None if fixed else examples)


def stacked(parts: list[Problem], like: Problem) -> Problem:
    """Put the examples of several problems into one."""
    inputs, labels = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("inputs", "labels")
    )
    return Problem(inputs, labels, like.loss, name=f"{like.name}, augmented")


def begin_mixed(run: MixedRun) -> tuple[Setup, Augmented]:
    """Draw data, start and augmentation."""
    setup = begin(run)
    return setup, augmented(run, setup.samples.problem)


def work(run: MixedRun, tick: Tick) -> Record:
    """Train one network; besides the columns of all runs λ_max·η/2 on the examples of the problem itself."""
    setup, given = begin_mixed(run)
    seen = train(run, setup, tick, given.training, given.examples)

    def measure() -> tuple[dict[str, Any], dict[str, Any]]:
        numbers, arrays = measures(run, setup, seen)
        sharpness = rough_sharpness(setup.samples.problem, seen.snapshots[-1].midpoint)
        return {**numbers, "problem_edge_ratio": sharpness / setup.method.threshold()}, arrays

    return seen.record(measure)
