"""From which initializations and step sizes descent reaches a flat solution that the theory speaks about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape import theory
from stepscape.experiments.common.experiment import Experiment, Result, Settings
from stepscape.experiments.common.moments import log_steps
from stepscape.experiments.confidence.arrival import (
    CERTIFIED,
    Standing,
    at_the_end,
    best_constant,
    fate,
    standings,
)
from stepscape.experiments.confidence.arrival_rule import judge
from stepscape.experiments.logistic.runs import LogisticRun, grid, method_of, problem_of, start_of
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.measures.measures import measure
from stepscape.problems import Problem
from stepscape.tables.records import Record
from stepscape.training import Snapshot, Trajectory, train

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class ArrivalRun(Spec, frozen=True, tag="does-descent-get-there/1"):
    """A logistic run whose fate is followed."""

    run: LogisticRun


def specs(settings: Settings) -> list[ArrivalRun]:
    """Every start, seed and step size."""
    starts = [("torch", scale) for scale in settings["scales"]]
    starts += [("mean_field", scale) for scale in settings["mean_field_scales"]]
    law = {"amplitudes": (settings["amplitude"],), "flip_rates": (settings["flip_rate"],), "shown": ()}
    return [
        ArrivalRun(run=run)
        for init, scale in starts
        for run in grid({**settings, **law, "init": init, "scale": scale})
    ]


def work(spec: ArrivalRun, tick: Tick) -> Record:
    """Train one network and say at every record where it stands; records are even in log steps."""
    run = spec.run
    problem = problem_of(run)
    snapshots: list[Snapshot] = []
    trajectory = train(
        problem,
        start_of(run),
        method_of(run),
        record_every=run.steps,
        measure_sharpness=False,
        record_at=log_steps(run.steps, run.records),
        observe=snapshots.append,
        progress=lambda made: tick(made / run.steps),
    )
    found = standings(problem, snapshots, tick)
    threshold = trajectory.method.threshold()
    numbers: dict[str, Any] = {
        "fate": trajectory.outcome,
        "initial_edge_ratio": found[0].sharpness / threshold,
        "steps_made": int(trajectory.at_steps[-1]),
    }
    if trajectory.outcome == "diverged":
        return Record("diverged", numbers, reason=trajectory.message)
    numbers |= _followed(problem, trajectory, found)
    return Record("finished", numbers | measure(problem, trajectory.network, trajectory.network_before))


def _followed(problem: Problem, run: Trajectory, found: list[Standing]) -> dict[str, Any]:
    """Fate at the end, when the run first was certified, and its share of the records of the last decade."""
    threshold, x = run.method.threshold(), problem.inputs
    loss_truth = problem.training_loss(problem.truth(x)) if problem.truth is not None else np.nan
    fates = np.array(
        [fate(at, threshold, loss_truth, bent) for at, bent in zip(found, run.bent_neurons, strict=True)]
    )
    reached = np.flatnonzero(fates == CERTIFIED)
    late = run.at_steps >= run.at_steps[-1] / 10
    return {
        "fate": str(fates[-1]),
        "reached_at_step": int(run.at_steps[reached[0]]) if reached.size else None,
        "reached_at_time": float(run.time[reached[0]]) if reached.size else None,
        "certified_late": float(np.mean(fates[late] == CERTIFIED)),
        "time": float(run.time[-1]),
        "loss": float(run.loss[-1]),
        "loss_truth": loss_truth,
        "excess_constant_interior": best_constant(problem, theory.interior(x, x)),
        **at_the_end(found[-1], threshold, loss_truth),
    }


def figures(result: Result) -> dict[str, Figure]:
    """Draw the fates on the grid, the time to get there, and what is known of what was found."""
    from stepscape.experiments.confidence import does_descent_get_there_figures as draw

    return {
        "fates": draw.phase_diagram(result.table),
        "times": draw.times(result.table),
        "found": draw.what_was_found(result.table),
    }


_QUICK: dict[str, Any] = {
    "truth": "wave",
    "n": 100,
    "amplitude": 2.0,
    "flip_rate": 0.1,
    "half_width": 1.0,
    "width": 400,
    "scales": (0.1, 1.0, 4.0),
    "mean_field_scales": (1.0,),
    "weight_decay": 0.0,
    "step_sizes": (0.03, 0.3, 2.0),
    "steps": 5000,
    "seeds": 3,
    "first_seed": 0,
    "records": 10,
}

EXPERIMENT = Experiment(
    name="does-descent-get-there",
    title="Does descent get there: the fate of runs by initialization and step size",
    claim=(
        "The theory speaks about flat solutions that fit the labels as well as the truth and stay uncertain "
        "somewhere; whether gradient descent with a large step size converges to one is left open."
    ),
    kind="open question",
    source="Qiao and Wang (2025), open question on convergence; failure signatures of its summary",
    setup=(
        "Labels from twice a wave, a tenth of them flipped: 100 inputs, 400 neurons. PyTorch's default start "
        "at a tenth to four times its scale, and mean-field starts, against step sizes from 0.01 to 4. "
        "Seeds 0 to 2 were run with the full settings before the others, with the rule as it stands. One "
        "word was changed then: a flat run that fits the labels less well than the truth was first called "
        "not there yet; at the largest step sizes such runs are at the edge, so that it is not a matter of "
        "time, and it now underfits. At the edge λ_max passes above and below 2/η: most runs over the edge "
        "are so by less than a tenth; they are counted. The certificate is checked with the measured λ_max. "
        "Whether it is vacuous is asked with the labels at hand: see the rule."
    ),
    quick=_QUICK,
    full={
        **_QUICK,
        "scales": (0.1, 0.3, 1.0, 2.0, 4.0),
        "mean_field_scales": (1.0, 4.0),
        "step_sizes": (0.01, 0.03, 0.1, 0.3, 1.0, 2.0, 4.0),
        "steps": 40_000,
        "seeds": 10,
        "records": 24,
    },
    specs=specs,
    work=work,
    judge=judge,
    figures=figures,
    premises={
        "fate": "what became of the run; the theorems speak about the flat ones",
        "flat": "λ_max + residual is at most 2/η at the flatter of the last two iterates",
        "optimized": "the labels are fitted at least as well as by the truth, L(f) ≤ L(f0)",
        "uncertain_count": "some inputs are uncertain, |f(x_i)| ≤ γ at the best γ",
        "bent_neurons": "some neurons bend among the data",
    },
)
