"""The runs that the claims on inputs in R^d share.

A claim makes them with `sweep(PlaneRun, {**DEFAULTS, **settings}, …)`, whose fields are data, start and
method; equal specs are trained once in a common store. A claim that trains on other examples than it measures
on, such as mixed ones, gives them to `carry_out`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from stepscape.errors import bad
from stepscape.experiments.frame.follow import Followed, by_log, evenly, follow, with_moments
from stepscape.experiments.frame.settings import Settings, at_least
from stepscape.experiments.frame.sweep import AnySpec, sweep
from stepscape.experiments.plane.columns import best_moment, curves, errors, measured
from stepscape.experiments.plane.data import Samples, samples
from stepscape.experiments.plane.references import references
from stepscape.experiments.plane.spec import DEFAULTS, PlaneRun
from stepscape.experiments.plane.starts import start_of
from stepscape.lab.pool import Tick
from stepscape.measures.rates import rates
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem
from stepscape.tables.records import Record

LEAST = {"n": 1, "dimension": 1, "width": 1, "steps": 1, "records": 0, "moments": 0, "fresh": 2}


@dataclass(frozen=True)
class Setup:
    """What a run begins with."""

    samples: Samples
    start: TwoLayerReLU
    method: GradientDescent


def plane_sweep(kind: type[AnySpec], settings: Settings, **fields: Any) -> list[AnySpec]:
    """Sweep runs of a kind with the fields of `PlaneRun`; a field not named has its default.

    Curves are kept of the first seed unless `drawn` says otherwise.
    """
    at_least(settings, **{name: least for name, least in LEAST.items() if name in settings})
    first = settings.get("first_seed", 0)
    fields.setdefault("drawn", lambda run: run.seed == first)
    return sweep(kind, {**DEFAULTS, **settings}, **fields)


def begin(run: PlaneRun) -> Setup:
    """Draw data and start, and build the method; what is impossible is refused."""
    drawn = samples(run)
    return Setup(drawn, start_of(run, drawn.problem), method_of(run))


def method_of(run: PlaneRun) -> GradientDescent:
    """Gradient descent of a run."""
    if run.clip < 0.0:
        raise bad("clip", "not be negative", run.clip)
    if run.common_time and run.warmup_steps:
        raise bad("common_time", "be 0 with a warm-up", run.common_time)
    return GradientDescent(
        run.step_size,
        run.steps,
        weight_decay=run.weight_decay,
        warmup_steps=run.warmup_steps,
        clip=run.clip or None,
    )


def work(run: PlaneRun, tick: Tick) -> Record:
    """Train one network and measure its end; see `columns.measured` and `references.references`."""
    return carry_out(run, begin(run), tick)


def carry_out(
    run: PlaneRun,
    setup: Setup,
    tick: Tick,
    training: Problem | None = None,
    examples: Callable[[int], Problem] | None = None,
) -> Record:
    """Train on the problem of a run, or on other examples, and measure on the problem of the run.

    Sharpness and edge ratio are those of `training`, also where every step has `examples` of its own, as in
    `stepscape.train`; rates and errors are those of the problem.
    """
    seen = train(run, setup, tick, training, examples)
    return seen.record(lambda: measures(run, setup, seen))


def measures(run: PlaneRun, setup: Setup, seen: Followed) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the numbers and the arrays of a run that finished."""
    problem, fresh = setup.samples.problem, setup.samples.fresh
    numbers = measured(seen, problem, fresh, seen.at(settling(run.steps)))
    numbers = with_moments(numbers, _moments(run, seen, fresh), partial(_moment, seen, problem, fresh))
    return {**numbers, **references(problem, fresh)}, curves(seen, problem) if run.drawn else {}


def _moments(run: PlaneRun, seen: Followed, fresh: Problem) -> dict[str, int]:
    """Return the records at which a run is measured besides its end."""
    found = {"held_out": best_moment(seen, fresh)} if run.moments else {}
    return found | ({"equal_time": seen.at(_common_step(run))} if run.common_time else {})


def _moment(seen: Followed, problem: Problem, fresh: Problem, record: int) -> dict[str, float]:
    network = seen.snapshots[record].midpoint
    found = {**errors(problem, fresh, network), **rates(problem, network)}
    return {**found, "steps": float(seen.trajectory.at_steps[record])}


def train(
    run: PlaneRun,
    setup: Setup,
    tick: Tick,
    training: Problem | None = None,
    examples: Callable[[int], Problem] | None = None,
) -> Followed:
    """Train, keeping the networks of the records; the moment from which arrival is judged is one of them."""
    problem = training or setup.samples.problem
    return follow(problem, setup.start, setup.method, _records(run), tick, examples=examples)


def _records(run: PlaneRun) -> set[int]:
    """Return the steps at which the network of a run is kept."""
    at = {settling(run.steps)}
    if run.moments:
        at |= {*by_log(run.steps, run.moments)}
    if run.common_time:
        at |= {_common_step(run)}
    if run.drawn and run.records:
        at |= {*evenly(run.steps, run.records)}
    return at


def settling(steps: int) -> int:
    """Return the step from which on a run that has arrived hardly moves: four fifths of all.

    >>> settling(1000), settling(1)
    (800, 1)
    """
    return max(1, 4 * steps // 5)


def _common_step(run: PlaneRun) -> int:
    """Return the step at which a run without warm-up has the common time, or its last step."""
    return min(run.steps, max(1, math.ceil(run.common_time / run.step_size * (1.0 - 1e-9))))
