"""The runs of `does-descent-get-there`: logistic runs from many starts, with their fates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape import theory
from stepscape.experiments.confidence.arrival import COVERED, best_constant, fate, movement, standings
from stepscape.experiments.frame.follow import Followed, by_log, evenly, follow
from stepscape.experiments.frame.settings import Settings, at_least
from stepscape.experiments.logistic.runs import LogisticRun, method_of, problem_of, start_of
from stepscape.experiments.logistic.runs import grid as logistic
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.measures import tightest_worst_case
from stepscape.measures.measures import measure
from stepscape.network import TwoLayerReLU
from stepscape.objectives.relu_line_hessian import Hessian
from stepscape.objectives.relu_line_sharpness import top
from stepscape.problems import Problem
from stepscape.tables.records import Record

EXCESS = "excess_risk_interior"
EVEN = 10  # records that are evenly spaced
QUICK: dict[str, Any] = {
    "truth": "wave",
    "n": 100,
    "amplitude": 2.0,
    "flip_rate": 0.1,
    "half_width": 1.0,
    "width": 100,
    "scales": (0.1, 1.0),
    "mean_field_scales": (1.0,),
    "weight_decay": 0.0,
    "step_sizes": (0.1, 1.0, 3.0),
    "steps": 20_000,
    "seeds": 4,
    "first_seed": 0,
    "records": 8,
}
FULL = {
    **QUICK,
    "width": 400,
    "scales": (0.1, 1.0, 4.0),
    "mean_field_scales": (1.0, 4.0),
    "step_sizes": (0.03, 0.1, 0.3, 1.0, 2.0, 3.0, 4.0),
    "steps": 200_000,
    "seeds": 20,
    "first_seed": 100,
    "records": 20,
}


class ArrivalRun(Spec, frozen=True, tag="does-descent-get-there/3"):
    """A logistic run whose midpoint is measured at every record."""

    run: LogisticRun


def grid(settings: Settings) -> list[ArrivalRun]:
    """Every start, seed and step size."""
    at_least(settings, first_seed=0)
    starts = [("torch", scale) for scale in settings["scales"]]
    starts += [("mean_field", scale) for scale in settings["mean_field_scales"]]
    law = {"amplitudes": (settings["amplitude"],), "flip_rates": (settings["flip_rate"],), "shown": ()}
    return [
        ArrivalRun(run=run)
        for init, scale in starts
        for run in logistic({**settings, **law, "init": init, "scale": scale})
    ]


def begin(spec: ArrivalRun) -> object:
    """Build problem, start and method, so that what is wrong with them is refused."""
    return problem_of(spec.run), start_of(spec.run), method_of(spec.run)


def work(spec: ArrivalRun, tick: Tick) -> Record:
    """Train one network and find where its midpoint stands at every record.

    Records are evenly spaced in log steps, and ten of them evenly in steps.
    """
    run = spec.run
    problem, method = problem_of(run), method_of(run)
    at = {*by_log(run.steps, run.records), *evenly(run.steps, EVEN)}
    seen = follow(problem, start_of(run), method, at, tick, measure_sharpness=False)
    found, trajectory = standings(problem, seen.snapshots, tick), seen.trajectory
    before = {
        "fate": trajectory.outcome,
        "initial_edge_ratio": found[0]["upper_sharpness"] / method.threshold(),
        "steps_made": int(trajectory.at_steps[-1]),
    }
    return seen.record(lambda: _measured(seen, found), before)


def _measured(
    seen: Followed, found: list[dict[str, Any]]
) -> tuple[Mapping[str, Any], dict[str, NDArray[Any]]]:
    """Fate at the end, first covered record, and what is measured at the end."""
    run, problem = seen.trajectory, seen.problem
    threshold, x = run.method.threshold(), problem.inputs
    loss_truth = problem.training_loss(problem.truth(x)) if problem.truth is not None else np.nan
    fates = [fate(at, threshold, loss_truth) for at in found]
    first = fates.index(COVERED) if COVERED in fates else None
    numbers = {
        "fate": fates[-1],
        **movement(run.at_steps, found),
        "reached_at_step": None if first is None else int(run.at_steps[first]),
        "reached_at_time": None if first is None else float(run.time[first]),
        "time": float(run.time[-1]),
        "loss": float(run.loss[-1]),
        "loss_truth": loss_truth,
        "excess_constant_interior": best_constant(problem, theory.interior(x, x)),
        **measure(problem, run.network, run.network_before),
        **found[-1],
        "edge_ratio": found[-1]["upper_sharpness"] / threshold,
    }
    last = top(Hessian(problem, run.network))
    numbers["edge_ratio_last"] = (last.value + last.error) / threshold
    return numbers | risk_bound(problem, run.midpoint), {}


def risk_bound(problem: Problem, network: TwoLayerReLU) -> dict[str, float]:
    """Bound the excess risk on the inputs where the bound says most; {} if no class is certified.

    ``worst_case`` bounds ``worst_case_left``, the excess risk on inputs I; ``worst_case_constant`` is that of
    the best constant there, and ``worst_case_ratio`` bound over constant: from 1 on the bound is vacuous.
    ``worst_case_gamma`` is the γ, ``worst_case_share`` the share of the inputs in I.
    """
    found = tightest_worst_case(problem, network, moving=True)
    if found.verdict == "inapplicable":
        return {}
    constant = found.details["constant"]
    return {
        "worst_case": found.right,
        "worst_case_left": found.left,
        "worst_case_constant": constant,
        "worst_case_ratio": found.right / constant if constant > 0.0 else np.inf,
        "worst_case_share": found.details["share"],
        "worst_case_gamma": found.details["gamma"],
    }
