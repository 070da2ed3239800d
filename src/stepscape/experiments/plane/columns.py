"""What is measured on one run, at its end and at every record.

A neuron is active on a share of the inputs, its rate. What a mean over all neurons mixes is kept apart: the
share of dead neurons (rate 0), the mean rate of the live ones, and the mean rate weighted by what a neuron
contributes, Σ |w2| ‖w1‖ rate / Σ |w2| ‖w1‖, over all neurons and over the live ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame.follow import Followed
from stepscape.experiments.frame.limits import EDGE
from stepscape.experiments.plane.references import error, training_error
from stepscape.measures.activation import activity
from stepscape.measures.rates import paths, rates
from stepscape.methods import clock_of
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem

Array = NDArray[np.float64]
SETTLED = 0.05  # most that λ_max and the predictions change over the last fifth of the steps
FORGOTTEN = 5.0  # least η·λ·T with decay: what nothing holds has shrunk below 1 %


def errors(problem: Problem, fresh: Problem, network: TwoLayerReLU) -> dict[str, float]:
    """Training error, and the errors to the truth on the design and on fresh inputs."""
    values = network.predict(problem.inputs)
    return {
        "train_error": training_error(problem, values),
        "design_error": error(problem, values),
        "population_error": error(fresh, network.predict(fresh.inputs)),
    }


def measured(seen: Followed, problem: Problem, fresh: Problem, settling: int) -> dict[str, Any]:
    """Return the numbers of the end of a run; `settling` is the record that its arrival is judged from."""
    run, last = seen.trajectory, seen.snapshots[-1].midpoint
    return {
        **rates(problem, last),
        **errors(problem, fresh, last),
        "bent_neurons": int(run.bent_neurons[-1]),
        "live_neurons": int(last.width - run.dead_neurons[-1]),
        "sharpness": float(run.sharpness[-1]),
        "sharpness_residual": float(run.sharpness_residual[-1]),
        "edge_ratio": float(run.edge_ratio[-1]),
        "at_edge": bool(EDGE[0] <= run.edge_ratio[-1] <= EDGE[1]),
        **_arrival(seen, problem, settling),
    }


def _arrival(seen: Followed, problem: Problem, settling: int) -> dict[str, Any]:
    """How far λ_max and the predictions still moved, and whether the run has arrived.

    ``moved``: root mean square change of the predictions since the record, over that of the labels around
    their mean; ``sharpened``: |log| of the ratio of the two sharpnesses; ``decay_time``: η·λ·T.
    """
    run, method = seen.trajectory, clock_of(seen.trajectory.method)
    before, last = (seen.snapshots[at].midpoint.predict(problem.inputs) for at in (settling, -1))
    spread = float(problem.labels.std())
    moved = float(np.sqrt(np.mean((last - before) ** 2))) / spread if spread > 0.0 else float("nan")
    with np.errstate(divide="ignore", invalid="ignore"):
        sharpened = float(np.abs(np.log(run.sharpness[-1] / run.sharpness[settling])))
    decay_time = float(run.time[-1]) * method.weight_decay
    forgotten = method.weight_decay == 0.0 or decay_time >= FORGOTTEN
    return {
        "moved": moved,
        "sharpened": sharpened,
        "decay_time": decay_time,
        "arrived": bool(moved <= SETTLED and sharpened <= SETTLED and forgotten),
    }


def best_moment(seen: Followed, fresh: Problem) -> int:
    """Return the record, never the start, with the smallest loss on the labels of every second fresh input.

    The error that is measured there is that to the truth, over all fresh inputs.
    """
    x, y = fresh.inputs[::2], fresh.labels[::2]
    judge = Problem(x, y, fresh.loss)
    losses = [judge.training_loss(each.midpoint.predict(x)) for each in seen.snapshots[1:]]
    return 1 + int(np.argmin(losses))


def curves(seen: Followed, problem: Problem) -> dict[str, Array]:
    """Arrays of a drawn run: rate and path of each neuron at the end, and curves over the records."""
    run, last = seen.trajectory, seen.snapshots[-1].midpoint
    over = [rates(problem, each.midpoint) for each in seen.snapshots]
    return {
        "rates": activity(problem, last).rates,
        "paths": paths(last),
        "steps": run.at_steps.astype(float),
        "edge": run.edge_ratio,
        "path_rates": np.array([each["live_path_rate"] for each in over]),
        "dead_shares": np.array([each["dead_share"] for each in over]),
    }
